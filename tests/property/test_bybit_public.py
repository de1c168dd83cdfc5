"""Any bytes into the public decoder: an event, nothing, or a refusal; never another exception."""

from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from cockpit.adapters.bybit.public import PublicDecoder
from cockpit.domain.errors import RemoteProtocolError
from cockpit.domain.market import BookDelta, BookSnapshot

_junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
_topic = st.sampled_from(["orderbook.50.AUSDT", "orderbook.1.AUSDT", "publicTrade.AUSDT", "tickers.AUSDT", "order", ""])
_price = st.decimals("0.00001", "99999999", places=5).map(str)
_size = st.decimals("0", "99999999", places=3).map(str)
_levels = st.lists(st.tuples(_price, _size), max_size=20)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_a_refusal(raw: bytes) -> None:
    _decode(raw)


@given(_topic, _junk, _junk, _junk, _junk)
def test_any_json_of_a_topic_is_an_event_or_a_refusal(
    topic: str, kind: object, ts: object, data: object, cts: object
) -> None:
    frame = {"topic": topic, "type": kind, "ts": ts, "data": data, "cts": cts}
    _decode(json.dumps(frame, separators=(",", ":")).encode())


@given(st.sampled_from(["snapshot", "delta"]), _levels, _levels, st.integers(1, 2**53))
def test_every_number_text_becomes_its_float(
    kind: str, bids: list[tuple[str, str]], asks: list[tuple[str, str]], update: int
) -> None:
    frame = {
        "topic": "orderbook.50.AUSDT",
        "type": kind,
        "ts": 2,
        "data": {"s": "AUSDT", "b": bids, "a": asks, "u": update, "seq": update},
        "cts": 1,
    }
    event = PublicDecoder().decode(json.dumps(frame, separators=(",", ":")).encode(), 0)
    assert isinstance(event, BookDelta | BookSnapshot)
    assert isinstance(event, BookDelta) == (kind == "delta")
    assert event.bids == [(float(price), float(size)) for price, size in bids]
    assert event.asks == [(float(price), float(size)) for price, size in asks]
    assert event.update_id == update


def _decode(raw: bytes) -> None:
    try:
        event = PublicDecoder().decode(raw, 0)
    except RemoteProtocolError:
        return
    if isinstance(event, BookDelta | BookSnapshot):
        assert all(math.isfinite(p) and p > 0 and math.isfinite(s) and s >= 0 for p, s in event.bids + event.asks)
