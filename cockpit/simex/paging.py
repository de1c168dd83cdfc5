"""Cursors of list replies: percent-encoded text that comes back unchanged (bybit-v5.md 4). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from cockpit.simex.auth import Refusal

Row = TypeVar("Row")


def page(rows: Sequence[Row], params: Mapping[str, Any], *, default: int, most: int) -> tuple[list[Row], str]:
    """The rows of one page and the cursor of the next, empty at the end."""
    limit = number(params, "limit", default)
    if not 1 <= limit <= most:
        raise Refusal(10001, f"params error: limit must be between 1 and {most}")
    start = _position(str(params.get("cursor") or ""))
    chunk = list(rows[start : start + limit])
    end = start + len(chunk)
    return chunk, quote(f"page={end}&of={len(rows)}", safe="") if end < len(rows) else ""


def number(params: Mapping[str, Any], name: str, default: int) -> int:
    """An integer parameter; 10001 if it is none."""
    value = str(params.get(name) or default)
    if not value.lstrip("-").isdecimal():
        raise Refusal(10001, f"params error: {name}")
    return int(value)


def _position(cursor: str) -> int:
    """Row at which a cursor continues; accepts one level of percent-encoding more or less."""
    if not cursor:
        return 0
    text = unquote(unquote(cursor)).partition("&")[0].removeprefix("page=")
    if not text.isdecimal():
        raise Refusal(10001, "params error: cursor")
    return int(text)
