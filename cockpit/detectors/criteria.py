"""The five criteria that can make a level a wall. Pure: one side of a book in, figures and names out.

``abs_usd``        notional of the level
``neighbours``     size over the mean of the nearest levels on both sides of it
``side_percent``   share of the visible side's total
``median_bucket``  its price bucket over the side's median bucket, the level being the largest of its bucket
``cluster``        comparable levels close by (each at least half of it, it being the largest) hold ``abs_usd`` together

The three relative criteria also ask that the level is no smaller than the side's average: next to nothing, anything is
large. Size alone decides; how long it stands is the detector's business.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from math import ceil, inf
from operator import sub

import msgspec

from cockpit.detectors.config import Criterion, DensityConfig
from cockpit.domain.enums import BookSide
from cockpit.market.book import BookLadder

_EDGE = 1e-6
"""Share of a bucket by which float noise may move a price over its edge."""


class SideBaseline(msgspec.Struct):
    """What is usual on one side of the book."""

    side: BookSide
    total: float = 0.0
    """Sum of the visible sizes, base currency."""
    mean: float = 0.0
    """Mean size of a level."""
    median_bucket: float = 0.0
    """Median bucket over the lookback, base currency; 0.0 while unknown."""
    bucket: float = 0.0
    """Width of a bucket, quote currency; 0.0 while the tick is unknown."""


class Strength(msgspec.Struct, frozen=True, gc=False):
    """How a level stands out."""

    side_percent: float
    """Share of the visible side's total, percent."""
    relative: float
    """Multiple of the neighbours' mean; 0.0 without neighbours."""
    median_multiple: float
    """Its bucket over the median bucket; 0.0 while there is no median."""
    is_cluster: bool


Check = Callable[[BookLadder, int, float, SideBaseline, float], bool]
"""Whether a level (ladder, number, size to rank it with) passes one criterion, thresholds scaled."""


class Criteria:
    """The criteria in use with their thresholds, asked cheapest first and no longer than the answer is open."""

    __slots__ = ("_checks", "_config", "_spare")

    def __init__(self, config: DensityConfig) -> None:
        self._config = config
        self._spare = len(config.criteria) - config.needed
        """Number of criteria that a wall may fail."""
        checks: dict[Criterion, Check] = {
            "abs_usd": self._has_abs_usd,
            "side_percent": self._has_side_percent,
            "neighbours": self._exceeds_neighbours,
            "median_bucket": self._exceeds_median_bucket,
            "cluster": self._leads_cluster,
        }
        self._checks = tuple((name, check) for name, check in checks.items() if name in config.criteria)

    def passed(
        self, ladder: BookLadder, at: int, size: float, usual: SideBaseline, scale: float = 1.0
    ) -> tuple[Criterion, ...] | None:
        """The criteria that a level passes if it is a wall, else None.

        Args:
            ladder: the level's side of the book.
            at: its number, 0 is the best.
            size: size to rank it with, base currency.
            usual: what is usual on this side.
            scale: factor on every threshold.
        """
        spare = self._spare
        passed: list[Criterion] = []
        for name, check in self._checks:
            if check(ladder, at, size, usual, scale):
                passed.append(name)
            elif spare == 0:
                return None
            else:
                spare -= 1
        return tuple(passed)

    def strength(self, ladder: BookLadder, at: int, usual: SideBaseline) -> Strength:
        """The figures of a level."""
        config = self._config
        size = ladder.sizes[at]
        return Strength(
            side_percent=side_percent(ladder, at, size, usual),
            relative=relative_strength(ladder, at, size, config.neighbours_n),
            median_multiple=bucket_multiple(ladder, at, size, usual)[0],
            is_cluster=cluster(ladder, at, size, config.cluster_range_pct)[0] >= config.cluster_min_levels,
        )

    def size_floor(self, ladder: BookLadder, usual: SideBaseline) -> float:
        """A size below which no level of this side can be a wall now, so that most levels cost one comparison."""
        if not ladder.prices:
            return inf
        config = self._config
        floors: list[float] = []
        for name, _ in self._checks:
            if name == "abs_usd":
                floors.append(config.abs_usd / max(ladder.prices[0], ladder.prices[-1]))
            elif name == "side_percent":
                floors.append(config.side_percent / 100.0 * usual.total)
            elif name == "median_bucket":
                # The largest level of a bucket holds at least the bucket's share for each of its ticks.
                floors.append(max(usual.mean, config.k_density * usual.median_bucket / config.bucket_ticks))
            else:
                floors.append(usual.mean)
        floors.sort()
        return floors[-1 - self._spare]

    def _has_abs_usd(self, ladder: BookLadder, at: int, size: float, usual: SideBaseline, scale: float) -> bool:
        return ladder.prices[at] * size >= scale * self._config.abs_usd

    def _has_side_percent(self, ladder: BookLadder, at: int, size: float, usual: SideBaseline, scale: float) -> bool:
        return side_percent(ladder, at, size, usual) >= scale * self._config.side_percent

    def _exceeds_neighbours(self, ladder: BookLadder, at: int, size: float, usual: SideBaseline, scale: float) -> bool:
        if size < usual.mean:
            return False
        return relative_strength(ladder, at, size, self._config.neighbours_n) >= scale * self._config.neighbours_x

    def _exceeds_median_bucket(
        self, ladder: BookLadder, at: int, size: float, usual: SideBaseline, scale: float
    ) -> bool:
        if size < usual.mean:
            return False
        multiple, is_largest = bucket_multiple(ladder, at, size, usual)
        return is_largest and multiple >= scale * self._config.k_density

    def _leads_cluster(self, ladder: BookLadder, at: int, size: float, usual: SideBaseline, scale: float) -> bool:
        if size < usual.mean:
            return False
        levels, total = cluster(ladder, at, size, self._config.cluster_range_pct)
        is_cluster = levels >= self._config.cluster_min_levels
        return is_cluster and ladder.prices[at] * total >= scale * self._config.abs_usd


