"""When to leave: each rule with its value and threshold, first hit wins. The stop at the exchange is not among them.

The rules close with the market; they act on market data (floats) and never size anything.
"""

from __future__ import annotations

import msgspec

from cockpit.domain.enums import SignalKind
from cockpit.execution.config import ExitsConfig


class ExitFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules know of one position at one instant. Speeds are unsigned, price units a second."""

    kind: SignalKind
    age_s: float
    profit_r: float
    """After fees, if closed now."""
    move_pct: float
    """Price move in our direction since entry, percent."""
    move_r: float
    """The same in stop distances."""
    eaten_pct: float | None
    """How much of the position's own wall trades have eaten, percent; None if the wall is not tracked any more."""
    speed: float | None
    """Price speed of the last 10 s."""
    best_speed: float
    """Best such speed since entry."""
    own_volume: float
    """Volume of 10 s of the taker side that moves our way."""
    counter_volume: float
    counter_wall_pct: float | None
    """Distance to the nearest opposite wall newer than the position, percent; None if there is none."""
    take_profit_pct: float | None
    """Distance from the price to the fixed take-profit, percent."""
    level_pct: float | None
    """Distance to the 4 h extremum in our direction, percent; None while unknown."""
    tolerance_pct: float
    """Touch tolerance, percent."""


class ExitCheck(msgspec.Struct, frozen=True):
    """One rule with its verdict."""

    name: str
    hit: bool
    value: str
    threshold: str
    state: str
    """ok | fail (hit) | no data | off"""


def evaluate(facts: ExitFacts, config: ExitsConfig) -> list[ExitCheck]:
    """All rules of a position, in the order in which they win."""
    return [
        _wall_eroded(facts, config),
        _take_profit(facts, config),
        time_stop(facts.kind, facts.age_s, config),
        _slowdown(facts, config),
        _counter_density(facts, config),
        _counter_flow(facts, config),
        _known_level(facts, config),
    ]


def first_hit(checks: list[ExitCheck]) -> ExitCheck | None:
    """The rule that closes the position, None if none does."""
    return next((check for check in checks if check.hit), None)


def wants_breakeven(facts: ExitFacts, config: ExitsConfig) -> bool:
    """True once the price has moved far enough to put the stop at breakeven (S2-25)."""
    return 0 < config.breakeven_at_pct <= facts.move_pct


def _check(name: str, hit: bool, value: str, threshold: str) -> ExitCheck:
    return ExitCheck(name, hit, value, threshold, "fail" if hit else "ok")


def _off(name: str) -> ExitCheck:
    return ExitCheck(name, False, "-", "off", "off")


def _no_data(name: str, threshold: str) -> ExitCheck:
    return ExitCheck(name, False, "-", threshold, "no data")


def _wall_eroded(facts: ExitFacts, config: ExitsConfig) -> ExitCheck:
    name, limit = "wall eroded", config.bounce_exit_eaten_pct
    if facts.kind is not SignalKind.BOUNCE or limit <= 0:
        return _off(name)
    if facts.eaten_pct is None:
        return _no_data(name, f">= {limit:g} %")
    return _check(name, facts.eaten_pct >= limit, f"{facts.eaten_pct:.0f} %", f">= {limit:g} %")


def _take_profit(facts: ExitFacts, config: ExitsConfig) -> ExitCheck:
    if config.take_profit_r <= 0:
        return _off("take-profit")
    return _check(
        "take-profit", facts.move_r >= config.take_profit_r, f"{facts.move_r:+.2f} R", f">= {config.take_profit_r:g} R"
    )


def time_stop(kind: SignalKind, age_s: float, config: ExitsConfig) -> ExitCheck:
    """A position that is too old is left; the one rule that needs no market."""
    limit = config.time_stop_bounce_s if kind is SignalKind.BOUNCE else config.time_stop_breakout_s
    if limit <= 0:
        return _off("time-stop")
    return _check("time-stop", age_s >= limit, f"{age_s:.0f} s", f">= {limit:g} s")


def _in_profit(facts: ExitFacts, config: ExitsConfig) -> bool:
    return facts.profit_r >= config.min_profit_r


def _slowdown(facts: ExitFacts, config: ExitsConfig) -> ExitCheck:
    """S2-27: speed of the last 10 s below the best 10 s speed since entry divided by the factor."""
    name = "slowdown"
    if config.slowdown_factor <= 0:
        return _off(name)
    if facts.speed is None or facts.best_speed <= 0:
        return _no_data(name, f"< best / {config.slowdown_factor:g}")
    limit = facts.best_speed / config.slowdown_factor
    hit = _in_profit(facts, config) and facts.speed < limit
    return _check(name, hit, f"{facts.speed:.4g}/s", f"< {limit:.4g}/s")


def _counter_density(facts: ExitFacts, config: ExitsConfig) -> ExitCheck:
    """S2-27: a new opposite wall within the take-profit distance."""
    name = "counter-density"
    if not config.counter_density or facts.take_profit_pct is None:
        return _off(name)
    threshold = f"<= {max(facts.take_profit_pct, 0):.2f} %"
    if facts.counter_wall_pct is None:
        return ExitCheck(name, False, "none", threshold, "ok")
    hit = _in_profit(facts, config) and facts.counter_wall_pct <= facts.take_profit_pct
    return _check(name, hit, f"{facts.counter_wall_pct:.2f} %", threshold)


def _counter_flow(facts: ExitFacts, config: ExitsConfig) -> ExitCheck:
    """S2-27: opposite volume of 10 s at least the factor times our own."""
    name, factor = "counter flow", config.counter_flow_factor
    if factor <= 0:
        return _off(name)
    if facts.own_volume <= 0 and facts.counter_volume <= 0:
        return _no_data(name, f">= {factor:g} x")
    ratio = facts.counter_volume / facts.own_volume if facts.own_volume > 0 else float("inf")
    hit = _in_profit(facts, config) and ratio >= factor
    return _check(name, hit, f"{min(ratio, 999):.1f} x", f">= {factor:g} x")


def _known_level(facts: ExitFacts, config: ExitsConfig) -> ExitCheck:
    """S2-27: price within touch tolerance of a 4 h extremum."""
    name = "known level"
    if not config.known_level:
        return _off(name)
    threshold = f"<= {facts.tolerance_pct:.3f} %"
    if facts.level_pct is None:
        return _no_data(name, threshold)
    hit = _in_profit(facts, config) and facts.level_pct <= facts.tolerance_pct
    return _check(name, hit, f"{facts.level_pct:.3f} %", threshold)
