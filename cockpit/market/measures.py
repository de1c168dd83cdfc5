"""Pure measures of one book state. Prices in quote currency, sizes in base currency, best level first.

Functions take the parallel lists of ``OrderBook.bids()`` and ``asks()`` and keep nothing. None means: not defined for
this state (an empty side).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from math import ceil, floor

from cockpit.domain.enums import BookSide

_ON_GRID = 1e-9
"""A quotient this close to a whole number counts as whole: a price on a bucket's edge stays on it."""


def mid(bid: float, ask: float) -> float:
    """Middle of the touch."""
    return (bid + ask) / 2.0


def microprice(bid: float, bid_size: float, ask: float, ask_size: float) -> float:
    """Touch weighted by the opposite sizes: nearer to the side that is about to give way."""
    return (bid * ask_size + ask * bid_size) / (bid_size + ask_size)


def spread(bid: float, ask: float) -> float:
    """Distance between the best prices, quote currency."""
    return ask - bid


def spread_bps(bid: float, ask: float) -> float:
    """Spread in basis points of the mid."""
    return (ask - bid) / mid(bid, ask) * 10_000.0


def imbalance(bid_sizes: Sequence[float], ask_sizes: Sequence[float], levels: int) -> float | None:
    """(bids - asks) / (bids + asks) over the best ``levels`` of each side: -1 all asks, +1 all bids."""
    return _balance(sum(bid_sizes[:levels]), sum(ask_sizes[:levels]))


def imbalance_within(
    bids: tuple[Sequence[float], Sequence[float]], asks: tuple[Sequence[float], Sequence[float]], range_bps: float
) -> float | None:
    """Imbalance of the sizes within ``range_bps`` of the mid; None if a side is empty."""
    if not bids[0] or not asks[0]:
        return None
    centre = mid(bids[0][0], asks[0][0])
    return _balance(depth_within(*bids, centre, range_bps), depth_within(*asks, centre, range_bps))


def depth_within(prices: Sequence[float], sizes: Sequence[float], centre: float, range_bps: float) -> float:
    """Total size of one side whose price lies within ``range_bps`` of ``centre``, base currency."""
    reach = centre * range_bps / 10_000.0
    if prices and abs(prices[-1] - centre) <= reach:
        return sum(sizes)
    count = sum(1 for _ in takewhile(lambda price: abs(price - centre) <= reach, prices))
    return sum(sizes[:count])


def bucket_of(side: BookSide, price: float, bucket: float) -> int:
    """Index of the bucket of ``price``: bids round down, asks round up, so the sides never share a row."""
    quotient = price / bucket
    return floor(quotient + _ON_GRID) if side is BookSide.BID else ceil(quotient - _ON_GRID)


def depth_by_bucket(
    side: BookSide, prices: Sequence[float], sizes: Sequence[float], bucket: float
) -> list[tuple[float, float]]:
    """(bucket price, total size) of one side, best first; empty buckets are left out.

    Args:
        side: decides the rounding, see ``bucket_of``.
        prices: prices, best first.
        sizes: sizes, parallel to ``prices``.
        bucket: width of a bucket in quote currency, above 0.
    """
    totals: dict[int, float] = {}
    for price, size in zip(prices, sizes, strict=True):
        index = bucket_of(side, price, bucket)
        totals[index] = totals.get(index, 0.0) + size
    return [(index * bucket, total) for index, total in totals.items()]


def touch_tolerance(mid_price: float, spread_median: float, pct: float, spreads: float) -> float:
    """Distance at which the price touches a level: ``pct`` percent, at most ``spreads`` spreads; quote currency."""
    return min(mid_price * pct / 100.0, spread_median * spreads)


def _balance(bid_size: float, ask_size: float) -> float | None:
    total = bid_size + ask_size
    return (bid_size - ask_size) / total if total > 0.0 else None
