"""The price axis of a ladder: it stands still, depth moves over it, and rules say when it recentres. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec

GROUPS = (1, 2, 5, 10, 25, 50, 100)
"""Ticks that one row may hold."""

FLASH_S = 0.2
"""How long the centre line warns before the axis moves."""


def bucket(ticks: int, group: int, *, is_bid: bool) -> int:
    """Row number of a price: bids round down and asks up, so that the two never share a row."""
    return ticks // group if is_bid else -(-ticks // group)


def grouped(levels: Iterable[tuple[int, float]], group: int, *, is_bid: bool) -> dict[int, float]:
    """Sizes summed by row number."""
    rows: dict[int, float] = {}
    for ticks, size in levels:
        row = bucket(ticks, group, is_bid=is_bid)
        rows[row] = rows.get(row, 0.0) + size
    return rows


def default_group(tick_size: str, best_ticks: int) -> int:
    """The finest grouping whose row is at least 0.1 basis points of the price, so that a ladder spans something."""
    if best_ticks <= 0 or Decimal(tick_size) <= 0:
        return 1
    return next((group for group in GROUPS if group * 100_000 >= best_ticks), GROUPS[-1])


def coarser(group: int) -> int:
    """The next grouping up, or the same at the end."""
    return GROUPS[min(GROUPS.index(group) + 1, len(GROUPS) - 1)]


def finer(group: int) -> int:
    """The next grouping down, or the same at the end."""
    return GROUPS[max(GROUPS.index(group) - 1, 0)]


class Axis(msgspec.Struct, frozen=True):
    """Which prices a ladder shows: one row less than ``rows``, for the line between the two sides of the book.

    Freshly centred, the line lies between row numbers ``centre`` (above it) and ``centre - 1``. The prices then stand
    still while the book moves; the line goes with the book, past one price row at a time.
    """

    centre: int
    rows: int
    group: int
    is_auto: bool = True
    flash_since: float | None = None
    """Since when the centre line warns that the axis is about to move, s."""

    @property
    def rule(self) -> int:
        """Index of the line of a freshly centred axis."""
        return self.rows // 2

    def line(self, best_bid: int, best_ask: int) -> int:
        """The row number just above the line: the nearest to the centre that keeps bids below and asks above.

        Args:
            best_bid: row number of the best bid.
            best_ask: row number of the best ask.
        """
        return max(best_bid + 1, min(self.centre, best_ask))

    def numbers(self, line: int) -> list[int | None]:
        """Row numbers from the top, None for the line; beyond the shown prices it stands at that end."""
        shown: list[int | None] = list(range(self.top, self.bottom - 1, -1))
        shown.insert(max(0, min(self.top - line + 1, len(shown))), None)
        return shown

    @property
    def top(self) -> int:
        """Highest row number shown."""
        return self.centre + self.rule - 1

    @property
    def bottom(self) -> int:
        """Lowest row number shown."""
        return self.centre + self.rule - self.rows + 1


class Recentre(msgspec.Struct, frozen=True):
    """When an axis moves by itself."""

    edge_percent: int = 25
    rows: int = 10


def middle(best_bid: int, best_ask: int, group: int) -> int:
    """The row number just above the middle between the two best prices (ticks)."""
    return (bucket(best_bid, group, is_bid=True) + bucket(best_ask, group, is_bid=False) + 1) // 2


def centred(best_bid: int, best_ask: int, rows: int, group: int) -> Axis:
    """An axis with its centre line between the best prices."""
    return Axis(middle(best_bid, best_ask, group), rows, group)


def follow(axis: Axis, best_bid: int, best_ask: int, rule: Recentre, *, is_held: bool, now: float) -> Axis:
    """The axis for the next frame: the same one, one that warns, or one that has moved.

    Args:
        axis: the axis of the last frame.
        best_bid: ticks.
        best_ask: ticks.
        rule: when to move.
        is_held: nobody moves while the user aims (armed confirm, open ticket).
        now: monotonic seconds.
    """
    if is_held or not axis.is_auto:
        return axis if axis.flash_since is None else msgspec.structs.replace(axis, flash_since=None)
    if not _must_move(axis, middle(best_bid, best_ask, axis.group), rule):
        return axis if axis.flash_since is None else msgspec.structs.replace(axis, flash_since=None)
    if axis.flash_since is None:
        return msgspec.structs.replace(axis, flash_since=now)
    if now - axis.flash_since < FLASH_S:
        return axis
    return centred(best_bid, best_ask, axis.rows, axis.group)


def scrolled(axis: Axis, rows: int) -> Axis:
    """The axis moved by hand; it stays there until it is centred by hand."""
    return msgspec.structs.replace(axis, centre=axis.centre + rows, is_auto=False, flash_since=None)


def _must_move(axis: Axis, middle_row: int, rule: Recentre) -> bool:
    away = abs(middle_row - axis.centre)
    to_edge = axis.rule - away
    return away >= rule.rows or (away > 0 and to_edge <= axis.rows * rule.edge_percent / 100)
