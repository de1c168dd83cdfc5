"""When to connect again: full jitter, and one budget for all streams (bybit-v5.md 9, 18)."""

from __future__ import annotations

from collections import deque
from random import Random

from cockpit.adapters.bybit.config import StreamLimits
from cockpit.domain.time import NS_PER_S

WINDOW_NS = 300 * NS_PER_S


class ConnectBudget:
    """Connection attempts of all streams of a process within five minutes."""

    def __init__(self, attempts: int) -> None:
        self._attempts = attempts
        self._times: deque[int] = deque()

    def take(self, now: int) -> int:
        """Take one attempt; returns 0, or the ns to wait before asking again."""
        while self._times and self._times[0] <= now - WINDOW_NS:
            self._times.popleft()
        if len(self._times) >= self._attempts:
            return self._times[0] + WINDOW_NS - now
        self._times.append(now)
        return 0


def backoff_s(failures: int, limits: StreamLimits, rng: Random) -> float:
    """Seconds to wait after ``failures`` failed or short connections in a row: uniform below a doubling bound."""
    if failures == 0:
        return 0.0
    bound = limits.backoff_min_s * 2.0 ** min(failures - 1, 30)
    return rng.uniform(0.0, min(bound, limits.backoff_max_s))
