"""The only module that reads the machine's clocks."""

from __future__ import annotations

import asyncio
import time
from time import CLOCK_BOOTTIME, clock_gettime_ns

from cockpit.domain.time import Nanos


class LiveClock:
    """Time of this machine (implements ``ports.clock.Clock``).

    The wall clock can be set at any moment, by an hour and backwards: whatever is old or due would be off by that. So
    stamps are the wall clock's as it was first read, and what has passed since, sleeps of the machine included; how far
    they are off is measured as the offset from the exchange's clock.
    """

    def __init__(self) -> None:
        self._boot_ns = time.time_ns() - clock_gettime_ns(CLOCK_BOOTTIME)

    def now_ns(self) -> Nanos:
        """Time that is never set, ns since 1970-01-01 UTC."""
        return Nanos(self._boot_ns + clock_gettime_ns(CLOCK_BOOTTIME))

    def monotonic_ns(self) -> int:
        """Monotonic clock, ns; it stands still while the machine sleeps."""
        return time.monotonic_ns()

    def wall_ns(self) -> int:
        """Wall clock as it is set now, ns since 1970-01-01 UTC."""
        return time.time_ns()

    async def sleep(self, seconds: float) -> None:
        """Wait on the running event loop."""
        await asyncio.sleep(seconds)
