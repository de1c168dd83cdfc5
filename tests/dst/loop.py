"""An event loop whose time jumps to the next timer. Hours pass in milliseconds, always in the same order."""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from typing import Any

from cockpit.domain.time import NS_PER_S, Nanos


class Deadlock(AssertionError):
    """Nothing is ready and nothing will ever be: some await hangs for good."""


class VirtualLoop(asyncio.BaseEventLoop):
    """``asyncio`` on virtual time: no I/O, and timers of the same instant keep their turn.

    ``asyncio``'s own loop asks a selector for I/O before every step and breaks ties among timers by chance.
    """

    _ready: deque[asyncio.Handle]

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._now_ns = 0
        self._timers: list[tuple[int, int, asyncio.TimerHandle]] = []
        """What is to be called, by time (ns) and turn."""
        self._turns = 0

    def time(self) -> float:
        return self._now

    def time_ns(self) -> int:
        """``time()`` in whole nanoseconds."""
        return self._now_ns

    def call_later(self, delay: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        self._turns += 1
        heapq.heappush(self._timers, (round(when * NS_PER_S), self._turns, timer))
        return timer

    def _run_once(self) -> None:
        """One step of ``run_forever``: what is due joins what is ready, and all that is ready now runs."""
        ready, timers = self._ready, self._timers
        if not ready:
            self._jump()
        while timers and timers[0][0] <= self._now_ns:
            ready.append(heapq.heappop(timers)[2])
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle.cancelled():
                handle._run()

    def _jump(self) -> None:
        """Move time to the next timer."""
        while self._timers and self._timers[0][2].cancelled():
            heapq.heappop(self._timers)
        if not self._timers:
            raise Deadlock("no timer and nothing ready")
        self._now_ns = max(self._now_ns, self._timers[0][0])
        self._now = self._now_ns / NS_PER_S


class VirtualClock:
    """``ports.clock.Clock`` on a virtual loop, of a machine that never sleeps."""

    def __init__(self, loop: VirtualLoop, start_ns: int) -> None:
        self._loop = loop
        self._start_ns = start_ns

    def now_ns(self) -> Nanos:
        return Nanos(self._start_ns + self._loop.time_ns())

    def monotonic_ns(self) -> int:
        return self._loop.time_ns()

    def wall_ns(self) -> int:
        return self.now_ns()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
