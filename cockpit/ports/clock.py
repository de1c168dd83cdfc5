"""Time as the shell gets it. The core never sees a clock: it sees the receive time of the event it processes."""

from __future__ import annotations

from typing import Protocol

from cockpit.domain.time import Nanos


class Clock(Protocol):
    """Wall time for stamps, monotonic time for spans, and a way to wait."""

    def now_ns(self) -> Nanos:
        """Wall clock, ns since 1970-01-01 UTC."""
        ...

    def monotonic_ns(self) -> int:
        """A clock that never steps, ns since an arbitrary start."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds`` of this clock."""
        ...
