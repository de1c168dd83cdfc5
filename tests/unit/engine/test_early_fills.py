"""Executions that are heard of before those that opened what they close, and those of before the first start."""

from __future__ import annotations

from decimal import Decimal

from cockpit.domain.commands import ArmFlatten, ClosePosition, FlattenAll
from cockpit.domain.enums import ExecType, OrderStatus, Side
from cockpit.domain.events import OrderLookedUp, Outcome
from cockpit.domain.positions import FillReport
from cockpit.domain.time import NS_PER_MS, NS_PER_S
from cockpit.engine.effects import FillBooked, PositionClosed, ReconnectStream, RequestReports, SubmitOrder
from tests.support.core_fixtures import AAA, BBB, Bench
from tests.support.core_scenes import bounce, long
from tests.unit.engine.test_restart import restarted
from tests.unit.engine.test_trades import net_of_trades


def entered(bench: Bench) -> SubmitOrder:
    """The entry of a bounce, approved and answered; none of its executions has come."""
    bounce(bench)
    assert bench.approve() == ""
    entry = bench.sent[0]
    bench.answer(entry)
    return entry


def sold(bench: Bench, qty: str, price: str = "101", age_s: int = 0, closed: str | None = None) -> FillReport:
    """An execution by hand that sells; it closes as much, unless told otherwise."""
    extra = {"ts_event": bench.now_ns - age_s * NS_PER_S} if age_s else {}
    return bench.execution(AAA, Side.SELL, price, qty, closed_qty=Decimal(qty if closed is None else closed), **extra)


def test_a_close_by_hand_of_what_a_lost_fill_of_the_entry_opened_waits_for_that_fill() -> None:
    bench = Bench().start()
    entry = entered(bench)
    bench.push(bench.fill(entry, "100.02", "10"), bench.order_report(entry, OrderStatus.FILLED, "25"))
    bench.push(sold(bench, "10", "101.02"))
    bench.is_reading = False
    by_hand = sold(bench, "15", "102.02")
    bench.push(by_hand, by_hand)
    assert bench.core.state.positions.open == {}, "nothing is opened by a close"
    bench.wait(20)
    bench.push(bench.fill(entry, "100.02", "15"))
    assert bench.core.state.positions.open == {}
    assert net_of_trades(bench) == Decimal(10) + 2 * Decimal(15)
    assert {told.trade.kind for told in bench.told(PositionClosed)} == {"bounce"}


def test_a_late_fill_of_the_entry_is_closed_too_where_the_trade_was_to_be_closed() -> None:
    bench = Bench().start()
    entry = entered(bench)
    bench.push(bench.fill(entry, "100.02", "10"), bench.position(AAA, "10", "100.02", "99.67"))
    assert bench.order(ClosePosition(AAA)) == ""
    close = bench.sent[1]
    bench.answer(close)
    bench.push(bench.fill(close, "101", "10", closed_qty=Decimal(10)))
    bench.push(bench.order_report(close, OrderStatus.FILLED, "10"))
    bench.push(bench.fill(entry, "100.02", "15"), bench.position(AAA, "15", "100.02", "99.67"))
    bench.wait(3)
    assert len(bench.sent) == 3
    again = bench.sent[2]
    assert (again.side, again.reduce_only) == (Side.SELL, True)


def test_an_opening_by_hand_after_a_close_that_was_not_heard_of_takes_nothing_from_our_trade() -> None:
    bench = long(Bench().start())
    bench.is_reading = False
    fired = {"closed_qty": Decimal(25), "create_type": "CreateByStopLoss", "stop_order_type": "StopLoss"}
    lost = bench.execution(AAA, Side.SELL, "99.66", "25", **fired)
    bench.push(sold(bench, "1", closed="0"))
    bench.wait(2)
    assert bench.core.state.positions.open[AAA].fills.qty == 25
    bench.push(lost)
    (ours,) = bench.told(PositionClosed)
    assert (ours.trade.gross_pnl, ours.trade.exit_reason) == (Decimal("-0.36") * 25, "stop_loss")
    held = bench.core.state.positions.open[AAA]
    assert (held.side, held.qty, held.is_foreign) == (Side.SELL, 1, True)


def test_a_close_whose_opening_no_read_tells_is_booked_by_itself() -> None:
    bench = Bench().start()
    bench.is_reading = False
    bench.push(sold(bench, "10"))
    bench.wait(5)
    assert bench.told(FillBooked) == []
    bench.is_reading = True
    bench.wait(15)
    assert [told.fill.qty for told in bench.told(FillBooked)] == [Decimal(10)]


