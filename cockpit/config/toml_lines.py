"""On which line of a TOML text each key stands. The standard parser does not tell."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

KeyPath = tuple[str, ...]


def key_lines(text: str) -> dict[KeyPath, int]:
    """Line number (from 1) of every key and table of a text that ``tomllib`` accepts as a whole.

    The text is cut into statements, each as many lines as it takes to be TOML by itself.
    """
    found: dict[KeyPath, int] = {}
    table: KeyPath = ()
    lines = text.replace("\r\n", "\n").split("\n")
    at = 0
    while at < len(lines):
        start = lines[at].strip()
        if not start or start.startswith("#"):
            at += 1
            continue
        tree, end = _statement(lines, at)
        paths = list(_paths(tree))
        if start.startswith("["):
            table = paths[-1]
            found.setdefault(table, at + 1)
        else:
            for path in paths:
                found.setdefault(table + path, at + 1)
        at = end
    return found


def _statement(lines: list[str], start: int) -> tuple[dict[str, Any], int]:
    for end in range(start + 1, len(lines) + 1):
        try:
            return tomllib.loads("\n".join(lines[start:end])), end
        except tomllib.TOMLDecodeError:
            continue
    raise AssertionError("the text as a whole was not TOML")


def _paths(tree: dict[str, Any]) -> Iterator[KeyPath]:
    for name, value in tree.items():
        yield (name,)
        inner = value[0] if isinstance(value, list) and value and isinstance(value[0], dict) else value
        if isinstance(inner, dict):
            yield from ((name, *path) for path in _paths(inner))
