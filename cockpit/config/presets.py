"""The presets: named sets of values in place of the defaults, where the source documents disagree. Data only.

A preset gives only what its document says; everything else keeps the default. k and bucket width of a wall belong
together and are never given apart. features.md 1.6 tells which document says what.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from cockpit.domain.errors import ConfigError

DEFAULT_PRESET = "plotnost"

_NO_DYNAMIC_EXITS = {"slowdown_factor": 0.0, "counter_flow_factor": 0.0, "counter_density": False, "known_level": False}
"""The dynamic take-profit is S2's alone; the other documents list their exits without it."""

_PLOTNOST: dict[str, Any] = {
    "detectors": {
        "density": {
            "criteria": ["abs_usd", "neighbours", "side_percent"],
            "combine": "all",
            "abs_usd": 50_000.0,
            "neighbours_x": 3.0,
            "neighbours_n": 5,
            "side_percent": 5.0,
            "cluster_range_pct": 0.05,
        },
    },
    "signals": {
        "breakout": {"min_eaten": 0.30, "trend_gate": True, "stop_min_pct": 0.1, "new_territory_priority": 2.0},
        "bounce": {"touch_pct": 0.2, "max_shrunk_pct": 10.0, "stop_behind_pct": 0.3},
    },
    "risk": {"position_size_usd": 0.1, "leverage": 10, "max_exposure_pct": 5.0, "max_positions": 10},
    "execution": {"exits": {"breakeven_at_pct": 0.5, "bounce_exit_eaten_pct": 65.0, "slowdown_factor": 3.0}},
}

_HIGH_PERCENT_BREAKOUT: dict[str, Any] = {
    "detectors": {
        "density": {"criteria": ["median_bucket"], "combine": "all", "k_density": 2.5, "bucket_ticks": 10},
        "activity": {"drop_threshold": 0.3},
    },
    "signals": {
        "breakout": {"min_eaten": 0.75, "trend_gate": False},
        "bounce": {"is_enabled": False},
    },
    "execution": {"exits": {"time_stop_breakout_s": 14_400.0} | _NO_DYNAMIC_EXITS},
}

_HIGH_PERCENT_STRICT: dict[str, Any] = {
    "detectors": {
        "density": {
            "criteria": ["median_bucket"],
            "combine": "all",
            "k_density": 7.0,
            "bucket_ticks": 3,
            "lookback_s": 300.0,
        },
        "activity": {"drop_threshold": 0.4},
    },
    "signals": {
        "breakout": {"min_eaten": 0.75, "trend_gate": False},
        "bounce": {"is_enabled": False},
    },
    "execution": {"exits": {"time_stop_breakout_s": 10_800.0} | _NO_DYNAMIC_EXITS},
}

_MICRO: dict[str, Any] = {
    "signals": {
        "breakout": {"stop_min_pct": 0.3},
        "bounce": {"stop_behind_pct": 0.3},
        "cooldown_s": 30.0,
    },
    "execution": {
        "taker_fee_rate": 0.001,
        "exits": {
            "breakeven_at_pct": 0.0,
            "take_profit_r": 1.67,  # 0.5 % by a stop of 0.3 %
            "time_stop_breakout_s": 300.0,
            "time_stop_bounce_s": 300.0,
        }
        | _NO_DYNAMIC_EXITS,
    },
}

PRESETS: MappingProxyType[str, dict[str, Any]] = MappingProxyType(
    {
        "plotnost": _PLOTNOST,
        "high_percent_breakout": _HIGH_PERCENT_BREAKOUT,
        "high_percent_strict": _HIGH_PERCENT_STRICT,
        "micro": _MICRO,
    }
)


def preset_values(name: str) -> dict[str, Any]:
    """Section values of a preset.

    Raises:
        ConfigError: there is no preset of that name; the message lists the names.
    """
    if name not in PRESETS:
        raise ConfigError(f"there is no preset {name!r}; presets are {', '.join(PRESETS)}")
    return PRESETS[name]
