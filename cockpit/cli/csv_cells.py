"""Cells of a CSV: what a spreadsheet or a terminal would obey is made harmless, everything else stays as it is."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from cockpit.cli.narration import LONGEST_LINE
from cockpit.domain.text import safe

_FORMULA_STARTS = ("=", "+", "-", "@")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


def cell(value: Any) -> Any:
    """A value as a cell: text is safe and never a formula, nested values are JSON."""
    if isinstance(value, dict | list | tuple):
        value = msgspec.json.encode(value).decode()
    if not isinstance(value, str):
        return value
    text = safe(value, LONGEST_LINE)
    is_formula = text.lstrip(" ").startswith(_FORMULA_STARTS) and _NUMBER.fullmatch(text) is None
    return f"'{text}" if is_formula else text
