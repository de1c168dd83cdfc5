"""Foreign text on the screen: the gate of ``domain.text``, and how many cells a text takes."""

from __future__ import annotations

from rich.cells import cell_len

from cockpit.domain.text import MAX_COMBINING, REPLACEMENT, SafeText, safe

__all__ = ["MAX_COMBINING", "REPLACEMENT", "SafeText", "cells", "safe"]


def cells(text: str) -> int:
    """Terminal cells that ``text`` takes."""
    return len(text) if text.isascii() else cell_len(text)
