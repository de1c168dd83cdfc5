"""Where liquidity stood over the last minutes: one column of row sizes every few seconds, for each watched symbol."""

from __future__ import annotations

from collections import deque

import msgspec

from cockpit.ui.axis import grouped, middle
from cockpit.views.model import BookView

COLUMN_S = 5.0
COLUMNS = 240
ROWS_EACH_SIDE = 60
LADDER_ROWS = 5
"""Rows of a ladder that one row of the picture holds."""


class Column(msgspec.Struct, frozen=True):
    """One moment of a book in rows of the history's grouping."""

    middle: int
    """Row number just above the middle of the book."""
    sizes: dict[int, float]


class History:
    """Columns of one symbol, oldest first, all in one grouping."""

    def __init__(self, group: int) -> None:
        self.group = group
        self.columns: deque[Column] = deque(maxlen=COLUMNS)
        self.full = 0.0
        """Size of a row that is drawn darkest."""
        self.centre = 0
        """Row number in the middle of the picture; it moves only when the market has gone far from it."""
        self._next = 0.0

    def sample(self, book: BookView, now: float) -> None:
        """Take a column if it is time."""
        if now < self._next or not book.bids or not book.asks or book.state != "VALID":
            return
        self._next = now + COLUMN_S
        row = middle(book.bids[0][0], book.asks[0][0], self.group)
        sizes = grouped(book.bids, self.group, is_bid=True) | grouped(book.asks, self.group, is_bid=False)
        near = {number: size for number, size in sizes.items() if abs(number - row) <= ROWS_EACH_SIDE}
        self.columns.append(Column(row, near))
        ordered = sorted(near.values())
        self.full = max(self.full * 0.98, ordered[int(len(ordered) * 0.97)])

    def centre_for(self, height: int) -> int:
        """Row number for the middle of a picture of ``height`` rows."""
        now = self.columns[-1].middle
        if abs(now - self.centre) > height // 4:
            self.centre = now
        return self.centre


class Heat:
    """Histories of the symbols that this screen has watched."""

    def __init__(self) -> None:
        self._histories: dict[str, History] = {}

    def sample(self, book: BookView, ladder_group: int, now: float) -> None:
        """Note the book of a watched symbol; a changed grouping of its ladder starts its history anew."""
        group = ladder_group * LADDER_ROWS
        history = self._histories.get(book.symbol)
        if history is None or history.group != group:
            history = self._histories[book.symbol] = History(group)
        history.sample(book, now)

    def of(self, symbol: str) -> History | None:
        """History of a symbol, None if it has not been watched."""
        return self._histories.get(symbol)