def test_a_thousand_early_closes_are_booked_after_what_they_close() -> None:
    bench = Bench().start()
    entry = entered(bench)
    opened = bench.fill(entry, "100.02", "120")
    bench.is_reading = False
    for _ in range(1200):
        bench.push(sold(bench, "0.1", "99.6"))
    bench.push(opened)
    assert bench.core.state.positions.open == {}
    assert len(bench.told(FillBooked)) == 1201


def test_what_the_stream_told_and_waits_is_no_loss_of_the_stream() -> None:
    bench = Bench().start()
    bench.wait(5)
    bench.push(sold(bench, "10"))
    bench.wait(10)
    assert "stream_lost_data" not in bench.notes()
    assert bench.asked(ReconnectStream) == []


def test_an_early_execution_survives_a_crash_that_comes_after_a_newer_one() -> None:
    bench = Bench(symbols=(AAA, BBB)).start()
    bench.wait(5)
    bench.is_reading = False
    early = sold(bench, "10")
    bench.push(early)
    bench.wait(70)
    bench.push(bench.execution(BBB, Side.BUY, "100", "1"))
    again = restarted(bench, symbols=(AAA, BBB))
    again.is_reading = False
    again.start()
    since_ms = min(request.fills_since_ms for request in again.asked(RequestReports))
    assert again.core.state.positions.knows(early.exec_id) or since_ms <= early.ts_event // NS_PER_MS


def missed(bench: Bench) -> FillReport:
    """Our stop fires while nothing is heard; the first word after it is an execution of another symbol, 70 s later."""
    bench.is_reading = False
    fired = sold(bench, "25", "99.66")
    bench.position(AAA, "0")
    bench.ledger += bench.rows_of(fired)
    bench.wait(70)
    bench.push(bench.execution(BBB, Side.BUY, "100", "1"))
    return fired


def test_an_execution_that_nobody_told_is_read_though_a_newer_one_was_pushed() -> None:
    bench = long(Bench(symbols=(AAA, BBB)).start())
    bench.mirrors = False
    fired = missed(bench)
    bench.wait(10)
    assert bench.asked(RequestReports)[-1].fills_since_ms <= fired.ts_event // NS_PER_MS
    bench.read()
    assert fired.exec_id in [booked.fill.exec_id for booked in bench.told(FillBooked)]
    assert [told.trade.exit_reason for told in bench.told(PositionClosed)] == ["external"]


