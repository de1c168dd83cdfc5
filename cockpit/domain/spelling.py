"""What a name that does not exist was probably meant to be. Words about it are made elsewhere."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_NEAR = 0.65
"""Likeness from which a name counts as a slip of another (1 is equal)."""


def near(name: str, known: Iterable[str]) -> str:
    """The known name that is most like ``name``; "" if none is near."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=_NEAR)
    return found[0] if found else ""
