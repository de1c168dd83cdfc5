"""Faults F1 to F12: the outcome of an order is not known."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from cockpit.domain.commands import PauseEntries
from cockpit.domain.enums import OrderRole, OrderStatus
from cockpit.domain.ids import client_order_id
from cockpit.domain.time import NS_PER_S
from cockpit.engine.order_desk import OLDER_NS
from tests.faults.bench import BOTH_PATHS, BTC, CREATE, ETH, EXECUTIONS, HISTORY, POSITIONS, REALTIME, SOL, Bench


async def creates(bench: Bench, signal: str) -> list[dict[str, Any]]:
    """Requests for the entry of a signal that arrived."""
    return [entry for entry in await bench.requests(CREATE) if f"-{signal}-e" in entry["params"]["orderLinkId"]]


async def died(bench: Bench, signal: str) -> None:
    """Wait until the entry of a signal is given up, without a position."""
    await bench.until(lambda: bench.history(signal)[-1:] == [OrderStatus.DEAD], "the entry is dead")
    await bench.settled()
    assert len(await creates(bench, signal)) <= 1


async def nobody_else_tells(bench: Bench) -> None:
    """The private stream says nothing, and reads answer only after an order's deadline."""
    await bench.control("fault/socket", channel="private", is_silent=True)
    for route in (REALTIME, HISTORY, EXECUTIONS, POSITIONS):
        await bench.control("fault/rest", route=route, delay_s=2.0, count=-1)


@BOTH_PATHS
async def test_f001_answer_lost_after_the_order_was_accepted(bench: Bench) -> None:
    await nobody_else_tells(bench)
    await bench.spoil_order(is_reply_lost=True)
    signal = bench.signal(BTC)
    await bench.until(lambda: OrderStatus.UNKNOWN in bench.history(signal), "the outcome is unknown")
    assert bench.history(signal) == [OrderStatus.INTENT, OrderStatus.UNKNOWN]
    await bench.control("heal")
    await bench.until(lambda: bench.is_protected(BTC), "the order is adopted")
    await bench.settled()
    assert bench.history(signal)[-1] is OrderStatus.FILLED
    assert len(await creates(bench, signal)) == 1


@BOTH_PATHS
async def test_f001_unknown_outcome_keeps_other_entries_off(bench: Bench) -> None:
    await bench.spoil_order(is_dropped=True, symbol=BTC)
    lost = bench.signal(BTC)
    await bench.until(lambda: bench.history(lost)[-1:] == [OrderStatus.UNKNOWN], "the outcome is unknown")
    other = bench.signal(ETH)
    await bench.until(lambda: other in bench.core.signals.queue, "the other signal waits")
    assert "unknown orders" in bench.core.signals.queue[other].note
    await died(bench, lost)
    await bench.until(lambda: bench.is_protected(ETH), "the other signal is taken afterwards")


@BOTH_PATHS
async def test_f002_killed_between_intent_and_send(bench: Bench) -> None:
    async def never(_intent: Any, _path: Any) -> str:
        await asyncio.Event().wait()
        return ""

    assert bench.engine is not None
    bench.engine.venue.submit = never  # type: ignore[method-assign]
    signal = bench.signal(BTC)
    await bench.until(lambda: bench.history(signal) == [OrderStatus.INTENT], "the intent is made")
    await bench.until(lambda: _is_journaled(bench), "the intent is on disk")
    await bench.kill()
    await bench.start()
    await bench.settled()
    assert await bench.requests(CREATE) == []


def _is_journaled(bench: Bench) -> bool:
    return bool(bench.stored("select * from intents"))


@BOTH_PATHS
async def test_f003_killed_between_send_and_answer(bench: Bench) -> None:
    await bench.spoil_order(delay_s=0.5)
    signal = bench.signal(BTC)

    async def has_filled() -> bool:
        return await bench.size(BTC) > 0

    await bench.until(has_filled, "the exchange has filled the order")
    await bench.kill()
    await bench.start()
    await bench.until(lambda: bench.is_protected(BTC), "the position is adopted with its stop")
    await bench.settled()
    assert len(await creates(bench, signal)) == 1
    assert bench.core.state.positions.open[BTC].origin is not None


@BOTH_PATHS
@pytest.mark.parametrize(
    ("body", "is_applied"), [("{}", True), ("[]", False), ("<html>", True), ('{"retCode":0,"res', False)]
)
async def test_f004_answer_that_is_none(bench: Bench, body: str, is_applied: bool) -> None:
    await bench.spoil_order(body=body, is_applied=is_applied)
    if is_applied:
        await bench.enter(BTC)
        await bench.settled()
    else:
        await died(bench, bench.signal(BTC))
    assert len(await bench.requests(CREATE)) == 1


@BOTH_PATHS
async def test_f005_order_arrives_after_its_time_to_live(bench: Bench) -> None:
    await bench.spoil_order(late_s=1.3)
    await died(bench, bench.signal(BTC))
    assert [entry["ret_code"] for entry in await bench.requests(CREATE)] == [10002]


@BOTH_PATHS
async def test_f005_order_arrives_late_but_in_time(bench: Bench) -> None:
    await bench.spoil_order(late_s=0.7, delay_s=0.5)
    signal = await bench.enter(BTC)
    await bench.settled()
    assert len(await creates(bench, signal)) == 1


@BOTH_PATHS
@pytest.mark.parametrize(("code", "is_applied"), [(10000, True), (10016, False)])
async def test_f006_server_error_is_no_refusal(bench: Bench, code: int, is_applied: bool) -> None:
    await bench.spoil_order(ret_code=code, is_applied=is_applied)
    signal = bench.signal(BTC)
    await bench.until(lambda: OrderStatus.UNKNOWN in bench.history(signal) or bench.is_protected(BTC), "not dead")
    assert bench.history(signal)[1] is not OrderStatus.DEAD
    if is_applied:
        await bench.until(lambda: bench.is_protected(BTC), "the order is adopted")
        await bench.settled()
    else:
        await died(bench, signal)


