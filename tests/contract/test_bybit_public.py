"""Public frames against the golden frames of ``tests/data/bybit`` and against real recordings."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from cockpit.adapters.bybit.public import PublicDecoder
from cockpit.domain.errors import RemoteProtocolError
from cockpit.domain.market import BookDelta, BookSnapshot, Ticker, TouchHeartbeat, Trades
from tests.support.recorded import frames, recorded

GOLDEN = Path(__file__).parents[1] / "data" / "bybit"
NOW = 1_700_000_000_000_000_000


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("public_orderbook_snapshot", BookSnapshot),
        ("public_orderbook_delta", BookDelta),
        ("public_orderbook_1", TouchHeartbeat),
        ("public_trade", Trades),
        ("public_ticker_snapshot", Ticker),
        ("public_subscribe_ok", type(None)),
        ("public_subscribe_refused", type(None)),
        ("public_pong", type(None)),
    ],
)
def test_golden_frame_is_understood(name: str, kind: type) -> None:
    raw = (GOLDEN / f"{name}.json").read_bytes()
    pretty = PublicDecoder().decode(raw, NOW)
    compact = PublicDecoder().decode(json.dumps(json.loads(raw), separators=(",", ":")).encode(), NOW)
    assert type(pretty) is kind
    assert pretty == compact


@pytest.mark.recorded
@pytest.mark.parametrize(
    "file",
    [
        "bybit-linear-2026-08/frames_ob200.jsonl.gz",
        "bybit-linear-2026-08/frames_ob50.jsonl.gz",
        "btcusdt-perp-2023/frames.jsonl.gz",
        "alts-2021/frames.jsonl.gz",
    ],
)
def test_recorded_frames_are_all_understood_and_updates_are_contiguous(file: str) -> None:
    decoder = PublicDecoder()
    last: dict[str, int] = {}
    deltas = 0
    for rx_ns, raw in frames(file):
        event = decoder.decode(raw, rx_ns)
        if isinstance(event, BookSnapshot):
            last[event.symbol] = event.update_id
        elif isinstance(event, BookDelta):
            deltas += 1
            assert event.update_id == last[event.symbol] + 1
            last[event.symbol] = event.update_id
    assert deltas > 500


@pytest.mark.recorded
def test_tickers_of_the_real_recording_say_mark_last_and_change() -> None:
    decoder = PublicDecoder()
    latest: dict[str, Ticker] = {}
    for rx_ns, raw in frames("bybit-linear-2026-08/frames_ob50.jsonl.gz"):
        event = decoder.decode(raw, rx_ns)
        if isinstance(event, Ticker):
            latest[event.symbol] = event
    assert set(latest) == {"BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT"}
    for event in latest.values():
        assert event.last_price
        assert event.mark_price
        assert event.change_24h is not None
        assert event.next_funding_ns
        assert not event.is_change_since_start


@pytest.mark.recorded
@pytest.mark.parametrize("name", ["mainnet_spot_BTCUSDT", "testnet_spot_BTCUSDT"])
def test_bare_frames_with_another_key_order_are_understood(name: str) -> None:
    decoder = PublicDecoder()
    lines = recorded(f"bybit-small/{name}.jsonl").read_bytes().splitlines()
    events = [decoder.decode(line, NOW) for line in lines if line.strip()]
    assert sum(isinstance(event, BookSnapshot) for event in events) >= 1
    assert sum(isinstance(event, BookDelta) for event in events) >= 8


@pytest.mark.recorded
def test_archive_of_bybit_is_understood() -> None:
    decoder = PublicDecoder()
    archive = recorded("bybit-archive-ob500/xrpusdt-ob500.data.zip")
    with zipfile.ZipFile(archive) as members:
        lines = io.BytesIO(members.read(members.namelist()[0])).readlines()
    events = [decoder.decode(line.strip(), NOW) for line in lines]
    assert isinstance(events[0], BookSnapshot)
    assert all(isinstance(event, BookDelta) for event in events[1:])


@pytest.mark.recorded
@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("docs-examples/websocket__public__orderbook__1.json", BookDelta),
        ("docs-examples/websocket__public__trade__1.json", Trades),
        ("docs-examples/websocket__public__ticker__1.json", Ticker),
        ("rest-ws-json/ws_orderbook_snapshot.json", TouchHeartbeat),
        ("rest-ws-json/ws_ticker_linear.json", Ticker),
    ],
)
def test_documented_and_collected_frames_are_understood(file: str, kind: type) -> None:
    raw = recorded(f"fixtures/{file}").read_bytes()
    assert isinstance(PublicDecoder().decode(raw, NOW), kind)


@pytest.mark.recorded
def test_a_delta_of_depth_one_does_not_exist_and_is_refused() -> None:
    raw = recorded("fixtures/rest-ws-json/ws_orderbook_delta.json").read_bytes()
    with pytest.raises(RemoteProtocolError):
        PublicDecoder().decode(raw, NOW)
