"""An event loop whose time jumps to the next timer. Hours pass in milliseconds, always in the same order."""

from __future__ import annotations

import asyncio
import heapq
import selectors
from collections.abc import Mapping
from typing import Any

from cockpit.domain.time import NS_PER_S, Nanos


class Deadlock(AssertionError):
    """Nothing is ready and nothing will ever be: some await hangs for good."""


class _JumpingSelector(selectors.BaseSelector):
    """Reports no I/O and moves the loop's clock by however long it was asked to wait."""

    def __init__(self) -> None:
        self.now = 0.0
        self.now_ns = 0
        self._keys: dict[Any, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = selectors.SelectorKey(fileobj, 0, events, data)
        self._keys[fileobj] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Deadlock("no timer and nothing ready")
        if timeout > 0:
            self.now = round(self.now + timeout, 9)  # whole nanoseconds: what is due together stays together
            self.now_ns = round(self.now * NS_PER_S)
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys


class _Timer(asyncio.TimerHandle):
    """A timer that keeps its turn among those of the same instant, whatever other timers there are."""

    __slots__ = ("turn",)

    turn: tuple[float, int]

    def __lt__(self, other: Any) -> bool:
        is_before: bool = self.turn < other.turn
        return is_before


class VirtualLoop(asyncio.SelectorEventLoop):
    """``asyncio`` on virtual time."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        self._timers = 0

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:
        when = round(when, 9)
        timer = _Timer(when, callback, args, self, context)
        self._timers += 1
        timer.turn = (when, self._timers)
        heapq.heappush(self._scheduled, timer)  # type: ignore[attr-defined]  # asyncio's own breaks ties by chance
        timer._scheduled = True  # type: ignore[attr-defined]
        return timer

    def time(self) -> float:
        return self._jumping.now

    def time_ns(self) -> int:
        """``time()`` in whole nanoseconds."""
        return self._jumping.now_ns


class VirtualClock:
    """``ports.clock.Clock`` on a virtual loop. The wall clock can step; the monotonic one cannot."""

    def __init__(self, loop: VirtualLoop, start_ns: int) -> None:
        self._loop = loop
        self._start_ns = start_ns
        self.step_ns = 0
        """How far the machine's wall clock is off, ns."""

    def now_ns(self) -> Nanos:
        return Nanos(self._start_ns + self.step_ns + self._loop.time_ns())

    def monotonic_ns(self) -> int:
        return self._loop.time_ns()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
