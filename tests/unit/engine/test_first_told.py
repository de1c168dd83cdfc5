"""Positions by hand that begin with what the exchange told of them: what comes on top, what was in it, what is old."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from cockpit.domain.commands import ClosePosition
from cockpit.domain.enums import OrderStatus, Side
from cockpit.domain.positions import FillReport
from cockpit.domain.time import NS_PER_S
from cockpit.engine.effects import FillBooked, PositionClosed, RequestReports
from tests.support.core_fixtures import AAA, Bench
from tests.support.core_scenes import long
from tests.unit.engine.test_early_fills import entered, sold
from tests.unit.engine.test_restart import restarted
from tests.unit.engine.test_trades import net_of_trades


def held_before(qty: str = "10") -> Bench:
    """An engine that finds a position on its first start."""
    bench = Bench()
    bench.position(AAA, qty)
    bench.start()
    bench.wait(12)
    return bench


def bought(bench: Bench, qty: str, price: str = "100") -> FillReport:
    """An execution by hand that opens."""
    return bench.execution(AAA, Side.BUY, price, qty)


def test_what_is_added_to_a_position_of_before_comes_on_top_though_the_report_has_it_already() -> None:
    bench = held_before()
    added = bought(bench, "5")
    bench.push(bench.position(AAA, "15"))
    bench.push(added)
    bench.wait(12)
    assert bench.core.state.positions.open[AAA].fills.qty == 15
    bench.push(sold(bench, "15"), bench.position(AAA, "0"))
    assert bench.core.state.positions.open == {}
    assert {told.trade.direction for told in bench.told(PositionClosed)} == {"Buy"}


def test_the_close_of_a_position_of_before_opens_nothing_though_it_was_called_flat_first() -> None:
    bench = held_before()
    close = sold(bench, "10")
    bench.push(bench.position(AAA, "0"))
    bench.push(close)
    bench.wait(20)
    assert bench.core.state.positions.open == {}
    assert "position_gone" not in bench.notes()
    (closed,) = bench.told(PositionClosed)
    assert (closed.trade.direction, closed.trade.qty) == ("Buy", 10)


def test_an_execution_that_the_first_word_had_in_it_is_not_added_again() -> None:
    bench = Bench().start()
    bench.is_reading = False
    late = bought(bench, "15", "99.5")
    bench.push(bench.position(AAA, "15", "99.5"))
    newer = bought(bench, "5", "99.5")
    bench.push(newer)
    bench.account.fills.remove(late)
    bench.is_reading = True
    bench.wait(12)
    assert bench.core.state.positions.open[AAA].fills.qty == 20
    bench.push(late)
    assert bench.core.state.positions.open[AAA].fills.qty == 20
    bench.push(sold(bench, "20", "100.5"))
    assert bench.core.state.positions.open == {}
    assert net_of_trades(bench) == 20


def test_a_reduction_that_the_first_word_had_in_it_counts_its_profit_alone() -> None:
    bench = Bench()
    first, second = sold(bench, "1", "101"), sold(bench, "1", "101")
    bench.account.fills.clear()
    bench.position(AAA, "4")
    bench.start()
    bench.push(second)
    bench.wait(12)
    bench.push(first)
    held = bench.core.state.positions.open[AAA]
    assert (held.fills.qty, held.gross) == (4, 2)


def test_a_position_of_before_is_the_same_after_a_restart() -> None:
    bench = held_before()
    bench.push(bought(bench, "5"), bench.position(AAA, "15"))
    bench.wait(12)
    again = restarted(bench).start()
    again.wait(4)
    held = again.core.state.positions.open[AAA]
    assert (held.fills.qty, held.is_taken_over, held.is_foreign) == (15, True, True)


def test_a_report_from_before_the_end_of_a_trade_is_old_after_a_restart_too() -> None:
    bench = long(Bench().start())
    old = bench.account.positions[AAA]
    bench.push(sold(bench, "25"))
    bench.position(AAA, "0")
    again = restarted(bench)
    again.start()
    again.push(old)
    assert again.core.state.positions.unclaimed == {}


def test_executions_that_are_told_by_a_read_are_booked_in_its_order() -> None:
    bench = Bench().start()
    bench.is_reading = False
    first = bought(bench, "10")
    middle = sold(bench, "5")
    last = sold(bench, "5")
    bench.push(last)
    bench.is_reading = True
    bench.wait(12)
    assert [told.fill.exec_id for told in bench.told(FillBooked)] == [each.exec_id for each in (first, middle, last)]


def test_an_execution_from_before_the_word_flat_belongs_to_the_trade_that_ended_so() -> None:
    bench = long(Bench().start())
    added = bought(bench, "5", "100.02")
    fired = sold(bench, "30", "101.02")
    bench.account.fills = [fill for fill in bench.account.fills if fill not in (added, fired)]
    bench.push(bench.position(AAA, "0"))
    bench.wait(17)
    bench.push(added)
    bench.push(fired)
    assert bench.core.state.positions.open == {}
    assert net_of_trades(bench) == 30
    assert {told.trade.kind for told in bench.told(PositionClosed)} == {"bounce"}


def test_an_execution_that_a_read_shows_again_waits_no_longer() -> None:
    bench = Bench().start()
    bench.wait(5)
    unexplained = sold(bench, "10")
    bench.wait(1)
    bench.read()
    bench.read()
    assert [told.fill.exec_id for told in bench.told(FillBooked)] == [unexplained.exec_id]


def test_an_execution_that_every_read_shows_and_nothing_explains_asks_for_no_read_each_time() -> None:
    bench = Bench().start()
    bench.wait(5)
    bench.push(sold(bench, "10"))
    before = len(bench.asked(RequestReports))
    for _ in range(5):
        bench.read()
    assert len(bench.asked(RequestReports)) == before


def test_money_of_an_execution_that_waits_is_not_missing() -> None:
    bench = Bench().start()
    bench.wait(5)
    bench.is_reading = False
    waiting = sold(bench, "10")
    bench.account.fills.remove(waiting)  # reads are behind, the transaction log is not
    bench.push(waiting)
    bench.ledger += bench.rows_of(waiting)
    bench.mirrors = False
    bench.is_reading = True
    while "ledger" not in bench.core.state.locks:
        bench.core.ledger.ask()
        bench.wait(0.5)
    bench.read()
    bench.is_reading = False
    for _ in range(10):
        bench.core.ledger.ask()
        bench.wait(2)
        bench.read_ledger()
        assert "money mismatch" not in bench.core.state.locks
    bench.is_reading = True
    bench.wait(20)
    assert [told.fill.exec_id for told in bench.told(FillBooked)] == [waiting.exec_id]


def test_the_rest_of_an_entry_that_fills_after_an_untold_end_is_ours_and_guarded() -> None:
    bench = Bench().start()
    entry = entered(bench)
    bench.push(bench.order_report(entry, OrderStatus.PARTIALLY_FILLED, "10"))
    bench.push(bench.fill(entry, "100.02", "10"), bench.position(AAA, "10", "100.02", "99.67"))
    bench.push(bench.position(AAA, "0"))
    bench.wait(17)
    late = bench.fill(entry, "100.02", "15")
    bench.push(bench.position(AAA, "15", "100.02", seq=late.seq))
    bench.push(late)
    bench.wait(5)
    held = bench.core.state.positions.open[AAA]
    assert (held.is_foreign, held.qty) == (False, 15)
    assert bench.stops or len(bench.sent) > 1, "it is guarded"


def test_a_position_by_hand_after_a_flat_one_of_before_is_a_new_one() -> None:
    bench = Bench()
    bench.position(AAA, "10")
    bench.start()
    bench.push(bench.position(AAA, "0"))
    bench.wait(17)
    opened = bought(bench, "5")
    bench.push(bench.position(AAA, "5", seq=opened.seq))
    bench.push(opened)
    bench.wait(12)
    held = bench.core.state.positions.open[AAA]
    assert (held.fills.qty, held.is_taken_over) == (5, False)


def test_what_is_done_by_hand_after_an_untold_end_is_not_in_our_trade() -> None:
    bench = long(Bench().start())
    bench.push(bench.position(AAA, "0"))
    bench.wait(17)
    bench.is_reading = False
    bought(bench, "10")
    bench.push(sold(bench, "10", "101"))
    bench.is_reading = True
    bench.wait(12)
    rows = {told.trade.kind: told.trade.gross_pnl for told in bench.told(PositionClosed)}
    assert rows == {"bounce": 0, "foreign": 10}


def test_a_base_that_a_newer_word_replaced_is_the_same_after_a_restart() -> None:
    bench = held_before()
    bench.push(bought(bench, "5"), bench.position(AAA, "15"))
    bench.wait(12)
    bench.is_reading = False
    turned = bench.execution(AAA, Side.SELL, "101", "20", closed_qty=Decimal(15))
    bench.push(bench.position(AAA, "-5", "101", seq=turned.seq))
    bench.is_reading = True
    bench.wait(12)
    before = bench.core.state.positions.open[AAA]
    after = restarted(bench).start().core.state.positions.open[AAA]
    assert (after.fills.qty, after.is_taken_over) == (before.fills.qty, True)


def test_a_late_fill_of_another_entry_is_not_of_the_trade_that_ended_untold() -> None:
    bench = Bench().start()
    other = entered(bench)
    bench.push(bench.fill(other, "100.02", "20"), bench.position(AAA, "20", "100.02", "99.67"))
    bench.push(sold(bench, "20", "101.02"))
    bench.push(bench.position(AAA, "0"))
    late = bench.fill(other, "100.02", "5")
    bench.account.fills.remove(late)
    bench.push(bench.order_report(other, OrderStatus.CANCELLED, "20"))
    again = restarted(bench, after_s=300).start()
    long(again)
    again.push(again.position(AAA, "0"))
    again.wait(17)
    again.push(late)
    assert other.origin is not None
    held = again.core.state.positions.open[AAA].origin
    assert held is not None
    assert held.trade_id == other.origin.trade_id


def test_a_position_of_before_that_is_closed_by_hand_between_two_engines_leaves_nothing() -> None:
    bench = held_before()
    bench.wait(30)
    bench.now_ns += NS_PER_S
    close = sold(bench, "10", "110")
    bench.position(AAA, "0")
    bench.ledger += bench.rows_of(msgspec.structs.replace(close, gain=Decimal(100)))
    again = restarted(bench, after_s=5)
    again.mirrors, again.ledger = False, bench.ledger
    again.start()
    again.wait(100)
    assert again.core.state.positions.open == {}
    assert [told.trade.direction for told in again.told(PositionClosed)] == ["Buy"]
    assert [told.fill.gain for told in again.told(FillBooked)] == [None], "what it was bought for is not known"
    assert "money_mismatch" not in again.notes()


def test_what_is_added_before_the_first_read_of_a_restart_comes_on_top_of_what_was_held() -> None:
    bench = held_before()
    again = restarted(bench)
    again.is_reading = False
    again.start()
    again.push(bought(again, "5"))
    again.position(AAA, "15")
    again.is_reading = True
    again.wait(12)
    held = again.core.state.positions.open[AAA]
    assert (held.is_foreign, held.fills.qty) == (True, 15)


def test_what_is_pushed_before_the_first_read_of_a_restart_waits_for_what_was_done_before_it() -> None:
    bench = held_before()
    assert bench.order(ClosePosition(AAA)) == ""
    bench.fill(bench.sent[0], "101", "10", closed_qty=Decimal(10))
    again = restarted(bench, after_s=1)
    again.is_reading = False
    again.boot()
    again.push(bought(again, "1"))
    assert again.core.state.positions.open == {}
    again.is_reading = True
    again.start()
    again.wait(5)
    held = again.core.state.positions.open[AAA]
    assert (held.side, held.fills.qty) == (Side.BUY, 1)
