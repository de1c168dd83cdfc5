"""Faults F66 to F72: the stop of a position, and the modes of the account."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.faults.bench import BTC, CREATE, ETH, TRADING_STOP, Bench


async def stop_of(bench: Bench, symbol: str) -> Decimal:
    """The stop at the exchange, 0 without one."""
    row = await bench.position(symbol)
    return Decimal(0) if row is None else Decimal(row["stopLoss"] or 0)


async def test_f066_attached_stop_is_not_there_after_the_fill(bench: Bench) -> None:
    await bench.control("fault/order", is_stop_ignored=True)
    await bench.enter(BTC)
    assert await stop_of(bench, BTC) > 0
    assert len(await bench.requests(TRADING_STOP)) == 1
    await bench.settled()


async def test_f066_stop_cannot_be_set_at_all(bench: Bench) -> None:
    await bench.control("fault/order", is_stop_ignored=True)
    await bench.control("fault/rest", route=TRADING_STOP, ret_code=10001, count=-1)
    bench.signal(BTC)

    async def is_closed() -> bool:
        return bool((await bench.account())["executions"]) and await bench.size(BTC) == 0

    await bench.until(is_closed, "the position is closed instead")
    await bench.settled()


@pytest.mark.parametrize("fault", [{"status": 502}, {"is_dropped": True}])
async def test_f066_stop_is_asked_for_and_nobody_takes_it(bench: Bench, fault: dict[str, Any]) -> None:
    await bench.control("fault/order", is_stop_ignored=True)
    await bench.control("fault/rest", route=TRADING_STOP, count=-1, **fault)
    bench.signal(BTC)

    async def is_closed() -> bool:
        return bool((await bench.account())["executions"]) and await bench.size(BTC) == 0

    await bench.until(is_closed, "the position is closed instead", 10.0)
    assert len(await bench.requests(TRADING_STOP)) <= 2
    assert "stop guard" in bench.core.state.locks
    await bench.settled()


async def test_f067_stop_covers_what_a_partial_fill_has_bought(bench: Bench) -> None:
    await bench.control("market/thin", symbol=BTC, levels=1, lots=2)
    await bench.enter(BTC)
    assert await bench.size(BTC) == Decimal("0.002")
    stops = [row for row in (await bench.account())["orders"] if row["stopOrderType"] == "StopLoss"]
    assert [Decimal(row["qty"]) for row in stops] == [Decimal("0.002")]
    await bench.settled()


@pytest.mark.parametrize("is_applied", [True, False])
async def test_f068_stop_is_called_not_modified(bench: Bench, is_applied: bool) -> None:
    await bench.control("fault/order", is_stop_ignored=True)
    await bench.control("fault/rest", route=TRADING_STOP, ret_code=34040, is_applied=is_applied)
    await bench.enter(BTC)
    assert await stop_of(bench, BTC) > 0
    await bench.settled()


async def test_f069_stop_is_deleted_by_hand_again_and_again(bench: Bench) -> None:
    await bench.enter(BTC)
    for times in range(1, 4):
        await bench.control("manual/cancel", symbol=BTC)

        async def is_restored(wanted: int = times) -> bool:
            return len(await bench.requests(TRADING_STOP)) == wanted and await stop_of(bench, BTC) > 0

        await bench.until(is_restored, "the stop is restored", 5.0)
        await bench.until(lambda: bench.is_protected(BTC), "and confirmed")
    await bench.control("manual/cancel", symbol=BTC)

    async def is_closed() -> bool:
        return await bench.size(BTC) == 0

    await bench.until(is_closed, "the fourth time the position is closed")
    assert len(await bench.requests(TRADING_STOP)) == 3
    await bench.settled()


async def test_f069_stop_is_deleted_by_hand_and_cannot_be_put_back(bench: Bench) -> None:
    await bench.enter(BTC)
    await bench.control("fault/rest", route=TRADING_STOP, count=-1, status=502)
    await bench.control("manual/cancel", symbol=BTC)

    async def is_closed() -> bool:
        return await bench.size(BTC) == 0

    await bench.until(is_closed, "the position is closed instead", 10.0)
    await bench.settled()


async def test_f070_price_is_through_the_stop_already(bench: Bench) -> None:
    await bench.control("fault/order", is_stop_ignored=True)
    await bench.control("fault/rest", route=TRADING_STOP, ret_code=110093, ret_msg="expect Rising, but trigger_price")
    bench.signal(BTC)

    async def is_closed() -> bool:
        return bool((await bench.account())["executions"]) and await bench.size(BTC) == 0

    await bench.until(is_closed, "the position is closed at once")
    await bench.settled()


async def test_f071_hedged_symbol_shows_an_empty_row_first(bench: Bench) -> None:
    await bench.control("manual/order", symbol=ETH, side="Sell", orderType="Market", qty="0.1")
    await bench.control("account/mode", symbol=ETH, is_hedged=True)
    await bench.until(lambda: ETH in bench.core.state.positions.symbols(), "the short side is seen")
    read = bench.core.state.reconciled_ns or 0
    await bench.until(lambda: (bench.core.state.reconciled_ns or 0) > read, "and still after a read")
    await bench.settled()


async def test_f072_mode_is_switched_by_hand(bench: Bench) -> None:
    await bench.enter(BTC)
    await bench.control("account/mode", symbol=ETH, is_hedged=True)
    await bench.until(lambda: "mode" in bench.core.state.locks, "entries are off because of the mode")
    signal = bench.signal(ETH)
    await bench.until(lambda: signal in bench.core.signals.queue, "the signal waits")
    await bench.settled()
    assert not any(entry["path"].endswith("switch-mode") for entry in await bench.requests())
    assert [entry["params"]["symbol"] for entry in await bench.requests(CREATE)] == [BTC]
