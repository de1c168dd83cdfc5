"""Each exit rule at its threshold; the first hit wins; 0 is off; what is not known does not close."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from cockpit.domain.enums import SignalKind
from cockpit.execution.config import ExitsConfig
from cockpit.execution.exits import ExitFacts, evaluate, first_hit, wants_breakeven

CALM = ExitFacts(
    kind=SignalKind.BOUNCE,
    age_s=10,
    profit_r=1.0,
    move_pct=0.2,
    move_r=0.5,
    eaten_pct=10.0,
    speed=0.05,
    best_speed=0.06,
    own_volume=10.0,
    counter_volume=10.0,
    counter_wall_pct=None,
    take_profit_pct=0.5,
    level_pct=1.0,
    tolerance_pct=0.06,
)
CONFIG = ExitsConfig()


def hit(config: ExitsConfig = CONFIG, **facts: Any) -> str:
    found = first_hit(evaluate(msgspec.structs.replace(CALM, **facts), config))
    return "" if found is None else found.name


def test_a_calm_position_is_held() -> None:
    assert hit() == ""


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"eaten_pct": 65.0}, "wall eroded"),
        ({"move_r": 3.0}, "take-profit"),
        ({"age_s": 300.0}, "time-stop"),
        ({"speed": 0.0199}, "slowdown"),
        ({"speed": 0.0}, "slowdown"),
        ({"counter_wall_pct": 0.5}, "counter-density"),
        ({"counter_volume": 30.0}, "counter flow"),
        ({"own_volume": 0.0, "counter_volume": 0.1}, "counter flow"),
        ({"level_pct": 0.06}, "known level"),
    ],
)
def test_each_rule_hits_at_its_threshold(facts: dict[str, Any], name: str) -> None:
    assert hit(**facts) == name


@pytest.mark.parametrize(
    "facts",
    [
        {"eaten_pct": 64.9},
        {"eaten_pct": None},
        {"move_r": 2.99},
        {"age_s": 299.9},
        {"speed": 0.02},
        {"speed": None},
        {"best_speed": 0.0, "speed": 0.0},
        {"counter_wall_pct": 0.51},
        {"take_profit_pct": None, "counter_wall_pct": 0.0},
        {"counter_volume": 29.9},
        {"own_volume": 0.0, "counter_volume": 0.0},
        {"level_pct": 0.061},
        {"level_pct": None},
        {"kind": SignalKind.BREAKOUT, "eaten_pct": 100.0},
        {"kind": SignalKind.BREAKOUT, "age_s": 10_799.0},
    ],
)
def test_no_rule_hits_short_of_its_threshold_or_without_data(facts: dict[str, Any]) -> None:
    assert hit(**facts) == ""


@pytest.mark.parametrize(
    "facts", [{"speed": 0.0}, {"counter_wall_pct": 0.1}, {"counter_volume": 99.0}, {"level_pct": 0.0}]
)
def test_the_dynamic_rules_act_only_in_profit(facts: dict[str, Any]) -> None:
    assert hit(**facts, profit_r=0.29) == ""
    assert hit(**facts, profit_r=0.3) != ""
    assert hit(**facts, profit_r=-2.0) == ""


def test_the_first_rule_in_order_wins() -> None:
    assert hit(eaten_pct=90.0, move_r=5.0, age_s=9_999.0) == "wall eroded"
    assert hit(move_r=5.0, age_s=9_999.0) == "take-profit"


def test_a_rule_set_to_zero_is_off() -> None:
    off = ExitsConfig(
        take_profit_r=0,
        time_stop_breakout_s=0,
        time_stop_bounce_s=0,
        bounce_exit_eaten_pct=0,
        slowdown_factor=0,
        counter_flow_factor=0,
        counter_density=False,
        known_level=False,
        breakeven_at_pct=0,
    )
    extreme = {"eaten_pct": 100.0, "move_r": 9.0, "age_s": 1e6, "speed": 0.0, "counter_volume": 1e6, "level_pct": 0.0}
    assert hit(off, **extreme) == ""
    assert {check.state for check in evaluate(CALM, off)} == {"off"}
    assert not wants_breakeven(msgspec.structs.replace(CALM, move_pct=9.0), off)


def test_breakeven_is_wanted_at_its_move_and_not_before() -> None:
    assert wants_breakeven(msgspec.structs.replace(CALM, move_pct=0.5), CONFIG)
    assert not wants_breakeven(msgspec.structs.replace(CALM, move_pct=0.499), CONFIG)