def test_a_shallow_read_that_tells_the_newer_one_leaves_the_gap_to_the_next() -> None:
    bench = long(Bench(symbols=(AAA, BBB)).start())
    fired = missed(bench)
    bench.read(since_ms=bench.now_ns // NS_PER_MS - 60_000)
    bench.wait(10)
    assert bench.asked(RequestReports)[-1].fills_since_ms <= fired.ts_event // NS_PER_MS


def test_an_execution_that_nobody_told_is_read_after_a_crash_though_the_journal_has_a_newer_one() -> None:
    bench = long(Bench(symbols=(AAA, BBB)).start())
    bench.wait(130)
    fired = missed(bench)
    again = restarted(bench, symbols=(AAA, BBB)).start()
    again.wait(10)
    assert fired.exec_id in [booked.fill.exec_id for booked in again.told(FillBooked)]


def test_reads_reach_no_further_back_than_a_minute_before_what_the_last_one_told() -> None:
    bench = long(Bench().start())
    bench.wait(200)
    newest_ms = bench.account.fills[-1].ts_event // NS_PER_MS
    assert bench.asked(RequestReports)[-1].fills_since_ms == newest_ms - 60_000


def test_a_fill_of_an_entry_of_ours_never_waits() -> None:
    bench = Bench().start()
    entry = entered(bench)
    bench.is_reading = False
    bench.push(bench.order_report(entry, OrderStatus.FILLED, "25"))
    bench.push(bench.fill(entry, "100.02", "25", closed_qty=Decimal(1)))
    bench.push(bench.position(AAA, "24", "100.02"))
    bench.wait(6)
    assert bench.stops or len(bench.sent) > 1, "a position without a stop is guarded while no read comes"


def test_a_liquidation_locks_at_once_whatever_it_closes() -> None:
    bench = Bench().start()
    bench.position(AAA, "10")
    bench.wait(12)
    bench.is_reading = False
    bench.push(bench.position(AAA, "0"))
    bench.push(bench.execution(AAA, Side.SELL, "90", "10", closed_qty=Decimal(10), exec_type=ExecType.LIQUIDATION))
    bench.wait(3)
    assert "liquidation" in bench.core.state.locks


def test_an_early_execution_that_a_look_shows_too_counts_once() -> None:
    bench = Bench().start()
    entry = entered(bench)
    bench.is_reading = False
    first, late = bench.fill(entry, "100.02", "5"), bench.fill(entry, "100.02", "20")
    bench.push(bench.order_report(entry, OrderStatus.FILLED, "25"), first)
    bench.push(bench.position(AAA, "25", "100.02", "99.67"))
    assert bench.order(ClosePosition(AAA)) == ""
    close = bench.sent[1]
    bench.answer(close)
    filled = bench.order_report(close, OrderStatus.FILLED, "25")
    bench.push(filled)
    part = bench.fill(close, "101", "15", closed_qty=Decimal(15))
    bench.fill(close, "101", "10", closed_qty=Decimal(10))  # at the exchange, and not told
    now_ns = bench.now_ns
    bench.feed(OrderLookedUp(client_id=close.client_id, report=filled, fills=[part], sent_ns=now_ns, ts_recv=now_ns))
    bench.push(late)
    order = bench.core.state.orders.get(close.client_id)
    assert order is not None
    assert order.unbooked_qty == 10


def test_what_an_old_trade_left_is_void_once_another_one_began() -> None:
    bench = long(Bench().start())
    bench.push(bench.position(AAA, "0"))
    bench.wait(17)
    bench.push(bench.execution(AAA, Side.BUY, "100", "5"))
    bench.push(sold(bench, "5"))
    assert closes_its_own_trade(restarted(bench, after_s=60).start())


def test_a_close_during_an_entry_of_ours_is_not_that_of_an_old_trade() -> None:
    bench = long(Bench().start())
    bench.push(bench.position(AAA, "0"))
    bench.wait(17)
    assert closes_its_own_trade(restarted(bench, after_s=60).start())


def closes_its_own_trade(bench: Bench) -> bool:
    """True if a stop that is heard of before its entry ends that entry's trade and no other."""
    entry = entered(bench)
    bench.is_reading = False
    opened = bench.fill(entry, "100.02", "25")
    bench.push(bench.order_report(entry, OrderStatus.FILLED, "25"))
    fired = {"closed_qty": Decimal(25), "create_type": "CreateByStopLoss"}
    bench.push(bench.execution(AAA, Side.SELL, "101.02", "25", **fired))
    bench.push(opened)
    assert entry.origin is not None
    return {told.trade.trade_id for told in bench.told(PositionClosed)} == {entry.origin.trade_id}


def test_a_trade_that_ended_untold_counts_what_closed_before_the_restart() -> None:
    bench = long(Bench().start())
    bench.order(ClosePosition(AAA))
    close = bench.sent[1]
    bench.answer(close)
    bench.push(bench.order_report(close, OrderStatus.FILLED, "25"))
    bench.push(bench.fill(close, "102", "10", closed_qty=Decimal(10)), bench.position(AAA, "0"))
    bench.wait(17)
    again = restarted(bench).start()
    again.push(again.fill(close, "101", "15", closed_qty=Decimal(15)))
    (closed,) = again.told(PositionClosed)
    assert closed.trade.exit_price == (Decimal(102) * 10 + Decimal(101) * 15) / 25


def ended_before_its_first_fill(bench: Bench) -> tuple[Bench, FillReport]:
    """A long whose second execution alone was heard of before the exchange called it flat; and the first one."""
    entry = entered(bench)
    first, second = bench.fill(entry, "100.02", "10"), bench.fill(entry, "100.02", "15")
    bench.account.fills.remove(first)  # reads may be behind
    bench.push(bench.order_report(entry, OrderStatus.FILLED, "25"), second)
    bench.push(bench.position(AAA, "0"))
    bench.wait(17)
    assert len(bench.told(PositionClosed)) == 1
    return bench, first


def test_a_late_fill_of_an_entry_whose_trade_ended_untold_adds_to_what_it_left() -> None:
    bench, late = ended_before_its_first_fill(Bench().start())
    bench.push(late)
    assert bench.core.state.positions.open[AAA].fills.qty == 25
    bench.push(sold(bench, "25", "101.02"))
    assert bench.core.state.positions.open == {}
    assert net_of_trades(bench) == 25


def test_a_late_fill_of_an_entry_adds_to_what_its_trade_left_after_a_restart_too() -> None:
    bench, late = ended_before_its_first_fill(Bench().start())
    again = restarted(bench)
    again.is_reading = False
    again.start()
    again.push(late)
    again.push(sold(again, "25", "101.02"))
    assert again.core.state.positions.open == {}
    assert again.told(PositionClosed)[-1].trade.gross_pnl == 25


def test_a_late_fill_that_joins_a_position_by_hand_brings_what_its_trade_left() -> None:
    bench, late = ended_before_its_first_fill(Bench().start())
    bench.is_reading = False
    bench.push(bench.execution(AAA, Side.BUY, "100.02", "5"))
    bench.push(late)
    bench.push(sold(bench, "25", "101.02"))
    assert bench.core.state.positions.open[AAA].fills.qty == 5
    bench.push(sold(bench, "5", "101.02"))
    assert net_of_trades(bench) == 30


def test_what_is_left_of_a_trade_that_ended_untold_keeps_its_stop() -> None:
    bench = long(Bench().start())
    late = sold(bench, "10")
    bench.account.fills.remove(late)
    bench.push(bench.position(AAA, "0"))
    bench.wait(17)
    again = restarted(bench).start()
    again.push(late)
    held = again.core.state.positions.open[AAA]
    assert held.origin is not None
    assert held.stop_wanted == held.origin.stop


# ------------------------------------------------------------------------------------------ of before the first start


def test_what_was_traded_before_the_first_start_is_in_no_position_of_ours() -> None:
    bench = Bench()
    bench.execution(AAA, Side.BUY, "100", "100", ts_event=bench.now_ns - 30 * NS_PER_S)
    sold(bench, "100", "90", age_s=20)
    bench = long(bench.start())
    bench.wait(12)
    held = bench.core.state.positions.open[AAA]
    assert (held.side, held.qty, held.peak_qty, held.gross) == (Side.BUY, 25, 25, 0)


def test_a_close_from_before_the_first_start_turns_no_position_of_ours() -> None:
    bench = Bench()
    sold(bench, "100", "90", age_s=20)
    bench = long(bench.start())
    bench.wait(12)
    held = bench.core.state.positions.open[AAA]
    assert (held.side, held.qty, held.gross) == (Side.BUY, 25, 0)


def test_a_restart_books_nothing_of_before_the_first_start() -> None:
    bench = Bench()
    bench.execution(AAA, Side.BUY, "100", "100", ts_event=bench.now_ns - 30 * NS_PER_S)
    bench = long(bench.start())
    again = restarted(bench).start()
    again.wait(12)
    assert again.core.state.positions.open[AAA].peak_qty == 25


def partly_closed_by_hand() -> Bench:
    """A position from before the first start, told smaller before the execution that made it so."""
    bench = Bench()
    bench.position(AAA, "10")
    bench.start()
    bench.wait(12)
    left = bench.position(AAA, "6")
    bench.push(left)
    bench.push(bench.execution(AAA, Side.SELL, "101", "4", closed_qty=Decimal(4), seq=left.seq))
    bench.wait(12)
    return bench


def test_a_position_of_before_that_was_partly_closed_by_hand_can_be_closed() -> None:
    bench = partly_closed_by_hand()
    assert bench.order(ClosePosition(AAA)) == ""
    assert (bench.sent[-1].side, bench.sent[-1].reduce_only) == (Side.SELL, True)


def test_the_flatten_of_a_position_of_before_that_was_partly_closed_by_hand_ends() -> None:
    bench = partly_closed_by_hand()
    bench.order(ArmFlatten())
    bench.order(FlattenAll())
    answered = 0
    for _ in range(120):
        for each in bench.sent[answered:]:
            if each.side is Side.SELL:
                bench.closed(each, "101", closed_qty=Decimal(6))
            else:
                bench.answer(each, Outcome.NO, code=110017, reason="reduce-only order has the side of the position")
        answered = len(bench.sent)
        bench.wait(0.5)
    assert bench.core.flatten.flatten.state.value == "flat"


def test_a_read_that_was_asked_for_before_the_word_flat_does_not_end_a_trade_untold() -> None:
    bench = long(Bench().start())
    bench.is_reading = False
    asked_ns = bench.now_ns
    close = sold(bench, "25")  # at the exchange, and not told
    bench.wait(1)
    bench.push(bench.position(AAA, "0"))
    bench.account.fills.remove(close)
    bench.read(requested_ns=asked_ns)
    bench.wait(17)
    assert bench.told(PositionClosed) == []
    bench.account.fills.append(close)
    bench.read()
    (closed,) = bench.told(PositionClosed)
    assert (closed.trade.exit_price, closed.trade.exit_reason) == (close.price, "external")
    assert "position_gone" not in bench.notes()


def test_an_opening_by_hand_waits_for_the_executions_of_a_close_of_ours() -> None:
    bench = long(Bench().start())
    bench.is_reading = False
    assert bench.order(ClosePosition(AAA)) == ""
    close = bench.sent[1]
    bench.answer(close)
    bench.push(bench.order_report(close, OrderStatus.FILLED, "25"))
    bench.push(bench.fill(close, "101.02", "15", closed_qty=Decimal(15)))
    lost = bench.fill(close, "101.02", "10", closed_qty=Decimal(10))
    bench.push(bench.execution(AAA, Side.BUY, "103", "5"))
    assert bench.core.state.positions.open[AAA].fills.qty == 10
    bench.push(lost)
    closed = bench.told(PositionClosed)[-1].trade
    assert (closed.kind, closed.gross_pnl) == ("bounce", Decimal(25))
    left = bench.core.state.positions.open[AAA]
    assert (left.origin, left.fills.qty, left.entry_price) == (None, 5, 103)


def fired(bench: Bench) -> FillReport:
    """The execution of the stop of a long; nobody tells it until it is pushed or read."""
    by_stop = {"create_type": "CreateByStopLoss", "stop_order_type": "StopLoss"}
    return bench.execution(AAA, Side.SELL, "99.66", "25", closed_qty=Decimal(25), **by_stop)


def test_what_is_bought_by_hand_waits_for_the_execution_of_the_stop_before_it() -> None:
    bench = long(Bench().start())
    bench.is_reading = False
    lost = fired(bench)
    by_hand = bench.execution(AAA, Side.BUY, "103", "5")
    bench.push(by_hand)
    bench.push(lost)
    bench.is_reading = True
    bench.wait(2)
    (ours,) = bench.told(PositionClosed)
    assert (ours.trade.gross_pnl, ours.trade.exit_reason) == (Decimal("-0.36") * 25, "stop_loss")
    held = bench.core.state.positions.open[AAA]
    assert (held.is_foreign, held.fills.qty) == (True, 5)
    bench.wait(12)
    assert bench.stops == [], "a stranger's position gets no stop of ours"


def test_what_is_bought_by_hand_waits_for_a_close_that_the_exchange_has_not_matched_yet() -> None:
    bench = long(Bench().start())
    bench.is_reading = False
    assert bench.order(ClosePosition(AAA)) == ""
    close = bench.sent[1]
    bench.answer(close)
    bench.push(bench.order_report(close, OrderStatus.NEW))
    lost = bench.fill(close, "101.02", "25", closed_qty=Decimal(25))
    bench.push(bench.execution(AAA, Side.BUY, "103", "5"))
    bench.push(lost)
    (ours,) = bench.told(PositionClosed)
    assert ours.trade.gross_pnl == 25


def test_a_trade_does_not_end_untold_when_something_newer_than_the_word_flat_is_booked() -> None:
    bench = long(Bench().start())
    bench.mirrors = False
    bench.wait(1)
    bench.is_reading = False
    fired(bench)
    bench.push(bench.position(AAA, "0"))
    asked = bench.now_ns
    bench.wait(2)
    bench.push(bench.execution(AAA, Side.BUY, "103", "5"))
    bench.position(AAA, "5", "103")
    bench.wait(2.3)
    bench.read(requested_ns=asked)
    bench.wait(1.5)
    bench.is_reading = True
    bench.wait(4)
    assert "position_gone" not in bench.notes()
    for qty in ("2", "3"):
        bench.push(bench.execution(AAA, Side.SELL, "104", qty, closed_qty=Decimal(qty)))
    bench.push(bench.position(AAA, "0"))
    bench.wait(30)
    assert net_of_trades(bench) == Decimal("-0.36") * 25 + 5


def test_a_liquidation_that_is_told_before_what_it_liquidated_is_the_same_after_a_restart() -> None:
    bench = Bench().start()
    entry = entered(bench)
    bench.is_reading = False
    forced = bench.execution(AAA, Side.SELL, "99.02", "25", closed_qty=Decimal(25), exec_type=ExecType.LIQUIDATION)
    bench.push(forced)
    again = restarted(bench, after_s=1)
    again.is_reading = False
    again.boot()
    again.push(again.fill(entry, "100.02", "25"))
    assert again.core.state.positions.open == {}
    assert net_of_trades(again) == Decimal("-1") * 25
