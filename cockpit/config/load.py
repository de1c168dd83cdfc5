"""Settings out of flags, variables, a TOML file and a preset, with the source of every value. Never a silent guess.

Precedence: flag, ``COCKPIT_SECTION__KEY``, TOML, preset, default. Every problem of every source is told at once.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from pydantic import ValidationError

from cockpit.config.keys import LEAVES, OPEN_SECTION, SECTIONS, flat, nearest, nested, value_of_text
from cockpit.config.model import Settings
from cockpit.config.presets import DEFAULT_PRESET, preset_values
from cockpit.config.toml_lines import key_lines
from cockpit.domain.errors import ConfigError
from cockpit.ui.config import KeysConfig

PREFIX = "COCKPIT_"
SYMBOLS = "venue.symbols"
FLAGS = {
    "venue.environment": "--env",
    "venue.market": "--market",
    "venue.speed": "--speed",
    "venue.seed": "--seed",
    "venue.symbols": "--symbols",
    "preset.name": "--preset",
    "ui.mouse": "--mouse",
    "ui.low_bandwidth": "--low-bandwidth",
    "engine.approval": "--auto",
}
"""The flag that sets a key."""


@dataclass(frozen=True)
class LoadedSettings:
    """What a start is configured with, and why."""

    settings: Settings
    sources: dict[str, str]
    """Of every key: "flag --x", "env COCKPIT_X", "FILE:LINE", "preset NAME" or "default"."""
    warnings: list[str]
    """Sentences about values that are allowed and yet worth a second look."""


@dataclass(frozen=True)
class _Given:
    value: Any
    source: str


_Layer = dict[str, _Given]


def default_config_path(environ: Mapping[str, str]) -> Path | None:
    """The user's own file, ``$XDG_CONFIG_HOME/cockpit/config.toml``, if there is one."""
    home = environ.get("XDG_CONFIG_HOME") or (f"{environ['HOME']}/.config" if environ.get("HOME") else "")
    path = Path(home, "cockpit", "config.toml")
    return path if home and path.is_file() else None


def load_settings(config_path: Path | None, flags: Mapping[str, Any], environ: Mapping[str, str]) -> LoadedSettings:
    """Read and check everything.

    Args:
        config_path: a TOML file that must exist, or None for no file.
        flags: dotted key to value (text or typed); None means the flag was not given.
        environ: the process environment.

    Raises:
        ConfigError: one line a problem, each with its place, its key and, for an unknown key, the nearest known one.
    """
    problems: list[str] = []
    given = _given(config_path, flags, environ, problems)
    given = _preset(given.get("preset.name", _Given(DEFAULT_PRESET, "default")), problems) | given
    usable = {key: one for key, one in given.items() if _is_usable(key, one, problems)}
    settings = _validated(usable, problems)
    if problems or settings is None:
        raise ConfigError("\n".join(problems))
    sources = {key: usable[key].source if key in usable else "default" for key in LEAVES}
    return LoadedSettings(settings, sources, list(_warnings(settings, sources, config_path)))


def usable_settings(
    config_path: Path | None, flags: Mapping[str, Any], environ: Mapping[str, str], needed: tuple[str, ...]
) -> tuple[Settings, frozenset[str]]:
    """Settings out of the keys that begin like one of ``needed`` and can be used; every other key has its default.

    For what must go on whatever is wrong there (``load_settings`` says what). Also returns the keys that were used.
    """
    given = _given(config_path, flags, environ, [])
    kept: _Layer = {}
    for key in sorted(given, key=lambda name: not given[name].source.startswith("flag ")):
        one = given[key]
        if key.startswith(needed) and _is_usable(key, one, []) and _validated(kept | {key: one}, []) is not None:
            kept[key] = one
    settings = _validated(kept, [])
    assert settings is not None, "every key was tried with those before it"
    return settings, frozenset(kept)


def _given(
    config_path: Path | None, flags: Mapping[str, Any], environ: Mapping[str, str], problems: list[str]
) -> _Layer:
    """What file, variables and flags say, the later ones first."""
    from_flags = {key: _Given(value, f"flag {FLAGS.get(key, key)}") for key, value in _given_flags(flags)}
    from_env = _environment(environ, problems)
    from_file = {} if config_path is None else _file(config_path, problems)
    return from_file | from_env | from_flags


