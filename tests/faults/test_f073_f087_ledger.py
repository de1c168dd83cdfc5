"""Faults F73 to F87: fills, the ledger, and what others do to the account."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from cockpit.adapters.bybit.budget import OverBudget
from cockpit.adapters.store.reader import JournalReader
from cockpit.domain.commands import ClosePosition, ResumeEntries
from cockpit.domain.enums import OrderStatus
from cockpit.domain.errors import VenueRejected
from cockpit.engine.locks import TradingState
from tests.faults.bench import BOTH_PATHS, BTC, CREATE, ETH, Bench

TRANSACTIONS = "/v5/account/transaction-log"
ETH_BUY = {"symbol": ETH, "side": "Buy"}


async def trades(bench: Bench) -> list[dict[str, Any]]:
    """Closed trades in the journal."""
    async with JournalReader(bench.journal) as reader:
        return [row for row in await reader.rows("trades") if row["closed_ns"] is not None]


async def test_f073_more_executions_than_a_page_during_a_gap(bench: Bench) -> None:
    await bench.control("fault/socket", channel="private", refuse=-1, reset=True)
    await bench.until(lambda: "private stream" in bench.core.state.locks, "the stream is lost")
    await bench.control("market/thin", symbol=ETH, levels=190, lots=1)
    await bench.control("manual/order", **ETH_BUY, orderType="Market", qty="1.3")
    assert len((await bench.account())["executions"]) > 100
    await bench.settled()
    assert not bench.is_protected(ETH)


async def test_f074_order_from_the_phone(bench: Bench) -> None:
    await bench.control("manual/order", **ETH_BUY, orderType="Limit", qty="0.1", price="2000")
    await bench.until(lambda: bench.core.state.orders.open_orders() != [], "it is shown")
    [order] = bench.core.state.orders.open_orders()
    assert not order.is_own
    await bench.enter(BTC)
    await bench.settled()
    assert [row["symbol"] for row in (await bench.account())["orders"] if not row["stopOrderType"]] == [ETH]


@pytest.mark.parametrize("share", [1, 0.5])
async def test_f075_position_is_closed_or_reduced_by_hand(bench: Bench, share: float) -> None:
    signal = await bench.enter(BTC)
    await bench.control("manual/close", symbol=BTC, share=share)
    await bench.settled()
    if share == 1:
        [trade] = await _eventually_closed(bench)
        assert trade["exit_reason"] == "external"
    assert len([entry for entry in await bench.requests(CREATE) if signal in entry["params"]["orderLinkId"]]) == 1


async def _eventually_closed(bench: Bench) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    async def has_closed() -> bool:
        found[:] = await trades(bench)
        return bool(found)

    await bench.until(has_closed, "the trade is closed in the journal")
    return found


async def test_f076_liquidation(bench: Bench) -> None:
    await bench.enter(BTC)
    await bench.control("liquidate", symbol=BTC)
    await bench.settled()
    [trade] = await _eventually_closed(bench)
    assert trade["exit_reason"] == "BustTrade"
    [bust] = [row for row in (await bench.account())["executions"] if row["execType"] == "BustTrade"]
    assert abs(trade["gross_pnl"] - Decimal(bust["execPnl"])) <= Decimal("1e-8")
    assert "liquidated by the exchange" in bench.core.state.locks["liquidation"]
    await bench.stop()
    await bench.start(wait=False)
    await bench.until(lambda: bench.is_started and set(bench.core.state.locks) == {"liquidation"}, "locked again")
    assert (await bench.command(ResumeEntries())).accepted
    await bench.until(lambda: not bench.core.state.locks, "the operator has let it go on")


async def test_f077_auto_deleveraging_takes_a_part(bench: Bench) -> None:
    await bench.enter(BTC)
    before = await bench.size(BTC)
    await bench.control("adl", symbol=BTC, share="0.4")
    await bench.settled()
    assert Decimal(0) < await bench.size(BTC) < before
    assert [told for told in bench.notes if told.startswith("adl: auto-deleveraged by the exchange")]
    assert bench.is_protected(BTC)
    await compared(bench)
    assert bench.core.state.locks == {}


async def test_f078_close_races_with_a_close_by_hand(bench: Bench) -> None:
    await bench.enter(BTC)
    await bench.control("fault/rest", route=CREATE, late_s=0.3)
    assert (await bench.command(ClosePosition(BTC))).accepted
    await bench.control("manual/close", symbol=BTC)
    await bench.settled()
    assert await bench.size(BTC) == 0


async def test_f079_position_pushes_lag_behind_executions(bench: Bench) -> None:
    await bench.control("fault/socket", channel="private", delay_s=1.5, topic="position")
    await bench.enter(BTC)
    assert (await bench.command(ClosePosition(BTC))).accepted
    await bench.until(lambda: BTC not in bench.core.state.positions.open, "the executions close it")
    await bench.enter(ETH)
    await bench.settled()


async def test_f080_symbol_takes_no_entries_any_more(bench: Bench) -> None:
    await bench.enter(BTC)
    await bench.control("market/status", symbol=ETH, reason="Only reduce-only orders are accepted")
    refused = bench.signal(ETH)
    await bench.until(lambda: bench.history(refused)[-1:] == [OrderStatus.DEAD], "the entry is refused")
    await bench.settled()


async def test_f080_symbol_that_goes_off_the_list_is_left_and_not_entered_again(bench: Bench) -> None:
    await bench.enter(BTC)
    await bench.control("market/delist", symbol=BTC)
    await bench.control("market/delist", symbol=ETH)
    refused = bench.signal(ETH)
    await bench.until(lambda: bench.history(refused)[-1:] == [OrderStatus.DEAD], "the entry is refused")
    assert bench.is_protected(BTC)
    await bench.flatten()
    await bench.flat()


async def test_f080_symbols_that_do_not_trade_are_offered_no_more_and_positions_in_them_are_kept(bench: Bench) -> None:
    await bench.enter(BTC)
    for symbol in (BTC, ETH):
        await bench.control("market/halt", symbol=symbol)
    refused = bench.signal(ETH)
    await bench.until(lambda: bench.history(refused)[-1:] == [OrderStatus.DEAD], "the entry is refused")
    await bench.until(lambda: (_status(bench, BTC), _status(bench, ETH)) == ("not listed", "not listed"), "new rules")
    again = bench.signal(ETH)
    await bench.until(lambda: any(line.startswith(again) for line in bench._queue()), "the signal is there")
    assert bench.history(again) == []
    assert bench.is_protected(BTC)
    for symbol in (BTC, ETH):
        await bench.control("market/halt", symbol=symbol, is_halted=False)
    await bench.settled()


async def test_f081_rules_change_between_size_and_send(bench: Bench) -> None:
    await bench.control("market/rules", symbol=BTC, qty_step="0.01", tick_size="10", max_qty="0.01")
    signal = bench.signal(BTC)
    await bench.until(lambda: bench.history(signal)[-1:] == [OrderStatus.DEAD], "it is refused")
    assert len(await bench.requests(CREATE)) == 1
    await bench.until(lambda: _step(bench) == Decimal("0.01"), "the new rules are read")
    await bench.enter(BTC)
    assert await bench.size(BTC) == Decimal("0.01")
    await bench.settled()


def _status(bench: Bench, symbol: str) -> str:
    rules = bench.core.state.instrument(symbol)
    return "" if rules is None else rules.status


def _step(bench: Bench) -> Decimal:
    rules = bench.core.state.instrument(BTC)
    return Decimal(0) if rules is None else rules.qty_step


@pytest.mark.parametrize("rate", ["0.0001", "-0.0001"])
async def test_f082_funding_is_no_trade(bench: Bench, rate: str) -> None:
    await bench.enter(BTC)
    size = await bench.size(BTC)
    await bench.control("funding", symbol=BTC, rate=rate)
    await bench.settled()
    funding = [row for row in (await bench.account())["executions"] if row["execType"] == "Funding"]
    assert len(funding) == 1
    assert bench.core.state.positions.open[BTC].qty == size
    await compared(bench)
    assert bench.core.state.locks == {}


async def test_f083_fees_in_another_coin_are_booked_in_that_coin(bench: Bench) -> None:
    await bench.enter(BTC)
    await bench.control("money/fees", currency="MNT", price="0.8")
    assert (await bench.command(ClosePosition(BTC))).accepted
    [trade] = await _eventually_closed(bench)
    closing = [row for row in (await bench.account())["executions"] if row["feeCurrency"] == "MNT"]
    assert trade["coin_fees"] == {"MNT": f"{sum(Decimal(row['execFee']) for row in closing):f}"}
    assert trade["net_pnl"] == trade["gross_pnl"] - trade["fees"]
    await compared(bench)
    assert bench.core.state.locks == {}
    async with JournalReader(bench.journal) as reader:
        coins = {row["fee_currency"] for row in await reader.rows("executions")}
    assert coins == {"USDT", "MNT"}


async def compared(bench: Bench) -> None:
    """Two more comparisons with the transaction log have been made."""
    for _ in range(2):
        known = bench.core.ledger.compared_ns
        await bench.until(lambda known=known: bench.core.ledger.compared_ns != known, "the log is read again")


async def test_money_that_no_execution_explains_locks_until_the_operator_has_looked(bench: Bench) -> None:
    await bench.control("money/flow", type="TRADE", category="linear", symbol=BTC, cash_flow="-12.5", fee="0.055")
    await bench.until(lambda: "money mismatch" in bench.core.state.locks, "the difference is certain")
    assert "exchange minus books -12.555 USDT; 1 not in our books" in bench.core.state.locks["money mismatch"]
    told = "SELECT text FROM system_events WHERE type = 'money_mismatch'"
    await bench.until(lambda: bool(bench.stored(told)), "it is in the journal")
    kept = "SELECT value FROM engine_state WHERE name = 'money_mismatch'"
    await bench.until(lambda: bool(bench.stored(kept)), "the lock is on the disk")
    await bench.kill()
    await bench.start(wait=False)
    await bench.until(lambda: bench.is_started and set(bench.core.state.locks) == {"money mismatch"}, "locked again")
    assert (await bench.command(ResumeEntries())).accepted
    await compared(bench)
    assert bench.core.state.locks == {}
    [(text,)] = bench.stored(told)
    assert "-12.555 USDT" in text


async def test_a_log_that_cannot_be_read_completely_is_no_information(bench: Bench) -> None:
    await bench.control("fault/rest", route=TRANSACTIONS, ret_code=10016, count=-1)
    known = bench.core.ledger.compared_ns
    await bench.until(lambda: "ledger" in bench.core.state.locks, "nothing is known any more")
    assert bench.core.ledger.compared_ns == known
    await bench.control("heal")
    await bench.until(lambda: not bench.core.state.locks, "it is read again")


async def test_transfers_are_journaled_and_are_no_loss(bench: Bench) -> None:
    await bench.control("money/flow", type="TRANSFER_OUT", cash_flow="-4000")
    await bench.control("money/flow", type="INTEREST", currency="BTC", cash_flow="-0.0001")
    await compared(bench)
    assert bench.core.state.locks == {}
    flows = bench.stored("SELECT kind, change, currency FROM external_flows ORDER BY ts_ms, kind DESC")
    assert flows == [("TRANSFER_OUT", "-4000", "USDT"), ("INTEREST", "-0.0001", "BTC")]


async def test_a_deleted_journal_does_not_forget_the_day_s_loss(bench: Bench) -> None:
    wallet = Decimal((await bench.account())["wallet"]["totalWalletBalance"])
    await bench.control("money/flow", type="INTEREST", cash_flow=str(-wallet * Decimal("0.11")))
    await bench.until(lambda: "day loss" in bench.core.state.locks, "the limit of 50 R is reached")
    await bench.stop()
    for part in bench.journal.parent.glob("*journal*"):
        part.unlink()
    await bench.start(wait=False)
    await bench.until(lambda: bench.is_started and "day loss" in bench.core.state.locks, "locked by the log alone")
    refused = await bench.command(ResumeEntries())
    assert not refused.accepted
    assert "next day" in refused.reason


async def set_leverage(bench: Bench, leverage: int) -> None:
    """Set it, waiting while our own share of the second's requests is used up."""
    async with asyncio.timeout(5):
        while True:
            try:
                return await bench.venue.set_leverage(BTC, Decimal(leverage))
            except OverBudget:
                await asyncio.sleep(0.1)


