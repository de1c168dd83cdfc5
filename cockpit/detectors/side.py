"""One side of a symbol's book as the density detector sees it: what is usual, what stands out, what is followed."""

from __future__ import annotations

from bisect import bisect_left
from math import inf

from cockpit.detectors.config import Criterion, DensityConfig
from cockpit.detectors.criteria import Criteria, SideBaseline, Strength, bucket_totals, smallest_step
from cockpit.detectors.tracked import TrackedWall
from cockpit.domain.enums import BookSide
from cockpit.market.book import BookLadder
from cockpit.market.rolling import RollingMedian


class SideWalls:
    """Walls, candidates and baseline of one side."""

    __slots__ = ("_bucket_ticks", "_criteria", "_floor", "_medians", "_tick", "_usual", "candidates", "side", "walls")

    def __init__(self, side: BookSide, config: DensityConfig, lookback: int) -> None:
        self.side = side
        self.walls: dict[float, TrackedWall] = {}
        """Walls that stand, by price."""
        self.candidates: dict[float, int] = {}
        """Levels at or above the floor at every look since the event clock (ns) given, by price."""
        self._floor = inf
        self._bucket_ticks = config.bucket_ticks
        self._criteria = Criteria(config)
        self._usual = SideBaseline(side)
        self._medians = RollingMedian(lookback)
        self._tick = inf

    def look(self, ladder: BookLadder, now_ns: int) -> None:
        """Take the present totals and find the levels that may be walls."""
        usual = self._usual
        usual.total = sum(ladder.sizes)
        usual.mean = usual.total / len(ladder.sizes) if ladder.sizes else 0.0
        self._floor = floor = self._criteria.size_floor(ladder, usual)
        large = [price for price, size in zip(ladder.prices, ladder.sizes, strict=True) if size >= floor]
        known, walls = self.candidates, self.walls
        self.candidates = {price: known.get(price, now_ns) for price in large if price not in walls}

    def look_at_buckets(self, ladder: BookLadder) -> None:
        """Sample the median bucket. The tick is the smallest step seen so far: every source shows the same book."""
        self._tick = min(self._tick, smallest_step(ladder))
        if self._tick == inf:
            return
        usual = self._usual
        usual.bucket = self._tick * self._bucket_ticks
        totals = sorted(bucket_totals(ladder, usual.bucket))
        if totals:
            self._medians.add(totals[len(totals) // 2])
        usual.median_bucket = self._medians.value or 0.0

    def changed(self, price: float, size: float) -> None:
        """A candidate's level has another size now: below the floor it is none any more."""
        if size < self._floor:
            del self.candidates[price]

    def passed(self, ladder: BookLadder, price: float, size: float, scale: float = 1.0) -> tuple[Criterion, ...] | None:
        """Criteria that the visible level at ``price`` passes if it is a wall, else None; see ``Criteria.passed``."""
        at = bisect_left(ladder.keys, ladder.sign * price)
        return self._criteria.passed(ladder, at, size, self._usual, scale)

    def strength(self, ladder: BookLadder, price: float) -> Strength:
        """Figures of the visible level at ``price``."""
        return self._criteria.strength(ladder, bisect_left(ladder.keys, ladder.sign * price), self._usual)
