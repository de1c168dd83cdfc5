"""What a name that does not exist was probably meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from cockpit.views import texts

_NEAR = 0.65
"""Likeness from which a name counts as a slip of another (1 is equal)."""


def hint(name: str, known: Iterable[str]) -> str:
    """`` (did you mean ...?)`` with the known name that is nearest to ``name``; "" if none is near."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=_NEAR)
    return texts.DID_YOU_MEAN.format(name=near[0]) if near else ""
