"""Sizing never goes over a cap, never over the wish, and is always something the exchange accepts."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import assume, given
from hypothesis import strategies as st

from cockpit.domain.instrument import Instrument, Lots, Ticks
from cockpit.risk.limits import RiskLimits
from cockpit.risk.sizing import Refusal, size_entry

steps = st.sampled_from([Decimal("0.001"), Decimal("0.01"), Decimal("0.1"), Decimal(1), Decimal(10), Decimal("0.5")])


@st.composite
def instruments(draw: st.DrawFn) -> Instrument:
    step = draw(steps)
    smallest = draw(st.integers(1, 100))
    return Instrument(
        symbol="X",
        tick_size=draw(steps),
        qty_step=step,
        min_qty=step * smallest,
        max_qty=step * draw(st.integers(smallest, 1_000_000)),
        max_market_qty=step * smallest,
        min_notional=draw(st.sampled_from([Decimal(0), Decimal(5), Decimal(100)])),
        max_leverage=Decimal(100),
    )


limits = st.builds(
    RiskLimits,
    size_mode=st.sampled_from(["risk_pct", "usd"]),
    risk_pct=st.floats(0.001, 100),
    position_size_usd=st.floats(0.01, 1e6),
    leverage=st.integers(1, 100),
    max_exposure_pct=st.floats(0.1, 100),
    max_notional_usdt=st.floats(1, 1e6),
)
money = st.decimals("0", "1000000", places=4)


@given(
    instruments(), limits, st.integers(1, 1_000_000), st.integers(1, 1_000_000), money, money, st.integers(-100, 10_000)
)
def test_a_size_respects_every_cap_and_every_rule_of_the_exchange(
    instrument: Instrument, limit: RiskLimits, entry: int, stop: int, equity: Decimal, used: Decimal, collar: int
) -> None:
    dearest = Ticks(entry + collar)
    sizing = size_entry(instrument, limit, Ticks(entry), Ticks(stop), equity, used, dearest=dearest)
    if isinstance(sizing, Refusal):
        assert sizing.text
        return
    price, qty = instrument.price(entry), instrument.qty(sizing.lots)
    distance = abs(price - instrument.price(stop))
    highest = max(price, instrument.price(dearest))
    slack = instrument.qty_step * highest * Decimal("1e-9")  # a share of one lot: the rounding of a quotient
    assert isinstance(sizing.lots, int)
    assert instrument.min_qty <= qty <= instrument.max_qty
    assert qty * price >= instrument.min_notional
    assert qty * highest <= Decimal(repr(limit.max_notional_usdt)) + slack
    assert abs(sizing.margin_usdt * limit.leverage - qty * highest) <= slack
    assert used + sizing.margin_usdt <= equity * Decimal(repr(limit.max_exposure_pct)) / 100 + slack
    assert sizing.notional_usdt == qty * price
    assert sizing.risk_usdt == qty * distance
    if limit.size_mode == "risk_pct":
        assert sizing.risk_usdt <= equity * Decimal(repr(limit.risk_pct)) / 100 + slack
    else:
        assert sizing.notional_usdt <= Decimal(repr(limit.position_size_usd)) + slack


@given(instruments(), limits, st.integers(2, 1_000_000), st.integers(1, 1_000_000), money)
def test_a_mirrored_stop_gives_the_same_size(
    instrument: Instrument, limit: RiskLimits, entry: int, distance: int, equity: Decimal
) -> None:
    assume(distance < entry)
    below = size_entry(
        instrument, limit, Ticks(entry), Ticks(entry - distance), equity, Decimal(0), dearest=Ticks(entry)
    )
    above = size_entry(
        instrument, limit, Ticks(entry), Ticks(entry + distance), equity, Decimal(0), dearest=Ticks(entry)
    )
    assert below == above


@given(instruments(), limits, st.integers(1, 1_000_000), money, money)
def test_no_stop_distance_or_no_room_is_refused(
    instrument: Instrument, limit: RiskLimits, entry: int, equity: Decimal, used: Decimal
) -> None:
    assert isinstance(
        size_entry(instrument, limit, Ticks(entry), Ticks(entry), equity, used, dearest=Ticks(entry)), Refusal
    )
    full = equity * Decimal(repr(limit.max_exposure_pct)) / 100
    assert isinstance(
        size_entry(instrument, limit, Ticks(entry), Ticks(entry + 1), equity, full, dearest=Ticks(entry)), Refusal
    )


def test_lots_and_prices_leave_as_whole_numbers() -> None:
    instrument = Instrument(
        symbol="X",
        tick_size=Decimal("0.01"),
        qty_step=Decimal("0.1"),
        min_qty=Decimal("0.1"),
        max_qty=Decimal(1000),
        max_market_qty=Decimal(1000),
        min_notional=Decimal(5),
        max_leverage=Decimal(10),
    )
    entry, stop, equity = Ticks(10_000), Ticks(9_970), Decimal(10_000)
    sizing = size_entry(instrument, RiskLimits(), entry, stop, equity, Decimal(0), dearest=entry)
    assert not isinstance(sizing, Refusal)
    assert sizing.lots == Lots(333)
    assert instrument.qty_text(sizing.lots) == "33.3"
