"""The ledger of one wall: what became of its size. It knows sizes, prints and event time, and no book.

Theory of operation. The book tells net sizes, the tape tells prints, and either may come first. A decrease waits as
*pending* and a print waits in a pool; the two are matched against each other, oldest first, if they are no further
apart than the match window, and each is used once. What stays unmatched for the window is explained by itself: a
decrease without print was *pulled*; a print without decrease was refilled before the book could show it (an iceberg),
so it counts as traded and as refilled. An increase is refilled. At any moment, exactly:

    initial + refilled - traded - pulled - pending == current

Sizes are whole quanta (1e-8 of the base currency) so that the identity holds without rounding.
"""

from __future__ import annotations

from collections import deque

QUANTA = 10**8


def quanta(size: float) -> int:
    """A market-data size as a whole number of quanta."""
    return round(size * QUANTA)


class Waiting:
    """An amount that waits for its counterpart."""

    __slots__ = ("amount", "ts_event")

    def __init__(self, ts_event: int, amount: int) -> None:
        self.ts_event = ts_event
        self.amount = amount


class ErosionLedger:
    """Splits every change of one level's size; all amounts are quanta and never negative."""

    __slots__ = ("_decreases", "_prints", "_window_ns", "current", "initial", "pending", "pulled", "refilled", "traded")

    def __init__(self, size: float, window_ns: int) -> None:
        self.initial = self.current = quanta(size)
        self.traded = 0
        self.pulled = 0
        self.refilled = 0
        self.pending = 0
        """Sum of the decreases that wait for prints."""
        self._window_ns = window_ns
        self._decreases: deque[Waiting] = deque()
        self._prints: deque[Waiting] = deque()

    @property
    def is_settled(self) -> bool:
        """True if nothing waits for an explanation."""
        return not self._decreases and not self._prints

    def set_size(self, ts_event: int, size: float) -> None:
        """The book shows ``size`` from ``ts_event`` (ns) on."""
        new = quanta(size)
        change = new - self.current
        self.current = new
        if change > 0:
            self.refilled += change
        elif change < 0:
            left = self._match(self._prints, ts_event, -change)
            self.traded += -change - left
            if left:
                self._decreases.append(Waiting(ts_event, left))
                self.pending += left

    def add_print(self, ts_event: int, amount: int) -> None:
        """``amount`` quanta were traded at this level at ``ts_event`` (matching-engine time, ns)."""
        left = self.explain(ts_event, amount)
        if left:
            self._prints.append(Waiting(ts_event, left))

    def explain(self, ts_event: int, amount: int) -> int:
        """Use a print for the decreases that wait, and for nothing else. Returns the quanta that were not used."""
        left = self._match(self._decreases, ts_event, amount)
        self.traded += amount - left
        self.pending -= amount - left
        return left

    def expire(self, now_ns: int) -> None:
        """Explain by itself what has waited longer than the match window."""
        cutoff = now_ns - self._window_ns
        while self._decreases and self._decreases[0].ts_event < cutoff:
            amount = self._decreases.popleft().amount
            self.pending -= amount
            self.pulled += amount
        while self._prints and self._prints[0].ts_event < cutoff:
            amount = self._prints.popleft().amount
            self.traded += amount
            self.refilled += amount

    def _match(self, waiting: deque[Waiting], ts_event: int, amount: int) -> int:
        """Use up ``waiting`` within the window, oldest first; returns what is left of ``amount``."""
        at = 0
        while amount and at < len(waiting):
            entry = waiting[at]
            if abs(entry.ts_event - ts_event) > self._window_ns:
                at += 1
                continue
            used = min(amount, entry.amount)
            amount -= used
            entry.amount -= used
            if entry.amount == 0:
                del waiting[at]
        return amount
