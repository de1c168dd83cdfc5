"""The only module that reads the machine's clocks."""

from __future__ import annotations

import asyncio
import time

from cockpit.domain.time import Nanos


class LiveClock:
    """Wall and monotonic time of this machine (implements ``ports.clock.Clock``)."""

    def now_ns(self) -> Nanos:
        """Wall clock, ns since 1970-01-01 UTC."""
        return Nanos(time.time_ns())

    def monotonic_ns(self) -> int:
        """Monotonic clock, ns."""
        return time.monotonic_ns()

    async def sleep(self, seconds: float) -> None:
        """Wait on the running event loop."""
        await asyncio.sleep(seconds)
