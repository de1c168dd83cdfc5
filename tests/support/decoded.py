"""Recorded frames as market events, decoded with msgspec alone: tests of the lower floors need no adapter."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from cockpit.domain.enums import Side
from cockpit.domain.market import BookDelta, BookSnapshot, MarketEvent, Trade, Trades
from cockpit.domain.time import NS_PER_MS
from tests.support.recorded import frames


class _Envelope(msgspec.Struct):
    topic: str = ""
    type: str = ""
    ts: int = 0
    cts: int = 0
    data: msgspec.Raw = msgspec.Raw(b"null")


class _Book(msgspec.Struct):
    s: str
    b: list[tuple[float, float]]
    a: list[tuple[float, float]]
    u: int
    seq: int


class _Trade(msgspec.Struct):
    T: int
    s: str
    S: str
    v: float
    p: float
    i: str
    BT: bool = False


_envelope = msgspec.json.Decoder(_Envelope)
_book = msgspec.json.Decoder(_Book, strict=False)
_trades = msgspec.json.Decoder(list[_Trade], strict=False)


def decode(raw: bytes, ts_recv: int = 0, shift_ns: int = 0) -> MarketEvent | None:
    """One order-book or trade frame as an event, None for the others; ``shift_ns`` is added to every event stamp."""
    frame = _envelope.decode(raw)
    if frame.topic.startswith("orderbook."):
        book = _book.decode(frame.data)
        kind = BookSnapshot if frame.type == "snapshot" else BookDelta
        ts_event = (frame.cts or frame.ts) * NS_PER_MS + shift_ns
        return kind(book.s, ts_event, ts_recv, book.u, book.seq, book.b, book.a)
    if frame.topic.startswith("publicTrade."):
        rows = _trades.decode(frame.data)
        trades = [Trade(t.T * NS_PER_MS + shift_ns, Side(t.S), t.p, t.v, t.i, t.BT) for t in rows]
        return Trades(rows[0].s, frame.ts * NS_PER_MS + shift_ns, ts_recv, trades)
    return None


def recorded_events(relative: str, shift_ns: int = 0) -> Iterator[MarketEvent]:
    """The market events of a recording in its order."""
    for ts_recv, raw in frames(relative):
        event = decode(raw, ts_recv, shift_ns)
        if event is not None:
            yield event
