"""What becomes of a trade: how it is closed, what comes late to it, positions that are none of ours."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cockpit.domain.commands import ClosePosition
from cockpit.domain.enums import ExecType, OrderStatus, Side
from cockpit.domain.events import Outcome
from cockpit.engine.effects import (
    FillBooked,
    PositionChanged,
    PositionClosed,
    PositionOpened,
    RequestReports,
)
from tests.support.core_fixtures import AAA, BBB, NOON_NS, Bench, recovery
from tests.support.core_scenes import bounce, long, short
from tests.unit.engine.test_orders import entered


@pytest.mark.parametrize("scene", [long, short])
def test_a_close_ends_the_trade_with_its_money(scene) -> None:
    bench = scene(Bench().start())
    entry = bench.sent[0]
    sign = entry.side.sign
    bench.order(ClosePosition(AAA))
    bench.closed(bench.sent[1], "101" if sign > 0 else "99")
    (closed,) = bench.told(PositionClosed)
    trade = closed.trade
    entry_price = Decimal("100.02") if sign > 0 else Decimal("99.98")
    exit_price = Decimal(101) if sign > 0 else Decimal(99)
    fees = (entry_price + exit_price) * 25 * Decimal("0.00055")
    assert trade.gross_pnl == Decimal("0.98") * 25
    assert trade.fees == fees
    assert trade.net_pnl == trade.gross_pnl - fees
    assert (trade.exit_price, trade.exit_reason, trade.stop_loss_triggered) == (exit_price, "operator", False)
    assert trade.risk_usdt == abs(entry_price - (Decimal("99.67") if sign > 0 else Decimal("100.34"))) * 25
    assert trade.r_multiple == pytest.approx(float(trade.net_pnl / trade.risk_usdt))
    assert bench.core.state.positions.open == {}
    assert bench.core.state.day.realised == trade.net_pnl


def test_a_stop_that_fired_is_told_as_such() -> None:
    bench = long(Bench().start())
    bench.push(
        bench.execution(AAA, Side.SELL, "99.6", "25", create_type="CreateByStopLoss", stop_order_type="StopLoss")
    )
    bench.push(bench.position(AAA, "0"))
    (closed,) = bench.told(PositionClosed)
    assert (closed.trade.exit_reason, closed.trade.stop_loss_triggered) == ("stop_loss", True)


@pytest.mark.parametrize(
    ("exec_type", "reason"),
    [(ExecType.TRADE, "external"), (ExecType.LIQUIDATION, "BustTrade"), (ExecType.ADL, "AdlTrade")],
)
def test_a_close_by_somebody_else_is_told_as_such(exec_type: ExecType, reason: str) -> None:
    bench = long(Bench().start())
    bench.push(bench.execution(AAA, Side.SELL, "99.9", "25", exec_type=exec_type, closed_qty=Decimal(25)))
    (closed,) = bench.told(PositionClosed)
    assert (closed.trade.exit_reason, closed.trade.stop_loss_triggered) == (reason, False)


def test_funding_is_a_cost_of_the_position_and_no_fill() -> None:
    bench = long(Bench().start())
    before = bench.core.state.positions.open[AAA].fees
    bench.push(bench.execution(AAA, Side.BUY, "100", "25", exec_type=ExecType.FUNDING, fee=Decimal("0.25")))
    position = bench.core.state.positions.open[AAA]
    assert position.qty == Decimal(25)
    assert position.fees == before + Decimal("0.25")


def test_a_position_that_is_turned_round_by_hand_is_a_closed_trade_and_a_foreign_position() -> None:
    bench = long(Bench().start())
    bench.push(bench.execution(AAA, Side.SELL, "101", "30", closed_qty=Decimal(25)))
    bench.push(bench.position(AAA, "-5", "101"))
    (closed,) = bench.told(PositionClosed)
    assert (closed.trade.direction, closed.trade.exit_price) == ("Buy", Decimal(101))
    assert closed.trade.gross_pnl == Decimal("0.98") * 25
    positions = bench.core.state.positions
    left = positions.open.get(AAA)
    assert left is None or (left.is_foreign and left.side is Side.SELL and left.qty == Decimal(5))
    assert AAA in positions.symbols()
    bench.order(ClosePosition(AAA))
    assert bench.sent[-1].side is Side.BUY


def test_a_position_that_the_exchange_calls_flat_is_closed_as_external_after_asking() -> None:
    bench = long(Bench().start())
    bench.push(bench.position(AAA, "0"))
    assert bench.told(PositionClosed) == []
    bench.wait(17)
    (closed,) = bench.told(PositionClosed)
    assert closed.trade.exit_reason == "external"
    assert "position_gone" in bench.notes()
    assert len(bench.sent) == 1


def net_of_trades(bench: Bench) -> Decimal:
    """What the journal's trades add up to, each by its last row."""
    rows = {told.trade.trade_id: told.trade for told in bench.told(PositionClosed)}
    return sum((row.gross_pnl for row in rows.values()), Decimal(0))


