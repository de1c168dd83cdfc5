"""A clock that stands still until it is moved, for replays and tests. It never reads the machine's time."""

from __future__ import annotations

import asyncio
import heapq
from itertools import count

from cockpit.domain.time import NS_PER_S, Nanos


class ManualClock:
    """Implements ``ports.clock.Clock``. Sleepers wake in the order of their deadlines, each at its own time."""

    def __init__(self, start_ns: int = 0) -> None:
        self._now_ns = start_ns
        self._monotonic_ns = 0
        self._set_by_ns = 0
        self._numbers = count()
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []

    def now_ns(self) -> Nanos:
        """Time since 1970-01-01 UTC, ns."""
        return Nanos(self._now_ns)

    def monotonic_ns(self) -> int:
        """Time since the clock was made, ns."""
        return self._monotonic_ns

    def wall_ns(self) -> int:
        """``now_ns()``, and all steps."""
        return self._now_ns + self._set_by_ns

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has been moved ``seconds`` on."""
        wake = asyncio.get_running_loop().create_future()
        deadline = self._monotonic_ns + round(seconds * NS_PER_S)
        heapq.heappush(self._sleepers, (deadline, next(self._numbers), wake))
        await wake

    def set(self, now_ns: int) -> None:
        """Move on to a wall time that is not in the past (a replay follows its recording); wakes whoever is due."""
        self._move(self._monotonic_ns + max(0, now_ns - self._now_ns))

    def step_wall(self, seconds: float) -> None:
        """Step the wall clock alone, as a time server does."""
        self._set_by_ns += round(seconds * NS_PER_S)

    async def advance(self, seconds: float) -> None:
        """Move on by ``seconds``, stopping at each deadline on the way so that its sleeper runs at that time."""
        end = self._monotonic_ns + round(seconds * NS_PER_S)
        await _settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            self._move(self._sleepers[0][0])
            await _settle()
        self._move(end)
        await _settle()

    async def jump(self) -> bool:
        """Move on to the next deadline; False if nobody sleeps."""
        await _settle()
        self._drop_cancelled()
        if not self._sleepers:
            return False
        self._move(self._sleepers[0][0])
        await _settle()
        return True

    def _move(self, monotonic_ns: int) -> None:
        self._now_ns += monotonic_ns - self._monotonic_ns
        self._monotonic_ns = monotonic_ns
        while self._sleepers and self._sleepers[0][0] <= monotonic_ns:
            wake = heapq.heappop(self._sleepers)[2]
            if not wake.done():
                wake.set_result(None)

    def _drop_cancelled(self) -> None:
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)


async def _settle() -> None:
    """Let everything that can run now run until it waits again."""
    for _ in range(10):
        await asyncio.sleep(0)
