"""Faults F60 to F65: starting, reading the account, and reads that tell less than the truth."""

from __future__ import annotations

import itertools
import json
from decimal import Decimal
from typing import Any

import pytest

from cockpit.domain.commands import ClosePosition, ProtectPosition
from cockpit.domain.errors import AuthRejected
from tests.faults.bench import BTC, CREATE, ETH, EXECUTIONS, HISTORY, POSITIONS, REALTIME, WALLET, WRITES, Bench

INSTRUMENTS = "/v5/market/instruments-info"
EMPTY = json.dumps({"retCode": 0, "retMsg": "OK", "result": {"list": [], "nextPageCursor": ""}, "retExtInfo": {}})


async def test_f060_start_with_a_position_of_ours_without_a_stop(bench: Bench) -> None:
    await bench.enter(BTC)
    await bench.stop()
    await bench.control("manual/cancel", symbol=BTC)
    await bench.start(wait=False)

    async def is_protected() -> bool:
        row = await bench.position(BTC)
        return row is None or Decimal(row["stopLoss"]) > 0

    await bench.until(is_protected, "the stop is back or the position gone", 5.0)
    await bench.until(lambda: bench.is_started, "the engine is up")
    await bench.settled()


@pytest.mark.parametrize("fault", [{"status": 502}, {"is_dropped": True}])
async def test_f060_start_while_the_trading_rules_cannot_be_read(bench: Bench, fault: dict[str, Any]) -> None:
    await bench.enter(BTC)
    await bench.stop()
    await bench.control("manual/cancel", symbol=BTC)
    await bench.control("fault/rest", route=INSTRUMENTS, count=-1, **fault)
    await bench.start(wait=False)
    await bench.until(lambda: bench.is_started, "the engine is up without the rules")
    assert any("begins without them" in note for note in bench.notes)

    async def is_closed() -> bool:
        return await bench.size(BTC) == 0

    await bench.until(is_closed, "a stop needs the rules, so the naked position is closed")
    await bench.control("heal")
    await bench.until(lambda: bench.core.state.instrument(BTC) is not None, "the rules are read in the end")
    await bench.settled()


async def test_f060_start_while_one_symbol_is_halted_and_another_is_held(bench: Bench) -> None:
    await bench.enter(BTC)
    await bench.stop()
    await bench.control("market/halt", symbol=ETH)
    await bench.control("manual/cancel", symbol=BTC)
    await bench.start(wait=False)
    await bench.until(lambda: bench.is_started and bench.is_protected(BTC), "the held position has its stop again")
    assert any("does not list ETHUSDT" in note for note in bench.notes)
    (gate,) = [check for check in bench.core.signals.gates.of_symbol(ETH) if check.name == "instrument"]
    assert not gate.passed
    await bench.settled()


async def test_f060_start_with_a_key_that_is_refused_ends_with_its_reason(exchange: Bench) -> None:
    await exchange.control("fault/rest", route=INSTRUMENTS, count=-1, ret_code=10003)
    engine = await exchange.start(wait=False)
    exchange.engine = None
    with pytest.raises(AuthRejected):
        await engine.task


async def test_f060_start_with_a_foreign_position_without_a_stop(exchange: Bench) -> None:
    await exchange.control("manual/order", symbol=BTC, side="Buy", orderType="Market", qty="0.01")
    await exchange.start()
    await exchange.until(lambda: BTC in exchange.core.state.positions.symbols(), "it is seen")
    signal = exchange.signal(BTC)
    await exchange.until(lambda: signal in exchange.core.signals.queue, "the signal waits")
    assert "one position" in exchange.core.signals.queue[signal].note
    assert await exchange.requests(CREATE) == []
    assert (await exchange.command(ProtectPosition(BTC))).accepted

    async def is_protected() -> bool:
        row = await exchange.position(BTC)
        return row is not None and Decimal(row["stopLoss"]) > 0

    await exchange.until(is_protected, "the operator's word gives it a stop")
    assert "has a stop already" in await _protect_again(exchange)


async def _protect_again(exchange: Bench) -> str:
    await exchange.until(lambda: bool(_foreign_stop(exchange)), "the engine sees the stop")
    return (await exchange.command(ProtectPosition(BTC))).reason


def _foreign_stop(exchange: Bench) -> Decimal | None:
    held = exchange.core.state.positions
    report = held.open[BTC].report if BTC in held.open else held.unclaimed[BTC]
    return None if report is None else report.stop_loss


@pytest.mark.parametrize("restarts", [6, pytest.param(50, marks=pytest.mark.soak)])
async def test_f061_warm_restart_sends_nothing(bench: Bench, restarts: int) -> None:
    await bench.enter(BTC)
    last = (await bench.requests())[-1]["number"]
    stop = (await bench.position(BTC) or {})["stopLoss"]
    for _ in range(restarts):
        await bench.stop()
        await bench.start()
        await bench.until(lambda: bench.is_protected(BTC), "the position is adopted")
        await bench.settled()
    assert await bench.requests(*WRITES, after=last) == []
    assert (await bench.position(BTC) or {})["stopLoss"] == stop