def test_an_execution_that_comes_after_its_position_was_called_flat_ends_that_trade() -> None:
    bench = long(Bench().start())
    bench.push(bench.position(AAA, "0"))
    bench.wait(17)
    bench.push(bench.execution(AAA, Side.SELL, "101.02", "25", closed_qty=Decimal(25)))
    assert bench.core.state.positions.open == {}
    assert net_of_trades(bench) == Decimal(25)
    assert {told.trade.kind for told in bench.told(PositionClosed)} == {"bounce"}


def test_a_half_of_a_close_that_comes_after_its_position_was_called_flat_ends_that_trade() -> None:
    bench = long(Bench().start())
    bench.order(ClosePosition(AAA))
    close = bench.sent[1]
    bench.answer(close)
    bench.push(bench.fill(close, "101.02", "10", closed_qty=Decimal(10)), bench.position(AAA, "0"))
    bench.wait(17)
    bench.push(bench.fill(close, "101.02", "15", closed_qty=Decimal(15)))
    assert bench.core.state.positions.open == {}
    assert net_of_trades(bench) == Decimal(25)


def test_a_close_by_hand_that_is_told_before_the_fills_of_the_entry_leaves_nothing_open() -> None:
    bench = bounce(Bench().start())
    assert bench.approve() == ""
    entry = bench.sent[0]
    bench.answer(entry)
    first, second = bench.fill(entry, "100.02", "10"), bench.fill(entry, "100.02", "15")
    bench.push(bench.order_report(entry, OrderStatus.FILLED, "25"), bench.position(AAA, "10", "100.02", "99.67"))
    bench.push(bench.execution(AAA, Side.SELL, "101.02", "25", closed_qty=Decimal(25)))
    bench.push(second)
    bench.push(first)
    assert bench.core.state.positions.open == {}
    assert net_of_trades(bench) == Decimal(25)


def test_an_entry_that_meets_a_foreign_position_turns_it_round_into_a_trade_of_ours() -> None:
    bench = bounce(Bench().start())
    assert bench.approve() == ""
    entry = bench.sent[0]
    bench.push(bench.execution(AAA, Side.SELL, "100.02", "1"))
    bench.answer(entry)
    bench.push(bench.fill(entry, "100.02", "10", closed_qty=Decimal(1)), bench.fill(entry, "100.02", "15"))
    bench.push(bench.position(AAA, "24", "100.02", "99.67"))
    held = bench.core.state.positions.open[AAA]
    assert (held.side, held.qty, held.entry_price, held.is_foreign) == (Side.BUY, 24, Decimal("100.02"), False)
    bench.push(bench.execution(AAA, Side.SELL, "101.02", "24", closed_qty=Decimal(24)), bench.position(AAA, "0"))
    bench.wait(12)
    assert bench.core.state.positions.open == {}
    assert net_of_trades(bench) == Decimal(24)


def test_a_fill_of_the_entry_that_comes_after_its_trade_ended_adds_to_that_trade() -> None:
    bench = bounce(Bench().start())
    assert bench.approve() == ""
    entry = bench.sent[0]
    bench.answer(entry)
    first, late = bench.fill(entry, "100.02", "10"), bench.fill(entry, "100.02", "15")
    bench.push(first, bench.order_report(entry, OrderStatus.FILLED, "25"))
    bench.push(bench.execution(AAA, Side.SELL, "101.02", "10", closed_qty=Decimal(10)))
    bench.push(bench.execution(AAA, Side.SELL, "101.02", "15", closed_qty=Decimal(15)), late)
    bench.push(bench.position(AAA, "0"))
    assert bench.core.state.positions.open == {}
    assert net_of_trades(bench) == Decimal(25)


def test_a_position_missing_from_one_old_read_stays() -> None:
    bench = long(Bench().start())
    held = bench.account.positions.pop(AAA)
    bench.is_reading = False
    bench.wait(1)
    bench.read()
    bench.account.positions[AAA] = held
    bench.is_reading = True
    bench.wait(15)
    assert AAA in bench.core.state.positions.open
    assert bench.told(PositionClosed) == []


def test_f124_a_stale_read_that_still_shows_a_closed_position_is_not_believed() -> None:
    bench = long(Bench().start())
    held = bench.account.positions[AAA]
    bench.order(ClosePosition(AAA))
    bench.closed(bench.sent[1], "101")
    bench.account.positions[AAA] = held
    bench.is_reading = False
    bench.wait(1)
    bench.read()
    assert bench.core.state.positions.symbols() == set()