def _given_flags(flags: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in flags.items():
        if key not in LEAVES:
            raise ValueError(f"no such key for a flag: {key}")
        if value is not None:
            yield key, value_of_text(key, value) if isinstance(value, str) else value


def _environment(environ: Mapping[str, str], problems: list[str]) -> _Layer:
    layer: _Layer = {}
    for name in sorted(environ):
        if not name.startswith(PREFIX):
            continue
        key = name.removeprefix(PREFIX).lower().replace("__", ".")
        source = f"env {name}"
        if key in LEAVES:
            layer[key] = _Given(value_of_text(key, environ[name]), source)
        else:
            meant = nearest(key)
            hint = f" (did you mean {PREFIX}{meant.upper().replace('.', '__')}?)" if meant else ""
            problems.append(f"{source}: unknown variable{hint}")
    return layer


def _file(path: Path, problems: list[str]) -> _Layer:
    try:
        text = path.read_text("utf-8")
        tree = tomllib.loads(text)
    except OSError as error:
        problems.append(f"{path}: cannot be read: {error.strerror}")
        return {}
    except UnicodeDecodeError as error:
        problems.append(f"{path}: is not TOML: {error}")
        return {}
    except tomllib.TOMLDecodeError as error:
        problems.append(f"{path}: is not TOML: {error}{_faulty_line(text, str(error))}")
        return {}
    lines = key_lines(text)
    layer: _Layer = {}
    for key, value in flat(tree):
        source = f"{path}:{lines.get(tuple(key.split('.')), 1)}"
        if key in LEAVES:
            layer[key] = _Given(value, source)
        elif key in SECTIONS:
            problems.append(f"{source}: {key}: is a section; write its keys below [{key}]")
        else:
            meant = nearest(key)
            problems.append(f"{source}: {key}: unknown key" + (f" (did you mean {meant}?)" if meant else ""))
    return layer


def _faulty_line(text: str, message: str) -> str:
    """The line that a message of the parser is about, and what is meant if a number there has a decimal comma."""
    place = re.search(r"at line (\d+)", message)
    if place is None:
        return ""
    line = text.splitlines()[int(place[1]) - 1].strip()
    comma = re.search(r"=\s*[-+]?(\d+),(\d+)\s*(#|$)", line)
    hint = f" (a decimal point, not a comma: {comma[1]}.{comma[2]})" if comma else ""
    return f": {line[:60]}{hint}"


def _preset(name: _Given, problems: list[str]) -> _Layer:
    if not isinstance(name.value, str):
        return {}  # told by the check of preset.name itself
    try:
        values = preset_values(name.value)
    except ConfigError as error:
        problems.append(f"{name.source}: preset.name: {error}")
        return {}
    return {key: _Given(value, f"preset {name.value}") for key, value in flat(values)}


def _is_usable(key: str, one: _Given, problems: list[str]) -> bool:
    """False (and told) for numbers that are none: TOML knows nan and inf, money does not."""
    if all(math.isfinite(number) for number in _floats(one.value)):
        return True
    problems.append(f"{one.source}: {key}: must be a finite number")
    return False


def _floats(value: Any) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict | list | tuple):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _floats(inner)


def _validated(given: _Layer, problems: list[str]) -> Settings | None:
    """Strict about types: a number is a number, never a text or a truth value that could be read as one."""
    tree = nested({key: one.value for key, one in given.items()})
    bindings = tree.pop(OPEN_SECTION, {})
    settings = keys = None
    try:
        settings = Settings.model_validate_json(msgspec.json.encode(tree), strict=True)
    except ValidationError as error:
        problems += _sentences(error, given, [])
    try:
        keys = KeysConfig.model_validate(bindings)
    except ValidationError as error:
        problems += _sentences(error, given, [OPEN_SECTION])
    return settings.model_copy(update={OPEN_SECTION: keys}) if settings and keys else None


def _sentences(error: ValidationError, given: _Layer, prefix: list[str]) -> list[str]:
    details = error.errors(include_url=False)
    faulty = {detail["loc"][:at] for detail in details for at in range(len(detail["loc"]))}
    return [
        _sentence([*prefix, *map(str, detail["loc"])], detail["type"], detail["msg"], given)
        for detail in details
        if detail["type"] != "too_short" or detail["loc"] not in faulty  # its members were left out as faulty
    ]


def _sentence(path: list[str], kind: str, message: str, given: _Layer) -> str:
    """One problem the models found: its place, its key and what is wrong."""
    key = ".".join(path)
    leaf = next((".".join(path[:n]) for n in range(len(path), 0, -1) if ".".join(path[:n]) in LEAVES), "")
    if leaf in given:
        source, value = given[leaf].source, given[leaf].value
        if leaf == SYMBOLS and kind == "string_pattern_mismatch":
            return f"{source}: {leaf}: {value[int(path[-1])]} is no USDT perpetual, as BTCUSDT is"
        what = f"{message} (got {str(value)[:60]!r})" if isinstance(value, str) else f"{message} (got {value})"
        if isinstance(value, str) and kind.startswith(("float", "int", "decimal")):
            what += "; a number is written without quotes and with a point"
        return f"{source}: {key}: {what}"
    source = next((one.source for name, one in given.items() if name.startswith(f"{key}.")), "configuration")
    return f"{source}: {key}: {message.removeprefix('Value error, ')}"


def _warnings(settings: Settings, sources: dict[str, str], path: Path | None) -> Iterator[str]:
    if settings.risk.risk_pct > 1:
        yield (
            f"{sources['risk.risk_pct']}: risk.risk_pct = {settings.risk.risk_pct}: each trade may lose "
            f"{settings.risk.risk_pct} % of the equity (0.1 is a tenth of a percent)"
        )
    if path is not None and path.stat().st_mode & 0o022:
        yield f"{path}: other users may change this file: run chmod go-w {path}"
