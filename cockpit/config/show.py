"""The configuration for people and tools: rows of key, value and source, and the JSON Schema. Secrets never."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import reduce
from typing import Any

from cockpit.config.keys import LEAVES
from cockpit.config.load import LoadedSettings
from cockpit.config.model import Settings
from cockpit.ui.config import KeysConfig

_PASSWORD = re.compile(r"(?<=://)[^/@]*:[^/@]*(?=@)")


@dataclass(frozen=True)
class ShownRow:
    """One key of the effective configuration."""

    key: str
    value: str
    source: str


def show(loaded: LoadedSettings) -> list[ShownRow]:
    """Every key with its effective value and where that came from, in the order of the sections."""
    return [ShownRow(key, _text(_value(loaded.settings, key)), loaded.sources[key]) for key in LEAVES]


def schema() -> dict[str, Any]:
    """JSON Schema of ``config.toml``."""
    return Settings.model_json_schema()


def _value(settings: Settings, key: str) -> Any:
    return reduce(getattr, key.split("."), settings)


def _text(value: Any) -> str:
    """A value as TOML writes it; user and password of an address are hidden."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Enum):
        return _text(value.value)
    if isinstance(value, str):
        return f'"{_PASSWORD.sub("***", value)}"'
    if isinstance(value, tuple):
        return f"[{', '.join(_text(one) for one in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(name)} = {_text(one)}" for name, one in value.items()) + "}"
    return _text(value.bindings) if isinstance(value, KeysConfig) else str(value)
