"""Gates and stops, one by one."""

from __future__ import annotations

import msgspec
import pytest

from cockpit.detectors.activity import NO_ACTIVITY, ActivitySnapshot
from cockpit.detectors.config import DensityConfig
from cockpit.detectors.tracked import TrackedWall
from cockpit.domain.enums import BookSide, Side
from cockpit.domain.ids import WallId
from cockpit.domain.market import BookDelta, BookSnapshot, Level, Ticker
from cockpit.domain.time import NS_PER_S
from cockpit.market.state import MarketState
from cockpit.signals import rules
from cockpit.signals.base import Gate
from cockpit.signals.config import BounceConfig, BreakoutConfig

NOW = 100 * NS_PER_S


def state_of(
    bids: list[Level], asks: list[Level], change_24h: float | None = None, is_change_since_start: bool = False
) -> MarketState:
    state = MarketState("X")
    state.apply(BookSnapshot("X", NOW, 0, 1, 0, bids, asks))
    if change_24h is not None:
        state.apply(Ticker("X", 0, 0, change_24h=change_24h, is_change_since_start=is_change_since_start))
    return state


def wall_of(side: BookSide, price: float, left: float = 100.0, traded: float = 0.0, age_s: int = 60) -> TrackedWall:
    seen = NOW - age_s * NS_PER_S
    wall = TrackedWall(WallId("X-1"), "X", side, (price, 100.0), (seen, seen), DensityConfig())
    if traded:
        wall.ledger.add_print(NOW - 1, round(traded * 1e8))
    wall.resize(NOW, left)
    wall.ledger.expire(NOW + NS_PER_S)
    return wall


def by_name(gates: object) -> dict[str, Gate]:
    return {gate.name: gate for gate in gates}  # type: ignore[attr-defined]


UP = ([(100.1, 6.0)], [(100.3, 4.0)])
"""Mid 100.2, pressure +0.2."""

QUIET = msgspec.structs.replace(NO_ACTIVITY, index=-0.5, is_warming=False)


def test_direction_of_each_kind_and_side() -> None:
    assert rules.breakout_direction(BookSide.ASK) is Side.BUY
    assert rules.breakout_direction(BookSide.BID) is Side.SELL
    assert rules.bounce_direction(BookSide.BID) is Side.BUY
    assert rules.bounce_direction(BookSide.ASK) is Side.SELL


def test_breakout_gates_show_value_threshold_and_unit() -> None:
    state = state_of(*UP, change_24h=0.02)
    gates = by_name(rules.breakout_gates(state, wall_of(BookSide.ASK, 100.0, 0.0, traded=60.0), BreakoutConfig()))
    assert list(gates) == ["beyond", "eaten", "trend 24h", "book pressure"]
    assert gates["beyond"].value == pytest.approx(20.0)
    assert (gates["eaten"].value, gates["eaten"].threshold, gates["eaten"].unit) == (60.0, 30.0, "%")
    assert gates["trend 24h"].value == pytest.approx(2.0)
    assert gates["book pressure"].value == pytest.approx(0.2)
    assert all(gate.passed and gate.state == "ok" for gate in gates.values())


def test_pulled_wall_is_not_eaten() -> None:
    wall = wall_of(BookSide.ASK, 100.0, left=0.0, traded=20.0)
    gates = by_name(rules.breakout_gates(state_of(*UP), wall, BreakoutConfig()))
    assert (gates["eaten"].value, gates["eaten"].state) == (20.0, "fail")
    gates = by_name(rules.breakout_gates(state_of(*UP), wall, BreakoutConfig(eaten_mode="any")))
    assert (gates["eaten"].value, gates["eaten"].passed) == (100.0, True)


def test_price_at_the_wall_is_not_beyond_it() -> None:
    state = state_of([(99.9, 1.0)], [(100.1, 1.0)])
    assert not by_name(rules.breakout_gates(state, wall_of(BookSide.ASK, 100.0), BreakoutConfig()))["beyond"].passed


