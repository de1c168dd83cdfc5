"""The machine under the engine: how late its loop is, its clocks, its disk, its lock. Measures; decides nothing."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from cockpit.domain.errors import VenueError
from cockpit.domain.events import HostHealth
from cockpit.domain.time import NS_PER_MS, NS_PER_S, ClockReading
from cockpit.engine.commit_times import CommitTimes
from cockpit.engine.projection import ShellFigures
from cockpit.ports.clock import Clock
from cockpit.ports.venue import Venue

CLOCK_EVERY_S = 60.0
CLOCK_RETRY_S = 5.0
"""Until the exchange's clock has been read it is asked for this often."""
LAG_PROBE_S = 0.25
STEP_NS = NS_PER_S // 4
"""Wall and monotonic clock differ by more than this after a probe: the wall clock was set (reliability.md F94), or the
machine slept, perhaps without any other clock of it knowing (the pause of a virtual machine)."""
_log = logging.getLogger(__name__)


class HostWatch:
    """Measurements of one process.

    Args:
        clock: the machine's clocks.
        venue: tells the exchange's clock.
        commits: durable commits of the journal.
        figures: where the screen finds loop lag and drift; knows disk and lock.
    """

    def __init__(self, clock: Clock, venue: Venue, commits: CommitTimes, figures: ShellFigures) -> None:
        self._clock = clock
        self._venue = venue
        self._commits = commits
        self._figures = figures
        self._reading: ClockReading | None = None
        """The exchange's clock as it was read last. Our stamps do not step: a step of the wall clock leaves it true."""
        self._read_ns: int | None = None
        """When; None after a step, because a pause of the machine shows in nothing else: it proves nothing then."""
        self._clock_is_due = asyncio.Event()

    async def probe(self) -> int:
        """Sleep a little and see how late one wakes; returns how long the machine was away meanwhile, ns."""
        clock, probe_ns = self._clock, round(LAG_PROBE_S * NS_PER_S)
        wall_ns, mono_ns = clock.wall_ns(), clock.monotonic_ns()
        await clock.sleep(LAG_PROBE_S)
        passed_ns = clock.monotonic_ns() - mono_ns
        jumped_ns = clock.wall_ns() - wall_ns - passed_ns
        self._figures.loop_lag_ns = max(0, passed_ns - probe_ns)
        if abs(jumped_ns) > STEP_NS:
            self._read_ns = None
            self._clock_is_due.set()
        # A suspended machine's monotonic clock stands still; a stopped process finds both clocks far ahead.
        return max(jumped_ns, passed_ns - probe_ns)

    def report(self, slept_ns: int) -> HostHealth:
        """How the machine is doing now."""
        reading = self._reading
        return HostHealth(
            loop_lag_ns=self._figures.loop_lag_ns,
            disk_free_bytes=self._figures.disk_free(),
            clock_offset_ns=None if reading is None else reading.offset_ns,
            clock_uncertainty_ns=None if reading is None or self._read_ns is None else reading.uncertainty_ns,
            clock_read_ns=self._read_ns,
            commit_p99_ns=self._commits.p99_ns,
            committed_ns=self._commits.last_ns,
            is_lock_held=self._figures.is_lock_held(),
            slept_ns=max(0, slept_ns),
            ts_recv=self._clock.now_ns(),
        )

    async def read_clock(self) -> None:
        """Measure the exchange's clock once, and wait until it is due again: after a minute, or a step of our own."""
        self._clock_is_due.clear()
        try:
            reading = await self._venue.server_clock()
        except VenueError as error:
            _log.warning("the exchange's clock could not be read: %s", error)
        else:
            if not self._clock_is_due.is_set():
                self._reading, self._read_ns = reading, self._clock.now_ns()
                self._figures.drift_ms = reading.offset_ns // NS_PER_MS
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOCK_RETRY_S if self._read_ns is None else CLOCK_EVERY_S):
                await self._clock_is_due.wait()
