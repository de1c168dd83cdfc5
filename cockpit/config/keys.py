"""The keys of the configuration, read off the models: which exist, what a text becomes, what a wrong name meant."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from enum import Enum
from typing import Any, Literal, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from cockpit.config.model import Settings
from cockpit.domain.spelling import near

OPEN_SECTION = "keys"
"""The section whose keys are not ours to know: actions of the screen."""


def _walk(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, FieldInfo | None]]:
    """Every key with its field; a section has no field."""
    for name, field in model.model_fields.items():
        key = f"{prefix}{name}"
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel) and key != OPEN_SECTION:
            yield key, None
            yield from _walk(kind, f"{key}.")
        else:
            yield key, field


_KEYS = dict(_walk(Settings, ""))
LEAVES: dict[str, FieldInfo] = {key: field for key, field in _KEYS.items() if field is not None}
"""Every key that has a value, dotted, with its field."""
SECTIONS = frozenset(key for key, field in _KEYS.items() if field is None)


def nearest(key: str) -> str:
    """The known key that ``key`` probably meant, its own section first; "" if none is near."""
    section, _, name = key.rpartition(".")
    siblings = {leaf.rpartition(".")[2]: leaf for leaf in LEAVES if leaf.rpartition(".")[0] == section}
    everywhere = {leaf.rpartition(".")[2]: leaf for leaf in LEAVES}
    for names in (siblings, everywhere):
        if meant := near(name, names):
            return names[meant]
    return ""


def value_of_text(key: str, text: str) -> Any:
    """What a variable or flag gives for a key: words for words, a comma list for a list, else a TOML value."""
    kind = LEAVES[key].annotation
    if kind is str or get_origin(kind) is Literal or (isinstance(kind, type) and issubclass(kind, Enum)):
        return text
    if get_origin(kind) is tuple and not text.strip().startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        return tomllib.loads(f"value = {text}")["value"] if "\n" not in text else text
    except tomllib.TOMLDecodeError:
        return text


def flat(tree: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys and values of nested tables, down to the values of known keys; unknown keys as they are."""
    for name, value in tree.items():
        key = f"{prefix}{name}"
        if key in SECTIONS and isinstance(value, dict):
            yield from flat(value, f"{key}.")
        else:
            yield key, value


def nested(values: dict[str, Any]) -> dict[str, Any]:
    """Nested tables of dotted keys."""
    tree: dict[str, Any] = {}
    for key, value in values.items():
        *sections, name = key.split(".")
        table = tree
        for section in sections:
            table = table.setdefault(section, {})
        table[name] = value
    return tree
