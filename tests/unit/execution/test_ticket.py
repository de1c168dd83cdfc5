"""The ticket: every price on the safe side of the grid, every refusal with its number."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cockpit.detectors.wall import Wall
from cockpit.domain.enums import BookSide, Side, SignalKind
from cockpit.domain.ids import SignalId, WallId
from cockpit.execution.config import ExecutionConfig
from cockpit.execution.ticket import BookSides, Ticket, fixed_take_profit, make_ticket, ticket_hash
from cockpit.risk.limits import RiskLimits
from cockpit.risk.sizing import Refusal
from cockpit.signals.base import Signal
from tests.support.core_fixtures import instrument

ACCOUNT = (Decimal(10_000), Decimal(0))


def signal(side: Side = Side.BUY, stop: float = 99.67009) -> Signal:
    wall = Wall(
        wall_id=WallId("w1"),
        symbol="AAAUSDT",
        side=BookSide.BID,
        price=99.97,
        first_seen_ns=0,
        initial=1.0,
        peak=1.0,
        current=1.0,
        traded=0.0,
        pulled=0.0,
        refilled=0.0,
        pending=0.0,
        touches=1,
        notional_usdt=1.0,
        side_percent=1.0,
        relative_strength=1.0,
        median_multiple=1.0,
        criteria=(),
        is_cluster=False,
        code="C",
    )
    return Signal(
        signal_id=SignalId("s1"),
        kind=SignalKind.BOUNCE,
        symbol="AAAUSDT",
        direction=side,
        wall=wall,
        priority=1.0,
        stop_price=stop,
        entry_reference=100.0,
        gates=(),
        raised_event_ns=0,
        expires_event_ns=1,
    )


def book(side: Side = Side.BUY, size: float = 50.0) -> BookSides:
    touch = 100.01 if side is Side.BUY else 99.99
    return BookSides([round(touch + 0.01 * n * side.sign, 2) for n in range(20)], [size] * 20)


def ticket(side: Side, stop: float, **config: float) -> Ticket | Refusal:
    return make_ticket(signal(side, stop), instrument(), book(side), ACCOUNT, RiskLimits(), ExecutionConfig(**config))


@given(st.sampled_from(Side), st.floats(0.06, 20.0), st.floats(0.0, 50.0))
def test_limit_stop_and_target_lie_in_this_order_and_on_the_safe_side(
    side: Side, distance: float, collar: float
) -> None:
    stop = 100.0 * (1 - side.sign * distance / 100)
    made = ticket(side, stop, entry_collar_bps=collar)
    assume(isinstance(made, Ticket))
    assert isinstance(made, Ticket)
    sign = side.sign
    assert (made.limit - made.touch) * sign >= 0
    assert (made.touch - made.stop) * sign > 0
    assert made.take_profit is not None
    assert (made.take_profit - made.touch) * sign > 0
    rules = instrument()
    assert (rules.price(made.stop) - Decimal(repr(stop))) * sign <= Decimal("1e-9")  # never tighter than the idea
    worst = rules.price(made.touch) * (1 + sign * Decimal(repr(collar)) / 10_000)
    assert (rules.price(made.limit) - worst) * sign >= -Decimal("1e-9")
    assert abs(rules.price(made.limit) - worst) < rules.tick_size


@pytest.mark.parametrize(
    ("side", "stop"), [(Side.BUY, 100.02), (Side.SELL, 99.98), (Side.BUY, 100.0), (Side.SELL, 100.0)]
)
def test_a_stop_on_the_wrong_side_or_too_close_is_refused(side: Side, stop: float) -> None:
    refusal = ticket(side, stop)
    assert isinstance(refusal, Refusal)
    assert "too close or passed" in refusal.text


def test_an_empty_side_of_the_book_is_refused() -> None:
    refusal = make_ticket(signal(), instrument(), BookSides([], []), ACCOUNT, RiskLimits(), ExecutionConfig())
    assert isinstance(refusal, Refusal)
    assert refusal.rule == "book"


def test_slippage_is_the_walk_through_the_book_or_not_known() -> None:
    made = make_ticket(signal(), instrument(), book(size=10.0), ACCOUNT, RiskLimits(), ExecutionConfig())
    assert isinstance(made, Ticket)
    assert instrument().qty(made.sizing.lots) == 25
    assert made.slippage_usdt == Decimal("0.2")  # 10 at the touch, 10 one tick up, 5 two ticks up
    thin = make_ticket(signal(), instrument(), book(size=0.5), ACCOUNT, RiskLimits(), ExecutionConfig())
    assert isinstance(thin, Ticket)
    assert thin.slippage_usdt is None


def test_the_hash_changes_with_what_is_approved_and_only_with_that() -> None:
    limits = RiskLimits()
    known = ticket_hash(signal(), limits)
    assert ticket_hash(signal(), limits) == known
    others = [
        ticket_hash(signal(Side.SELL), limits),
        ticket_hash(signal(stop=99.66), limits),
        ticket_hash(msgspec.structs.replace(signal(), signal_id=SignalId("s2")), limits),
        ticket_hash(signal(), RiskLimits(risk_pct=0.2)),
        ticket_hash(signal(), RiskLimits(size_mode="usd")),
    ]
    assert known not in others
    assert len(set(others)) == len(others)


def test_a_take_profit_of_zero_is_none() -> None:
    assert fixed_take_profit(instrument().ticks(Decimal(100)), instrument().ticks(Decimal(99)), 0) is None
