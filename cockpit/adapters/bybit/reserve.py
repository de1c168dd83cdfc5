"""Descriptors kept back for a flatten: a process that has used up its own can still connect to the exchange.

Only holding and letting go. What else may use them meanwhile (a stream that connects) cannot be kept out; the reserve
is larger than what the streams need.
"""

from __future__ import annotations

import os
from contextlib import suppress

RESERVED = 24
"""Calls of a flatten, reads beside them, the streams that reconnect meanwhile, and a name to be resolved."""


class DescriptorReserve:
    """Descriptors of nothing, open until they are needed for something."""

    def __init__(self, count: int = RESERVED) -> None:
        self._count = count
        self._held: list[int] = []

    def take(self) -> int:
        """Hold as many as there are to be had, up to the reserve's size; returns how many are held."""
        with suppress(OSError):  # there are none: what is held then is what there is
            while len(self._held) < self._count:
                self._held.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
        return len(self._held)

    def release(self) -> None:
        """Let go of all of them."""
        while self._held:
            os.close(self._held.pop())
