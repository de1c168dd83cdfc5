"""The order table under any sequence of answers, reports and look-ups."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from cockpit.domain.enums import Environment, OrderRole, OrderStatus, OrderType, Side, TimeInForce
from cockpit.domain.events import OrderAnswer, OrderLookedUp, Outcome
from cockpit.domain.ids import client_order_id
from cockpit.domain.instrument import Lots, Ticks
from cockpit.domain.orders import END_STATES, IN_FLIGHT_STATES, TRANSITIONS, OrderReport, OrderRequest
from cockpit.execution.orders import OrderManager, TrackedOrder

ID = client_order_id(Environment.SIM, 1, "sig1", OrderRole.ENTRY, 1)
VENUE_STATES = sorted(set(OrderStatus) - IN_FLIGHT_STATES - {OrderStatus.DEAD})


def request() -> OrderRequest:
    return OrderRequest(
        client_id=ID,
        symbol="X",
        side=Side.BUY,
        role=OrderRole.ENTRY,
        order_type=OrderType.LIMIT,
        time_in_force=TimeInForce.IOC,
        lots=Lots(10),
        price=Ticks(100),
        stop_loss=Ticks(90),
    )


def report(status: OrderStatus, filled: int, updated_ms: int) -> OrderReport:
    return OrderReport(
        symbol="X",
        order_id="o1",
        client_id=ID,
        side=Side.BUY,
        status=status,
        order_type=OrderType.LIMIT,
        qty=Decimal(10),
        filled_qty=Decimal(filled),
        updated_ms=updated_ms,
    )


reports = st.builds(report, st.sampled_from(VENUE_STATES), st.integers(0, 10), st.integers(0, 5))
answers = st.builds(
    OrderAnswer,
    client_id=st.just(ID),
    outcome=st.sampled_from(Outcome),
    order_id=st.just("o1"),
    code=st.sampled_from([0, 10001, 110072]),
    sent_ns=st.just(0),
    ts_recv=st.just(1),
)
lookups = st.builds(
    OrderLookedUp,
    client_id=st.just(ID),
    report=st.none() | reports,
    failure=st.sampled_from(["", "", "timeout"]),
    sent_ns=st.just(0),
    ts_recv=st.just(1),
)
messages = st.lists(reports | answers | lookups, max_size=12)


def apply(table: OrderManager, message: object) -> TrackedOrder | None:
    kinds: dict[type, Callable[..., TrackedOrder | None]] = {
        OrderReport: table.on_report,
        OrderAnswer: table.on_answer,
        OrderLookedUp: table.on_lookup,
    }
    return kinds[type(message)](message)


@given(messages)
def test_an_order_only_ever_moves_along_the_table_of_transitions(stream: list[object]) -> None:
    table = OrderManager()
    order = table.add_intent(request(), 0)
    for message in stream:
        before, filled = order.status, order.filled_qty
        apply(table, message)
        assert table.get(ID) is order
        assert order.status is before or order.status in TRANSITIONS[before]
        assert order.filled_qty >= filled
        assert order.is_open + order.is_in_flight + order.is_ended == 1


@given(messages)
def test_an_end_state_of_the_exchange_is_never_left(stream: list[object]) -> None:
    table = OrderManager()
    order = table.add_intent(request(), 0)
    ended: OrderStatus | None = None
    for message in stream:
        apply(table, message)
        if ended is not None:
            assert order.status is ended
        elif order.status in END_STATES and order.status is not OrderStatus.DEAD:
            ended = order.status


@given(messages)
def test_repeated_messages_change_nothing(stream: list[object]) -> None:
    table = OrderManager()
    order = table.add_intent(request(), 0)
    for message in stream:
        apply(table, message)
        if isinstance(message, OrderLookedUp):
            continue  # a second miss is a second look
        status, filled = order.status, order.filled_qty
        assert apply(table, message) is None
        assert (order.status, order.filled_qty) == (status, filled)


@given(messages)
def test_an_unknown_order_dies_of_two_misses_or_a_plain_no_and_of_nothing_else(stream: list[object]) -> None:
    table = OrderManager()
    order = table.add_intent(request(), 0)
    for message in stream:
        before, misses = order.status, order.misses
        apply(table, message)
        if order.status is OrderStatus.DEAD and before is not OrderStatus.DEAD:
            is_refused = isinstance(message, OrderAnswer) and message.outcome is Outcome.NO and message.code != 110072
            is_second_miss = isinstance(message, OrderLookedUp) and misses >= 1
            assert is_refused or is_second_miss