@pytest.mark.parametrize(("change", "since_start"), [(None, False), (-0.05, True)])
def test_trend_without_a_24h_change_says_no_data_and_leaves_pressure_alone(
    change: float | None, since_start: bool
) -> None:
    gates = by_name(rules.trend_gates(state_of(*UP, change, since_start), BreakoutConfig(), Side.BUY))
    assert (gates["trend 24h"].value, gates["trend 24h"].state, gates["trend 24h"].passed) == (None, "no data", True)
    assert gates["book pressure"].passed
    gates = by_name(rules.trend_gates(state_of(*UP, change, since_start), BreakoutConfig(), Side.SELL))
    assert not gates["book pressure"].passed


def test_trend_against_the_direction_fails() -> None:
    gates = by_name(rules.trend_gates(state_of(*UP, change_24h=-0.01), BreakoutConfig(), Side.BUY))
    assert (gates["trend 24h"].value, gates["trend 24h"].state) == (-1.0, "fail")


def test_trend_gate_can_be_switched_off() -> None:
    config = BreakoutConfig(trend_gate=False)
    assert list(by_name(rules.breakout_gates(state_of(*UP), wall_of(BookSide.ASK, 100.0), config))) == [
        "beyond",
        "eaten",
    ]


def bounce(state: MarketState, wall: TrackedWall, activity: ActivitySnapshot = QUIET) -> dict[str, Gate]:
    return by_name(rules.bounce_gates(state, wall, activity, BounceConfig()))


def test_bounce_gates_pass_at_an_old_whole_wall_in_quiet_trading() -> None:
    gates = bounce(state_of(*UP), wall_of(BookSide.BID, 100.1, left=95.0))
    assert list(gates) == ["activity", "age", "shrunk", "touch"]
    assert all(gate.passed for gate in gates.values())
    assert gates["shrunk"].value == pytest.approx(5.0)


def test_bounce_needs_age_size_nearness_and_quiet() -> None:
    state = state_of(*UP)
    assert not bounce(state, wall_of(BookSide.BID, 100.1, age_s=9))["age"].passed
    assert not bounce(state, wall_of(BookSide.BID, 100.1, left=89.0))["shrunk"].passed
    assert not bounce(state, wall_of(BookSide.BID, 99.9))["touch"].passed, "0.2 % is 0.2004, the wall is 0.3 away"
    busy = msgspec.structs.replace(QUIET, index=0.1)
    assert not bounce(state, wall_of(BookSide.BID, 100.1), busy)["activity"].passed


def test_touch_is_at_most_three_median_spreads() -> None:
    state = state_of([(100.19, 1.0)], [(100.21, 1.0)])
    assert bounce(state, wall_of(BookSide.BID, 100.15))["touch"].passed
    assert not bounce(state, wall_of(BookSide.BID, 100.10))["touch"].passed


def test_activity_that_still_warms_up_holds_a_bounce_back() -> None:
    gate = bounce(state_of(*UP), wall_of(BookSide.BID, 100.1), NO_ACTIVITY)["activity"]
    assert (gate.passed, gate.state) == (False, "warming")


def test_breakout_stop_is_behind_the_wall_and_a_tenth_of_a_percent_away_at_least() -> None:
    config = BreakoutConfig()
    assert rules.breakout_stop(wall_of(BookSide.ASK, 100.0), 100.02, config) == pytest.approx(100.02 * 0.999)
    assert rules.breakout_stop(wall_of(BookSide.ASK, 100.0), 101.0, config) == pytest.approx(99.98)
    assert rules.breakout_stop(wall_of(BookSide.BID, 100.0), 99.98, config) == pytest.approx(99.98 * 1.001)
    assert rules.breakout_stop(wall_of(BookSide.BID, 100.0), 99.0, config) == pytest.approx(100.02)


def test_bounce_stop_is_three_tenths_of_a_percent_behind_the_wall() -> None:
    assert rules.bounce_stop(wall_of(BookSide.BID, 100.0), BounceConfig()) == pytest.approx(99.7)
    assert rules.bounce_stop(wall_of(BookSide.ASK, 100.0), BounceConfig()) == pytest.approx(100.3)


def test_new_territory_is_the_high_for_a_buy_and_the_low_for_a_sell() -> None:
    state = state_of(*UP)
    state.apply(BookDelta("X", NOW + 1, 0, 2, 0, [(100.1, 0.0), (99.9, 6.0)], []))
    assert not rules.is_new_territory(state, Side.BUY)
    assert rules.is_new_territory(state, Side.SELL)
