"""Faults F13 to F36: the way to the exchange, its answers and its streams."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from cockpit.domain.enums import OrderPath, OrderStatus
from cockpit.domain.time import NS_PER_S
from cockpit.engine.locks import TradingState
from tests.faults.bench import BOTH_PATHS, BTC, CREATE, ETH, POSITIONS, Bench


@BOTH_PATHS
async def test_f015_gateway_fails(bench: Bench) -> None:
    await bench.control("fault/rest", route="*", status=502, count=6)
    signal = bench.signal(BTC)
    await bench.until(lambda: bench.history(signal) != [], "the entry is tried")
    await bench.settled()
    await bench.enter(ETH)
    await bench.settled()


async def test_f016_proxy_of_the_environment_is_not_used(exchange: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, address)
        await exchange.start()
        await exchange.enter(BTC)
        await exchange.settled()
        proxy.setblocking(False)
        with pytest.raises(BlockingIOError):
            proxy.accept()


@BOTH_PATHS
async def test_f017_address_is_banned(bench: Bench) -> None:
    await bench.enter(BTC)
    await bench.control("fault/rest", route=POSITIONS, status=403)
    await bench.until(lambda: bench.core.state.trading is TradingState.HALTED, "the ban is heard")
    signal = bench.signal(ETH)
    await bench.until(lambda: "HTTP 403" in bench.note_of(signal), "the entry is not sent, and the reason is told")
    assert bench.history(signal) == []
    assert len(await bench.requests(CREATE)) == 1
    row = await bench.position(BTC)
    assert row is not None
    assert float(row["stopLoss"]) > 0
    await bench.flatten()

    async def is_closed() -> bool:
        return await bench.size(BTC) == 0

    await bench.until(is_closed, "a close leaves all the same")
    assert bench.venue.rest.is_silenced
    assert len(await bench.requests(CREATE)) == 2
    await bench.flat()
    await bench.settled()


@BOTH_PATHS
@pytest.mark.parametrize(
    "fault",
    [{"ret_code": 10006, "reset_in_ms": -5000}, {"ret_code": 10429}, {"status": 429}, {"ret_code": 10404}],
    ids=["f018-reset-in-the-past", "f019-10429", "f019-429", "f019-10404"],
)
async def test_f018_f019_rate_limit(bench: Bench, fault: dict[str, Any]) -> None:
    if bench.takes_socket and "status" in fault:
        pytest.skip("a socket answers with codes, not with an HTTP status")
    await bench.spoil_order(**fault)
    signal = bench.signal(BTC)
    await bench.until(lambda: len(bench.history(signal)) > 1, "an answer")
    is_overload = 429 in fault.values() or 10429 in fault.values()
    assert bench.history(signal)[1] is (OrderStatus.UNKNOWN if is_overload else OrderStatus.DEAD)
    await bench.settled()
    assert len(await bench.requests(CREATE)) == 1
    await bench.enter(ETH)


@BOTH_PATHS
async def test_f020_kept_connection_is_closed_at_the_moment_of_the_order(bench: Bench) -> None:
    await bench.enter(ETH)
    await bench.spoil_order(is_dropped=True)
    signal = bench.signal(BTC)
    await bench.until(lambda: bench.history(signal)[-1:] == [OrderStatus.DEAD], "it is found nowhere")
    await bench.settled()
    assert OrderStatus.UNKNOWN in bench.history(signal)
    assert len([entry for entry in await bench.requests(CREATE) if entry["params"]["symbol"] == BTC]) == 1


@BOTH_PATHS
@pytest.mark.parametrize("code", [33004, 10005, 10010], ids=["f021-expired", "f022-no-permission", "f024-address"])
async def test_f021_f022_f024_key_is_refused(bench: Bench, code: int) -> None:
    await bench.enter(BTC)
    await bench.spoil_order(ret_code=code, count=-1)
    bench.signal(ETH)
    await bench.until(lambda: "key" in bench.core.state.locks, "entries are off because of the key")
    assert bench.core.state.trading is TradingState.HALTED
    [alarm] = [note for note in bench.notes if note.startswith("halted")]
    assert f"code {code}" in alarm
    assert f"{BTC} has its stop" in alarm
    row = await bench.position(BTC)
    assert row is not None
    assert float(row["stopLoss"]) > 0
    await bench.settled()
    assert "key" in bench.core.state.locks


@pytest.mark.parametrize(
    ("exchange", "channel"),
    [(OrderPath.REST, "public"), (OrderPath.REST, "private"), (OrderPath.SOCKET, "trade")],
    indirect=["exchange"],
)
async def test_f025_half_open_stream(bench: Bench, channel: str) -> None:
    await bench.control("fault/socket", channel=channel, half_open=True)
    await bench.until(lambda: bench.core.state.reconnects == 1, "the stream is given up")
    await bench.until(lambda: not bench.core.state.locks, "it is back")
    await bench.enter(BTC)
    await bench.settled()


async def test_f027_delayed_market_data_keeps_entries_off(bench: Bench) -> None:
    await bench.control("fault/socket", channel="public", delay_s=5.0)
    await bench.until(lambda: _lag_s(bench) > 4.9, "frames arrive late")
    signal = bench.signal(BTC)
    await bench.until(lambda: signal in bench.core.signals.queue or bench.history(signal) != [], "the signal is judged")
    assert bench.history(signal) == []
    assert "book age" in bench.core.signals.queue[signal].note
    await bench.control("heal")
    await bench.until(lambda: bench.is_protected(BTC), "it is taken when frames come in time")
    await bench.settled()


def _lag_s(bench: Bench) -> float:
    return bench.core.state.symbols[BTC].md_latency_ns[-1] / NS_PER_S


async def test_f028_duplicate_frames(bench: Bench) -> None:
    await bench.control("fault/socket", channel="private", repeat=1000)
    await bench.enter(BTC)
    await bench.enter(ETH)
    await bench.settled()


async def test_f029_frames_out_of_order(bench: Bench) -> None:
    await bench.control("fault/socket", channel="private", reorder=4)
    await bench.enter(BTC)
    await bench.control("fault/socket", channel="private", reorder=2, topic="execution")
    await bench.enter(ETH)
    await bench.settled()


async def test_f030_execution_is_lost_without_a_disconnect(bench: Bench) -> None:
    await bench.control("fault/socket", channel="private", drop=1, topic="execution")
    await bench.enter(BTC)
    await bench.until(lambda: bench.core.state.reconnects == 1, "the stream that lost it is connected anew")
    assert [note for note in bench.notes if note.startswith("stream_lost_data")]
    await bench.settled()


async def test_f031_private_stream_says_nothing_but_pong(bench: Bench) -> None:
    await bench.control("fault/socket", channel="private", is_silent=True)
    await bench.enter(BTC)
    await bench.until(lambda: bench.core.state.reconnects == 1, "the stream is connected anew")
    await bench.settled()


async def test_f032_truncated_frame(bench: Bench) -> None:
    await bench.control("fault/socket", channel="private", truncate=1)
    await bench.control("fault/socket", channel="public", truncate=1)
    await bench.enter(BTC)
    await bench.until(lambda: bench.core.state.rejected_frames >= 2, "the frames are counted")
    await bench.settled()


STRANGE = [
    {"topic": "unheard.of", "data": {}},
    {"op": "dance", "req_id": 7},
    {"topic": "order", "id": "1", "creationTime": 1, "data": [{"category": "linear", "symbol": BTC, "qty": ""}]},
    {"topic": "execution", "id": "1", "creationTime": 1, "data": None},
    {"topic": "position", "data": [{"symbol": BTC, "size": "NaN", "side": "Buy"}]},
    [],
    "words",
]


async def test_f033_frames_that_make_no_sense(bench: Bench) -> None:
    await bench.enter(BTC)
    for frame in STRANGE:
        for channel in ("private", "public"):
            await bench.control("fault/socket", channel=channel, raw=json.dumps(frame))
    await bench.until(lambda: bench.core.state.rejected_frames > 0, "they are counted")
    await bench.until(lambda: not bench.core.state.locks, "entries are on again")
    await bench.enter(ETH)
    await bench.settled()


@pytest.mark.parametrize(
    ("exchange", "channel"), [(OrderPath.REST, "private"), (OrderPath.SOCKET, "trade")], indirect=["exchange"]
)
@pytest.mark.parametrize("times", [6, pytest.param(50, marks=pytest.mark.soak)])
async def test_f034_connections_are_refused(bench: Bench, channel: str, times: int) -> None:
    await bench.control("fault/socket", channel=channel, refuse=times, reset=True)
    await bench.until(lambda: f"{channel} stream" in bench.core.state.locks, "the stream is lost")
    await bench.until(lambda: not bench.core.state.locks, "it is back", within_s=20 + times)
    assert bench.core.state.reconnects == times + 1
    await bench.enter(BTC)
    await bench.settled()


@pytest.mark.parametrize("fault", [{"slow_ack_s": 8.0}, {"nack": "execution"}], ids=["slow", "refused"])
async def test_f035_not_ready_before_every_topic_is_acknowledged(bench: Bench, fault: dict[str, Any]) -> None:
    await bench.control("fault/socket", channel="private", reset=True, **fault)
    await bench.until(lambda: "private stream" in bench.core.state.locks, "the stream is lost")
    signal = bench.signal(BTC)
    await bench.until(lambda: signal in bench.core.signals.queue, "the signal waits")
    assert "private stream" in bench.core.signals.queue[signal].note
    await bench.control("heal")
    await bench.until(lambda: bench.is_protected(BTC), "the signal is taken when all topics are there")
    await bench.settled()


async def test_f036_public_stream_stays_away(bench: Bench) -> None:
    await bench.enter(BTC)
    await bench.control("fault/socket", channel="public", refuse=-1, reset=True)
    await bench.until(lambda: "public stream" in bench.core.state.locks, "the stream is lost")
    state = bench.core.state.symbols[BTC].market
    assert state.mid is None
    await bench.flatten()
    await bench.flat()
    assert state.mid is None