def side_percent(ladder: BookLadder, at: int, size: float, usual: SideBaseline) -> float:
    """Share of the side's total, percent."""
    total = usual.total - ladder.sizes[at] + size
    return 100.0 * size / total if total > 0.0 else 0.0


def relative_strength(ladder: BookLadder, at: int, size: float, reach: int) -> float:
    """Multiple of the mean of the ``reach`` nearest levels on each side; 0.0 without neighbours."""
    sizes = ladder.sizes
    around = sizes[max(0, at - reach) : at] + sizes[at + 1 : at + 1 + reach]
    return size * len(around) / sum(around) if around else 0.0


def bucket_multiple(ladder: BookLadder, at: int, size: float, usual: SideBaseline) -> tuple[float, bool]:
    """(the level's price bucket over the median bucket, whether the level is the largest in its bucket)."""
    if usual.bucket <= 0.0 or usual.median_bucket <= 0.0:
        return 0.0, True
    edge = ceil(ladder.keys[at] / usual.bucket - _EDGE) * usual.bucket
    slack = _EDGE * usual.bucket
    first = bisect_right(ladder.keys, edge - usual.bucket + slack)
    last = bisect_right(ladder.keys, edge + slack)
    others = ladder.sizes[first:at] + ladder.sizes[at + 1 : last]
    return (size + sum(others)) / usual.median_bucket, size >= max(others, default=0.0)


def cluster(ladder: BookLadder, at: int, size: float, range_pct: float) -> tuple[int, float]:
    """(levels, total size) of the cluster around a level; the level alone unless it is the largest in range."""
    reach = ladder.prices[at] * range_pct / 100.0
    first = bisect_left(ladder.keys, ladder.keys[at] - reach)
    last = bisect_right(ladder.keys, ladder.keys[at] + reach)
    others = ladder.sizes[first:at] + ladder.sizes[at + 1 : last]
    if not others or max(others) > size:
        return 1, size
    half = size / 2.0
    comparable = [other for other in others if other >= half]
    return 1 + len(comparable), size + sum(comparable)


def smallest_step(ladder: BookLadder) -> float:
    """Smallest distance of neighbouring levels: the tick, as far as this side shows it; inf for a single level.

    Cut to six digits, which removes the noise of subtracting binary floats.
    """
    step = min(map(sub, ladder.keys[1:], ladder.keys), default=inf)
    return float(f"{step:.6g}")


def bucket_totals(ladder: BookLadder, bucket: float) -> list[float]:
    """Total size of each price bucket that is not empty, best first, base currency."""
    keys, sizes, slack = ladder.keys, ladder.sizes, _EDGE * bucket
    totals: list[float] = []
    at = 0
    while at < len(keys):
        # In sort keys (price, negated for bids) both sides round up to the bucket's far edge.
        edge = ceil(keys[at] / bucket - _EDGE) * bucket
        following = bisect_right(keys, edge + slack, at)
        totals.append(sum(sizes[at:following]))
        at = following
    return totals
