"""The life of an order: three outcomes of a request, and what the exchange says in whatever order it says it."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest

from cockpit.domain.commands import CancelEntryOrders, ClosePosition
from cockpit.domain.enums import OrderRole, OrderStatus, OrderType, Side
from cockpit.domain.events import CancelAnswer, OrderLookedUp, Outcome
from cockpit.domain.ids import role_of
from cockpit.domain.orders import OrderReport, OrderRequest
from cockpit.domain.positions import FillReport
from cockpit.domain.time import NS_PER_MS, NS_PER_S
from cockpit.engine.effects import (
    CancelOrder,
    FillBooked,
    OrderChanged,
    PositionChanged,
    PositionOpened,
)
from tests.support.core_fixtures import AAA, Bench
from tests.support.core_scenes import bounce, long


def entered(bench: Bench | None = None) -> tuple[Bench, OrderRequest]:
    """An entry on its way."""
    bench = bounce(bench or Bench().start())
    assert bench.approve() == ""
    return bench, bench.sent[0]


def status(bench: Bench, request: OrderRequest) -> OrderStatus:
    order = bench.core.state.orders.get(request.client_id)
    assert order is not None
    return order.status


def found(
    bench: Bench, request: OrderRequest, report: OrderReport | None, *fills: FillReport, failure: str = ""
) -> None:
    """The answer to a query by link id."""
    bench.feed(
        OrderLookedUp(
            client_id=request.client_id,
            report=report,
            fills=list(fills),
            failure=failure,
            sent_ns=bench.now_ns,
            ts_recv=bench.now_ns,
        )
    )


# ------------------------------------------------------------------------------------------------------------ outcomes


def test_yes_means_received_not_open() -> None:
    bench, entry = entered()
    bench.answer(entry)
    assert status(bench, entry) is OrderStatus.SENT
    assert bench.core.state.positions.open == {}
    assert bench.core.state.locks == {}


def test_a_definite_no_ends_the_order_and_the_signal_is_spent() -> None:
    bench, entry = entered()
    bench.answer(entry, Outcome.NO, code=110007, reason="insufficient balance")
    assert status(bench, entry) is OrderStatus.DEAD
    assert "order_refused" in bench.notes()
    bench.wait(20)
    assert bench.queried == []
    assert len(bench.sent) == 1


def test_unknown_is_never_sent_again_but_asked_for_after_its_time_to_live() -> None:
    bench, entry = entered()
    bench.answer(entry, Outcome.UNKNOWN, reason="timeout")
    assert status(bench, entry) is OrderStatus.UNKNOWN
    bench.wait(3.9)
    assert bench.queried == []
    bench.wait(0.3)
    assert bench.queried == [entry.client_id]
    assert len(bench.sent) == 1


def test_unknown_that_is_found_is_adopted_with_its_fill_and_stop() -> None:
    bench, entry = entered()
    bench.answer(entry, Outcome.UNKNOWN, reason="timeout")
    bench.wait(4.2)
    found(bench, entry, bench.order_report(entry, OrderStatus.FILLED, "25"), bench.fill(entry, "100.02", "25"))
    assert status(bench, entry) is OrderStatus.FILLED
    position = bench.core.state.positions.open[AAA]
    assert (position.side, position.qty, position.stop_wanted) == (Side.BUY, Decimal(25), entry.stop_loss)
    assert not position.is_foreign


def test_unknown_is_dead_after_two_misses_and_not_after_one() -> None:
    bench, entry = entered()
    bench.answer(entry, Outcome.UNKNOWN, reason="timeout")
    bench.wait(4.2)
    found(bench, entry, None)
    assert status(bench, entry) is OrderStatus.UNKNOWN
    bench.wait(1.2)
    assert len(bench.queried) == 2
    found(bench, entry, None)
    assert status(bench, entry) is OrderStatus.DEAD
    bench.wait(20)
    assert len(bench.queried) == 2


def test_a_query_that_failed_is_no_miss_and_is_repeated_with_growing_pauses() -> None:
    bench, entry = entered()
    bench.answer(entry, Outcome.UNKNOWN, reason="timeout")
    asked = []
    for _ in range(80):
        before = len(bench.queried)
        bench.wait(0.25)
        if len(bench.queried) > before:
            asked.append(bench.now_ns)
            found(bench, entry, None, failure="no connection")
    assert status(bench, entry) is OrderStatus.UNKNOWN
    gaps = [round((b - a) / 1e9) for a, b in pairwise(asked)]
    assert gaps == sorted(gaps)
    assert max(gaps) == 4


def test_a_duplicate_link_id_means_it_is_there_already() -> None:
    bench, entry = entered()
    bench.answer(entry, Outcome.NO, code=110072, reason="duplicate")
    assert status(bench, entry) is OrderStatus.UNKNOWN


def test_executions_without_an_order_prove_that_it_existed() -> None:
    bench, entry = entered()
    bench.answer(entry, Outcome.UNKNOWN, reason="timeout")
    bench.wait(4.2)
    fill = bench.fill(entry, "100.02", "25")
    bench.position(AAA, "25", "100.02", "99.67")
    found(bench, entry, None, fill)
    bench.wait(1.2)
    found(bench, entry, None, fill)
    assert status(bench, entry) is not OrderStatus.DEAD
    assert bench.core.state.positions.open[AAA].qty == Decimal(25)


def test_an_order_that_was_acknowledged_and_never_heard_of_is_asked_for() -> None:
    bench, entry = entered()
    bench.answer(entry)
    bench.wait(3.5)
    assert bench.queried == [entry.client_id]


def test_an_asynchronous_refusal_is_told_with_its_reason() -> None:
    bench, entry = entered()
    bench.answer(entry)
    bench.push(bench.order_report(entry, OrderStatus.REJECTED, reject_reason="EC_PriceOutOfRange"))
    assert status(bench, entry) is OrderStatus.REJECTED
    assert bench.told(OrderChanged)[-1].reason == "EC_PriceOutOfRange"


def test_f005_a_dead_entry_that_fills_after_all_is_ours_and_protected_and_closed_at_once() -> None:
    bench, entry = entered()
    bench.answer(entry, Outcome.NO, code=10006, reason="too many")
    assert status(bench, entry) is OrderStatus.DEAD
    bench.filled(entry)
    position = bench.core.state.positions.open[AAA]
    assert not position.is_foreign
    bench.wait(2)
    (close,) = bench.sent[1:]
    assert (role_of(close.client_id), close.reduce_only) == (OrderRole.CLOSE, True)
    assert "late_fill" in bench.notes()


def test_f005_a_dead_entry_is_watched_for_a_day() -> None:
    bench, entry = entered()
    bench.answer(entry, Outcome.NO, code=10006, reason="too many")
    orders = bench.core.state.orders
    orders.forget_ended(bench.now_ns + 23 * 3_600 * NS_PER_S)
    assert status(bench, entry) is OrderStatus.DEAD
    orders.forget_ended(bench.now_ns + 25 * 3_600 * NS_PER_S)
    assert orders.get(entry.client_id) is None


def test_f005_an_entry_that_ended_at_the_exchange_is_dropped_after_an_hour() -> None:
    bench, entry = entered()
    bench.answer(entry)
    bench.push(bench.order_report(entry, OrderStatus.CANCELLED))
    bench.core.state.orders.forget_ended(bench.now_ns + 3_700 * NS_PER_S)
    assert bench.core.state.orders.get(entry.client_id) is None


# --------------------------------------------------------------------------------------------------------------- order


def test_a_fill_before_the_answer_opens_the_position() -> None:
    bench, entry = entered()
    bench.push(bench.order_report(entry, OrderStatus.FILLED, "25"), bench.fill(entry, "100.02", "25"))
    bench.answer(entry)
    assert status(bench, entry) is OrderStatus.FILLED
    assert bench.core.state.positions.open[AAA].qty == Decimal(25)
    assert len(bench.told(PositionOpened)) == 1


def test_a_position_report_before_its_fill_is_claimed_by_the_fill() -> None:
    bench, entry = entered()
    bench.answer(entry)
    fill = bench.fill(entry, "100.02", "25", seq=500)
    bench.push(bench.position(AAA, "25", "100.02", "99.67", seq=500))
    assert AAA in bench.core.state.positions.unclaimed
    bench.push(bench.order_report(entry, OrderStatus.FILLED, "25"), fill)
    assert bench.core.state.positions.unclaimed == {}
    position = bench.core.state.positions.open[AAA]
    assert (position.qty, position.entry_price, position.stop_confirmed) == (Decimal(25), Decimal("100.02"), 9967)
    assert not position.is_foreign


def test_an_execution_is_booked_once_however_often_it_is_told() -> None:
    bench, entry = entered()
    bench.answer(entry)
    fill = bench.fill(entry, "100.02", "25")
    bench.position(AAA, "25", "100.02", "99.67")
    bench.push(fill, fill)
    bench.push(fill)
    bench.wait(11)  # a read of the account tells it once more
    found(bench, entry, bench.order_report(entry, OrderStatus.FILLED, "25"), fill)
    assert len(bench.told(FillBooked)) == 1
    assert bench.core.state.positions.open[AAA].fills.qty == Decimal(25)


def test_a_partly_filled_ioc_is_a_position_of_what_was_filled() -> None:
    bench, entry = entered()
    bench.answer(entry)
    bench.push(bench.fill(entry, "100.02", "7"), bench.fill(entry, "100.03", "3"))
    bench.push(bench.order_report(entry, OrderStatus.CANCELLED, "10"))
    bench.push(bench.position(AAA, "10", "100.023", "99.67"))
    position = bench.core.state.positions.open[AAA]
    assert (position.qty, position.peak_qty) == (Decimal(10), Decimal(10))
    assert position.entry_price == Decimal("100.023")
    assert status(bench, entry) is OrderStatus.CANCELLED
    assert len(bench.told(PositionOpened)) == 1
    assert bench.told(PositionChanged)[-1].trade.qty == Decimal(10)
    bench.wait(20)
    assert len(bench.sent) == 1


def test_a_late_older_report_does_not_reopen_an_order() -> None:
    bench, entry = entered()
    bench.answer(entry)
    old = bench.order_report(entry, OrderStatus.NEW)
    bench.wait(0.1)
    bench.push(bench.order_report(entry, OrderStatus.CANCELLED))
    bench.push(old)
    assert status(bench, entry) is OrderStatus.CANCELLED


def test_an_entry_that_the_exchange_works_keeps_its_symbol_to_itself() -> None:
    bench, entry = entered()
    bench.answer(entry)
    bench.push(bench.order_report(entry, OrderStatus.NEW))
    assert bench.core.signals.gates.market_facts(AAA, None, Side.SELL).has_in_flight
    bench.push(bench.order_report(entry, OrderStatus.CANCELLED))
    assert not bench.core.signals.gates.market_facts(AAA, None, Side.SELL).has_in_flight


def test_a_lost_execution_is_found_by_asking_and_blocks_the_symbol_meanwhile() -> None:
    bench, entry = entered()
    bench.is_reading = False
    bench.answer(entry)
    bench.push(bench.order_report(entry, OrderStatus.FILLED, "25"))
    bench.wait(2)
    assert bench.queried == [entry.client_id]
    facts = bench.core.signals.gates.market_facts(AAA, None, Side.SELL)
    assert facts.has_in_flight or facts.has_position
    found(bench, entry, bench.order_report(entry, OrderStatus.FILLED, "25"), bench.fill(entry, "100.02", "25"))
    assert bench.core.state.positions.open[AAA].qty == Decimal(25)


def test_an_order_of_ours_that_a_read_does_not_name_is_asked_for() -> None:
    bench, entry = entered()
    bench.answer(entry)
    bench.push(bench.order_report(entry, OrderStatus.NEW))
    bench.wait(11)
    assert entry.client_id in bench.queried


def test_a_close_that_was_taken_and_that_a_read_does_not_name_is_asked_for_at_once() -> None:
    bench = long(Bench().start())
    bench.wait(4)
    assert bench.order(ClosePosition(AAA)) == ""
    close = bench.sent[1]
    bench.answer(close)
    bench.now_ns += NS_PER_MS
    bench.read()
    assert bench.queried == [close.client_id]


def test_a_foreign_order_that_a_read_does_not_name_is_forgotten_without_asking() -> None:
    bench = Bench().start()
    foreign = OrderReport(
        symbol=AAA,
        order_id="hand",
        client_id="",
        side=Side.BUY,
        status=OrderStatus.NEW,
        order_type=OrderType.LIMIT,
        qty=Decimal(1),
        filled_qty=Decimal(0),
    )
    bench.push(foreign)
    assert len(bench.core.state.orders.open_orders()) == 1
    bench.wait(11)
    assert bench.core.state.orders.open_orders() == []
    assert bench.queried == []


def test_f118_an_order_that_the_exchange_changed_is_alarmed_once_and_cancelled_while_it_works() -> None:
    bench = bounce(Bench().start())
    assert bench.approve() == ""
    entry = bench.sent[0]
    bench.answer(entry)
    assert entry.price is not None
    asked = Decimal(entry.price) / 100
    bench.push(bench.order_report(entry, OrderStatus.NEW, price=asked))
    assert "order_altered" not in bench.notes()
    for filled in ("0", "1"):
        changed = bench.order_report(entry, OrderStatus.PARTIALLY_FILLED, filled, price=asked + 1)
        bench.push(changed)
    assert bench.notes().count("order_altered") == 1
    assert [effect.request.client_id for effect in bench.asked(CancelOrder)] == [entry.client_id]


def test_f118_another_size_than_the_one_asked_for_is_alarmed() -> None:
    bench = bounce(Bench().start())
    assert bench.approve() == ""
    entry = bench.sent[0]
    bench.answer(entry)
    bench.push(bench.order_report(entry, OrderStatus.FILLED, "1", qty=Decimal(1)))
    assert bench.notes().count("order_altered") == 1
    assert bench.asked(CancelOrder) == []


@pytest.mark.parametrize("is_fill_first", [True, False], ids=["fill, then the answer", "the answer, then the fill"])
def test_f078_a_cancel_that_races_with_the_fill_leaves_the_position_that_was_filled(is_fill_first: bool) -> None:
    bench, entry = entered()
    bench.answer(entry)
    assert bench.order(CancelEntryOrders(AAA)) == ""
    gone = CancelAnswer(
        symbol=AAA, client_id="", outcome=Outcome.YES, code=110001, sent_ns=bench.now_ns, ts_recv=bench.now_ns
    )
    told = [lambda: bench.push(bench.fill(entry, "100.02", "7")), lambda: bench.feed(gone)]
    for tell in told if is_fill_first else reversed(told):
        tell()
    for _ in range(2):  # the exchange tells the end twice; a cancelled order may carry a quantity
        bench.push(bench.order_report(entry, OrderStatus.CANCELLED, "7"))
    bench.push(bench.position(AAA, "7", "100.02", "99.67"))
    position = bench.core.state.positions.open[AAA]
    assert (position.qty, position.stop_confirmed is not None) == (Decimal(7), True)
    assert [len(bench.told(PositionOpened)), status(bench, entry)] == [1, OrderStatus.CANCELLED]
    bench.wait(20)
    assert len(bench.sent) == 1


def test_executions_that_nobody_tells_are_asked_for_again_although_no_answer_comes() -> None:
    bench = bounce(Bench().start())
    assert bench.approve() == ""
    [entry] = bench.sent
    bench.answer(entry)
    bench.is_reading = False
    bench.push(bench.order_report(entry, OrderStatus.FILLED, "25"))
    bench.wait(8)
    assert bench.queried.count(entry.client_id) >= 3