async def test_f085_leverage_is_called_not_modified_or_refused(bench: Bench) -> None:
    await set_leverage(bench, 7)
    await set_leverage(bench, 7)
    await bench.control("fault/rest", route="/v5/position/set-leverage", ret_code=110013)
    with pytest.raises(VenueRejected):
        await set_leverage(bench, 8)
    await set_leverage(bench, 10)


async def test_f086_everything_is_down(bench: Bench) -> None:
    await bench.enter(BTC)
    await bench.control("fault/rest", route="*", ret_code=10016, count=-1)
    for channel in ("public", "private"):
        await bench.control("fault/socket", channel=channel, refuse=-1, close=1012)
    await bench.until(lambda: bench.core.state.trading is TradingState.MAINTENANCE, "maintenance is understood")
    await bench.control("manual/close", symbol=BTC)
    await bench.control("heal")
    await bench.until(lambda: not bench.core.state.locks, "entries are on again")
    await bench.settled()
    assert bench.core.state.positions.open == {}


@BOTH_PATHS
async def test_f087_rest_of_a_partly_filled_entry_is_not_forgotten(bench: Bench) -> None:
    await bench.control("market/thin", symbol=BTC, levels=1, lots=1)
    signal = await bench.enter(BTC)
    await bench.settled()
    assert bench.history(signal)[-1] is OrderStatus.CANCELLED
    assert [row for row in (await bench.account())["orders"] if not row["stopOrderType"]] == []
