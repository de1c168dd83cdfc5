"""Liquidity of the outside market as price levels: what it shows, and how much of it our fills have used up.

Prices are int ticks, sizes int lots. The outside market does not know of our fills; so the quantity we took from a
level stays taken until the market next says something about that level. Nothing here knows orders or money.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from itertools import islice

from cockpit.domain.enums import Side


class BookSide:
    """Resting liquidity of one side: int ticks to int lots, kept in price order."""

    def __init__(self, *, is_bid: bool) -> None:
        self.is_bid = is_bid
        self.lots: dict[int, int] = {}
        self._ascending: list[int] = []

    def __len__(self) -> int:
        return len(self._ascending)

    def set(self, ticks: int, lots: int) -> None:
        """Set the size at ``ticks``; 0 removes the level."""
        if lots > 0:
            if ticks not in self.lots:
                insort(self._ascending, ticks)
            self.lots[ticks] = lots
        elif self.lots.pop(ticks, None) is not None:
            del self._ascending[bisect_left(self._ascending, ticks)]

    def replace(self, levels: Iterable[tuple[int, int]]) -> None:
        """Replace the whole side by ``(ticks, lots)`` pairs."""
        self.lots = {ticks: lots for ticks, lots in levels if lots > 0}
        self._ascending = sorted(self.lots)

    @property
    def best(self) -> int | None:
        """Ticks of the best price, None if the side is empty."""
        if not self._ascending:
            return None
        return self._ascending[-1] if self.is_bid else self._ascending[0]

    @property
    def farthest(self) -> int | None:
        """Ticks of the worst price, None if the side is empty."""
        if not self._ascending:
            return None
        return self._ascending[0] if self.is_bid else self._ascending[-1]

    def top(self, count: int) -> list[int]:
        """Ticks of the ``count`` best levels, best first."""
        return self._ascending[: -count - 1 : -1] if self.is_bid else self._ascending[:count]

    def at(self, index: int) -> int:
        """Ticks of the level at ``index`` from the best (0)."""
        return self._ascending[-1 - index] if self.is_bid else self._ascending[index]

    def __iter__(self) -> Iterator[int]:
        """Ticks, best first."""
        return reversed(self._ascending) if self.is_bid else iter(self._ascending)


class ExternalBook:
    """Both sides of the outside market plus what our fills took from them."""

    def __init__(self) -> None:
        self.bids = BookSide(is_bid=True)
        self.asks = BookSide(is_bid=False)
        self._taken: dict[tuple[Side, int], int] = {}
        self.thin: tuple[int, int] | None = None
        """(levels, lots on each) that takers really get at most, whatever is shown; None: everything shown."""

    def set_level(self, *, is_bid: bool, ticks: int, lots: int) -> None:
        """Apply one level of a market update; what we took there before counts no longer."""
        (self.bids if is_bid else self.asks).set(ticks, lots)
        if self._taken:
            self._taken.pop((Side.SELL if is_bid else Side.BUY, ticks), None)

    def replace(self, bids: Iterable[tuple[int, int]], asks: Iterable[tuple[int, int]]) -> None:
        """Apply a snapshot."""
        self.bids.replace(bids)
        self.asks.replace(asks)
        self._taken.clear()

    def side_for_taker(self, taker: Side) -> BookSide:
        """The side that a taker of direction ``taker`` consumes."""
        return self.asks if taker is Side.BUY else self.bids

    def available(self, taker: Side, limit: int | None) -> Iterator[tuple[int, int]]:
        """``(ticks, lots)`` that a taker can still get, best first, not beyond ``limit`` ticks."""
        side = self.side_for_taker(taker)
        levels, most = self.thin or (len(side), 2**53)
        for ticks in islice(side, levels):
            if limit is not None and (ticks - limit) * taker.sign > 0:
                return
            left = min(side.lots[ticks], most) - self._taken.get((taker, ticks), 0)
            if left > 0:
                yield ticks, left

    def take(self, taker: Side, ticks: int, lots: int) -> None:
        """Remember that a fill of ours used ``lots`` at ``ticks``."""
        self._taken[taker, ticks] = self._taken.get((taker, ticks), 0) + lots

    @property
    def is_two_sided(self) -> bool:
        """True if both sides hold a level."""
        return len(self.bids) > 0 and len(self.asks) > 0

    def mid_ticks2(self) -> int | None:
        """Twice the mid price in ticks, None if a side is empty."""
        bid, ask = self.bids.best, self.asks.best
        return None if bid is None or ask is None else bid + ask
