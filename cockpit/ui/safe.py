"""The one gate for foreign text: what reaches a cell of the screen has passed ``safe``.

Foreign is every string that we did not write: exchange messages, symbols, link ids, errors, names of viewers.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import NewType

from rich.cells import cell_len

SafeText = NewType("SafeText", str)
"""Text without controls, escapes, direction marks and invisible characters."""

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
MAX_COMBINING = 2
_BAD_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def safe(text: str, limit: int = 400) -> SafeText:
    """``text`` with everything dangerous or invisible replaced, cut to ``limit`` characters.

    Controls (C0, C1, ESC, DEL), direction marks, zero-width and unassigned characters, variation selectors and lone
    surrogates become the replacement character; at most two combining marks stay on a letter; spaces of other widths
    become plain ones.
    """
    if text.isascii() and text.isprintable():
        return SafeText(text[:limit])
    return _clean(text[: limit * 4])[:limit]  # type: ignore[return-value]


def cells(text: str) -> int:
    """Terminal cells that ``text`` takes."""
    return len(text) if text.isascii() else cell_len(text)


@lru_cache(maxsize=4096)
def _clean(text: str) -> SafeText:
    normal = unicodedata.normalize("NFC", text)
    kept: list[str] = []
    marks = 0
    for character in normal:
        if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me"}:
            marks += 1
            if not kept or marks > MAX_COMBINING or _is_variation(character):
                continue
            kept.append(character)
            continue
        marks = 0
        kept.append(_one(character))
    return SafeText("".join(kept))


def _one(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Zs":
        return " "
    return REPLACEMENT if category in _BAD_CATEGORIES else character


def _is_variation(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
