"""What an engine finds when it starts: its journal, and an exchange that went on without it."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from cockpit.domain.commands import ClosePosition, MoveStopToBreakeven, SetApproval
from cockpit.domain.enums import TRADING, Approval, OrderRole, OrderStatus, Side
from cockpit.domain.events import OrderLookedUp, Outcome
from cockpit.domain.ids import Maker, maker_of, role_of
from cockpit.domain.orders import END_STATES, OrderRequest
from cockpit.domain.time import NS_PER_MS, NS_PER_S
from cockpit.engine.effects import FillBooked, OrderChanged, PositionChanged, PositionClosed, PositionOpened
from cockpit.ports.journal import OpenIntent, Recovery
from tests.support.core_fixtures import AAA, BBB, Bench, recovery
from tests.support.core_scenes import bounce, long, short


def journal_of(bench: Bench) -> Recovery:
    """What the journal of an engine holds if it ends now."""
    statuses = {told.client_id: told.status for told in bench.told(OrderChanged)}
    trades = {
        output.trade.trade_id: output.trade
        for output in bench.outputs
        if isinstance(output, PositionOpened | PositionChanged | PositionClosed)
    }
    fills = [booked.fill for booked in bench.told(FillBooked)]
    return recovery(
        epoch=bench.core.state.settings.epoch + 1,
        open_intents=[
            OpenIntent(request, statuses[request.client_id].value, "", request.created_ns)
            for request in bench.sent
            if statuses[request.client_id] not in END_STATES
        ],
        entries=[request for request in bench.sent if request.role is OrderRole.ENTRY],
        dead_entries=[
            request
            for request in bench.sent
            if request.role is OrderRole.ENTRY and statuses[request.client_id] is OrderStatus.DEAD
        ],
        open_trades=[trade for trade in trades.values() if trade.closed_ns is None],
        closed_trades=[trade for trade in trades.values() if trade.closed_ns is not None],
        open_fills=fills,
        seen_exec_ids=[fill.exec_id for fill in fills],
        last_seqs={f.symbol: f.seq for f in sorted(fills, key=lambda f: f.seq) if f.exec_type in TRADING},
        last_fill_ms=max((fill.ts_event // NS_PER_MS for fill in fills), default=0),
        settings=bench.flags,
    )


def restarted(bench: Bench, *, after_s: float = 2, symbols: tuple[str, ...] = (AAA,)) -> Bench:
    """Kill the engine and start the next one on its journal and on the same account."""
    again = Bench(symbols=symbols, recover=journal_of(bench), start_ns=bench.now_ns + round(after_s * NS_PER_S))
    again.account, again.sequence = bench.account, bench.sequence
    return again


def looked_up(bench: Bench, request: OrderRequest) -> None:
    bench.feed(
        OrderLookedUp(client_id=request.client_id, report=None, sent_ns=bench.now_ns, ts_recv=bench.now_ns),
    )


def writes(bench: Bench) -> list[object]:
    """Everything that changes something at the exchange."""
    return [*bench.sent, *bench.stops, *bench.cancelled]


@pytest.mark.parametrize("scene", [long, short])
def test_a_position_with_its_stop_is_adopted_without_a_single_write(scene) -> None:
    bench = scene(Bench().start())
    before = bench.core.state.positions.open[AAA]
    again = restarted(bench).start()
    again.wait(30)
    assert writes(again) == []
    position = again.core.state.positions.open[AAA]
    assert (position.side, position.qty, position.entry_price) == (before.side, before.qty, before.entry_price)
    assert (position.stop_confirmed, position.origin) == (before.stop_confirmed, before.origin)
    assert again.order(ClosePosition(AAA)) == ""
    assert maker_of(again.sent[0].client_id, 2, "") is Maker.THIS_START


def test_a_position_that_a_late_entry_of_ours_turned_round_is_the_same_after_a_restart() -> None:
    earlier = bounce(Bench().start())
    assert earlier.approve() == ""
    late = earlier.sent[0]
    bench = short(Bench(recover=recovery(epoch=2, entries=[late])).start())
    bench.push(bench.fill(late, "100", "40", closed_qty=Decimal(25)), bench.position(AAA, "15", "100", "99.67"))
    before = bench.core.state.positions.open[AAA]
    assert (before.side, before.fills.qty) == (Side.BUY, Decimal(15))
    journal = msgspec.structs.replace(journal_of(bench), entries=[late, *bench.sent])
    again = Bench(recover=journal, start_ns=bench.now_ns + NS_PER_S)
    again.account, again.sequence = bench.account, bench.sequence
    again.start()
    after = again.core.state.positions.open[AAA]
    assert (after.side, after.fills.qty) == (before.side, before.fills.qty)
    assert (after.gross, after.fees) == (before.gross, before.fees)


def test_an_intent_that_never_left_is_dead_after_two_looks_beyond_its_time_to_live() -> None:
    bench = bounce(Bench().start())
    assert bench.approve() == ""
    entry = bench.sent[0]
    again = restarted(bench, after_s=0.1).start()
    assert again.core.signals.gates.account_facts().unknown_intents == 1
    again.wait(2)
    assert again.queried == []  # it may have left in the last instant and still arrive
    again.wait(1)
    looked = 0
    for _ in range(20):
        if len(again.queried) > looked:
            looked += 1
            looked_up(again, entry)
        again.wait(0.5)
    assert looked == 2
    order = again.core.state.orders.get(entry.client_id)
    assert order.status is OrderStatus.DEAD
    assert writes(again) == []


def test_an_entry_that_filled_while_no_engine_ran_is_ours_with_its_purpose() -> None:
    bench = bounce(Bench().start())
    assert bench.approve() == ""
    entry = bench.sent[0]
    again = restarted(bench, after_s=20)
    fill = again.fill(entry, "100.02", "25", ts_event=bench.now_ns + NS_PER_S)
    again.position(AAA, "25", "100.02", "99.67", seq=fill.seq)
    again.start()
    again.wait(20)
    position = again.core.state.positions.open[AAA]
    assert not position.is_foreign
    assert (position.qty, position.stop_confirmed) == (Decimal(25), 9967)
    assert position.origin.kind == "bounce"
    assert writes(again) == []


def test_a_naked_position_of_ours_gets_its_stop_within_five_seconds() -> None:
    bench = long(Bench().start())
    again = restarted(bench)
    again.position(AAA, "25", "100.02")
    began = again.now_ns
    again.boot()
    for _ in range(10):
        again.wait(0.5, market=False)
        if again.stops:
            break
    assert again.stops[0].stop_loss == 9967
    assert again.now_ns - began <= 5 * NS_PER_S


def test_f060_a_naked_position_of_ours_keeps_entries_out_of_every_symbol_until_its_stop_stands() -> None:
    bench = long(Bench(symbols=(AAA, BBB)).start())
    again = restarted(bench, symbols=(AAA, BBB))
    again.position(AAA, "25", "100.02")
    again.is_reading = False
    again.start()
    again.markets[BBB].wall(9_997)
    again.wait(11)
    again.is_reading = True
    again.wait(2)
    assert closed(again) == {"missing stops"}
    assert again.approve() == f"missing stops {AAA} (needs none)"
    assert again.sent == []
    (shown,) = [check for check in again.core.signals.gates.of_account() if check.name == "missing stops"]
    assert (shown.passed, shown.value) == (False, AAA)
    again.answer_stop()
    assert again.approve() != "", "the exchange's yes to the request is not yet a stop"
    again.push(again.position(AAA, "25", "100.02", "99.67"))
    assert closed(again) == set()
    assert again.approve() == ""
    (entry,) = again.sent
    assert entry.symbol == BBB


def test_a_position_of_the_journal_of_which_the_exchange_has_not_told_keeps_entries_out() -> None:
    bench = long(Bench(symbols=(AAA, BBB)).start())
    again = restarted(bench, symbols=(AAA, BBB))
    again.boot()
    assert "missing stops" in closed(again)
    again.push(again.account.positions[AAA])
    assert "missing stops" not in closed(again)


def test_a_foreign_position_without_a_stop_locks_its_own_symbol_alone() -> None:
    bench = Bench(symbols=(AAA, BBB)).start()
    bench.push(bench.position(AAA, "25", "100.02"))
    assert closed(bench) == set()


def closed(bench: Bench) -> set[str]:
    return {check.name for check in bench.core.signals.gates.of_account() if not check.passed}


def test_a_stop_moved_to_breakeven_is_neither_loosened_nor_moved_again() -> None:
    bench = long(Bench().start())
    bench.markets[AAA].move(10_030)
    assert bench.order(MoveStopToBreakeven(AAA)) == ""
    bench.answer_stop()
    bench.push(bench.position(AAA, "25", "100.02", "100.14"))
    again = restarted(bench)
    again.markets[AAA].mid = 10_060
    again.start()
    again.wait(20)
    assert writes(again) == []
    position = again.core.state.positions.open[AAA]
    assert position.stop_confirmed == 10014
    assert position.at_breakeven
    again.push(again.position(AAA, "25", "100.02"))
    assert again.stops[-1].stop_loss == 10014


def test_a_stop_that_fired_while_no_engine_ran_closes_the_trade_with_its_money() -> None:
    bench = long(Bench().start())
    again = restarted(bench, after_s=60)
    fired = {"stop_order_type": "StopLoss", "create_type": "CreateByStopLoss", "closed_qty": Decimal(25)}
    again.execution(AAA, Side.SELL, "99.66", "25", ts_event=bench.now_ns + NS_PER_S, **fired)
    again.account.positions.clear()
    again.start()
    again.wait(15)
    (closed,) = again.told(PositionClosed)
    assert (closed.trade.exit_reason, closed.trade.gross_pnl) == ("stop_loss", Decimal("-0.36") * 25)
    assert closed.trade.trade_id == bench.told(PositionOpened)[0].trade.trade_id
    assert again.core.state.day.realised == closed.trade.net_pnl
    assert writes(again) == []


def test_a_half_closed_position_is_half_a_position_after_a_restart() -> None:
    bench = long(Bench().start())
    bench.order(ClosePosition(AAA, 50))
    close = bench.sent[1]
    bench.answer(close)
    bench.push(bench.order_report(close, OrderStatus.FILLED, "12.5"), bench.fill(close, "101", "12.5"))
    bench.push(bench.position(AAA, "12.5", "100.02", "99.67"))
    again = restarted(bench).start()
    position = again.core.state.positions.open[AAA]
    assert (position.qty, position.fills.qty, position.peak_qty) == (Decimal("12.5"), Decimal("12.5"), Decimal(25))
    assert position.gross == Decimal("0.98") * Decimal("12.5")


def test_a_close_on_its_way_at_the_crash_is_asked_for_before_another_is_needed() -> None:
    bench = long(Bench().start())
    bench.order(ClosePosition(AAA))
    close = bench.sent[1]
    again = restarted(bench).start()
    order = again.core.state.orders.get(close.client_id)
    assert order.status is OrderStatus.UNKNOWN
    again.push(again.order_report(close, OrderStatus.FILLED, "25"), again.fill(close, "101", "25"))
    again.push(again.position(AAA, "0"))
    (closed,) = again.told(PositionClosed)
    assert closed.trade.exit_reason == "close"
    assert again.core.state.positions.open == {}


def test_executions_that_were_booked_are_not_booked_again() -> None:
    bench = long(Bench().start())
    again = restarted(bench).start()
    again.wait(25)
    assert again.told(FillBooked) == []
    assert again.core.state.positions.open[AAA].fills.qty == Decimal(25)


def test_a_position_in_a_symbol_that_is_not_watched_any_more_does_not_end_the_engine() -> None:
    bench = long(Bench(symbols=(AAA, BBB)).start())
    again = restarted(bench, symbols=(BBB,)).start()
    again.wait(25)
    assert AAA in again.core.state.positions.symbols()
    assert again.order(ClosePosition(AAA)) == ""
    assert again.sent[0].side is Side.SELL


def test_link_ids_of_two_lives_are_never_the_same() -> None:
    bench = long(Bench().start())
    bench.order(ClosePosition(AAA))
    again = restarted(bench).start()
    again.order(ClosePosition(AAA))
    ids = [request.client_id for request in (*bench.sent, *again.sent)]
    assert len(set(ids)) == len(ids)


def test_a_stop_that_was_moved_is_put_back_where_it_was_moved_to() -> None:
    bench = long(Bench().start())
    bench.markets[AAA].move(10_030)
    assert bench.order(MoveStopToBreakeven(AAA)) == ""
    bench.position(AAA, "25", "100.02")  # killed before the answer; the exchange's read is from before the stop
    again = restarted(bench).start()
    again.wait(4)
    assert {stop.stop_loss for stop in again.stops} == {10014}


def test_a_read_from_before_the_stop_was_moved_tells_nothing_after_a_restart_either() -> None:
    bench = long(Bench().start())
    bench.markets[AAA].move(10_030)
    before = bench.account.positions[AAA]
    assert bench.order(MoveStopToBreakeven(AAA)) == ""
    bench.answer_stop()
    bench.push(bench.position(AAA, "25", "100.02", "100.14"))
    bench.account.positions[AAA] = before
    again = restarted(bench).start()
    assert again.core.state.positions.open[AAA].stop_confirmed is None
    again.push(again.position(AAA, "25", "100.02"))
    again.wait(4)
    assert {stop.stop_loss for stop in again.stops} == {10014}


def test_the_close_of_a_position_that_was_gone_comes_after_a_restart_and_ends_its_trade() -> None:
    bench = long(Bench().start())
    bench.order(ClosePosition(AAA))
    close = bench.sent[1]
    bench.answer(close)
    bench.push(bench.order_report(close, OrderStatus.FILLED, "25"), bench.fill(close, "101", "10"))
    bench.push(bench.position(AAA, "0"))
    bench.wait(17)
    (gone,) = bench.told(PositionClosed)
    again = restarted(bench).start()
    again.push(again.fill(close, "101", "15", closed_qty=Decimal(15)))
    (closed,) = again.told(PositionClosed)
    assert closed.trade.trade_id == gone.trade.trade_id
    assert closed.trade.gross_pnl == Decimal("0.98") * 25
    assert again.core.state.positions.open == {}


def test_f005_a_dead_entry_that_fills_after_a_restart_is_closed_at_once() -> None:
    bench = bounce(Bench().start())
    assert bench.approve() == ""
    (entry,) = bench.sent
    bench.answer(entry, Outcome.UNKNOWN, reason="timeout")
    bench.wait(5)
    looked_up(bench, entry)
    bench.wait(2)
    looked_up(bench, entry)
    assert bench.told(OrderChanged)[-1].status is OrderStatus.DEAD
    again = restarted(bench, after_s=7_200)
    again.start()
    assert again.sent == []
    again.push(again.fill(entry, "100.02", "25"), again.position(AAA, "25", "100.02", "99.67"))
    assert not again.core.state.positions.open[AAA].is_foreign
    (close,) = again.sent
    assert (role_of(close.client_id), close.reduce_only) == (OrderRole.CLOSE, True)
    assert "late_fill" in again.notes()


@pytest.mark.parametrize("stop", ["99.67", None])
def test_f060_without_trading_rules_a_stop_that_stands_is_left_alone_and_a_naked_position_is_closed(
    stop: str | None,
) -> None:
    bench = long(Bench().start())
    again = Bench(recover=journal_of(bench), start_ns=bench.now_ns + 2 * NS_PER_S, instruments=())
    again.account, again.sequence = bench.account, bench.sequence
    again.position(AAA, "25", "100.02", stop)
    again.start()
    for _ in range(20):
        before = len(again.stops)
        again.wait(0.25)
        if len(again.stops) > before:
            again.answer_stop(Outcome.NO, is_retryable=True, reason="the trading rules were not read; nothing was sent")
    assert len(again.sent) == (0 if stop else 1)
    if stop:
        assert again.stops == []
    else:
        assert again.sent[0].close_on_trigger


def refused(bench: Bench) -> OrderRequest:
    """A long whose close the operator was promised, and which the exchange does not take for the moment."""
    long(bench.start())
    bench.wait(1)
    assert bench.order(ClosePosition(AAA)) == ""
    bench.answer(bench.sent[1], Outcome.NO, code=110074, reason="contract is not live")
    return bench.sent[1]


def test_a_close_that_was_promised_goes_on_after_a_restart_until_the_position_is_gone() -> None:
    bench = Bench()
    refused(bench)
    again = restarted(bench).start()
    again.wait(6)
    (close,) = again.sent
    assert (close.side, close.reduce_only, close.close_on_trigger) == (Side.SELL, True, True)
    again.answer(close, Outcome.NO, code=110074, reason="contract is not live")
    again.wait(3)
    assert len(again.sent) == 2
    again.closed(again.sent[1], "100.5", closed_qty=Decimal(25))
    again.wait(10)
    assert len(again.sent) == 2
    third = restarted(again).start()
    third.wait(20)
    assert writes(third) == []


def test_a_close_that_was_promised_waits_for_the_exchange_s_word_on_the_position() -> None:
    bench = Bench()
    refused(bench)
    again = restarted(bench)
    again.is_reading = False
    again.start()
    again.wait(20)
    assert again.sent == []
    again.is_reading = True
    again.wait(8)
    assert len(again.sent) == 1


def test_a_promised_close_that_has_worked_is_not_sent_for_a_position_that_the_exchange_calls_flat() -> None:
    bench = Bench()
    refused(bench)
    again = restarted(bench)
    again.position(AAA, "0")  # its execution is told by no read
    again.start()
    again.wait(30)
    assert again.sent == []


def test_f005_the_close_of_a_late_fill_goes_on_after_a_restart() -> None:
    bench = bounce(Bench().start())
    assert bench.approve() == ""
    entry = bench.sent[0]
    bench.answer(entry, Outcome.UNKNOWN, reason="timeout")
    bench.wait(5)
    looked_up(bench, entry)
    bench.wait(2)
    looked_up(bench, entry)
    bench.push(bench.fill(entry, "100.02", "25"), bench.position(AAA, "25", "100.02", "99.67"))
    assert len(bench.sent) == 2  # killed before the close has left
    again = restarted(bench).start()
    again.wait(8)
    assert [(close.side, close.close_on_trigger) for close in again.sent] == [(Side.SELL, True)]


def test_a_close_of_a_part_is_not_repeated_after_a_restart() -> None:
    bench = long(Bench().start())
    assert bench.order(ClosePosition(AAA, 50)) == ""
    bench.answer(bench.sent[1], Outcome.NO, code=110074, reason="contract is not live")
    again = restarted(bench).start()
    again.wait(30)
    assert writes(again) == []


def test_a_late_fill_of_a_trade_that_was_closed_is_closed_after_a_restart_too() -> None:
    bench = long(Bench().start())
    assert bench.order(ClosePosition(AAA)) == ""
    bench.closed(bench.sent[1], "101", closed_qty=Decimal(25))
    again = restarted(bench).start()
    again.push(again.fill(bench.sent[0], "100.02", "5"), again.position(AAA, "5", "100.02", "99.67"))
    again.wait(8)
    assert [close.close_on_trigger for close in again.sent] == [True]


@pytest.mark.parametrize(
    ("configured", "chosen", "kept"),
    [
        (Approval.AUTO, Approval.OBSERVE, Approval.OBSERVE),
        (Approval.AUTO, Approval.MANUAL, Approval.MANUAL),
        (Approval.MANUAL, Approval.OBSERVE, Approval.OBSERVE),
        (Approval.OBSERVE, Approval.MANUAL, Approval.OBSERVE),
    ],
)
def test_an_approval_stricter_than_the_configured_one_outlives_a_restart_and_no_other_does(
    configured: Approval, chosen: Approval, kept: Approval
) -> None:
    bench = Bench(approval=configured).start()
    assert bench.order(SetApproval(chosen)) == ""
    again = Bench(approval=configured, recover=journal_of(bench), start_ns=bench.now_ns + 2 * NS_PER_S).start()
    assert again.core.state.approval is kept
    bounce(again)
    assert again.sent == []
    assert ("approval" in again.notes()) is (kept is not configured)


def test_the_configured_approval_is_back_when_the_operator_has_chosen_it() -> None:
    bench = Bench(approval=Approval.AUTO).start()
    assert bench.order(SetApproval(Approval.OBSERVE)) == ""
    assert bench.order(SetApproval(Approval.AUTO)) == ""
    again = Bench(approval=Approval.AUTO, recover=journal_of(bench), start_ns=bench.now_ns + 2 * NS_PER_S).start()
    assert again.core.state.approval is Approval.AUTO


def test_an_approval_that_was_kept_never_loosens_a_stricter_configuration() -> None:
    bench = Bench(approval=Approval.AUTO).start()
    assert bench.order(SetApproval(Approval.MANUAL)) == ""
    again = Bench(approval=Approval.OBSERVE, recover=journal_of(bench), start_ns=bench.now_ns + 2 * NS_PER_S).start()
    assert again.core.state.approval is Approval.OBSERVE
