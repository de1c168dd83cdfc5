"""What a name that does not exist was probably meant to be, in the words of a message."""

from __future__ import annotations

from collections.abc import Iterable

from cockpit.domain.spelling import near
from cockpit.views import texts


def hint(name: str, known: Iterable[str]) -> str:
    """`` (did you mean ...?)`` with the known name that is nearest to ``name``; "" if none is near."""
    meant = near(name, known)
    return texts.DID_YOU_MEAN.format(name=meant) if meant else ""
