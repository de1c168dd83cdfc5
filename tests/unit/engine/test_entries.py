"""From a wall in the book to one order at the exchange, and every gate on the way."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cockpit.domain.commands import ApproveSignal, PauseEntries, RejectSignal, ResumeEntries, SetApproval, SnoozeSignal
from cockpit.domain.enums import Approval, OrderRole, OrderType, Side, SignalKind, StreamName, TimeInForce
from cockpit.domain.events import (
    FrameRejected,
    InstrumentsLoaded,
    JournalHealth,
    KeyRefused,
    MarketEnded,
    Outcome,
    StreamLost,
    StreamUp,
)
from cockpit.domain.ids import SignalId, origin_of, role_of
from cockpit.engine.config import EngineConfig
from cockpit.engine.effects import SignalDecided
from cockpit.execution.config import ExecutionConfig
from cockpit.risk.limits import RiskLimits
from tests.support.core_fixtures import AAA, BBB, Bench, instrument
from tests.support.core_scenes import bounce, breakout, long

BOTH_SIDES = pytest.mark.parametrize("side", list(Side))


@BOTH_SIDES
def test_a_touched_wall_that_holds_becomes_a_bounce_signal(side: Side) -> None:
    bench = bounce(Bench().start(), side)
    (queued,) = bench.signals
    signal = queued.signal
    assert (signal.kind, signal.direction) == (SignalKind.BOUNCE, side)
    assert (signal.entry_reference - signal.wall.price) * side.sign > 0
    assert (signal.wall.price - signal.stop_price) * side.sign > 0
    assert bench.sent == []


@BOTH_SIDES
def test_an_eaten_wall_behind_the_price_becomes_a_breakout_signal(side: Side) -> None:
    bench = breakout(Bench().start(), side)
    (queued,) = bench.signals
    signal = queued.signal
    assert (signal.kind, signal.direction) == (SignalKind.BREAKOUT, side)
    assert signal.wall.eaten_ratio == pytest.approx(0.6)
    assert bench.sent == []


@pytest.mark.parametrize(("scene", "stop", "limit"), [(bounce, "99.67", "100.07"), (breakout, "99.93", "100.11")])
def test_approval_sends_one_limit_ioc_at_the_collar_with_its_stop_attached(scene, stop: str, limit: str) -> None:
    bench = scene(Bench().start(), Side.BUY)
    signal = bench.signals[0].signal
    assert bench.approve() == ""
    (order,) = bench.sent
    assert (order.order_type, order.time_in_force, order.side) == (OrderType.LIMIT, TimeInForce.IOC, Side.BUY)
    assert order.stop_loss is not None
    assert order.price is not None
    assert instrument().price_text(order.stop_loss) == stop
    assert instrument().price_text(order.price) == limit
    assert not order.reduce_only
    assert (origin_of(order.client_id), role_of(order.client_id)) == (signal.signal_id, OrderRole.ENTRY)
    assert order.signal_id == signal.signal_id
    assert bench.signals == []


def test_a_short_has_its_collar_below_and_its_stop_above() -> None:
    bench = bounce(Bench().start(), Side.SELL)
    assert bench.approve() == ""
    (order,) = bench.sent
    assert order.stop_loss is not None
    assert order.price is not None
    assert (instrument().price_text(order.price), instrument().price_text(order.stop_loss)) == ("99.94", "100.34")


def test_size_risks_the_set_share_of_equity_at_the_stop() -> None:
    bench = bounce(Bench().start())
    assert bench.approve() == ""
    (order,) = bench.sent
    assert order.price is not None
    assert order.stop_loss is not None
    rules = instrument()
    risk = rules.qty(order.lots) * (rules.price(order.price) - rules.price(order.stop_loss))
    assert risk == Decimal(10)  # 0.10 % of 10 000 USDT


def test_size_is_cut_to_the_exposure_room_and_the_ticket_says_so() -> None:
    bench = breakout(Bench().start())
    ticket = bench.core.signals.ticket(bench.signals[0].signal)
    assert ticket.sizing.cut == "cut to exposure 5 %"
    assert Decimal(499) < ticket.sizing.margin_usdt <= Decimal(500)
    assert bench.approve() == ""
    (decided,) = bench.told(SignalDecided)
    assert decided.state == "approved"
    assert decided.ticket["sizing"]["cut"] == "cut to exposure 5 %"
    assert decided.ticket["sizing"]["lots"] == bench.sent[0].lots


def test_margin_of_foreign_positions_takes_from_the_exposure_room() -> None:
    bench = Bench().start()
    bench.account.initial_margin = Decimal(400)
    bounce(bench)
    ticket = bench.core.signals.ticket(bench.signals[0].signal)
    assert ticket.sizing.margin_usdt <= Decimal(100)


def test_an_order_in_usd_below_the_minimum_is_refused_with_the_number_needed() -> None:
    bench = bounce(Bench(risk=RiskLimits(size_mode="usd", position_size_usd=0.1)).start())
    refusal = bench.approve()
    assert "minimum 0.1" in refusal
    assert "10.0" in refusal
    assert bench.sent == []


def test_a_stop_closer_than_the_least_distance_is_refused() -> None:
    bench = bounce(Bench(execution=ExecutionConfig(min_stop_pct=0.5)).start())
    assert "too close" in bench.approve()
    assert bench.sent == []


# ----------------------------------------------------------------------------------------------------------- refusals


def test_f110_a_ticket_that_changed_since_it_was_shown_is_refused() -> None:
    bench = bounce(Bench().start())
    refusal = bench.order(ApproveSignal(bench.signals[0].signal.signal_id, "0123456789ab"))
    assert "changed" in refusal
    assert bench.sent == []
    assert len(bench.signals) == 1


def test_f110_an_expired_signal_is_refused_even_before_the_tick_that_removes_it() -> None:
    bench = bounce(Bench().start())
    queued = bench.signals[0]
    bench.now_ns = queued.expires_ns + 1
    assert "expired" in bench.approve(queued)
    assert bench.sent == []


def test_a_signal_expires_by_receive_time_in_a_silent_market() -> None:
    bench = bounce(Bench().start())
    bench.wait(46, market=False)
    assert bench.signals == []
    (decided,) = bench.told(SignalDecided)
    assert (decided.state, decided.reason) == ("expired", "ttl")


def test_a_snoozed_signal_outlives_its_time_by_thirty_seconds() -> None:
    bench = bounce(Bench().start())
    assert bench.order(SnoozeSignal(bench.signals[0].signal.signal_id)) == ""
    bench.wait(50)
    assert len(bench.signals) == 1
    bench.wait(30)
    assert bench.signals == []


def test_nothing_is_traded_while_approval_is_observe() -> None:
    bench = bounce(Bench(approval=Approval.OBSERVE).start())
    assert "observe" in bench.approve()
    assert bench.sent == []


def test_a_kind_can_be_stricter_than_the_whole_but_not_looser() -> None:
    by_kind = {SignalKind.BOUNCE: Approval.OBSERVE, SignalKind.BREAKOUT: Approval.AUTO}
    config = EngineConfig(approval=Approval.MANUAL, approval_by_kind=by_kind)
    assert "observe" in bounce(Bench(engine=config).start()).approve()
    assert breakout(Bench(engine=config).start()).sent == []


def test_automatic_approval_needs_an_engine_started_with_it() -> None:
    bench = Bench().start()
    assert "--auto" in bench.order(SetApproval(Approval.AUTO))
    assert bench.order(SetApproval(Approval.OBSERVE)) == ""
    assert bench.order(SetApproval(Approval.MANUAL)) == ""


def test_paused_entries_are_refused_until_resumed() -> None:
    bench = bounce(Bench().start())
    assert bench.order(PauseEntries()) == ""
    assert bench.flags["paused"] == "1"
    assert "paused by the operator" in bench.approve()
    assert bench.order(ResumeEntries()) == ""
    assert "paused" not in bench.flags
    assert bench.approve() == ""
    assert len(bench.sent) == 1


def test_a_silent_book_is_refused_with_its_age() -> None:
    bench = bounce(Bench().start())
    bench.wait(4.5, market=False)
    refusal = bench.approve()
    assert "book age 4." in refusal
    assert "needs <= 4 s" in refusal
    assert bench.sent == []


def test_a_heartbeat_keeps_a_quiet_book_fresh() -> None:
    bench = bounce(Bench().start())
    bench.wait(3, market=False)
    bench.markets[AAA].heartbeat()
    bench.wait(3, market=False)
    assert bench.approve() == ""


def test_a_book_with_a_hole_is_refused_with_the_reason() -> None:
    bench = breakout(Bench().start())
    bench.markets[AAA].lose_a_frame()
    assert "book of AAAUSDT is not valid: update id" in bench.approve()
    assert bench.sent == []


def test_a_book_replaced_after_a_restart_of_the_exchange_needs_two_consistent_frames() -> None:
    bench = bounce(Bench().start())
    market = bench.markets[AAA]
    market.restart()
    assert "settling" in bench.approve()
    market.repeat()
    assert "settling" in bench.approve()
    market.repeat()
    assert bench.approve() == ""


def test_a_wide_spread_is_refused_with_the_number() -> None:
    bench = bounce(Bench(risk=RiskLimits(max_spread_bps=1.0)).start())
    assert "spread 2.00 bp (needs <= 1 bp)" in bench.approve()


def test_a_mark_price_far_from_the_mid_is_refused() -> None:
    bench = bounce(Bench().start())
    bench.markets[AAA].pin_mark(102.0)
    assert "mid to mark 1.961 % (needs <= 1 %)" in bench.approve()


def test_p14_a_limit_far_from_the_mark_price_is_refused_with_the_distance() -> None:
    wide = ExecutionConfig().model_copy(update={"entry_collar_bps": 150.0})
    bench = bounce(Bench(execution=wide).start())
    assert bench.approve() == "price to mark 1.520 % (needs <= 1 %)"
    assert bench.sent == []


def test_f110_a_price_that_has_run_away_from_the_signal_is_refused() -> None:
    bench = bounce(Bench().start())
    bench.markets[AAA].move(10_020)
    assert "drift 0.200 % (needs <= 0.15 %)" in bench.approve()


def test_an_instrument_that_is_not_trading_is_refused() -> None:
    bench = bounce(Bench(instruments=[instrument(status="Settling")]).start())
    assert "instrument Settling (needs Trading)" in bench.approve()


def test_an_instrument_whose_rules_are_not_known_is_refused() -> None:
    bench = bounce(Bench(instruments=[]).start())
    assert "rules of AAAUSDT are not known" in bench.approve()


def test_a_second_position_in_the_symbol_is_refused() -> None:
    bench = long(Bench().start())
    bench.wait(31)
    bounce(bench, Side.SELL)
    assert "one position open" in bench.approve()
    assert len(bench.sent) == 1


def test_a_foreign_position_in_the_symbol_is_refused_too() -> None:
    bench = bounce(Bench().start())
    bench.push(bench.position(AAA, "3"))
    assert "one position open" in bench.approve()


def test_f124_an_entry_on_its_way_blocks_the_next_one_of_the_symbol() -> None:
    bench = bounce(Bench().start())
    assert bench.approve() == ""
    bench.wait(31)
    bounce(bench, Side.SELL)
    assert "in flight busy" in bench.approve()
    assert len(bench.sent) == 1


def test_an_order_of_unknown_outcome_blocks_every_symbol() -> None:
    bench = bounce(Bench(symbols=(AAA, BBB)).start(), symbol=AAA)
    assert bench.approve() == ""
    bench.answer(bench.sent[0], Outcome.UNKNOWN, reason="timeout")
    bounce(bench, symbol=BBB)
    assert "unknown orders 1 (needs 0)" in bench.approve()


def test_positions_and_entries_on_their_way_count_against_the_limit() -> None:
    bench = bounce(Bench(symbols=(AAA, BBB), risk=RiskLimits(max_positions=1)).start(), symbol=AAA)
    bounce(bench, symbol=BBB)
    one, other = bench.signals
    assert bench.approve(one) == ""
    assert "positions 1 (needs < 1)" in bench.approve(other)


def test_the_throttle_of_entries_is_told_in_entries_per_minute() -> None:
    bench = bounce(Bench(symbols=(AAA, BBB), risk=RiskLimits(max_entries_per_minute=1)).start(), symbol=AAA)
    bounce(bench, symbol=BBB)
    one, other = bench.signals
    assert bench.approve(one) == ""
    bench.answer(bench.sent[0], Outcome.NO, code=110007, reason="not enough")
    assert "entry rate 1/min" in bench.approve(other)
    bench.wait(30)
    assert "entry rate 1/min" in bench.approve(other)


def test_a_repeat_of_the_same_symbol_and_side_within_the_window_is_refused() -> None:
    bench = bounce(Bench(risk=RiskLimits(duplicate_window_s=60)).start())
    assert bench.approve() == ""
    bench.answer(bench.sent[0], Outcome.NO, code=110007, reason="not enough")
    bench.markets[AAA].wall(9_997, 0.0)
    bench.wait(31)
    bounce(bench, Side.BUY)
    assert "duplicate" in bench.approve()
    assert len(bench.sent) == 1


def test_an_account_that_was_not_read_lately_is_refused() -> None:
    bench = bounce(Bench().start())
    bench.is_reading = False
    bench.order(SnoozeSignal(bench.signals[0].signal.signal_id))
    bench.wait(31)
    assert "reconciled 3" in bench.approve()


def test_an_ended_market_is_refused() -> None:
    bench = bounce(Bench().start())
    bench.feed(MarketEnded(bench.now_ns))
    refusal = bench.approve()
    assert "market ended" in refusal
    assert bench.sent == []


@pytest.mark.parametrize("stream", [StreamName.PUBLIC, StreamName.PRIVATE])
def test_a_lost_stream_is_refused(stream: StreamName) -> None:
    bench = bounce(Bench().start())
    bench.feed(StreamLost(stream, "silent", bench.now_ns))
    assert "stream lost" in bench.approve()
    assert bench.sent == []


def test_a_journal_that_cannot_be_written_is_refused_until_it_can() -> None:
    bench = bounce(Bench().start())
    bench.feed(JournalHealth(False, "disk full", bench.now_ns))
    assert "disk full" in bench.approve()
    bench.feed(JournalHealth(True, "", bench.now_ns))
    assert bench.approve() == ""


def test_a_key_that_was_refused_stops_every_entry() -> None:
    bench = bounce(Bench(symbols=(AAA, BBB)).start(), symbol=AAA)
    bounce(bench, symbol=BBB)
    one, other = bench.signals
    assert bench.approve(one) == ""
    bench.feed(KeyRefused(10003, "key invalid", bench.now_ns))
    bench.answer(bench.sent[0], Outcome.NO, code=10003, reason="key invalid")
    assert "key refused" in bench.approve(other)


# ------------------------------------------------------------------------------------------------ once and only once


def test_f108_a_double_press_sends_one_order() -> None:
    bench = bounce(Bench().start())
    queued = bench.signals[0]
    assert bench.approve(queued) == ""
    assert "was approved already" in bench.approve(queued)
    assert len(bench.sent) == 1


def test_approve_after_reject_sends_nothing() -> None:
    bench = bounce(Bench().start())
    queued = bench.signals[0]
    assert bench.order(RejectSignal(queued.signal.signal_id, "no")) == ""
    assert "was rejected already" in bench.approve(queued)
    assert bench.order(RejectSignal(queued.signal.signal_id)) != ""
    assert bench.sent == []


def test_a_signal_nobody_knows_is_refused() -> None:
    assert "there is no signal" in Bench().start().order(ApproveSignal(SignalId("x1"), ""))


def test_automatic_approval_sends_at_once() -> None:
    bench = bounce(Bench(approval=Approval.AUTO).start())
    assert len(bench.sent) == 1
    assert bench.signals == []
    (decided,) = bench.told(SignalDecided)
    assert (decided.state, decided.operator) == ("approved", "auto")


def test_automatic_approval_tries_again_each_second_and_keeps_its_reason() -> None:
    bench = Bench(approval=Approval.AUTO).start()
    bench.order(PauseEntries())
    bounce(bench)
    assert "paused" in bench.signals[0].note
    assert bench.order(ResumeEntries()) == ""
    bench.wait(1.5)
    assert len(bench.sent) == 1
    bench.wait(5)
    assert len(bench.sent) == 1


def test_the_lowest_priority_leaves_a_full_queue_and_is_never_sent() -> None:
    config = EngineConfig(approval=Approval.AUTO, max_live_signals=1)
    bench = Bench(symbols=(AAA, BBB), engine=config).start()
    bench.order(PauseEntries())
    breakout(bench, symbol=AAA)
    assert [q.signal.priority for q in bench.signals] == [2.0]
    bounce(bench, symbol=BBB)
    assert [q.signal.symbol for q in bench.signals] == [AAA]
    assert [d.signal.symbol for d in bench.told(SignalDecided) if d.reason == "queue full"] == [BBB]
    assert bench.sent == []


def test_a_signal_that_a_full_queue_does_not_take_is_not_sent_automatically_either() -> None:
    config = EngineConfig(approval=Approval.AUTO, max_live_signals=1)
    bench = Bench(symbols=(AAA, BBB), engine=config).start()
    bench.markets[AAA].pin_mark(102.0)
    breakout(bench, symbol=AAA)
    assert "mid to mark" in bench.signals[0].note
    bounce(bench, symbol=BBB)
    assert [q.signal.symbol for q in bench.signals] == [AAA]
    assert bench.sent == []


# ----------------------------------------------------------------------------------------------------------- at start


def test_no_entry_before_the_private_stream_is_up_and_the_account_was_read() -> None:
    bench = Bench()
    bench.feed(InstrumentsLoaded([instrument()], bench.now_ns))
    bench.boot()
    bench.feed(StreamUp(StreamName.PUBLIC, bench.now_ns))
    bench.markets[AAA].open()
    bounce(bench)
    assert "private stream" in bench.approve()
    bench.is_reading = False
    bench.feed(StreamUp(StreamName.PRIVATE, bench.now_ns))
    assert "account is being read" in bench.approve()
    bench.read()
    assert bench.approve() == ""


def test_no_entry_after_a_gap_of_the_private_stream_before_a_read_asked_for_since() -> None:
    bench = bounce(Bench().start())
    bench.is_reading = False
    asked_before = bench.now_ns
    bench.feed(StreamLost(StreamName.PRIVATE, "silent", bench.now_ns))
    bench.wait(1)
    bench.feed(StreamUp(StreamName.PRIVATE, bench.now_ns))
    bench.read(requested_ns=asked_before)
    assert "account is being read" in bench.approve()
    bench.read()
    assert bench.approve() == ""


@pytest.mark.parametrize("symbol", ["", AAA])
def test_no_entry_after_a_private_frame_that_was_not_understood_before_a_read(symbol: str) -> None:
    bench = bounce(Bench().start())
    bench.is_reading = False
    bench.feed(FrameRejected(StreamName.PRIVATE, "no number", symbol, bench.now_ns))
    assert "account is being read" in bench.approve()
    bench.read()
    assert bench.approve() == ""