def test_a_foreign_position_is_known_and_never_touched() -> None:
    bench = Bench(symbols=(AAA, BBB)).start()
    bench.push(bench.position(BBB, "-4", "50"))
    bench.wait(30)
    assert set(bench.core.state.positions.unclaimed) == {BBB}
    assert bench.sent == []
    assert bench.stops == []


def test_executions_by_hand_in_a_symbol_nobody_watches_are_booked_and_shown() -> None:
    bench = Bench().start()
    bench.push(bench.execution("NOSUCHUSDT", Side.BUY, "5", "10"), bench.position("NOSUCHUSDT", "10", "5"))
    bench.wait(15)
    assert "NOSUCHUSDT" in bench.core.state.positions.symbols()
    bench.push(
        bench.execution("NOSUCHUSDT", Side.SELL, "6", "10", closed_qty=Decimal(10)), bench.position("NOSUCHUSDT", "0")
    )
    bench.wait(15)
    assert bench.core.state.positions.symbols() == set()
    assert len(bench.told(FillBooked)) == 2
    assert bench.sent == []


def test_executions_count_from_the_first_start_on_the_data_folder() -> None:
    bench = Bench().start()
    first_ms = NOON_NS // 1_000_000
    assert bench.flags["ledger_since_ms"] == str(first_ms)
    assert min(read.fills_since_ms for read in bench.asked(RequestReports)) == first_ms - 60_000
    later = Bench(recover=recovery(settings=bench.flags), start_ns=NOON_NS + 3_600 * 10**9).start()
    assert min(read.fills_since_ms for read in later.asked(RequestReports)) == first_ms - 60_000


def test_executions_are_asked_for_since_the_last_one_that_was_booked() -> None:
    last_ms = NOON_NS // 1_000_000 - 5_000_000
    bench = Bench(recover=recovery(last_fill_ms=last_ms)).start()
    assert min(read.fills_since_ms for read in bench.asked(RequestReports)) == last_ms - 60_000


def test_link_ids_are_never_used_twice() -> None:
    bench = long(Bench().start())
    for _ in range(4):
        bench.order(ClosePosition(AAA))
        bench.answer(bench.sent[-1], Outcome.NO, code=110074, reason="not trading")
        bench.wait(6)
        if bench.core.state.orders.get(bench.sent[-1].client_id).is_in_flight:
            bench.answer(bench.sent[-1], Outcome.NO, code=110074, reason="not trading")
    ids = [order.client_id for order in bench.sent]
    assert len(set(ids)) == len(ids) >= 5
    assert all(len(name) <= 36 for name in ids)


def test_a_stop_that_fires_before_an_entry_fill_is_known_loses_no_money() -> None:
    bench, entry = entered()
    bench.answer(entry)
    late = bench.fill(entry, "100.02", "15")
    bench.account.fills.remove(late)
    bench.push(bench.order_report(entry, OrderStatus.FILLED, "25"), bench.fill(entry, "100.02", "10"))
    bench.push(bench.execution(AAA, Side.SELL, "99.67", "25", stop_order_type="StopLoss", closed_qty=Decimal(25)))
    bench.push(bench.position(AAA, "0"))
    bench.push(late)
    bench.wait(20)
    trades = {closed.trade.trade_id: closed.trade for closed in bench.told(PositionClosed)}
    assert sum(trade.gross_pnl for trade in trades.values()) == Decimal("-0.35") * 25
    assert bench.core.state.positions.symbols() == set()


def test_a_late_entry_fill_that_joins_a_foreign_position_keeps_what_its_trade_has_earned() -> None:
    bench, request = entered()
    first = bench.fill(request, "100", "1", fee=Decimal(0))
    late = bench.fill(request, "100", "1", fee=Decimal(0))
    bench.account.fills.remove(late)
    bench.push(first)
    bench.push(bench.execution(AAA, Side.SELL, "103", "1", fee=Decimal(0), closed_qty=Decimal(1)))
    bench.push(bench.execution(AAA, Side.BUY, "110", "1", fee=Decimal(0)))
    bench.push(late)
    bench.push(bench.execution(AAA, Side.SELL, "110", "2", fee=Decimal(0), closed_qty=Decimal(2)))
    rows = {
        each.trade.trade_id: each.trade
        for kind in (PositionOpened, PositionChanged, PositionClosed)
        for each in bench.told(kind)
    }
    assert sum(row.gross_pnl for row in rows.values()) == Decimal(3) + Decimal(10)
