"""Flatten: entries off and cancelled, everything closed again and again, zero read twice, stops never touched."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cockpit.domain.commands import ArmFlatten, FlattenAll, ResumeEntries
from cockpit.domain.enums import OrderRole, OrderStatus, OrderType, Side
from cockpit.domain.events import CancelAnswer, Outcome
from cockpit.domain.ids import role_of
from cockpit.domain.orders import OrderReport
from cockpit.engine.effects import CancelOrder, Noted, RequestReports
from cockpit.engine.projection.trading import flatten_view
from cockpit.execution.flatten import FlattenState
from tests.support.core_fixtures import AAA, BBB, Bench, instrument, recovery
from tests.support.core_scenes import bounce, long, short

BOTH = pytest.mark.parametrize("scene", [long, short])


def state(bench: Bench) -> FlattenState:
    return bench.core.flatten.flatten.state


def resting(bench: Bench, symbol: str = AAA, client_id: str = "", **fields: object) -> OrderReport:
    """An order that somebody has put into the book by hand."""
    base = {
        "symbol": symbol,
        "order_id": f"hand-{symbol}",
        "client_id": client_id,
        "side": Side.BUY,
        "status": OrderStatus.NEW,
        "order_type": OrderType.LIMIT,
        "qty": Decimal(1),
        "filled_qty": Decimal(0),
        "updated_ms": bench.now_ns // 1_000_000,
    }
    return OrderReport(**(base | fields))


@BOTH
def test_flatten_closes_the_position_reduce_only_and_reads_zero_twice(scene) -> None:
    bench = scene(Bench().start())
    entry = bench.sent[0]
    assert bench.order(FlattenAll()) == ""
    close = bench.sent[1]
    assert (close.role, close.reduce_only, close.close_on_trigger, close.lots) == (OrderRole.FLATTEN, True, True, 0)
    assert close.side is entry.side.opposite
    assert bench.flags["flatten"]
    bench.closed(close, "100.00")
    assert state(bench) is FlattenState.RUNNING
    bench.wait(3)
    assert state(bench) is FlattenState.RUNNING  # whatever was sent could still arrive
    bench.wait(3)
    assert state(bench) is FlattenState.FLAT
    assert bench.stops == []
    assert len(bench.sent) == 2
    assert "flatten" not in bench.flags


def test_the_first_press_only_switches_entries_off_and_cancels_them() -> None:
    bench = long(Bench(symbols=(AAA, BBB)).start())
    bounce(bench, symbol=BBB)
    assert bench.approve() == ""
    assert bench.order(ArmFlatten()) == ""
    assert state(bench) is FlattenState.ARMED
    assert bench.cancelled == [BBB]
    assert "paused" in bench.core.state.locks
    assert [role_of(order.client_id) for order in bench.sent] == [OrderRole.ENTRY, OrderRole.ENTRY]


def test_entries_are_cancelled_before_anything_is_closed() -> None:
    bench = long(Bench(symbols=(AAA, BBB)).start())
    bounce(bench, symbol=BBB)
    assert bench.approve() == ""
    del bench.effects[:]
    bench.order(FlattenAll())
    kinds = [type(effect).__name__ for effect in bench.effects]
    assert kinds.index("CancelEntries") < kinds.index("SubmitOrder")


def test_a_cancel_that_failed_is_repeated_until_no_order_is_left() -> None:
    bench = Bench().start()
    bench.account.orders = [resting(bench)]
    bench.order(FlattenAll())
    bench.wait(1)
    assert bench.cancelled[0] == AAA
    bench.feed(
        CancelAnswer(symbol=AAA, client_id="", outcome=Outcome.UNKNOWN, sent_ns=bench.now_ns, ts_recv=bench.now_ns)
    )
    bench.wait(12)
    assert 2 <= len(bench.cancelled) <= 8
    assert state(bench) is FlattenState.RUNNING
    bench.account.orders = []
    bench.push(resting(bench, status=OrderStatus.CANCELLED))
    bench.wait(6)
    assert state(bench) is FlattenState.FLAT


def test_a_symbol_with_orders_only_is_not_forgotten() -> None:
    bench = long(Bench(symbols=(AAA, BBB)).start())
    bench.account.orders = [resting(bench, "NOSUCHUSDT")]
    bench.order(FlattenAll())
    bench.closed(bench.sent[1], "100")
    bench.wait(8)
    assert "NOSUCHUSDT" in bench.cancelled
    assert state(bench) is FlattenState.RUNNING


def test_stops_are_no_entry_orders_and_are_left_alone() -> None:
    bench = long(Bench().start())
    bench.account.orders = [
        resting(bench, stop_order_type="StopLoss", reduce_only=True, status=OrderStatus.UNTRIGGERED)
    ]
    bench.push(*bench.account.orders)
    bench.order(FlattenAll())
    bench.wait(3)
    assert bench.cancelled == []
    assert bench.asked(CancelOrder) == []


def test_every_attempt_has_a_new_link_id_and_they_grow_apart() -> None:
    bench = long(Bench().start())
    bench.order(FlattenAll())
    for _ in range(40):
        working = bench.sent[-1]
        if bench.core.state.orders.get(working.client_id).is_in_flight:
            bench.answer(working, Outcome.NO, code=110074, reason="not trading")
        bench.wait(0.5)
    closes = [order for order in bench.sent if role_of(order.client_id) is OrderRole.FLATTEN]
    ids = [order.client_id for order in bench.sent]
    assert len(set(ids)) == len(ids)
    assert 5 <= len(closes) <= 9
    assert len(ids) <= 15
    assert state(bench) is FlattenState.RUNNING
    assert bench.stops == []


def test_one_symbol_that_never_closes_does_not_hold_up_the_other() -> None:
    bench = long(long(Bench(symbols=(AAA, BBB)).start(), AAA), BBB)
    bench.order(FlattenAll())
    by_symbol = {order.symbol: order for order in bench.sent[2:]}
    bench.answer(by_symbol[AAA], Outcome.NO, code=110074, reason="not trading")
    bench.closed(by_symbol[BBB], "100")
    bench.wait(5)
    progress = bench.core.flatten.flatten.progress
    assert (progress[AAA].is_flat, progress[BBB].is_flat) == (False, True)
    assert state(bench) is FlattenState.RUNNING


def test_a_lost_close_is_sent_again_and_the_double_cannot_turn_the_position() -> None:
    bench = long(Bench().start())
    bench.order(FlattenAll())
    bench.answer(bench.sent[1], Outcome.UNKNOWN, reason="timeout")
    bench.wait(1.5)
    assert len(bench.sent) >= 3
    assert all(order.reduce_only for order in bench.sent[1:])
    bench.closed(bench.sent[2], "100")
    bench.wait(3)
    assert state(bench) is FlattenState.RUNNING  # the first close is still unknown


def test_a_partly_filled_close_is_repeated_for_the_rest() -> None:
    bench = long(Bench().start())
    bench.order(FlattenAll())
    close = bench.sent[1]
    bench.answer(close)
    bench.push(bench.order_report(close, OrderStatus.CANCELLED, "10"), bench.fill(close, "100", "10"))
    bench.push(bench.position(AAA, "15", "100.02", "99.67"))
    bench.wait(2)
    again = bench.sent[2]
    bench.closed(again, "100")
    bench.wait(8)
    assert state(bench) is FlattenState.FLAT


def test_f116_an_entry_approved_just_before_the_flatten_and_filled_late_is_closed_too() -> None:
    bench = bounce(Bench().start())
    assert bench.approve() == ""
    entry = bench.sent[0]
    bench.order(FlattenAll())
    bench.answer(entry, Outcome.UNKNOWN, reason="timeout")
    bench.wait(2)
    bench.filled(entry)
    bench.wait(1)
    assert role_of(bench.sent[1].client_id) is OrderRole.FLATTEN
    bench.closed(bench.sent[1], "100")
    bench.wait(8)
    assert state(bench) is FlattenState.FLAT


def test_foreign_positions_are_closed_too_even_where_nothing_is_watched() -> None:
    bench = Bench().start()
    bench.push(bench.position("NOSUCHUSDT", "-7", "3"))
    bench.order(FlattenAll())
    (close,) = bench.sent
    assert (close.symbol, close.side, close.reduce_only) == ("NOSUCHUSDT", Side.BUY, True)
    bench.closed(close, "3")
    bench.wait(8)
    assert state(bench) is FlattenState.FLAT
    assert len(bench.sent) == 1


def test_a_foreign_position_that_shrank_is_closed_on_its_own_side() -> None:
    bench = Bench().start()
    bench.push(bench.position(AAA, "3"))
    bench.push(bench.execution(AAA, Side.SELL, "101", "1", closed_qty=Decimal(1)))
    bench.order(FlattenAll())
    assert [order.side for order in bench.sent] == [Side.SELL]


def test_a_read_from_before_the_flatten_proves_nothing() -> None:
    bench = Bench().start()
    bench.is_reading = False
    asked_before = bench.now_ns
    bench.wait(1)
    bench.order(FlattenAll())
    bench.wait(0.2)
    bench.read(requested_ns=asked_before - 1)
    bench.wait(5)
    bench.read()
    assert state(bench) is FlattenState.RUNNING
    bench.wait(0.5)
    bench.read()
    assert state(bench) is FlattenState.FLAT


def test_a_read_that_hides_a_position_we_hold_proves_nothing() -> None:
    bench = long(Bench().start())
    bench.account.positions = {}
    bench.order(FlattenAll())
    bench.answer(bench.sent[1])
    bench.wait(2)
    assert state(bench) is FlattenState.RUNNING


def test_a_second_flatten_command_sends_nothing_more() -> None:
    bench = long(Bench().start())
    bench.order(FlattenAll())
    assert "running already" in bench.order(FlattenAll())
    assert len(bench.sent) == 2


def test_entries_stay_off_while_it_runs_and_after_it_until_resumed() -> None:
    bench = Bench().start()
    bench.order(FlattenAll())
    assert "flatten is running" in bench.order(ResumeEntries())
    bench.wait(8)
    assert state(bench) is FlattenState.FLAT
    assert bench.flags["paused"] == "1"
    bounce(bench)
    assert "paused" in bench.approve()
    assert bench.order(ResumeEntries()) == ""
    assert "paused" not in bench.flags
    assert bench.approve() == ""


def test_f116_approve_and_flatten_at_the_same_instant_ends_flat() -> None:
    bench = bounce(Bench().start())
    queued = bench.signals[0]
    bench.order(FlattenAll())
    assert bench.approve(queued) != ""
    assert bench.sent == []


def test_a_flatten_that_was_running_goes_on_after_a_restart_before_anything_else() -> None:
    bench = Bench(recover=recovery(settings={"flatten": "1"}))
    step = bench.boot()
    assert state(bench) is FlattenState.RUNNING
    assert any(isinstance(effect, RequestReports) for effect in step.effects)
    bench.position(AAA, "2")
    bench.wait(2, market=False)
    (close,) = bench.sent[:1]
    assert (close.role, close.side) == (OrderRole.FLATTEN, Side.SELL)


def test_flatten_is_accepted_before_the_streams_are_up() -> None:
    bench = Bench()
    bench.boot()
    bench.position(AAA, "2")
    assert bench.order(FlattenAll()) == ""
    bench.wait(1, market=False)
    assert bench.sent[0].symbol == AAA


def conditionals_cancelled(bench: Bench) -> list[str]:
    return [effect.request.order_id for effect in bench.asked(CancelOrder)]


def test_f052_a_conditional_order_by_hand_goes_when_its_symbol_is_flat_and_stops_never() -> None:
    bench = long(Bench().start())
    reducing = resting(
        bench, status=OrderStatus.UNTRIGGERED, stop_order_type="Stop", reduce_only=True, order_id="reducing"
    )
    stop = resting(bench, status=OrderStatus.UNTRIGGERED, stop_order_type="StopLoss", reduce_only=True, order_id="stop")
    bench.account.orders = [reducing, stop]
    bench.push(reducing, stop)
    assert bench.order(FlattenAll()) == ""
    bench.wait(0.6)
    assert conditionals_cancelled(bench) == []
    bench.closed(bench.sent[-1], "100.00")
    bench.wait(2)
    assert set(conditionals_cancelled(bench)) == {"reducing"}
    bench.wait(8)
    assert state(bench) is FlattenState.RUNNING
    bench.account.orders = []
    bench.push(resting(bench, status=OrderStatus.DEACTIVATED, stop_order_type="Stop", order_id="reducing"))
    bench.wait(12)
    assert state(bench) is FlattenState.FLAT


def test_f047_a_conditional_order_that_could_open_a_position_goes_at_once() -> None:
    bench = long(Bench(symbols=(AAA, BBB)).start())
    opening = resting(bench, status=OrderStatus.UNTRIGGERED, stop_order_type="Stop", order_id="opening")
    bench.account.orders = [opening]
    bench.push(opening)
    assert bench.order(FlattenAll()) == ""
    assert conditionals_cancelled(bench) == ["opening"]


def test_f044_closes_that_the_book_leaves_unfilled_may_pay_more() -> None:
    bench = long(Bench().start())
    assert bench.order(FlattenAll()) == ""
    for _ in range(120):
        for close in bench.sent[1:]:
            bench.push(bench.order_report(close, OrderStatus.CANCELLED))
        bench.wait(0.5)
    paid = [close.slippage_pct for close in bench.sent[1:]]
    assert paid[:7] == [None, None, None, 1, 2, 4, 5]
    assert all(close.reduce_only for close in bench.sent[1:])


def test_f050_dust_is_alarmed_once_with_its_amount_and_tried_slowly() -> None:
    bench = long(Bench().start())
    assert bench.order(FlattenAll()) == ""
    bench.core.state.keep_rules(instrument(min_qty=Decimal(100)))
    for _ in range(300):
        for close in bench.sent[1:]:
            bench.answer(close, Outcome.NO, code=110017, reason="truncated to zero")
        bench.wait(0.5)
    assert state(bench) is FlattenState.DUST
    (alarm,) = [note for note in bench.told(Noted) if note.event == "flat_dust"]
    assert alarm.text.startswith(f"25.0 {AAA} is smaller than the exchange closes")
    assert len(bench.sent[1:]) <= 3 + 3
    view = flatten_view(bench.core)
    assert (view.state, view.is_running, view.rows[0].state) == ("dust", True, "dust")
    assert "25 left" in view.rows[0].detail
    assert bench.order(ResumeEntries()) != ""


def test_a_refusal_of_a_size_that_is_large_enough_is_no_dust() -> None:
    bench = long(Bench().start())
    assert bench.order(FlattenAll()) == ""
    for _ in range(60):
        for close in bench.sent[1:]:
            bench.answer(close, Outcome.NO, code=110017, reason="nothing to reduce")
        bench.wait(0.5)
    assert state(bench) is FlattenState.RUNNING
