"""Faults F41 to F59: the emergency way out."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cockpit.adapters.bybit.config import BybitConfig, RestLimits
from cockpit.adapters.bybit.credentials import SecretKey
from cockpit.adapters.bybit.flatten import FlattenIds, FlattenProgress, flatten
from cockpit.adapters.bybit.rest import BybitRest
from cockpit.adapters.system.clock import LiveClock
from cockpit.domain.commands import FlattenAll, Shutdown
from cockpit.domain.enums import Environment, Side
from cockpit.domain.time import NS_PER_S
from cockpit.execution import flatten as flatten_state
from cockpit.simex.config import DEFAULT_SYMBOLS
from tests.faults.bench import BTC, CANCEL_ALL, CREATE, ETH, POSITIONS, REALTIME, REST, SOL, Bench, running_bench
from tests.support.gate import gate_before

TWELVE = (*DEFAULT_SYMBOLS, "TONUSDT", "LTCUSDT", "DOTUSDT", "UNIUSDT")
LINEAR_BTC = {"symbol": BTC, "side": "Buy", "orderType": "Limit"}


async def closes(bench: Bench, symbol: str) -> list[dict[str, Any]]:
    """Reduce-only orders of the engine for a symbol, oldest first."""
    sent = await bench.requests(CREATE)
    return [entry for entry in sent if entry["params"]["symbol"] == symbol and entry["params"].get("reduceOnly")]


async def test_f041_stop_stays_until_the_position_is_closed(bench: Bench) -> None:
    await bench.enter(BTC)
    await bench.control("fault/rest", route=CREATE, late_s=0.6)
    await bench.flatten()

    async def is_closed() -> bool:
        row = await bench.position(BTC)
        assert row is None or Decimal(row["stopLoss"]) > 0
        return row is None

    await bench.until(is_closed, "the position is closed")
    await bench.flat()
    assert all(entry["params"].get("orderFilter") == "Order" for entry in await bench.requests(CANCEL_ALL))
    await bench.settled()


async def test_f042_streams_are_dead(bench: Bench) -> None:
    await bench.enter(BTC)
    for channel in ("public", "private"):
        await bench.control("fault/socket", channel=channel, refuse=-1, reset=True)
    await bench.flatten()
    await bench.flat()
    await bench.settled()


@pytest.mark.parametrize("times", [5, pytest.param(10, marks=pytest.mark.soak)])
async def test_f043_close_or_its_answer_is_lost(bench: Bench, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flatten_state, "FIRST_RETRY_S", 0.1)
    await bench.enter(BTC)
    await bench.enter(ETH, Side.SELL)
    for _ in range(times):
        await bench.control("fault/rest", route=CREATE, is_dropped=True, symbol=BTC)
        await bench.control("fault/rest", route=CREATE, is_reply_lost=True, symbol=ETH)
    await bench.flatten()
    await bench.flat()
    await bench.settled()


async def test_f044_close_is_filled_in_part(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flatten_state, "FIRST_RETRY_S", 0.2)
    await bench.enter(BTC)
    size = await bench.size(BTC)
    await bench.control("market/thin", symbol=BTC, levels=1, lots=max(1, int(size / Decimal("0.001")) // 5))
    await bench.flatten()
    await bench.flat()
    told = [entry["params"].get("slippageTolerance") for entry in await closes(bench, BTC)]
    assert told[:4] == [None, None, None, "1.00"]
    await bench.settled()


async def test_f045_position_is_closed_by_hand_at_the_same_moment(bench: Bench) -> None:
    await bench.enter(BTC)
    await bench.control("fault/rest", route=CREATE, late_s=0.4)
    await bench.flatten()
    await bench.control("manual/close", symbol=BTC)
    await bench.flat()
    await bench.settled()
    assert [entry["ret_code"] for entry in await closes(bench, BTC)][:1] == [110017]


async def test_f046_one_symbol_cannot_be_closed(bench: Bench) -> None:
    await bench.enter(BTC)
    await bench.enter(ETH)
    await bench.control("fault/rest", route=CREATE, ret_code=110074, count=-1, symbol=BTC)
    await bench.flatten()

    async def is_other_closed() -> bool:
        return await bench.size(ETH) == 0 and len(await closes(bench, BTC)) >= 2

    await bench.until(is_other_closed, "the other symbol is closed, this one is tried again")
    row = await bench.position(BTC)
    assert row is not None
    assert Decimal(row["stopLoss"]) > 0
    await bench.control("heal")
    await bench.flat()
    await bench.settled()


async def test_f047_resting_order_without_a_position(bench: Bench) -> None:
    await bench.control("manual/order", **LINEAR_BTC, qty="0.01", price="50000")
    await bench.until(lambda: bench.core.state.orders.open_orders() != [], "the engine sees the order")
    await bench.flatten()
    await bench.flat()
    await bench.settled()


async def test_f048_entry_on_its_way_fills_after_the_first_zero(bench: Bench) -> None:
    await bench.control("fault/rest", route=CREATE, late_s=0.7, count=1)
    signal = bench.signal(BTC)
    await bench.until(lambda: bench.history(signal) != [], "the entry leaves")
    await bench.flatten()
    await bench.flat()
    await bench.settled()
    assert await bench.is_flat()


async def test_f049_position_is_larger_than_a_market_order_may_be(bench: Bench) -> None:
    await bench.enter(BTC)
    third = (await bench.size(BTC) / 3).quantize(Decimal("0.001"))
    await bench.control("market/rules", symbol=BTC, max_market_qty=str(third))
    await bench.flatten()
    await bench.flat()
    assert len(await closes(bench, BTC)) >= 3
    await bench.settled()


async def test_f050_position_is_smaller_than_a_lot_has_become(bench: Bench) -> None:
    await bench.enter(BTC)
    await bench.control("market/rules", symbol=BTC, min_qty="1", qty_step="1", min_notional="1000000")
    await bench.flatten()
    await bench.flat()
    await bench.settled()


async def test_f050_dust_that_is_refused_is_alarmed_and_tried_slowly(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flatten_state, "FIRST_RETRY_S", 0.2)
    monkeypatch.setattr(flatten_state, "DUST_RETRY_S", 3.0)
    await bench.enter(BTC)
    await bench.control("market/rules", symbol=BTC, min_qty="1", qty_step="1", min_notional="1000000")
    await bench.control("fault/rest", route=CREATE, ret_code=110094, count=-1, symbol=BTC)
    await bench.flatten()
    state = bench.core.flatten.flatten
    await bench.until(lambda: state.state is flatten_state.FlattenState.DUST, "it is called dust")
    assert [note for note in bench.notes if note.startswith("flat_dust: ")] != []
    row = await bench.position(BTC)
    assert row is not None
    assert Decimal(row["stopLoss"]) > 0
    await bench.control("heal")
    await bench.flat()
    await bench.settled()


async def test_f051_rate_limit_while_flattening_twelve_symbols(tmp_path: Path) -> None:
    async with running_bench(tmp_path, TWELVE) as exchange:
        exchange.symbols = (BTC,)
        await exchange.start()
        await exchange.enter(BTC)
        for symbol in TWELVE[1:]:
            qty = "0.1" if symbol == ETH else "100"
            await exchange.control("manual/order", symbol=symbol, side="Sell", orderType="Market", qty=qty)
        held = exchange.core.state.positions
        await exchange.until(lambda: len(held.symbols()) == len(TWELVE), "the engine sees them")
        await exchange.control("fault/rest", route=CREATE, ret_code=10006, count=6)
        await exchange.flatten()
        await exchange.flat()


async def test_f052_another_reduce_only_order_is_in_the_way(bench: Bench) -> None:
    await bench.enter(BTC)
    qty = str(await bench.size(BTC))
    exit_order = {"symbol": BTC, "side": "Sell", "orderType": "Limit", "qty": qty, "price": "90000", "reduceOnly": True}
    await bench.control("manual/order", **exit_order)
    await bench.control("fault/rest", route=CREATE, ret_code=110061)
    await bench.flatten()
    await bench.flat()
    await bench.settled()


async def test_f052_conditional_orders_by_hand_are_gone_at_the_end(bench: Bench) -> None:
    await bench.enter(BTC)
    conditional = {"orderType": "Market", "qty": "0.01", "triggerDirection": 2, "triggerBy": "LastPrice"}
    for symbol in (BTC, ETH):
        price = "1000" if symbol == ETH else "30000"
        await bench.control("manual/order", symbol=symbol, side="Sell", triggerPrice=price, **conditional)
    await bench.flatten()
    await bench.flat()
    assert all(entry["params"].get("orderFilter") == "Order" for entry in await bench.requests(CANCEL_ALL))
    await bench.settled()


async def test_f053_symbol_is_halted(bench: Bench) -> None:
    await bench.enter(BTC)
    await bench.control("market/halt", symbol=BTC)
    await bench.flatten()

    async def is_tried() -> bool:
        return len(await closes(bench, BTC)) >= 2

    await bench.until(is_tried, "it is tried again")
    row = await bench.position(BTC)
    assert row is not None
    assert Decimal(row["stopLoss"]) > 0
    await bench.control("market/halt", symbol=BTC, is_halted=False)
    await bench.flat()
    await bench.settled()


async def test_f054_journal_is_locked(bench: Bench) -> None:
    await bench.enter(BTC)
    async with bench.locked_journal():
        await bench.flatten()
        await bench.until(bench.is_flat, "flat without a journal")
    await bench.flat()
    await bench.settled()


@pytest.mark.parametrize(
    ("fault", "path", "count"),
    [
        pytest.param({}, CREATE, 0, id="accepted"),
        pytest.param({"route": CANCEL_ALL, "late_s": 0.6}, CANCEL_ALL, 1, id="cancel-on-its-way"),
        pytest.param({"route": CREATE, "late_s": 0.6}, CREATE, 1, id="close-on-its-way"),
        pytest.param({"route": CREATE, "ret_code": 10016, "count": -1}, CREATE, 1, id="close-refused"),
        pytest.param({"route": CREATE, "is_reply_lost": True}, CREATE, 1, id="close-done-and-answer-lost"),
        pytest.param({"route": CREATE, "ret_code": 10016, "count": -1, "symbol": ETH}, CREATE, 2, id="one-closed"),
        pytest.param({"route": POSITIONS, "late_s": 0.6}, POSITIONS, 1, id="positions-being-read"),
        pytest.param({"route": REALTIME, "late_s": 0.6}, REALTIME, 1, id="orders-being-read"),
    ],
)
async def test_f055_killed_in_the_middle(bench: Bench, fault: dict[str, Any], path: str, count: int) -> None:
    await bench.enter(BTC)
    await bench.enter(ETH, Side.SELL)
    await bench.control("manual/order", **LINEAR_BTC, qty="0.01", price="50000")
    await bench.until(lambda: bench.core.state.orders.open_orders() != [], "the engine sees the order")
    last = (await bench.requests())[-1]["number"]
    if fault:
        await bench.control("fault/rest", **fault)
    await bench.flatten()
    assert bench.stored("select * from engine_state where name = 'flatten' and value != ''"), "accepted and not kept"

    async def is_there() -> bool:
        return len(await bench.requests(path, after=last)) >= count

    await bench.until(is_there, "the flatten has come so far")
    await bench.kill()
    await bench.control("heal")
    await bench.start(wait=False)
    await bench.until(lambda: bench.is_started, "the engine is up")
    await bench.flat()
    await bench.settled()


async def test_f056_main_host_does_not_take_connections(exchange: Bench) -> None:
    direct = exchange.ready["rest"]
    async with gate_before(direct) as gate:
        exchange.ready |= {"rest": gate.url, "rest_alternate": direct}
        await exchange.start()
        await exchange.enter(BTC)
        await gate.shut()
        await exchange.flatten()
        await exchange.flat()
    told = [note for note in exchange.notes if note.startswith("flatten_host:")]
    assert told[:1] == [f"flatten_host: no answer twice: flatten goes on over {direct}"]


async def test_f056_main_host_takes_connections_and_never_answers(exchange: Bench) -> None:
    direct = exchange.ready["rest"]
    await exchange.control("manual/order", symbol=BTC, side="Buy", orderType="Market", qty="0.01")
    limits = RestLimits(recv_window_ms=1000, order_deadline_s=0.3, read_deadline_s=0.3)
    async with gate_before(direct) as gate:
        gate.mute()
        exchange.ready |= {"rest": gate.url, "rest_alternate": direct}
        rest = hand_rest(exchange, limits)
        rounds: list[FlattenProgress] = []
        try:
            await flatten(rest, LiveClock(), FlattenIds(Environment.SIM, 1, "hand"), rounds.append)
        finally:
            rest.close()
    assert gate.connections == 2
    assert (rounds[0].host, bool(rounds[0].failures)) == (direct, True)
    assert await exchange.is_flat()


async def test_flatten_closes_a_position_in_a_symbol_that_nobody_watches(exchange: Bench) -> None:
    exchange.symbols = (BTC,)
    await exchange.start()
    await exchange.control("manual/order", symbol=ETH, side="Sell", orderType="Market", qty="0.1")
    await exchange.until(lambda: ETH in exchange.core.state.positions.symbols(), "the engine sees it")
    await exchange.flatten()
    await exchange.flat()


def hand_rest(bench: Bench, limits: RestLimits = REST) -> BybitRest:
    """The call layer of ``cockpit flatten``."""
    ready = bench.ready
    config = BybitConfig(
        rest_url=ready["rest"],
        rest_alternate_url=ready.get("rest_alternate", ""),
        public_url=ready["public"],
        private_url=ready["private"],
        rest=limits,
    )
    return BybitRest(config.endpoints(), SecretKey(ready["api_key"], ready["api_secret"]), config.rest, LiveClock())


async def test_f048_an_engine_that_goes_on_entering_pauses_when_it_sees_the_command_close(bench: Bench) -> None:
    """Nobody told it: a flatten by hand ends all the same, because entries stop at its first order."""
    await bench.enter(BTC)
    rest, rounds = hand_rest(bench), list[FlattenProgress]()
    running = asyncio.create_task(
        flatten(rest, LiveClock(), FlattenIds(Environment.SIM, 0, "hand"), rounds.append),
    )
    try:
        while not running.done():
            for symbol in (BTC, ETH, SOL):
                if symbol not in bench.core.state.positions.open:
                    bench.signal(symbol)
            await asyncio.sleep(0.3)
        await running
    finally:
        running.cancel()
        rest.close()
    assert "paused" in bench.core.state.locks
    assert await bench.is_flat()
    entries = [row for row in await bench.requests(CREATE) if not row["params"].get("reduceOnly")]
    assert len(entries) <= 4, "what was on its way when it saw the first close"
    assert bench.stored("SELECT value FROM engine_state WHERE name = 'paused'") == [("1",)]


async def test_f057_hedged_symbol_is_closed_on_its_own_side(exchange: Bench) -> None:
    await exchange.control("manual/order", symbol=BTC, side="Sell", orderType="Market", qty="0.01")
    await exchange.control("account/mode", symbol=BTC, is_hedged=True)
    rest = hand_rest(exchange)
    try:
        await flatten(rest, LiveClock(), FlattenIds(Environment.SIM, 1, "hand"), lambda _progress: None)
    finally:
        rest.close()
    assert [entry["params"]["positionIdx"] for entry in await closes(exchange, BTC)][:1] == [2]
    assert await exchange.is_flat()


async def test_f058_flatten_is_taken_while_starting_and_ending(bench: Bench) -> None:
    await bench.enter(BTC)
    await bench.stop()
    await bench.control("fault/rest", route=REALTIME, delay_s=1.0, count=2)
    await bench.start(wait=False)
    await bench.until(lambda: bench.is_started, "the core is there")
    assert "account" in bench.core.state.locks
    assert not (await bench.command(Shutdown())).accepted
    await bench.flatten()
    assert not (await bench.command(FlattenAll())).accepted
    await bench.flat()
    await bench.settled()


@pytest.mark.parametrize("maintenance_s", [2, pytest.param(60, marks=pytest.mark.soak)])
async def test_f059_maintenance_while_flattening(bench: Bench, maintenance_s: int) -> None:
    await bench.enter(BTC)
    await bench.control("fault/rest", route="*", ret_code=10016, count=-1)
    await bench.flatten()
    before = bench.core.state.now_ns
    until_ns = before + maintenance_s * NS_PER_S
    await bench.until(lambda: bench.core.state.now_ns > until_ns, "maintenance ends", within_s=maintenance_s + 20)
    await bench.control("heal")
    await bench.flat()
    await bench.settled()
