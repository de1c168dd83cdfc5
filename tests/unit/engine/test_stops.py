"""The stop at the exchange: confirmed by its own word, put back when missing, never loosened; else: close."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from cockpit.domain.commands import ClosePosition, MoveStopToBreakeven, ProtectPosition, ResumeEntries
from cockpit.domain.enums import OrderRole, OrderStatus, Side
from cockpit.domain.events import OrderLookedUp, Outcome
from cockpit.domain.ids import role_of
from cockpit.domain.time import NS_PER_MS, NS_PER_S
from cockpit.engine.effects import PositionChanged, SetStop, StopConfirmed
from cockpit.engine.locks import STOP_GUARD
from cockpit.engine.projection.markets import SymbolSeries, book_view
from cockpit.execution.open_position import OpenPosition
from tests.support.core_fixtures import AAA, Bench
from tests.support.core_scenes import bounce, long, short
from tests.unit.engine.test_restart import restarted


def position(bench: Bench) -> OpenPosition:
    return bench.core.state.positions.open[AAA]


def naked(bench: Bench | None = None) -> Bench:
    """A long whose entry filled and whose stop the exchange does not show."""
    bench = bounce(bench or Bench().start())
    assert bench.approve() == ""
    bench.filled(bench.sent[0], stop=False)
    return bench


def test_a_stop_is_confirmed_by_the_position_and_its_latency_is_told() -> None:
    bench = bounce(Bench().start())
    assert bench.approve() == ""
    entry = bench.sent[0]
    bench.answer(entry)
    bench.push(bench.order_report(entry, OrderStatus.FILLED, "25"), bench.fill(entry, "100.02", "25"))
    assert bench.told(StopConfirmed) == []
    bench.now_ns += 40 * NS_PER_MS
    bench.push(bench.position(AAA, "25", "100.02", "99.67"))
    (confirmed,) = bench.told(StopConfirmed)
    assert (confirmed.price, confirmed.ms, confirmed.symbol) == ("99.67", 40, AAA)
    bench.push(bench.position(AAA, "25", "100.02", "99.67"))
    assert len(bench.told(StopConfirmed)) == 1
    bench.wait(20)
    assert bench.stops == []


def test_a_stop_that_does_not_show_is_set_within_three_seconds() -> None:
    bench = naked()
    bench.wait(3)
    (stop,) = bench.stops
    assert (stop.symbol, stop.stop_loss) == (AAA, bench.sent[0].stop_loss)
    assert "stop_missing" in bench.notes()
    bench.answer_stop()
    bench.push(bench.position(AAA, "25", "100.02", "99.67"))
    assert position(bench).stop_confirmed == 9967
    bench.wait(30)
    assert len(bench.stops) == 1
    assert len(bench.sent) == 1


def test_a_stop_that_is_missing_is_not_drawn_at_the_ladder() -> None:
    bench = naked()
    assert stop_marks(bench) == []
    bench.wait(3)
    assert stop_marks(bench) == ["sent"]
    bench.answer_stop()
    bench.push(bench.position(AAA, "25", "100.02", "99.67"))
    assert stop_marks(bench) == ["acked"]


def stop_marks(bench: Bench) -> list[str]:
    view = book_view(bench.core, bench.core.state.symbols[AAA], SymbolSeries(), bench.now_ns)
    assert view is not None
    return [mark.state for mark in view.own if mark.kind == "stop"]


TROUBLE = [
    {"outcome": Outcome.UNKNOWN, "reason": "502 from the gateway"},
    {"outcome": Outcome.UNKNOWN, "reason": "server error", "code": 10016},
    {"outcome": Outcome.NO, "reason": "too many visits", "code": 10006, "is_retryable": True},
]


def wait_answering(bench: Bench, seconds: float, **answer: Any) -> None:
    """Time passes; each stop request is answered at once."""
    for _ in range(round(seconds * 4)):
        before = len(bench.stops)
        bench.wait(0.25)
        if len(bench.stops) > before:
            bench.answer_stop(**answer)


@pytest.mark.parametrize("answer", TROUBLE)
def test_f066_a_stop_request_without_a_good_answer_is_repeated_once_then_the_position_is_closed(
    answer: dict[str, Any],
) -> None:
    bench = naked()
    wait_answering(bench, 5, **answer)
    assert [stop.stop_loss for stop in bench.stops] == [9967, 9967]
    close = bench.sent[1]
    assert (close.reduce_only, close.close_on_trigger, close.side) == (True, True, Side.SELL)
    assert bench.core.sending.reason_of(close.client_id) == "stop_loss_failed"


@pytest.mark.parametrize("answer", TROUBLE)
def test_f069_a_stop_removed_by_hand_that_cannot_be_put_back_closes_the_position_within_five_seconds(
    answer: dict[str, Any],
) -> None:
    bench = long(Bench().start())
    bench.push(bench.position(AAA, "25", "100.02"))
    bench.answer_stop(**answer)
    wait_answering(bench, 5, **answer)
    assert len(bench.stops) == 4, "two more while the close is on its way"
    assert bench.core.sending.reason_of(bench.sent[1].client_id) == "stop_loss_failed"


def test_a_position_that_is_being_closed_gets_its_missing_stop_back_and_is_closed_again_each_second() -> None:
    bench = long(Bench().start())
    assert bench.order(ClosePosition(AAA)) == ""
    bench.push(bench.position(AAA, "25", "100.02"))
    bench.answer_stop(**TROUBLE[0])
    for _ in range(3):
        bench.answer(bench.sent[-1], Outcome.UNKNOWN, reason="trouble")
        before = len(bench.sent)
        bench.wait(2.25)
        assert len(bench.sent) == before + 1
    assert len(bench.stops) >= 2
    bench.answer_stop()
    bench.push(bench.position(AAA, "25", "100.02", "99.67"))
    assert position(bench).stop_confirmed == 9967


def test_a_stop_is_put_back_without_end_while_the_close_does_not_work() -> None:
    bench = long(Bench().start())
    bench.push(bench.position(AAA, "25", "100.02"))
    bench.answer_stop(**TROUBLE[0])
    for _ in range(8):
        wait_answering(bench, 2, **TROUBLE[0])
        if len(bench.sent) > 1:
            bench.answer(bench.sent[-1], Outcome.UNKNOWN, reason="trouble")
    assert len(bench.stops) > 5
    assert {stop.stop_loss for stop in bench.stops} == {9967}


def test_f053_a_naked_position_whose_closes_are_refused_is_tried_more_slowly_after_a_while() -> None:
    bench = long(Bench().start())
    bench.push(bench.position(AAA, "25", "100.02"))
    bench.is_reading = False
    sent = []
    for _ in range(480):
        if bench.stops and position(bench).stop_in_flight:
            bench.answer_stop(**TROUBLE[0])
        if len(bench.sent) > 1 + len(sent):
            sent.append(bench.now_ns)
            bench.answer(bench.sent[-1], Outcome.NO, code=110017, reason="too small")
        bench.wait(0.25)
    pauses = [round((after - before) / NS_PER_S) for before, after in pairwise(sent)]
    assert max(pauses[:15]) <= 2
    assert min(pauses[22:]) >= 5


def test_no_stop_is_set_on_what_the_exchange_calls_flat() -> None:
    bench = bounce(Bench().start())
    assert bench.approve() == ""
    entry = bench.sent[0]
    bench.answer(entry)
    bench.push(bench.order_report(entry, OrderStatus.FILLED, "25"), bench.fill(entry, "100.02", "25"))
    assert bench.order(ClosePosition(AAA)) == ""
    bench.is_reading = False
    bench.answer(bench.sent[1])
    bench.push(bench.order_report(bench.sent[1], OrderStatus.FILLED, "25"))
    bench.push(bench.position(AAA, "0"))
    bench.wait(4.9)
    assert bench.stops == []


def test_a_stop_request_that_nobody_answers_closes_the_position_within_five_seconds() -> None:
    bench = naked()
    bench.wait(5)
    assert len(bench.stops) == 1
    assert role_of(bench.sent[1].client_id) is OrderRole.CLOSE


def test_a_stop_that_the_exchange_takes_and_does_not_show_closes_the_position_within_five_seconds() -> None:
    bench = naked()
    wait_answering(bench, 5)
    assert 1 <= len(bench.stops) <= 3
    assert role_of(bench.sent[1].client_id) is OrderRole.CLOSE
    assert bench.core.sending.reason_of(bench.sent[1].client_id) == "stop_loss_failed"


def test_the_close_of_a_naked_position_is_repeated_until_it_is_gone_whatever_is_answered() -> None:
    bench = naked()
    wait_answering(bench, 5, **TROUBLE[0])
    for answer in (Outcome.UNKNOWN, Outcome.NO, Outcome.UNKNOWN):
        bench.answer(bench.sent[-1], answer, reason="trouble")
        before = len(bench.sent)
        bench.wait(6)
        assert len(bench.sent) == before + 1
        assert bench.sent[-1].reduce_only
    bench.closed(bench.sent[-1], "99.9")
    assert bench.core.state.positions.open == {}


def test_after_a_position_was_closed_for_want_of_a_stop_entries_wait_for_the_operator() -> None:
    bench = naked()
    wait_answering(bench, 5, **TROUBLE[0])
    bench.closed(bench.sent[-1], "99.9")
    bench.wait(10)
    assert "stop of AAAUSDT" in bench.core.state.locks[STOP_GUARD]
    assert bench.order(ResumeEntries()) == ""
    assert STOP_GUARD not in bench.core.state.locks


def test_a_stop_that_vanishes_again_and_again_is_put_back_three_times_then_the_position_is_closed() -> None:
    bench = long(Bench().start())
    for times in range(1, 4):
        bench.push(bench.position(AAA, "25", "100.02"))
        assert len(bench.stops) == times
        bench.answer_stop(**TROUBLE[times % 2])  # ... and was carried out all the same
        bench.push(bench.position(AAA, "25", "100.02", "99.67"))
        bench.wait(10)
    assert len(bench.sent) == 1
    bench.push(bench.position(AAA, "25", "100.02"))
    assert len(bench.stops) == 3
    assert bench.core.sending.reason_of(bench.sent[1].client_id) == "stop_loss_failed"


def test_a_stop_that_cannot_be_placed_closes_the_position_at_once() -> None:
    bench = naked()
    bench.wait(3)
    bench.answer_stop(Outcome.NO, code=110092, reason="price already through")
    (close,) = bench.sent[1:]
    assert (close.reduce_only, close.side) == (True, Side.SELL)
    bench.answer(close, Outcome.NO, code=10006, reason="too many")
    bench.wait(3)
    assert len(bench.sent) >= 3  # it stays wanted until the position is gone
    bench.closed(bench.sent[-1], "99.5")
    assert bench.core.state.positions.open == {}


def test_a_stop_removed_by_hand_is_put_back_at_once() -> None:
    bench = long(Bench().start())
    bench.push(bench.position(AAA, "25", "100.02"))
    (stop,) = bench.stops
    assert stop.stop_loss == 9967


@pytest.mark.parametrize(("scene", "price", "tighter"), [(long, "99.90", 9990), (short, "100.10", 10010)])
def test_a_stop_tightened_by_hand_is_what_is_put_back(scene, price: str, tighter: int) -> None:
    bench = scene(Bench().start())
    qty = "25" if scene is long else "-25"
    bench.push(bench.position(AAA, qty, "100", price))
    assert bench.stops == []
    bench.push(bench.position(AAA, qty, "100"))
    (stop,) = bench.stops
    assert stop.stop_loss == tighter


def test_a_report_older_than_the_last_one_does_not_move_the_stop_back() -> None:
    bench = long(Bench().start())
    old = bench.account.positions[AAA]
    bench.wait(1)
    bench.push(bench.position(AAA, "25", "100.02", "99.90"))
    bench.push(old)
    assert position(bench).stop_confirmed == 9990
    assert bench.stops == []


def to_breakeven(bench: Bench) -> Bench:
    bench.markets[AAA].move(10_030)
    assert bench.order(MoveStopToBreakeven(AAA)) == ""
    return bench


def test_f126_a_stop_move_that_is_refused_leaves_the_old_stop_and_can_be_asked_again() -> None:
    bench = to_breakeven(long(Bench().start()))
    bench.answer_stop(Outcome.NO, code=10001, reason="no")
    assert (position(bench).stop_confirmed, position(bench).stop_wanted) == (9967, 9967)
    assert not position(bench).at_breakeven
    bench.wait(10)
    assert len(bench.sent) == 1
    assert bench.order(MoveStopToBreakeven(AAA)) == ""


@pytest.mark.parametrize(("outcome", "kept"), [(Outcome.NO, 9967), (Outcome.UNKNOWN, 10014)])
def test_the_journal_keeps_the_best_stop_that_may_stand(outcome: Outcome, kept: int) -> None:
    bench = to_breakeven(long(Bench().start()))
    assert bench.told(PositionChanged)[-1].trade.parameters["stop"] == 10014
    bench.answer_stop(outcome, reason="no")
    assert bench.told(PositionChanged)[-1].trade.parameters["stop"] == kept


def test_a_move_waits_for_the_journal_and_a_missing_stop_does_not() -> None:
    bench = to_breakeven(long(Bench().start()))
    bench.answer_stop()
    bench.push(bench.position(AAA, "25", "100.02", "100.14"))
    bench.push(bench.position(AAA, "25", "100.02"))
    bench.wait(4)
    asked = [(effect.request.stop_loss, effect.is_move) for effect in bench.asked(SetStop)]
    assert asked[:2] == [(10014, True), (10014, False)]


def test_a_stop_move_without_an_answer_never_loosens_what_the_exchange_shows() -> None:
    bench = to_breakeven(long(Bench().start()))
    bench.answer_stop(Outcome.UNKNOWN, reason="timeout")
    bench.push(bench.position(AAA, "25", "100.02", "100.14"))
    assert position(bench).stop_confirmed == 10014
    bench.wait(10)
    assert [stop.stop_loss for stop in bench.stops] == [10014]


def test_a_stop_that_fires_at_breakeven_is_told_as_such() -> None:
    bench = to_breakeven(long(Bench().start()))
    bench.answer_stop()
    bench.push(bench.position(AAA, "25", "100.02", "100.14"))
    fired = {"create_type": "CreateByStopLoss", "stop_order_type": "StopLoss"}
    fill = bench.execution(AAA, Side.SELL, "100.13", "25", **fired)
    bench.push(fill, bench.position(AAA, "0"))
    trade = bench.outputs[-1]
    closed = [output.trade for output in bench.outputs if type(output).__name__ == "PositionClosed"]
    assert trade is not None
    assert (closed[0].exit_reason, closed[0].stop_loss_triggered) == ("breakeven_stop", True)


def test_an_answer_to_a_stop_of_an_earlier_position_does_not_close_the_next_one() -> None:
    bench = naked()
    bench.wait(3)
    asked = bench.stops[-1]
    bench.answer_stop(Outcome.UNKNOWN)
    bench.push(bench.execution(AAA, Side.SELL, "99.9", "25"), bench.position(AAA, "0"))
    bench.wait(31)
    bounce(bench, Side.SELL)
    assert bench.approve() == ""
    bench.filled(bench.sent[-1], "99.98", stop=False)
    assert bench.stops[-1] is asked
    bench.answer_stop(Outcome.NO, code=10001, reason="no position")
    assert all(order.role is OrderRole.ENTRY for order in bench.sent)


def test_a_foreign_position_gets_no_stop_from_us() -> None:
    bench = Bench().start()
    bench.push(bench.execution(AAA, Side.BUY, "100", "3"), bench.position(AAA, "3"))
    bench.wait(20)
    assert bench.stops == []
    assert bench.sent == []


def test_the_stop_follows_nothing_but_the_size_it_covers() -> None:
    bench = long(Bench().start())
    bench.push(bench.execution(AAA, Side.BUY, "100.05", "5"), bench.position(AAA, "30", "100.03", "99.67"))
    held = position(bench)
    assert (held.qty, held.stop_confirmed) == (Decimal(30), 9967)
    bench.wait(10)
    assert bench.stops == []


def test_a_stop_removed_without_a_push_is_put_back_within_five_seconds() -> None:
    bench = long(Bench().start())
    bench.wait(20)
    bench.position(AAA, "25", "100.02")
    bench.wait(5)
    assert [stop.stop_loss for stop in bench.stops] == [9967]


def test_an_execution_heard_of_late_does_not_wait_for_its_stop_again() -> None:
    bench = bounce(Bench().start())
    assert bench.approve() == ""
    entry = bench.sent[0]
    bench.answer(entry)
    fill = bench.fill(entry, "100.02", "25")
    bench.wait(3)
    bench.push(fill, bench.position(AAA, "25", "100.02"))
    bench.wait(1)
    assert [stop.stop_loss for stop in bench.stops] == [9967]


def test_breakeven_waits_while_an_earlier_stop_request_may_still_arrive() -> None:
    bench = naked()
    bench.wait(3)
    bench.push(bench.position(AAA, "25", "100.02", "99.67"))  # by whichever request: a second one may be on its way
    bench.markets[AAA].move(10_030)
    assert bench.order(MoveStopToBreakeven(AAA)) == "an earlier stop change may still arrive"
    bench.wait(4)
    assert bench.order(MoveStopToBreakeven(AAA)) == ""
    assert [stop.stop_loss for stop in bench.stops] == [9967, 10014]


def test_an_old_read_after_a_taken_stop_move_is_no_move_by_hand() -> None:
    bench = long(Bench().start())
    bench.wait(4)
    old = bench.account.positions[AAA]
    bench.markets[AAA].move(10_030)
    assert bench.order(MoveStopToBreakeven(AAA)) == ""
    bench.answer_stop()
    bench.push(old)
    bench.push(bench.position(AAA, "25", "100.02"))
    bench.wait(3)
    assert [stop.stop_loss for stop in bench.stops] == [10014, 10014], "it is put back where it was moved to"


def test_a_stop_that_somebody_moves_back_is_told_to_the_journal() -> None:
    bench = long(Bench().start())
    bench.wait(4)
    bench.markets[AAA].move(10_030)
    assert bench.order(MoveStopToBreakeven(AAA)) == ""
    bench.answer_stop()
    bench.push(bench.position(AAA, "25", "100.02", "100.14"))
    bench.wait(5)
    bench.push(bench.position(AAA, "25", "100.02", "99.67"))
    assert bench.told(PositionChanged)[-1].trade.parameters["stop"] == 9967


def test_no_entry_while_a_stop_asked_for_the_last_position_may_still_arrive() -> None:
    bench = naked()
    bench.wait(3)
    assert len(bench.stops) == 1
    assert bench.order(ClosePosition(AAA, 100)) == ""
    bench.closed(bench.sent[-1], "100.00")
    facts = bench.core.signals.gates.market_facts(AAA, None, None)
    assert (facts.has_position, facts.has_in_flight) == (False, True)
    ttl_s = bench.core.state.settings.execution.unknown_first_query_s
    bench.wait(ttl_s)
    assert bench.core.signals.gates.market_facts(AAA, None, None).has_in_flight, "nobody knows when it left"
    bench.answer_stop(Outcome.UNKNOWN)
    bench.wait(ttl_s - 1)
    assert bench.core.signals.gates.market_facts(AAA, None, None).has_in_flight
    bench.wait(1)
    assert not bench.core.signals.gates.market_facts(AAA, None, None).has_in_flight


def test_no_entry_while_a_stop_asked_for_a_foreign_position_may_still_arrive() -> None:
    bench = Bench().start()
    bench.push(bench.execution(AAA, Side.BUY, "100.02", "10"), bench.position(AAA, "10", "100.02"))
    bench.wait(2)
    assert bench.order(ProtectPosition(AAA)) == ""
    bench.push(bench.execution(AAA, Side.SELL, "100.02", "10", closed_qty=Decimal(10)), bench.position(AAA, "0"))
    bench.wait(2)
    facts = bench.core.signals.gates.market_facts(AAA, None, None)
    assert (facts.has_position, facts.has_in_flight) == (False, True)


def test_no_entry_right_after_a_restart_while_a_stop_of_the_earlier_engine_may_still_arrive() -> None:
    bench = long(Bench().start())
    bench.markets[AAA].move(10_060)
    bench.wait(1)
    assert len(bench.stops) == 1
    bench.push(bench.execution(AAA, Side.SELL, "100.5", "25", closed_qty=Decimal(25)), bench.position(AAA, "0"))
    bench.wait(1)
    again = restarted(bench, after_s=0.3).start()
    facts = again.core.signals.gates.market_facts(AAA, None, None)
    assert (facts.has_position, facts.has_in_flight) == (False, True)
    again.wait(again.core.state.settings.execution.unknown_first_query_s)
    assert not again.core.signals.gates.market_facts(AAA, None, None).has_in_flight


def test_a_half_close_of_unknown_outcome_does_not_hold_up_the_close_of_a_naked_position() -> None:
    bench = naked()
    assert bench.order(ClosePosition(AAA, 50)) == ""
    bench.answer(bench.sent[1], Outcome.UNKNOWN, reason="timeout")
    bench.wait(3)
    bench.answer_stop(Outcome.NO, code=10001, reason="StopLoss is on the wrong side of base_price")
    close = bench.sent[2]
    assert (close.reduce_only, close.close_on_trigger) == (True, True)


def test_a_half_close_whose_end_is_not_told_does_not_hold_up_the_close_of_a_naked_position() -> None:
    bench = naked()
    assert bench.order(ClosePosition(AAA, 50)) == ""
    bench.answer(bench.sent[1])
    bench.wait(3)
    bench.answer_stop(Outcome.NO, code=10001, reason="StopLoss is on the wrong side of base_price")
    assert [(each.lots, each.reduce_only) for each in bench.sent[1:]] == [(125, True), (0, True)]


def test_a_close_whose_end_is_not_told_is_asked_for_every_two_seconds() -> None:
    bench = long(Bench().start())
    assert bench.order(ClosePosition(AAA)) == ""
    close = bench.sent[1]
    bench.answer(close)
    asked_ns: list[int] = []
    for _ in range(120):
        bench.wait(0.25)
        if len(bench.queried) > len(asked_ns):
            now_ns = bench.now_ns
            asked_ns.append(now_ns)
            lost = OrderLookedUp(client_id=close.client_id, report=None, failure="502", sent_ns=now_ns, ts_recv=now_ns)
            bench.feed(lost)
    assert len(asked_ns) > 8
    assert max(later - earlier for earlier, later in pairwise(asked_ns)) <= 3 * NS_PER_S
