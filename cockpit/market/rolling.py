"""Rolling statistics on event time. A constant shift of all stamps changes nothing: absolute time plays no part."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from math import sqrt


class Cadence:
    """A fixed rhythm on one symbol's event time, anchored at the first stamp it is asked about."""

    __slots__ = ("_period_ns", "next_ns")

    def __init__(self, period_ns: int) -> None:
        self._period_ns = period_ns
        self.next_ns = 0
        """Not due before this; hot paths compare with it before they ask. 0: never asked."""

    def is_due(self, now_ns: int) -> bool:
        """True at the first call and then at most once a period; periods without an event are skipped."""
        if now_ns < self.next_ns:
            return False
        if self.next_ns == 0:
            self.next_ns = now_ns + self._period_ns
        else:
            self.next_ns += ((now_ns - self.next_ns) // self._period_ns + 1) * self._period_ns
        return True


class RollingMedian:
    """Median of the last ``size`` values."""

    __slots__ = ("_order", "_size", "_sorted")

    def __init__(self, size: int) -> None:
        self._size = size
        self._order: deque[float] = deque()
        self._sorted: list[float] = []

    def add(self, value: float) -> None:
        """Take one value in; the oldest leaves when the window is full."""
        if len(self._order) == self._size:
            del self._sorted[bisect_left(self._sorted, self._order.popleft())]
        self._order.append(value)
        insort(self._sorted, value)

    @property
    def value(self) -> float | None:
        """The upper median, None before the first value."""
        return self._sorted[len(self._sorted) // 2] if self._sorted else None


class RollingStats:
    """Mean and standard deviation of the values of the last ``window_ns``, by Welford's method with removal."""

    __slots__ = ("_mean", "_squares", "_values", "_window_ns")

    def __init__(self, window_ns: int) -> None:
        self._window_ns = window_ns
        self._values: deque[tuple[int, float]] = deque()
        self._mean = 0.0
        self._squares = 0.0
        """Sum of squared distances from the mean."""

    def add(self, now_ns: int, value: float) -> None:
        """Take one value in and let those older than the window go."""
        values = self._values
        cutoff = now_ns - self._window_ns
        while values and values[0][0] <= cutoff:
            self._remove(values.popleft()[1])
        values.append((now_ns, value))
        step = value - self._mean
        self._mean += step / len(values)
        self._squares += step * (value - self._mean)

    @property
    def count(self) -> int:
        """Number of values in the window."""
        return len(self._values)

    @property
    def mean(self) -> float:
        """Mean of the window, 0.0 if it is empty."""
        return self._mean

    @property
    def deviation(self) -> float:
        """Population standard deviation of the window."""
        return sqrt(max(0.0, self._squares) / len(self._values)) if self._values else 0.0

    def z_score(self, value: float) -> float:
        """Distance of ``value`` from the mean in standard deviations; 0.0 while the window holds one value only."""
        deviation = self.deviation
        return (value - self._mean) / deviation if deviation > 1e-12 * max(1.0, abs(self._mean)) else 0.0

    def _remove(self, value: float) -> None:
        left = len(self._values)
        if left == 0:
            self._mean = self._squares = 0.0
            return
        step = value - self._mean
        self._mean -= step / left
        self._squares -= step * (value - self._mean)