async def test_f062_order_is_found_by_its_executions_alone(bench: Bench) -> None:
    await bench.control("fault/rest", route=CREATE, is_reply_lost=True)
    await bench.control("fault/socket", channel="private", is_silent=True)
    for route in (REALTIME, HISTORY):
        await bench.control("fault/rest", route=route, body=EMPTY, count=-1)
    await bench.enter(BTC)
    await bench.settled()


async def test_f062_order_of_a_killed_engine_is_found_by_its_executions_alone_at_the_next_start(bench: Bench) -> None:
    await bench.control("fault/rest", route=CREATE, delay_s=0.5)
    signal = bench.signal(BTC)

    async def has_filled() -> bool:
        return await bench.size(BTC) > 0

    await bench.until(has_filled, "the exchange has filled the order")
    await bench.kill()
    for route in (REALTIME, HISTORY):
        await bench.control("fault/rest", route=route, body=EMPTY, count=-1)
    await bench.start(wait=False)
    await bench.until(lambda: bench.is_started and bench.is_protected(BTC), "the position is adopted with its stop")
    origin = bench.core.state.positions.open[BTC].origin
    assert (origin is not None, len(await bench.requests(CREATE))) == (True, 1)
    assert signal in (await bench.requests(CREATE))[0]["params"]["orderLinkId"]
    await bench.settled()


async def test_f061_a_close_that_was_accepted_goes_on_after_a_crash(bench: Bench) -> None:
    await bench.enter(BTC)
    await bench.control("fault/rest", route=CREATE, ret_code=110074, count=-1)
    assert (await bench.command(ClosePosition(BTC))).accepted
    assert bench.stored("select * from trades where parameters like '%exit_wanted%'"), "accepted and not kept"
    await bench.kill()
    await bench.control("heal")
    await bench.start(wait=False)

    async def is_closed() -> bool:
        return await bench.size(BTC) == 0

    await bench.until(is_closed, "the position is closed as was promised")
    await bench.until(lambda: bench.is_started, "the engine is up")
    await bench.settled()


async def test_f063_empty_lists_are_no_information(bench: Bench) -> None:
    await bench.enter(BTC)
    last = (await bench.requests())[-1]["number"]
    for route in (REALTIME, HISTORY, EXECUTIONS, POSITIONS, WALLET):
        await bench.control("fault/rest", route=route, body=EMPTY, count=-1)
    await bench.control("fault/socket", channel="private", reset=True)

    async def is_read_twice() -> bool:
        return all([len(await bench.requests(route, after=last)) >= 2 for route in (REALTIME, POSITIONS, WALLET)])

    await bench.until(is_read_twice, "everything is read, and empty")
    assert "account" in bench.core.state.locks
    assert BTC in bench.core.state.positions.open
    await bench.control("heal")
    await bench.until(lambda: not bench.core.state.locks, "entries are on again")
    assert BTC in bench.core.state.positions.open
    await bench.settled()
    assert await bench.size(BTC) > 0


async def test_f064_more_rows_than_a_page(exchange: Bench) -> None:
    for number in range(230):
        price = str(10_000 + number)
        await exchange.control("manual/order", symbol=BTC, side="Buy", orderType="Limit", qty="0.001", price=price)
    await exchange.start()
    await exchange.control("market/thin", symbol=ETH, levels=190, lots=1)
    sides = itertools.cycle(("Buy", "Sell"))

    async def has_executions() -> bool:
        for side in itertools.islice(sides, 4):
            await exchange.control("manual/order", symbol=ETH, side=side, orderType="Market", qty="1.2")
        return len((await exchange.account())["executions"]) >= 450

    await exchange.until(has_executions, "450 executions")
    await exchange.settled()
    assert len(exchange.core.state.orders.open_orders()) == 230


@pytest.mark.parametrize("stale_s", [0.5, 10.0])
async def test_f065_reads_come_from_an_old_snapshot(bench: Bench, stale_s: float) -> None:
    for route in (POSITIONS, REALTIME, HISTORY):
        await bench.control("fault/rest", route=route, stale_s=stale_s, count=-1)
    signal = await bench.enter(BTC)
    reads = len(await bench.requests(POSITIONS))

    async def is_read() -> bool:
        return len(await bench.requests(POSITIONS)) >= reads + 2

    await bench.until(is_read, "old snapshots are read")
    assert bench.is_protected(BTC)
    await bench.settled()
    assert [signal in entry["params"]["orderLinkId"] for entry in await bench.requests(CREATE)] == [True]
    assert await bench.size(BTC) > 0
