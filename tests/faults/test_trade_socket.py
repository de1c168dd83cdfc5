"""Faults that only the trade socket has, and what becomes of orders meanwhile (F1, F4, F6, F28, F31, F33, F35, F42)."""

from __future__ import annotations

import json

import pytest

from cockpit.domain.commands import ClosePosition
from cockpit.domain.enums import OrderStatus
from cockpit.domain.ids import role_of
from tests.faults.bench import BTC, CREATE, ETH, SOCKET_PATH, SOL, Bench

UNKNOWN = OrderStatus.UNKNOWN


async def ways(bench: Bench) -> list[tuple[str, str]]:
    """Role and way of every order that arrived."""
    sent = await bench.requests(CREATE)
    return [(str(role_of(entry["params"]["orderLinkId"])), entry["method"]) for entry in sent]


def journaled(bench: Bench) -> list[str]:
    """What the journal says of answers to orders."""
    return [row[0] for row in bench.stored("select text from system_events where type = 'order_answered'")]


@SOCKET_PATH
async def test_orders_go_over_the_socket_stops_and_flatten_by_rest(bench: Bench) -> None:
    await bench.enter(BTC)
    await bench.command(ClosePosition(BTC, 100))
    await bench.until(bench.is_flat, "the position is closed")
    await bench.enter(ETH)
    await bench.flatten()
    await bench.flat()
    assert await ways(bench) == [("entry", "WS"), ("close", "WS"), ("entry", "WS"), ("flatten", "POST")]
    await bench.settled()
    await bench.until(lambda: len(journaled(bench)) == 4, "the answers are journaled")
    assert ["by socket" in text for text in journaled(bench)] == [True, True, True, False]
    assert "trade-socket" in [light.name for light in bench.lights]


@SOCKET_PATH
@pytest.mark.parametrize(("code", "is_applied"), [(10019, True), (20003, False), (20006, True)])
async def test_f006_code_that_says_nothing_is_unknown_and_looked_up(bench: Bench, code: int, is_applied: bool) -> None:
    await bench.spoil_order(ret_code=code, is_applied=is_applied)
    signal = bench.signal(BTC)
    end = OrderStatus.FILLED if is_applied else OrderStatus.DEAD
    await bench.until(lambda: bench.history(signal)[-1:] == [end], "the exchange has told what became of it")
    await bench.settled()
    assert await ways(bench) == [("entry", "WS")]
    await bench.enter(ETH)


@SOCKET_PATH
async def test_f001_connection_is_lost_with_two_orders_on_their_way(bench: Bench) -> None:
    await bench.spoil_order(delay_s=5.0, symbol=BTC)
    await bench.spoil_order(late_s=0.4, is_reply_lost=True, symbol=ETH)
    for symbol in (BTC, ETH):
        bench.signal(symbol)

    async def have_left() -> bool:
        return len(await bench.requests(CREATE)) == 2

    await bench.until(have_left, "both are on their way")
    await bench.control("fault/socket", channel="trade", reset=True)
    await bench.until(lambda: bench.core.state.reconnects >= 1, "the loss is noticed")
    for symbol in (BTC, ETH):
        await bench.until(lambda name=symbol: bench.is_protected(name), "the order is adopted")  # type: ignore[misc]
    await bench.settled()
    assert await ways(bench) == [("entry", "WS"), ("entry", "WS")]
    assert [text.split()[1] for text in journaled(bench)] == ["unknown", "unknown"]
    await bench.enter(SOL)


@SOCKET_PATH
async def test_f031_socket_says_nothing_but_pong(bench: Bench) -> None:
    await bench.control("fault/socket", channel="trade", is_silent=True)
    signal = await bench.enter(BTC)
    await bench.until(lambda: any("unknown by socket" in text for text in journaled(bench)), "the deadline")
    await bench.settled()
    assert bench.history(signal)[-1] is OrderStatus.FILLED
    assert len(await bench.requests(CREATE)) == 1


@SOCKET_PATH
async def test_f004_answer_is_cut_in_half(bench: Bench) -> None:
    await bench.control("fault/socket", channel="trade", truncate=1)
    await bench.enter(BTC)
    await bench.until(lambda: bench.core.state.rejected_frames == 1, "the frame is counted")
    await bench.settled()
    assert len(await bench.requests(CREATE)) == 1


@SOCKET_PATH
async def test_f033_frames_that_make_no_sense_end_the_connection_and_nothing_else(bench: Bench) -> None:
    await bench.enter(BTC)
    for frame in ({"op": "dance"}, {"retCode": 10005, "op": "order.create"}, []):
        await bench.control("fault/socket", channel="trade", raw=json.dumps(frame))
    await bench.until(lambda: bench.core.state.reconnects == 1, "the socket is given up")
    await bench.until(lambda: not bench.core.state.locks, "it is back")
    await bench.enter(ETH)
    await bench.settled()


@SOCKET_PATH
async def test_f028_answers_come_twice(bench: Bench) -> None:
    await bench.control("fault/socket", channel="trade", repeat=1000)
    await bench.enter(BTC)
    await bench.enter(ETH)
    await bench.settled()
    assert len(await bench.requests(CREATE)) == 2


@SOCKET_PATH
async def test_f035_entries_wait_for_the_socket_and_closes_take_rest(bench: Bench) -> None:
    await bench.enter(BTC)
    await bench.control("fault/socket", channel="trade", refuse=-1, reset=True)
    await bench.until(lambda: "trade stream" in bench.core.state.locks, "the socket is lost")
    waiting = bench.signal(ETH)
    await bench.until(lambda: waiting in bench.core.signals.queue, "the signal waits")
    assert "trade stream" in bench.core.signals.queue[waiting].note
    await bench.command(ClosePosition(BTC, 100))

    async def is_closed() -> bool:
        return await bench.size(BTC) == 0

    await bench.until(is_closed, "the close took REST")
    assert await ways(bench) == [("entry", "WS"), ("close", "POST")]
    await bench.until(lambda: any("by rest" in text for text in journaled(bench)), "the detour is journaled")
    assert any("the trade socket was not ready" in line for line in bench.story)
    await bench.control("heal")
    await bench.until(lambda: bench.is_protected(ETH), "the signal is taken when the socket is back")
    await bench.settled()


@SOCKET_PATH
async def test_f042_socket_is_dead_while_everything_is_flattened(bench: Bench) -> None:
    await bench.enter(BTC)
    await bench.control("fault/socket", channel="trade", half_open=True)
    await bench.flatten()
    await bench.flat()
    await bench.settled()
