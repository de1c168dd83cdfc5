"""Time as the shell gets it. The core never sees a clock: it sees the receive time of the event it processes."""

from __future__ import annotations

from typing import Protocol

from cockpit.domain.time import Nanos


class Clock(Protocol):
    """Time for stamps and ages, monotonic time for spans, the machine's wall clock, and a way to wait."""

    def now_ns(self) -> Nanos:
        """Time since 1970-01-01 UTC, ns, sleeps of the machine included. It is never set: ages are of this clock."""
        ...

    def monotonic_ns(self) -> int:
        """Time since an arbitrary start, ns; it may stand still while the machine sleeps."""
        ...

    def wall_ns(self) -> int:
        """The machine's wall clock, ns; for whoever wants to know whether it was set."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds`` of this clock."""
        ...
