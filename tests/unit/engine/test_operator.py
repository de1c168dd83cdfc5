"""What an operator may ask, what is refused, and the locks that only an operator or a new day takes away."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cockpit.domain.commands import (
    ArmFlatten,
    CancelEntryOrders,
    ClosePosition,
    FlattenAll,
    MoveStopToBreakeven,
    PauseEntries,
    ResumeEntries,
    Shutdown,
)
from cockpit.domain.enums import OrderRole, OrderStatus, OrderType, Side, StreamName, TimeInForce
from cockpit.domain.events import JournalHealth, Outcome, StreamLost
from cockpit.domain.time import NS_PER_MS, NS_PER_S
from cockpit.engine.effects import CommandAnswered, EndEngine, SetFlag, SignalDecided
from cockpit.engine.state import DAY_NS
from cockpit.ports.journal import REBUILT_FLAG
from tests.support.core_fixtures import AAA, NOON_NS, Bench, recovery
from tests.support.core_scenes import bounce, long, short

MIDNIGHT_NS = (NOON_NS // DAY_NS + 1) * DAY_NS
BOTH = pytest.mark.parametrize("scene", [long, short])


# ------------------------------------------------------------------------------------------------------------- close


@BOTH
def test_close_sends_a_reduce_only_market_order_for_the_whole_position(scene) -> None:
    bench = scene(Bench().start())
    entry = bench.sent[0]
    assert bench.order(ClosePosition(AAA)) == ""
    close = bench.sent[1]
    assert close.side is entry.side.opposite
    assert (close.order_type, close.time_in_force, close.role) == (OrderType.MARKET, TimeInForce.IOC, OrderRole.CLOSE)
    assert (close.reduce_only, close.close_on_trigger, close.lots) == (True, True, 0)
    assert close.stop_loss is None


@BOTH
def test_half_a_close_sends_half_the_lots_and_leaves_the_rest_open(scene) -> None:
    bench = scene(Bench().start())
    assert bench.order(ClosePosition(AAA, 50)) == ""
    close = bench.sent[1]
    assert (close.lots, close.reduce_only, close.close_on_trigger) == (125, True, False)
    bench.answer(close)
    bench.push(bench.order_report(close, OrderStatus.FILLED, "12.5"), bench.fill(close, "100.00", "12.5"))
    held = "12.5" if close.side is Side.SELL else "-12.5"
    bench.push(bench.position(AAA, held, "100.02", "99.67"))
    position = bench.core.state.positions.open[AAA]
    assert position.qty == Decimal("12.5")
    bench.wait(10)
    assert len(bench.sent) == 2
    assert bench.order(ClosePosition(AAA)) == ""


def test_a_close_is_refused_while_another_one_works() -> None:
    bench = long(Bench().start())
    assert bench.order(ClosePosition(AAA)) == ""
    assert "working already" in bench.order(ClosePosition(AAA))
    bench.answer(bench.sent[1])
    assert "working already" in bench.order(ClosePosition(AAA, 50))
    assert len(bench.sent) == 2


def test_a_close_that_the_exchange_refused_can_be_asked_for_again() -> None:
    bench = long(Bench().start())
    assert bench.order(ClosePosition(AAA)) == ""
    bench.answer(bench.sent[1], Outcome.NO, code=110074, reason="not trading")
    assert bench.order(ClosePosition(AAA)) == ""
    assert bench.sent[1].client_id != bench.sent[2].client_id


def test_nothing_is_closed_where_nothing_is_open() -> None:
    bench = Bench().start()
    assert bench.order(ClosePosition(AAA)) == "no position in AAAUSDT"
    assert bench.order(ClosePosition("NOSUCHUSDT", 50)) == "no position in NOSUCHUSDT"


@pytest.mark.parametrize("percent", [0, -5, 101])
def test_a_close_of_no_possible_share_is_refused(percent: int) -> None:
    bench = long(Bench().start())
    assert "percent" in bench.order(ClosePosition(AAA, percent))
    assert len(bench.sent) == 1


def test_a_share_below_one_lot_is_refused() -> None:
    bench = bounce(Bench().start())
    assert bench.approve() == ""
    entry = bench.sent[0]
    bench.push(bench.order_report(entry, OrderStatus.CANCELLED, "0.1"), bench.fill(entry, "100.02", "0.1"))
    bench.push(bench.position(AAA, "0.1", "100.02", "99.67"))
    assert "less than one lot" in bench.order(ClosePosition(AAA, 50))


@pytest.mark.parametrize("symbol", [AAA, "NOSUCHUSDT"])
def test_a_foreign_position_can_be_closed_whole_once(symbol: str) -> None:
    bench = Bench().start()
    bench.push(bench.position(symbol, "-3", "50"))
    assert "%" in bench.order(ClosePosition(symbol, 50))
    assert bench.order(ClosePosition(symbol)) == ""
    (close,) = bench.sent
    assert (close.symbol, close.side, close.reduce_only) == (symbol, Side.BUY, True)
    assert "working already" in bench.order(ClosePosition(symbol))
    assert len(bench.sent) == 1


# -------------------------------------------------------------------------------------------------------- idempotence


def test_f108_a_command_that_arrives_twice_is_carried_out_once_and_answered_twice() -> None:
    bench = long(Bench().start())
    assert bench.order(ClosePosition(AAA, 50), command_id="anna-7") == ""
    close = bench.sent[1]
    bench.answer(close)
    bench.push(bench.order_report(close, OrderStatus.FILLED, "12.5"), bench.fill(close, "100.00", "12.5"))
    assert bench.order(ClosePosition(AAA, 50), command_id="anna-7") == ""
    assert len(bench.sent) == 2
    assert len(bench.told(CommandAnswered)) == 3


def test_the_answer_keeps_who_asked_for_what_and_what_was_seen() -> None:
    bench = Bench().start()
    bench.order(ClosePosition(AAA, 50), operator="boris")
    (answered,) = bench.told(CommandAnswered)
    assert (answered.operator, answered.action, answered.accepted) == ("boris", "ClosePosition", False)
    assert answered.arguments == {"symbol": AAA, "percent": 50}


# -------------------------------------------------------------------------------------------------------- entry orders


def test_entry_orders_are_cancelled_by_symbol_and_only_where_there_are_some() -> None:
    bench = bounce(Bench().start())
    assert "no entry order" in bench.order(CancelEntryOrders(AAA))
    assert bench.approve() == ""
    assert bench.order(CancelEntryOrders()) == ""
    assert bench.cancelled == [AAA]


# ------------------------------------------------------------------------------------------------------------ day loss


def lost_the_day(bench: Bench) -> Bench:
    """A long that fell three hundred ticks with the book: far more than 3 R of 10 USDT."""
    long(bench)
    bench.markets[AAA].move(9_700)
    bench.wait(1.5)
    return bench


def test_open_loss_beyond_the_limit_locks_entries_durably() -> None:
    bench = lost_the_day(Bench().start())
    assert "day loss" in bench.core.state.locks
    assert bench.flags["day_loss_lock"] == str(NOON_NS // DAY_NS)
    assert "day_loss" in bench.notes()


def falling_unread() -> Bench:
    """A long that falls far beyond the limit while the account cannot be read."""
    bench = long(Bench().start())
    bench.is_reading = False
    bench.wait(4)
    bench.markets[AAA].move(9_700)
    bench.wait(3)
    assert "day loss" not in bench.core.state.locks
    assert "the account is being read" in bench.core.state.locks["day loss check"]
    return bench


def test_a_position_that_was_closed_long_ago_does_not_lose_the_day() -> None:
    bench = falling_unread()
    bench.execution(AAA, Side.SELL, "99.90", "25", closed_qty=Decimal(25))
    bench.position(AAA, "0")
    bench.is_reading = True
    bench.read()
    bench.wait(3)
    assert bench.core.state.locks == {}
    assert "day_loss" not in bench.notes()


def test_a_loss_that_was_really_held_counts_although_the_price_is_back_when_the_read_comes() -> None:
    bench = falling_unread()
    bench.markets[AAA].move(10_000)
    bench.wait(2)
    assert "day loss check" in bench.core.state.locks
    bench.is_reading = True
    bench.read()
    bench.wait(2)
    assert "day loss" in bench.core.state.locks


def test_an_open_loss_still_counts_when_the_book_is_lost() -> None:
    bench = long(Bench().start())
    market = bench.markets[AAA]
    market.pin_mark(97.0)
    market.lose_a_frame()
    bench.wait(1.5, market=False)
    assert "day loss" in bench.core.state.locks


def test_a_book_that_is_older_than_the_position_does_not_lose_the_day() -> None:
    bench = long(Bench().start())
    bench.markets[AAA].move(9_700)
    bench.wait(0.25)
    bench.now_ns += 50 * NS_PER_MS
    bench.push(bench.position(AAA, "25", "100.02", "99.67", mark_price=Decimal("99.99")))
    bench.wait(1.5, market=False)
    assert "day loss" not in bench.core.state.locks


def test_what_a_foreign_position_was_once_does_not_lose_the_day() -> None:
    bench = Bench()
    bench.position(AAA, "-300", "100")
    bench.start()
    bench.push(bench.execution(AAA, Side.SELL, "100", "1"))
    bench.push(bench.position(AAA, "-1", "100"))
    bench.markets[AAA].move(10_300)
    bench.wait(3)
    assert bench.core.state.positions.open[AAA].is_taken_over
    assert "day loss" not in bench.core.state.locks


def test_the_day_loss_lock_cannot_be_lifted_on_the_same_day_even_if_the_price_recovers() -> None:
    bench = lost_the_day(Bench().start())
    bench.markets[AAA].move(10_000)
    bench.wait(1.5)
    assert "day loss" in bench.order(ResumeEntries())
    assert "day loss" in bench.core.state.locks


def test_f119_the_day_loss_lock_needs_a_new_day_and_an_operator() -> None:
    bench = lost_the_day(Bench().start())
    bench.markets[AAA].move(10_000)
    bench.now_ns = (NOON_NS // DAY_NS + 1) * DAY_NS + 1
    bench.wait(3)
    assert "day loss" in bench.core.state.locks
    assert bench.order(ResumeEntries()) == ""
    assert "day loss" not in bench.core.state.locks
    assert "day_loss_lock" not in bench.flags


def over_midnight() -> Bench:
    """An engine that starts five seconds before the exchange's next day."""
    return Bench(start_ns=MIDNIGHT_NS - 5 * NS_PER_S).start()


