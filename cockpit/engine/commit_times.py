"""How long the journal's durable commits take: the evidence that an intent will be on disk in time. No decisions."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cockpit.domain.time import NS_PER_S
from cockpit.ports.clock import Clock

SPAN_NS = 60 * NS_PER_S
KEPT = 1_000


class CommitTimes:
    """Durable commits of the last minute, as the engine's loop saw them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._commits: deque[tuple[int, int]] = deque(maxlen=KEPT)
        """(monotonic time of the end, span), ns."""
        self.last_ns: int | None = None
        """Wall time of the last commit that succeeded."""

    @asynccontextmanager
    async def measured(self) -> AsyncIterator[None]:
        """Count what happens inside as one commit; one that fails is none."""
        began_ns = self._clock.monotonic_ns()
        yield
        now_ns = self._clock.monotonic_ns()
        self._commits.append((now_ns, now_ns - began_ns))
        self.last_ns = self._clock.now_ns()

    @property
    def p99_ns(self) -> int | None:
        """99th percentile of the last minute, rounded down: one slow commit among several is no trend."""
        since_ns = self._clock.monotonic_ns() - SPAN_NS
        while self._commits and self._commits[0][0] <= since_ns:
            self._commits.popleft()
        spans = sorted(span for _, span in self._commits)
        return spans[int(0.99 * (len(spans) - 1))] if spans else None
