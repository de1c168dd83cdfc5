"""The one gate for foreign text: what reaches a terminal, a log or a table for people has passed ``safe``.

Foreign is every string that we did not write: exchange messages, symbols, link ids, errors, file names, names of
viewers. Nothing is interpreted here, and nothing is drawn.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import NewType

SafeText = NewType("SafeText", str)
"""Text without controls, escapes, direction marks and invisible characters."""

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
MAX_COMBINING = 2
_BAD_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MARKS = frozenset({"Mn", "Me"})
_BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")
"""Letters and symbols by category that show nothing."""
_SELECTORS = (
    ("\u034f", "\u034f"),
    ("\u17b4", "\u17b5"),
    ("\u180b", "\u180f"),
    ("\ufe00", "\ufe0f"),
    ("\U000e0100", "\U000e01ef"),
)
"""Marks that change how another character looks and show nothing themselves."""


def safe(text: str, limit: int = 400) -> SafeText:
    """``text`` with everything dangerous or invisible replaced, cut to ``limit`` characters.

    Controls (C0, C1, ESC, DEL), direction marks, zero-width and unassigned characters and lone surrogates become the
    replacement character; variation selectors vanish; at most two combining marks stay on a letter; spaces of other
    widths become plain ones.
    """
    if text.isascii() and text.isprintable():
        return SafeText(text[:limit])
    return SafeText(_clean(text[: limit * 4])[:limit])


@lru_cache(maxsize=4096)
def _clean(text: str) -> str:
    normal = unicodedata.normalize("NFC", text)
    kept: list[str] = []
    marks = 0
    for character in normal:
        if unicodedata.combining(character) or unicodedata.category(character) in _MARKS:
            marks += 1
            if not kept or marks > MAX_COMBINING or _is_selector(character):
                continue
            kept.append(character)
            continue
        marks = 0
        kept.append(_one(character))
    # What was dropped may have stood between two characters that compose.
    return unicodedata.normalize("NFC", "".join(kept))


def _one(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Zs":
        return " "
    return REPLACEMENT if category in _BAD_CATEGORIES or character in _BLANK_LETTERS else character


def _is_selector(character: str) -> bool:
    return any(first <= character <= last for first, last in _SELECTORS)