def test_f119_a_loss_that_is_open_over_midnight_keeps_the_lock_until_the_day_after_its_end() -> None:
    bench = lost_the_day(over_midnight())
    bench.wait(5)
    assert bench.now_ns > MIDNIGHT_NS
    assert "day loss" in bench.order(ResumeEntries()), "the loss is still there"
    assert bench.order(ClosePosition(AAA)) == ""
    bench.closed(bench.sent[-1], "97", closed_qty=Decimal(25))
    bench.wait(3)
    assert "day loss" in bench.order(ResumeEntries()), "it was booked today"
    bench.now_ns = MIDNIGHT_NS + DAY_NS
    bench.wait(3)
    assert bench.order(ResumeEntries()) == ""
    assert "day loss" not in bench.core.state.locks


def test_f119_a_position_of_yesterday_that_loses_locks_the_new_day() -> None:
    bench = long(over_midnight())
    bench.wait(5)
    bench.markets[AAA].move(9_700)
    bench.wait(1.5)
    assert bench.flags["day_loss_lock"] == str(MIDNIGHT_NS // DAY_NS)


def test_the_day_loss_lock_survives_a_restart_and_a_resume_before_the_first_read() -> None:
    today = str(NOON_NS // DAY_NS)
    bench = Bench(recover=recovery(settings={"day_loss_lock": today}))
    bench.boot()
    assert "day loss" in bench.order(ResumeEntries())
    bench.start()
    bounce(bench)
    assert "day loss" in bench.approve()


def test_loss_of_trades_closed_before_a_restart_counts() -> None:
    bench = Bench(recover=recovery(day_realised=Decimal(-31))).start()
    assert "day loss" in bench.core.state.locks


def test_a_new_day_counts_from_zero_again() -> None:
    bench = Bench(recover=recovery(day_realised=Decimal(-20))).start()
    assert bench.core.signals.day_pnl() == Decimal(-20)
    bench.now_ns = (NOON_NS // DAY_NS + 1) * DAY_NS + 1
    bench.wait(2)
    assert bench.core.signals.day_pnl() == 0
    assert "day" in bench.notes()


def test_an_unread_account_cannot_tell_the_day_and_entries_stay_off() -> None:
    bench = Bench()
    bench.account.equity = Decimal(0)
    bounce(bench.start())
    assert bench.approve() != ""
    assert bench.sent == []


# ---------------------------------------------------------------------------------------------------------- other locks


def test_a_rebuilt_journal_locks_entries_until_the_operator_says_so() -> None:
    bench = bounce(Bench(recover=recovery(settings={REBUILT_FLAG: "/moved/journal.db"})).start())
    assert "journal was rebuilt" in bench.approve()
    assert bench.order(ResumeEntries()) == ""
    assert bench.approve() == ""
    assert bench.asked(SetFlag)[-1] == SetFlag(REBUILT_FLAG, "")


def test_a_pause_survives_a_restart() -> None:
    bench = bounce(Bench(recover=recovery(settings={"paused": "1"})).start())
    assert "paused by the operator" in bench.approve()


def test_resume_does_not_lift_what_is_no_pause() -> None:
    bench = bounce(Bench().start())
    bench.order(PauseEntries())
    bench.core.state.locks["journal"] = "journal cannot be written"
    assert bench.order(ResumeEntries()) == ""
    assert "journal cannot" in bench.approve()


def test_resume_takes_an_armed_flatten_back() -> None:
    bench = Bench().start()
    assert bench.order(ArmFlatten()) == ""
    assert bench.core.flatten.flatten.state == "armed"
    assert bench.order(ResumeEntries()) == ""
    assert bench.core.flatten.flatten.state == "off"


# ------------------------------------------------------------------------------------------------------------- shutdown


def test_shutdown_without_positions_ends_the_engine() -> None:
    bench = Bench().start()
    assert bench.order(Shutdown()) == ""
    assert bench.ended


def test_signals_that_wait_end_with_the_engine() -> None:
    bench = bounce(Bench().start())
    (waiting,) = bench.signals
    assert bench.order(Shutdown()) == ""
    (decided,) = bench.told(SignalDecided)
    assert decided.signal == waiting.signal
    assert (decided.state, decided.reason) == ("expired", "the engine was stopped")
    assert bench.signals == []


def test_shutdown_with_a_position_needs_a_policy() -> None:
    bench = long(Bench().start())
    assert "AAAUSDT" in bench.order(Shutdown())
    assert not bench.ended
    assert bench.order(Shutdown(leave_protected=True)) == ""
    assert bench.ended


def test_shutdown_with_an_entry_on_its_way_needs_a_policy() -> None:
    bench = bounce(Bench().start())
    assert bench.approve() == ""
    assert "AAAUSDT" in bench.order(Shutdown())
    assert not bench.ended


def test_shutdown_during_a_flatten_waits_for_it_or_needs_a_policy() -> None:
    bench = Bench().start()
    assert bench.order(FlattenAll()) == ""
    assert "flatten" in bench.order(Shutdown())
    assert not bench.ended


def test_shutdown_by_flatten_ends_when_everything_is_zero() -> None:
    bench = long(Bench().start())
    assert bench.order(Shutdown(flatten=True)) == ""
    assert not bench.ended
    bench.closed(bench.sent[1], "100.00")
    bench.wait(10)
    (end,) = bench.asked(EndEngine)
    assert "flatten" in end.reason


# ------------------------------------------------------------------------------------------------------------ breakeven


def test_breakeven_is_refused_until_the_price_has_passed_it_and_then_lowers_the_risk() -> None:
    bench = long(Bench().start())
    assert "has not passed breakeven" in bench.order(MoveStopToBreakeven(AAA))
    assert bench.stops == []
    bench.markets[AAA].move(10_030)
    assert bench.order(MoveStopToBreakeven(AAA)) == ""
    (stop,) = bench.stops
    assert stop.stop_loss == 10_014  # 100.02 and two fees of 0.055 %, rounded up
    assert "on its way" in bench.order(MoveStopToBreakeven(AAA))
    bench.answer_stop()
    bench.push(bench.position(AAA, "25", "100.02", "100.14"))
    assert "not better" in bench.order(MoveStopToBreakeven(AAA))
    assert len(bench.stops) == 1


def test_breakeven_waits_for_the_journal_that_a_restart_needs_to_know_of_it() -> None:
    bench = long(Bench().start())
    bench.feed(JournalHealth(False, "disk full", bench.now_ns))
    bench.markets[AAA].move(10_100)
    assert "the journal cannot be written" in bench.order(MoveStopToBreakeven(AAA))
    bench.wait(5)
    assert bench.stops == []
    bench.feed(JournalHealth(True, "", bench.now_ns))
    bench.wait(5)
    assert len(bench.stops) == 1


def test_breakeven_of_a_short_lies_below_its_entry() -> None:
    bench = short(Bench().start())
    bench.markets[AAA].move(9_970)
    assert bench.order(MoveStopToBreakeven(AAA)) == ""
    assert bench.stops[0].stop_loss == 9_987  # 99.98 less two fees, rounded down


@pytest.mark.parametrize("symbol", [AAA, "NOSUCHUSDT"])
def test_breakeven_needs_a_position_of_ours(symbol: str) -> None:
    bench = Bench().start()
    bench.push(bench.position(symbol, "3", "50", "40"))
    assert "no position" in bench.order(MoveStopToBreakeven(symbol))
    assert bench.stops == []


def test_breakeven_is_refused_while_the_book_is_lost_with_its_stream() -> None:
    bench = long(Bench().start())
    bench.markets[AAA].move(10_030)
    bench.feed(StreamLost(StreamName.PUBLIC, "silent", bench.now_ns))
    assert "book of AAAUSDT is not valid" in bench.order(MoveStopToBreakeven(AAA))
    assert bench.stops == []
