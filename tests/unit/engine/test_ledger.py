"""The exchange's money is the truth: the comparison with its log, and forced executions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from cockpit.domain.commands import ResumeEntries
from cockpit.domain.enums import ExecType, Severity, Side
from cockpit.domain.events import LedgerFailed
from cockpit.domain.ledger import LedgerRow
from cockpit.domain.positions import FillReport
from cockpit.engine.effects import (
    FillBooked,
    FlowBooked,
    Noted,
    PositionOpened,
    QueryPosition,
    ReadLedger,
    RequestReports,
)
from cockpit.engine.state import DAY_NS
from cockpit.ports.journal import Recovery
from tests.support.core_fixtures import AAA, NOON_NS, Bench, recovery
from tests.support.core_scenes import bounce, long

MIDNIGHT_MS = NOON_NS // DAY_NS * DAY_NS // 1_000_000
MISMATCH = "money mismatch"


def later(bench: Bench) -> Bench:
    """One comparison and the two that make a difference certain."""
    bench.wait(90)
    return bench


def reasons(bench: Bench) -> str:
    return "; ".join(bench.core.state.locks.values())


def notes(bench: Bench, event: str) -> list[str]:
    return [one.text for one in bench.told(Noted) if one.event == event]


def closed_by_hand(bench: Bench, price: str = "101") -> FillReport:
    """The whole position of a bench is closed from elsewhere."""
    held = bench.core.state.positions.open[AAA]
    fill = bench.execution(AAA, held.side.opposite, price, str(held.qty), closed_qty=held.qty)
    bench.position(AAA, "0")
    bench.push(fill)
    return fill


# --------------------------------------------------------------------------------------------------------- comparison


def test_entries_are_off_until_the_log_has_been_read_once() -> None:
    bench = Bench()
    bench.is_reading = False
    bench.start()
    assert "the transaction log has not been read yet" in reasons(bench)
    bench.is_reading = True
    bench.wait(2)
    assert reasons(bench) == ""


def test_the_log_is_read_every_minute_with_an_overlap() -> None:
    bench = Bench().start()
    first = len(bench.asked(ReadLedger))
    bench.wait(180)
    asked = [effect.since_ms for effect in bench.asked(ReadLedger)]
    assert asked[0] == MIDNIGHT_MS
    assert len(asked) - first == 3
    assert asked[-1] < bench.now_ns // 1_000_000 - 60_000


def test_what_was_booked_and_is_in_the_log_is_equal() -> None:
    bench = long(Bench().start())
    closed_by_hand(bench)
    later(bench)
    assert reasons(bench) == ""
    assert notes(bench, "money_mismatch") == []


def test_an_execution_whose_push_and_read_are_missing_locks_with_its_money_and_only_the_operator_unlocks() -> None:
    bench = Bench().start()
    row = bench.row("TRADE", "x-lost", cash_flow=Decimal("-12.5"), fee=Decimal("0.055"))
    bench.ledger.append(row)
    later(bench)
    assert "exchange minus books -12.555 USDT; 1 not in our books: x-lost" in reasons(bench)
    [text] = notes(bench, "money_mismatch")
    assert bench.flags["money_mismatch"] == text
    bounce(bench)
    assert MISMATCH in bench.approve()
    bench.ledger.remove(row)
    later(bench)
    assert MISMATCH in reasons(bench)
    assert bench.order(ResumeEntries()) == ""
    assert reasons(bench) == ""
    later(bench)
    assert reasons(bench) == ""


def test_what_the_operator_has_accepted_does_not_lock_again_but_what_comes_then_does() -> None:
    bench = Bench().start()
    bench.ledger.append(bench.row("TRADE", "x-lost", cash_flow=Decimal(-5)))
    later(bench)
    assert bench.order(ResumeEntries()) == ""
    later(bench)
    assert reasons(bench) == ""
    bench.ledger.append(bench.row("TRADE", "x-next", cash_flow=Decimal(-7)))
    later(bench)
    assert "-7 USDT" in reasons(bench)
    assert "x-lost" not in reasons(bench)


def test_a_difference_keeps_entries_off_at_once_and_asks_for_the_executions_again() -> None:
    bench = Bench().start()
    row = bench.row("TRADE", "x-late", fee=Decimal("0.11"))
    bench.ledger.append(row)
    reads = len(bench.asked(RequestReports))
    bench.is_reading = False
    bench.wait(62)
    bench.read_ledger()
    assert "the transaction log differ" in reasons(bench)
    again = bench.asked(RequestReports)[reads:]
    assert any(effect.fills_since_ms <= row.ts_ms for effect in again)


def test_a_fill_that_comes_in_time_explains_the_difference() -> None:
    bench = Bench().start()
    fill = bench.execution(AAA, Side.BUY, "100", "1", fee=Decimal("0.055"))
    bench.account.fills.clear()
    bench.ledger += bench.rows_of(fill)
    bench.mirrors = False
    bench.wait(64)
    assert "differ" in reasons(bench)
    bench.push(fill)
    bench.wait(10)
    assert reasons(bench) == ""
    assert "the difference to the transaction log has been explained" in notes(bench, "ledger")
    assert notes(bench, "money_mismatch") == []


def test_a_difference_that_is_not_the_first_one_is_asked_for_and_given_its_time_before_it_locks() -> None:
    bench = Bench().start()
    bench.ledger.append(bench.row("TRADE", "x-first", fee=Decimal("0.11")))
    bench.is_reading = False
    bench.wait(62)
    bench.read_ledger()
    bench.read()
    bench.wait(12)
    bench.ledger[:] = [bench.row("TRADE", "x-next", fee=Decimal("0.22"), ts_ms=bench.now_ns // 1_000_000 - 6_000)]
    reads = len(bench.asked(RequestReports))
    bench.read_ledger()
    assert "differ; both are read again" in reasons(bench)
    assert notes(bench, "money_mismatch") == []
    assert len(bench.asked(RequestReports)) > reads
    bench.read()
    bench.wait(12)
    bench.read_ledger()
    assert "-0.22 USDT; 1 not in our books: x-next" in reasons(bench)


def test_a_read_that_does_not_reach_back_to_what_is_missing_proves_nothing_of_it() -> None:
    bench = Bench().start()
    bench.is_reading = False
    lost = bench.row("TRADE", "x-lost", cash_flow=Decimal(-5))
    bench.ledger.append(lost)
    bench.wait(120)
    bench.read_ledger()
    for _ in range(3):
        bench.wait(12)
        bench.read(since_ms=bench.now_ns // 1_000_000 - 60_000)
        bench.read_ledger()
    assert notes(bench, "money_mismatch") == []
    assert "differ; both are read again" in reasons(bench)
    assert bench.asked(RequestReports)[-1].fills_since_ms <= lost.ts_ms
    bench.read()
    bench.wait(12)
    bench.read_ledger()
    assert "1 not in our books: x-lost" in reasons(bench)


def test_an_execution_that_the_log_does_not_show_is_a_difference() -> None:
    bench = Bench().start()
    bench.mirrors = False
    fill = bench.execution(AAA, Side.BUY, "100", "1", fee=Decimal("0.055"))
    bench.push(fill)
    later(bench)
    assert f"+0.055 USDT; 1 not in the exchange's log: {fill.exec_id}" in reasons(bench)


def test_another_fee_is_a_difference_to_the_eighth_digit() -> None:
    bench = long(Bench().start())
    bench.ledger[0] = _with(bench.ledger[0], fee=bench.ledger[0].fee + Decimal("2e-8"))
    later(bench)
    assert "-0.00000002 USDT" in reasons(bench)
    assert "with other fees or funding" in reasons(bench)


def test_another_profit_is_a_difference_once_the_symbol_is_flat() -> None:
    bench = long(Bench().start())
    later(bench)
    assert reasons(bench) == ""
    closed_by_hand(bench)
    bench.ledger[-1] = _with(bench.ledger[-1], cash_flow=bench.ledger[-1].cash_flow - Decimal("0.01"))
    later(bench)
    assert f"-0.01 USDT; 1 with another profit: {AAA}" in reasons(bench)


def test_executions_in_another_order_give_the_same_profit_in_the_end() -> None:
    bench = Bench().start()
    bench.mirrors = False
    opening = bench.execution(AAA, Side.BUY, "100", "1", fee=Decimal(0))
    closing = bench.execution(AAA, Side.SELL, "103", "1", fee=Decimal(0), closed_qty=Decimal(1))
    bench.push(closing)
    bench.push(opening)
    bench.ledger += [
        bench.row("TRADE", opening.exec_id, ts_ms=opening.ts_event // 1_000_000),
        bench.row("TRADE", closing.exec_id, ts_ms=closing.ts_event // 1_000_000, cash_flow=Decimal(3)),
    ]
    later(bench)
    assert reasons(bench) == ""


def test_profit_of_a_position_that_we_took_over_is_the_exchanges() -> None:
    bench = Bench().start()
    bench.position(AAA, "2", "90")
    bench.wait(12)
    bench.mirrors = False
    closing = bench.execution(AAA, Side.SELL, "100", "2", fee=Decimal("0.11"), closed_qty=Decimal(2))
    bench.position(AAA, "0")
    bench.push(closing)
    [booked] = bench.told(FillBooked)
    assert booked.fill.gain is None
    bench.ledger.append(bench.row("TRADE", closing.exec_id, cash_flow=Decimal("19.7"), fee=Decimal("0.11")))
    later(bench)
    assert reasons(bench) == ""


def _with(row: LedgerRow, **changes: Decimal) -> LedgerRow:
    fields = {name: getattr(row, name) for name in row.__struct_fields__} | changes
    return LedgerRow(**(fields | {"change": fields["cash_flow"] + fields["funding"] - fields["fee"]}))


@pytest.mark.parametrize("fee", ["0.35", "-0.35"])
def test_f082_funding_is_equal_with_the_opposite_sign_and_a_difference_with_the_same(fee: str) -> None:
    bench = long(Bench().start())
    bench.push(bench.execution(AAA, Side.BUY, "100", "1", exec_type=ExecType.FUNDING, fee=Decimal(fee)))
    later(bench)
    assert reasons(bench) == ""
    bench.ledger[-1] = _with(bench.ledger[-1], funding=Decimal(fee))
    bench.wait(5)
    bench.core.ledger.ask()
    later(bench)
    assert MISMATCH in reasons(bench)


def test_f083_a_fee_in_another_coin_is_compared_and_summed_in_that_coin_alone() -> None:
    bench = long(Bench().start())
    held = bench.core.state.positions.open[AAA]
    fees = held.fees
    bench.mirrors = False
    half = held.qty / 2
    fee = {"fee": Decimal("0.4"), "fee_currency": "MNT"}
    fill = bench.execution(AAA, Side.SELL, "101", str(half), closed_qty=half, **fee)
    bench.push(fill)
    assert (held.fees, held.coin_fees) == (fees, {"MNT": Decimal("0.4")})
    gain = bench.told(FillBooked)[-1].fill.gain
    bench.ledger += [
        bench.row("TRADE", fill.exec_id, cash_flow=gain),
        bench.row("TRADE", fill.exec_id, currency="MNT", fee=Decimal("0.4")),
    ]
    later(bench)
    assert reasons(bench) == ""
    bench.ledger[-1] = _with(bench.ledger[-1], fee=Decimal("0.5"))
    bench.core.ledger.ask()
    later(bench)
    assert "exchange minus books -0.1 MNT" in reasons(bench)


def test_f083_a_rebate_is_a_fee_with_its_sign() -> None:
    bench = Bench().start()
    bench.push(bench.execution(AAA, Side.BUY, "100", "1", fee=Decimal("-0.02")))
    assert bench.core.state.positions.open[AAA].fees == Decimal("-0.02")
    later(bench)
    assert reasons(bench) == ""


def test_a_failed_read_says_nothing_and_silence_keeps_entries_off_after_three_periods() -> None:
    bench = Bench().start()
    bench.is_reading = False
    bench.wait(62)
    before = bench.core.ledger.compared_ns
    bench.feed(LedgerFailed("page 2 was not answered", bench.now_ns))
    assert bench.core.ledger.compared_ns == before
    assert reasons(bench) == ""
    asked = len(bench.asked(ReadLedger))
    bench.wait(4)
    assert len(bench.asked(ReadLedger)) == asked + 1
    bench.wait(130)
    assert "could not be read for long" in reasons(bench)
    bench.is_reading = True
    bench.read()
    bench.read_ledger()
    assert "could not be read" not in reasons(bench)


def test_transfers_and_interest_are_told_and_booked_once_and_are_no_difference() -> None:
    bench = Bench().start()
    bench.ledger += [
        bench.row("TRANSFER_IN", category="", symbol="", cash_flow=Decimal(500)),
        bench.row("INTEREST", category="", symbol="", currency="BTC", cash_flow=Decimal("-0.0001")),
        bench.row("TRADE", "s1", category="spot", symbol="ETHUSDT", cash_flow=Decimal(-100), fee=Decimal("0.1")),
    ]
    bench.account.equity += Decimal("399.9")
    later(bench)
    later(bench)
    assert [flow.row.kind for flow in bench.told(FlowBooked)] == ["TRANSFER_IN", "INTEREST", "TRADE"]
    assert "not by an execution of ours: TRANSFER_IN +500 USDT" in notes(bench, "external_flow")
    assert reasons(bench) == ""


# ------------------------------------------------------------------------------------------------------------- restart


def restarted(bench: Bench, **changes: Any) -> Bench:
    """Another engine with what the first one has left, on the same exchange."""
    fills = [booked.fill for booked in bench.told(FillBooked)]
    left: Recovery = recovery(
        epoch=2,
        settings=bench.flags,
        ledger_fills=fills,
        seen_exec_ids=[fill.exec_id for fill in fills],
        last_fill_ms=max((fill.ts_event // 1_000_000 for fill in fills), default=0),
        flow_ids=[flow.row.row_id for flow in bench.told(FlowBooked)],
        **changes,
    )
    other = Bench(recover=left, start_ns=bench.now_ns)
    other.account, other.ledger = bench.account, bench.ledger
    return other


def test_lock_cursor_and_external_rows_survive_a_restart() -> None:
    bench = Bench().start()
    bench.ledger.append(bench.row("TRANSFER_IN", category="", symbol="", cash_flow=Decimal(10)))
    bench.ledger.append(bench.row("TRADE", "x-lost", cash_flow=Decimal(-5)))
    later(bench)
    other = later(restarted(bench).start())
    assert "-5 USDT; 1 not in our books: x-lost" in reasons(other)
    assert other.told(FlowBooked) == []
    assert other.order(ResumeEntries()) == ""
    third = later(restarted(other).start())
    assert reasons(third) == ""


def test_a_row_that_was_told_before_a_restart_is_not_told_again_by_any_read_after_it() -> None:
    bench = Bench().start()
    bench.ledger.append(bench.row("TRANSFER_IN", category="", symbol="", cash_flow=Decimal(10)))
    bench.account.equity += 10
    bench.wait(62)
    assert len(bench.told(FlowBooked)) == 1
    other = restarted(bench).start()
    other.wait(130)
    assert len(other.asked(ReadLedger)) == 3
    assert other.told(FlowBooked) == []


def test_a_profit_gap_of_before_a_restart_is_judged_after_it() -> None:
    bench = Bench().start()
    bench.push(bench.execution(AAA, Side.BUY, "100", "2", fee=Decimal(0)))
    bench.push(bench.execution(AAA, Side.SELL, "101", "1", fee=Decimal(0), closed_qty=Decimal(1)))
    bench.position(AAA, "1")
    bench.ledger[-1] = _with(bench.ledger[-1], cash_flow=Decimal("0.9"))
    later(bench)
    assert reasons(bench) == ""
    later(bench)
    other = restarted(bench).start()
    other.position(AAA, "0", seq=1_000)
    later(other)
    assert f"-0.1 USDT; 1 with another profit: {AAA}" in reasons(other)


def test_what_was_traded_before_the_first_start_is_neither_booked_nor_missed() -> None:
    bench = Bench()
    early = bench.execution(AAA, Side.BUY, "100", "1", ts_event=bench.now_ns - 30_000_000_000)
    bench.ledger += bench.rows_of(early)
    bench.position(AAA, "1")
    later(bench.start())
    assert bench.told(FillBooked) == []
    assert bench.told(PositionOpened) == []
    assert list(bench.core.state.positions.unclaimed) == [AAA]
    assert reasons(bench) == ""


# --------------------------------------------------------------------------------------------------- forced executions


def test_f076_a_liquidation_is_booked_and_locks_until_the_operator_has_looked() -> None:
    bench = long(Bench().start())
    held = bench.core.state.positions.open[AAA]
    bust = bench.execution(AAA, Side.SELL, "90", str(held.qty), exec_type=ExecType.LIQUIDATION, closed_qty=held.qty)
    bench.position(AAA, "0")
    bench.push(bust)
    assert bench.told(FillBooked)[-1].fill.gain == (Decimal(90) - held.entry_price) * bust.qty
    assert f"liquidated by the exchange: Sell {bust.qty} {AAA} at 90" in reasons(bench)
    other = restarted(bench).start()
    assert "liquidated by the exchange" in reasons(other)
    assert other.order(ResumeEntries()) == ""
    assert "liquidated" not in reasons(other)
    assert "liquidation_lock" not in other.flags


def test_f077_auto_deleveraging_is_booked_told_and_the_stop_is_looked_at_again() -> None:
    bench = long(Bench().start())
    held = bench.core.state.positions.open[AAA]
    part = held.qty * Decimal("0.4")
    stop = str(held.report.stop_loss) if held.report is not None else None
    asked = len(bench.asked(QueryPosition))
    bench.position(AAA, str(held.qty - part), stop=stop)
    bench.push(bench.execution(AAA, Side.SELL, "99", str(part), exec_type=ExecType.ADL, closed_qty=part))
    [told] = [one for one in bench.told(Noted) if one.event == "adl"]
    assert (told.severity, told.symbol) == (Severity.CRITICAL, AAA)
    assert len(bench.asked(QueryPosition)) > asked
    assert held.fills.qty == held.peak_qty - part
    assert held.stop_confirmed is not None
    assert reasons(bench) == ""


def test_f077_a_high_rank_for_auto_deleveraging_is_told_before_it_happens_once() -> None:
    bench = long(Bench().start())
    held = bench.core.state.positions.open[AAA]
    assert held.report is not None
    for rank in (3, 4, 5, 5, 2, 5):
        bench.push(bench.position(AAA, str(held.qty), stop=str(held.report.stop_loss), adl_rank=rank))
    told = [one.text for one in bench.told(Noted) if one.event == "adl_rank"]
    assert told == [f"{AAA} is near the front of the line for auto-deleveraging: rank {rank} of 5" for rank in (4, 5)]


def test_an_entry_fill_that_comes_after_both_closes_gives_its_trade_the_same_profit() -> None:
    bench = bounce(Bench().start())
    assert bench.approve() == ""
    entry, bench.mirrors = bench.sent[-1], False
    late, early = (bench.fill(entry, "100", "1", fee=Decimal(0)) for _ in range(2))
    own = {"client_id": entry.client_id.replace("-e1", "-c1"), "fee": Decimal(0), "closed_qty": Decimal(1)}
    closes = [bench.execution(AAA, Side.SELL, "103", "1", **own) for _ in range(2)]
    bench.account.fills.clear()
    for fill in (early, *closes, late):
        bench.push(fill)
    assert sum(booked.fill.gain or 0 for booked in bench.told(FillBooked)) == Decimal(6)