@BOTH_PATHS
async def test_f007_link_id_is_taken_already(bench: Bench) -> None:
    await bench.spoil_order(ret_code=110072, is_applied=True)
    signal = await bench.enter(BTC)
    await bench.settled()
    assert len(await creates(bench, signal)) == 1


@BOTH_PATHS
async def test_f007_link_id_is_that_of_another_engines_older_order(bench: Bench) -> None:
    """As an engine on a copy of the data folder makes it: it has counted the same start and raised the same signal."""
    state = bench.core.state.settings
    await bench.stop()
    link = client_order_id(state.environment, state.epoch + 1, f"{state.epoch + 1}a1", OrderRole.ENTRY, 1, state.folder)
    beyond = {"orderType": "Limit", "qty": "0.01", "price": "1000", "timeInForce": "IOC"}
    await bench.control("manual/order", symbol=BTC, side="Buy", orderLinkId=link, **beyond)
    made_ns = time.monotonic_ns()
    await bench.start()
    await bench.until(lambda: time.monotonic_ns() - made_ns > OLDER_NS + NS_PER_S, "the other order is older")
    signal = bench.signal(BTC)
    await bench.until(lambda: bench.history(signal)[-1:] == [OrderStatus.DEAD], "our order never came to be")
    assert [entry["ret_code"] for entry in await creates(bench, signal)] == [110072]
    assert bench.core.state.orders.get(link) is None
    assert "another engine trades this account" in bench.core.state.locks["instance"]


@BOTH_PATHS
async def test_f008_no_order_is_posted_twice_whatever_the_answer(bench: Bench) -> None:
    # 10002 is the last: no entry leaves after it before the clock has been measured again.
    for symbol, code in ((BTC, 10006), (ETH, 10016), (SOL, 10002)):
        await bench.spoil_order(ret_code=code, symbol=symbol)
        signal = bench.signal(symbol)
        await bench.until(lambda name=signal: len(bench.history(name)) > 1, "an answer")  # type: ignore[misc]
    await bench.settled()
    links = [entry["params"]["orderLinkId"] for entry in await bench.requests(CREATE)]
    assert len(links) == len(set(links)) == 3


@BOTH_PATHS
async def test_f009_order_is_acknowledged_and_rejected_later(bench: Bench) -> None:
    await bench.control("fault/order", reject_after_s=0.3, reject_reason="EC_NoEnoughQtyToFill")
    signal = bench.signal(BTC)
    await bench.until(lambda: bench.history(signal)[-1:] == [OrderStatus.REJECTED], "the rejection is shown")
    assert OrderStatus.SENT in bench.history(signal)
    assert OrderStatus.NEW not in bench.history(signal)
    await bench.settled()


@BOTH_PATHS
async def test_f010_fill_comes_before_the_answer(bench: Bench) -> None:
    await bench.spoil_order(delay_s=0.5)
    signal = await bench.enter(BTC)
    assert OrderStatus.SENT not in bench.history(signal)
    await bench.settled()
    assert len(await creates(bench, signal)) == 1


@BOTH_PATHS
async def test_f011_journal_is_locked_between_answer_and_write(bench: Bench) -> None:
    await bench.spoil_order(delay_s=0.3)
    signal = bench.signal(BTC)
    await bench.until(lambda: bench.history(signal) != [] and _is_journaled(bench), "the intent is on disk")
    async with bench.locked_journal():
        await bench.until(lambda: bench.is_protected(BTC), "the position is open and known")
        second, raised_ns = bench.signal(ETH), bench.core.state.now_ns
        await bench.until(lambda: second in bench.core.signals.queue or bench.history(second) != [], "the next signal")
        await bench.until(lambda: bench.core.state.now_ns - raised_ns > NS_PER_S, "it had time enough to leave")
        assert await creates(bench, second) == []
    await bench.settled()
    assert len(await creates(bench, signal)) == 1


async def test_f011_entries_are_paused_while_an_intent_waits_for_the_journal(bench: Bench) -> None:
    async with bench.locked_journal():
        signal = bench.signal(BTC)
        await bench.until(lambda: bench.history(signal) == [OrderStatus.INTENT], "the entry is decided")
        pause = asyncio.create_task(bench.command(PauseEntries()))
        await bench.until(lambda: "paused" in bench.core.state.locks, "entries are paused")
    assert (await pause).accepted
    await bench.until(lambda: bench.history(signal)[-1:] == [OrderStatus.DEAD], "the entry is held back")
    assert await creates(bench, signal) == []
    assert any("not sent: entries are off by now: paused" in note for note in bench.notes)


async def test_f012_answer_drips(bench: Bench) -> None:
    await bench.enter(ETH)
    await nobody_else_tells(bench)
    drips = {"route": CREATE, "drip_bytes_per_s": 20, "symbol": BTC, "count": -1}
    await bench.control("fault/rest", **drips)
    signal = bench.signal(BTC)
    await bench.until(lambda: OrderStatus.UNKNOWN in bench.history(signal), "the deadline of the call")
    await bench.control("heal")
    await bench.control("fault/rest", **drips)
    await bench.flatten()
    await bench.flat()
    await bench.settled()


async def test_f118_price_that_the_exchange_moved_is_alarmed(bench: Bench) -> None:
    await bench.control("fault/order", shift_ticks=3)
    await bench.enter(BTC)
    await bench.until(lambda: any(note.startswith("order_altered:") for note in bench.notes), "the alarm")
    await bench.settled()
