"""The gates of each kind of signal, and where its stop lies. Pure functions of market, wall and activity.

Gates are generators: the pipeline stops at the first that does not pass, and the order is cheapest refusal first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from cockpit.detectors.activity import ActivitySnapshot
from cockpit.detectors.tracked import TrackedWall
from cockpit.domain.enums import BookSide, Side
from cockpit.domain.time import NS_PER_S
from cockpit.market.measures import imbalance_within, touch_tolerance
from cockpit.market.state import MarketState
from cockpit.signals.base import Gate
from cockpit.signals.config import BounceConfig, BreakoutConfig

_BPS = 10_000.0

Comparison = Literal[">=", "<=", ">", "<"]


def breakout_direction(side: BookSide) -> Side:
    """A broken ask wall is bought, a broken bid wall is sold."""
    return side.taker


def bounce_direction(side: BookSide) -> Side:
    """At a bid wall one buys, at an ask wall one sells."""
    return side.taker.opposite


def may_be_breakout(mid: float, wall: TrackedWall, config: BreakoutConfig) -> bool:
    """The price is beyond the wall and enough was eaten: asked of every ended wall in every frame, gates only then."""
    beyond = mid - wall.price if wall.side is BookSide.ASK else wall.price - mid
    return beyond > 0.0 and _eaten(wall, config) >= config.min_eaten


def breakout_gates(state: MarketState, wall: TrackedWall, config: BreakoutConfig) -> Iterator[Gate]:
    """S2-14: the price is beyond the wall, enough of it was eaten, the trend agrees. Needs a valid book."""
    assert state.mid is not None
    direction = breakout_direction(wall.side)
    beyond = (state.mid - wall.price) * direction.sign / wall.price * _BPS
    yield _gate("beyond", beyond, ">", 0.0, "bps")
    yield _gate("eaten", 100.0 * _eaten(wall, config), ">=", 100.0 * config.min_eaten, "%")
    if config.trend_gate:
        yield from trend_gates(state, config, direction)


def trend_gates(state: MarketState, config: BreakoutConfig, direction: Side) -> Iterator[Gate]:
    """S2-12: 24 h change and book pressure agree with ``direction``.

    A change that is unknown, or measured since the start of a recording, is no data: then pressure alone counts.
    """
    ticker = state.ticker
    change = None if ticker is None or ticker.is_change_since_start else ticker.change_24h
    signed = None if change is None else 100.0 * change * direction.sign
    yield _gate("trend 24h", signed, ">=", config.min_change_24h_pct, "%", passes_without_data=True)
    pressure = imbalance_within(state.book.bids(), state.book.asks(), config.pressure_range_bps)
    signed = None if pressure is None else pressure * direction.sign
    yield _gate("book pressure", signed, ">=", config.min_pressure, "")


def bounce_gates(
    state: MarketState, wall: TrackedWall, activity: ActivitySnapshot, config: BounceConfig
) -> Iterator[Gate]:
    """S2-16: the price touches a wall that has stood and holds, in quiet trading. Needs a valid book."""
    assert state.mid is not None
    yield activity_gate(activity, config)
    age_s = (state.last_event_ns - wall.first_seen_ns) / NS_PER_S
    yield _gate("age", age_s, ">=", config.min_age_s, "s")
    yield _gate("shrunk", 100.0 * wall.shrunk_ratio, "<=", config.max_shrunk_pct, "%")
    near = touch_tolerance(state.mid, state.spread_median or 0.0, config.touch_pct, config.touch_spreads)
    yield _gate("touch", abs(state.mid - wall.price) / state.mid * _BPS, "<=", near / state.mid * _BPS, "bps")


def is_quiet(activity: ActivitySnapshot, config: BounceConfig) -> bool:
    """Trading is known to be no busier than usual for the symbol."""
    return not activity.is_warming and activity.index <= config.max_activity


def activity_gate(activity: ActivitySnapshot, config: BounceConfig) -> Gate:
    """``is_quiet`` as a gate; while activity warms up nobody can say so, and the gate holds."""
    passed = is_quiet(activity, config)
    return Gate(
        name="activity",
        value=activity.index,
        threshold=config.max_activity,
        comparison="<=",
        passed=passed,
        state="warming" if activity.is_warming else "ok" if passed else "fail",
        unit="",
    )


def breakout_stop(wall: TrackedWall, reference: float, config: BreakoutConfig) -> float:
    """S2-22: behind the broken wall, and at least ``stop_min_pct`` from the reference price."""
    sign = breakout_direction(wall.side).sign
    behind = wall.price * (1.0 - sign * config.stop_behind_pct / 100.0)
    least = reference * (1.0 - sign * config.stop_min_pct / 100.0)
    return min(behind, least) if sign > 0 else max(behind, least)


def bounce_stop(wall: TrackedWall, config: BounceConfig) -> float:
    """S2-22: ``stop_behind_pct`` behind the wall."""
    return wall.price * (1.0 - bounce_direction(wall.side).sign * config.stop_behind_pct / 100.0)


def is_new_territory(state: MarketState, direction: Side) -> bool:
    """S2-13: the mid is at the high (for a buy) or low of the extrema window."""
    edge = state.extrema.high if direction is Side.BUY else state.extrema.low
    return state.mid is not None and edge is not None and (state.mid - edge) * direction.sign >= 0.0


def _eaten(wall: TrackedWall, config: BreakoutConfig) -> float:
    return wall.eaten_ratio if config.eaten_mode == "traded" else wall.lost_ratio


def _gate(
    name: str,
    value: float | None,
    comparison: Comparison,
    threshold: float,
    unit: str,
    *,
    passes_without_data: bool = False,
) -> Gate:
    if value is None:
        return Gate(
            name=name,
            value=None,
            threshold=threshold,
            comparison=comparison,
            passed=passes_without_data,
            state="no data",
            unit=unit,
        )
    passed = _holds(value, comparison, threshold)
    return Gate(
        name=name,
        value=value,
        threshold=threshold,
        comparison=comparison,
        passed=passed,
        state="ok" if passed else "fail",
        unit=unit,
    )


def _holds(value: float, comparison: Comparison, threshold: float) -> bool:
    if comparison == ">=":
        return value >= threshold
    if comparison == "<=":
        return value <= threshold
    return value > threshold if comparison == ">" else value < threshold
