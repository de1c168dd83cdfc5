"""Examples of position money; the laws stand in tests/property."""

from __future__ import annotations

from decimal import Decimal

from cockpit.domain.enums import Side
from cockpit.domain.positions import Position


def test_a_fill_larger_than_the_position_flips_its_side_at_its_own_price() -> None:
    long = Position("X").apply_fill(Side.BUY, Decimal(100), Decimal(2), Decimal("0.1"))
    short = long.apply_fill(Side.SELL, Decimal(110), Decimal(5), Decimal("0.2"))
    assert (short.qty, short.avg_price, short.realised, short.side) == (-3, 110, 20, Side.SELL)
    assert short.fees == Decimal("0.3")


def test_a_short_earns_when_the_price_falls() -> None:
    short = Position("X").apply_fill(Side.SELL, Decimal(100), Decimal(2), Decimal(0))
    assert short.unrealised(Decimal(90)) == 20
    assert short.apply_fill(Side.BUY, Decimal(90), Decimal(2), Decimal(0)).realised == 20


def test_a_fill_on_a_flat_position_starts_a_new_count() -> None:
    flat = (
        Position("X")
        .apply_fill(Side.BUY, Decimal(100), Decimal(1), Decimal(1))
        .apply_fill(Side.SELL, Decimal(110), Decimal(1), Decimal(1))
    )
    assert (flat.side, flat.realised, flat.fees) == (None, 10, 2)
    again = flat.apply_fill(Side.SELL, Decimal(50), Decimal(1), Decimal(1))
    assert (again.realised, again.fees, again.avg_price) == (0, 1, 50)


def test_a_rebate_lowers_the_fees() -> None:
    assert Position("X").apply_fill(Side.BUY, Decimal(1), Decimal(1), Decimal("-0.5")).fees == Decimal("-0.5")
