"""Rounding: exact where money is meant, to the safe side where asked, plain text for the exchange."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.domain.instrument import Instrument

steps = st.sampled_from(
    [Decimal("0.0000001"), Decimal("0.01"), Decimal("0.5"), Decimal("0.05"), Decimal(1), Decimal(10)]
)
PLAIN = re.compile(r"\d+(\.\d+)?")


def rules(tick: Decimal = Decimal("0.05"), step: Decimal = Decimal("0.001")) -> Instrument:
    return Instrument(
        symbol="X",
        tick_size=tick,
        qty_step=step,
        min_qty=step,
        max_qty=Decimal(10**9),
        max_market_qty=Decimal(10**9),
        min_notional=Decimal(5),
        max_leverage=Decimal(10),
    )


@given(steps, steps, st.integers(0, 10**9))
def test_ticks_and_lots_come_back_from_their_prices_and_texts(tick: Decimal, step: Decimal, count: int) -> None:
    instrument = rules(tick, step)
    assert instrument.ticks(instrument.price(count)) == count
    assert instrument.lots(instrument.qty(count)) == count
    for text, value in (
        (instrument.price_text(count), instrument.price(count)),
        (instrument.qty_text(count), instrument.qty(count)),
    ):
        assert PLAIN.fullmatch(text)
        assert Decimal(text) == value


@given(steps, st.integers(1, 10**8))
def test_a_market_price_finds_its_tick(tick: Decimal, count: int) -> None:
    instrument = rules(tick)
    price = float(instrument.price(count))
    assert instrument.nearest_ticks(price) == instrument.ticks_up(price) == instrument.ticks_down(price) == count


@given(steps, st.decimals("0.01", "1000000", places=6))
def test_rounding_down_and_up_embrace_the_value(tick: Decimal, price: Decimal) -> None:
    instrument = rules(tick)
    down, up = instrument.ticks_down(price), instrument.ticks_up(price)
    assert up - down in (0, 1)
    slack = tick * Decimal("1e-9")
    assert instrument.price(down) - slack <= price <= instrument.price(up) + slack


def test_what_is_off_the_grid_is_an_error_where_exactness_is_asked_for() -> None:
    with pytest.raises(ValueError, match="not a multiple"):
        rules().ticks(Decimal("100.01"))
    with pytest.raises(ValueError, match="not a multiple"):
        rules().lots(Decimal("0.0005"))


def test_small_and_large_numbers_are_never_in_exponents() -> None:
    assert rules(Decimal("0.0000001")).price_text(1) == "0.0000001"
    assert rules(Decimal("1E+1")).price_text(7) == "70"
