"""Position arithmetic against the plain sum of cash flows."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from cockpit.domain.enums import Side
from cockpit.domain.positions import Position

fills = st.lists(
    st.tuples(
        st.sampled_from(Side),
        st.decimals("0.01", "100000", places=2),
        st.decimals("0.001", "1000", places=3),
        st.decimals("-5", "5", places=4),
    ),
    min_size=1,
    max_size=20,
)
Fills = list[tuple[Side, Decimal, Decimal, Decimal]]


@given(fills, st.decimals("0.01", "100000", places=2))
def test_profit_equals_the_sum_of_cash_flows_since_the_position_was_flat(booked: Fills, mark: Decimal) -> None:
    position = Position("X")
    qty = cash = fees = Decimal(0)
    for side, price, size, fee in booked:
        if qty == 0:
            cash = fees = Decimal(0)
        qty += size * side.sign
        cash -= size * side.sign * price
        fees += fee
        position = position.apply_fill(side, price, size, fee)
        assert position.qty == qty
        assert position.fees == fees
        profit = position.realised + position.unrealised(mark)
        assert abs(profit - (cash + qty * mark)) < Decimal("1e-12")


@given(fills)
def test_a_mirrored_account_has_the_mirrored_position(booked: Fills) -> None:
    position, mirror = Position("X"), Position("X")
    for side, price, size, fee in booked:
        position = position.apply_fill(side, price, size, fee)
        mirror = mirror.apply_fill(side.opposite, price, size, fee)
        assert mirror.qty == -position.qty
        assert mirror.avg_price == position.avg_price
        assert mirror.realised == -position.realised


@given(fills)
def test_average_price_stays_within_the_prices_paid(booked: Fills) -> None:
    position = Position("X")
    for side, price, size, fee in booked:
        position = position.apply_fill(side, price, size, fee)
    prices = [price for _, price, _, _ in booked]
    if position.qty:
        assert min(prices) <= position.avg_price.quantize(Decimal("1e-9")) <= max(prices)
    else:
        assert position.avg_price == 0
