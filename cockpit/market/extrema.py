"""Highs and lows of a symbol's mid over a rolling window (4 h), and the levels that the market has turned at.

Prices are kept as bars of one minute counted from the symbol's first event, so a read costs nothing per frame.
"""

from __future__ import annotations

from collections import deque
from math import inf

from cockpit.domain.time import NS_PER_S

BAR_NS = 60 * NS_PER_S
SWING_BARS = 5
"""A bar is a swing if no bar within this many on either side goes beyond it."""


class Extrema:
    """Rolling high and low by event time."""

    __slots__ = (
        "_bar_end_ns",
        "_bars",
        "_finished_high",
        "_finished_low",
        "_high",
        "_low",
        "_now_ns",
        "_started_ns",
        "_window_ns",
    )

    def __init__(self, window_ns: int) -> None:
        self._window_ns = window_ns
        self._started_ns: int | None = None
        self._now_ns = 0
        self._bar_end_ns = 0
        self._bars: deque[tuple[int, float, float]] = deque()
        """(bar number, high, low) of finished bars, oldest first."""
        self._finished_high = -inf
        self._finished_low = inf
        self._high = -inf
        self._low = inf

    def update(self, now_ns: int, price: float) -> None:
        """Take in the price at ``now_ns``."""
        if self._started_ns is None:
            self._started_ns = now_ns
            self._bar_end_ns = now_ns + BAR_NS
        elif now_ns >= self._bar_end_ns:
            self._finish_bar(now_ns)
        self._now_ns = now_ns
        if not self._low <= price <= self._high:
            self._high = max(self._high, price)
            self._low = min(self._low, price)

    @property
    def high(self) -> float | None:
        """Highest price of the window, the newest included; None before the first price."""
        return None if self._started_ns is None else max(self._high, self._finished_high)

    @property
    def low(self) -> float | None:
        """Lowest price of the window, the newest included; None before the first price."""
        return None if self._started_ns is None else min(self._low, self._finished_low)

    @property
    def is_warming(self) -> bool:
        """True until the window is full: the extrema are those since start."""
        return self._started_ns is None or self._now_ns - self._started_ns < self._window_ns

    def known_levels(self) -> tuple[float, ...]:
        """High, low and the swing highs and lows of the window, ascending, without repeats."""
        high, low = self.high, self.low
        if high is None or low is None:
            return ()
        levels = {high, low}
        bars = list(self._bars)
        for at in range(SWING_BARS, len(bars) - SWING_BARS):
            around = bars[at - SWING_BARS : at + SWING_BARS + 1]
            if bars[at][1] == max(bar[1] for bar in around):
                levels.add(bars[at][1])
            if bars[at][2] == min(bar[2] for bar in around):
                levels.add(bars[at][2])
        return tuple(sorted(levels))

    def _finish_bar(self, now_ns: int) -> None:
        assert self._started_ns is not None
        self._bars.append(((self._now_ns - self._started_ns) // BAR_NS, self._high, self._low))
        self._high, self._low = -inf, inf
        self._bar_end_ns += ((now_ns - self._bar_end_ns) // BAR_NS + 1) * BAR_NS
        oldest = (now_ns - self._started_ns - self._window_ns) // BAR_NS
        while self._bars and self._bars[0][0] < oldest:
            self._bars.popleft()
        self._finished_high = max((bar[1] for bar in self._bars), default=-inf)
        self._finished_low = min((bar[2] for bar in self._bars), default=inf)
