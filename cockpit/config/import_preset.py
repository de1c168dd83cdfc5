"""Reads a JSON preset of the earlier bots (S0, S1) and writes it as TOML of this program. Pure text in, text out.

The presets nest their parameters in sections of their own; a parameter is known by its name, at any depth. What has
no counterpart here is listed in comments, never dropped without a word.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from pydantic import ValidationError

from cockpit.config.keys import nested
from cockpit.config.model import Settings
from cockpit.domain.errors import ConfigError

KEY_OF = {
    "k_density": "detectors.density.k_density",
    "bucket_ticks": "detectors.density.bucket_ticks",
    "lookback_window_s": "detectors.density.lookback_s",
    "activity_drop_threshold": "detectors.activity.drop_threshold",
    "enter_on_density_eat_ratio": "signals.breakout.min_eaten",
    "time_stop_minutes": "execution.exits.time_stop_breakout_s",
}
"""Parameter of a JSON preset to our key."""

_FACTOR = {"time_stop_minutes": 60}
"""Where the units differ: our value by theirs."""


def import_preset(text: str, name: str) -> str:
    """TOML of a JSON preset.

    Args:
        text: content of the JSON file.
        name: what to call it in messages and in the first line.

    Raises:
        ConfigError: no JSON object, a parameter twice with different values, or a value out of bounds.
    """
    values, unused = _translated(_parsed(text, name), name)
    if "detectors.density.k_density" in values:
        values["detectors.density.criteria"] = ["median_bucket"]
    _check(values, name)
    lines = [f"# Imported from {json.dumps(name)}."]
    if unused:
        lines += ["# Not used by this version:", *(f"#   {key} = {json.dumps(value)}" for key, value in unused)]
    for section in sorted({key.rpartition(".")[0] for key in values}):
        lines += ["", f"[{section}]"]
        inside = {key.rpartition(".")[2]: value for key, value in values.items() if key.rpartition(".")[0] == section}
        lines += [f"{key} = {json.dumps(value)}" for key, value in inside.items()]
    return "\n".join(lines) + "\n"


def _parsed(text: str, name: str) -> dict[str, Any]:
    try:
        tree = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"{name}: is not JSON: {error}") from error
    if not isinstance(tree, dict):
        raise ConfigError(f"{name}: a preset is a JSON object")
    return tree


def _translated(tree: dict[str, Any], name: str) -> tuple[dict[str, Any], list[tuple[str, Any]]]:
    """Our keys and values, and the parameters that have no counterpart."""
    values: dict[str, Any] = {}
    unused: list[tuple[str, Any]] = []
    for path, value in _leaves(tree, ""):
        parameter = path.rpartition(".")[2]
        if parameter not in KEY_OF:
            unused.append((path, value))
            continue
        key, ours = KEY_OF[parameter], _in_our_unit(parameter, value)
        if values.setdefault(key, ours) != ours:
            raise ConfigError(f"{name}: {parameter} is there twice with different values")
    return values, unused


def _in_our_unit(parameter: str, value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value * _FACTOR.get(parameter, 1) if is_number else value


def _leaves(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _check(values: dict[str, Any], name: str) -> None:
    try:
        Settings.model_validate_json(msgspec.json.encode(nested(values)), strict=True)
    except ValidationError as error:
        told = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_url=False)]
        raise ConfigError("\n".join(f"{name}: {line}" for line in told)) from error
