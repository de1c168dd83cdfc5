"""Order book topics of one symbol: windows of a depth, contiguous update ids, snapshots for late subscribers.

Depths follow bybit-v5.md 10.1. A window is what subscribers were told last; a delta is the difference to it. Who is
subscribed is known to the hub, not here.
"""

from __future__ import annotations

from cockpit.matching.book import BookSide
from cockpit.simex.encode import BookStamp, book_frame
from cockpit.simex.events import BookChange, Level

Texts = dict[int, tuple[str, str]]
"""Ticks to (price text, size text)."""

PUSH_INTERVAL_MS = {1: 10, 50: 20, 200: 100, 1000: 200}
"""Depths of the linear socket and their push intervals."""

FIRST_UPDATE_ID = 100_000


class BookTexts:
    """Texts of the levels of one symbol, as they are sent."""

    def __init__(self, bids: BookSide, asks: BookSide) -> None:
        self._bids, self._asks = bids, asks
        self.bid_texts: Texts = {}
        self.ask_texts: Texts = {}

    def apply(self, change: BookChange) -> None:
        """Take over the texts of a change; call before or after the int book, in any order."""
        if change.is_snapshot:
            self.bid_texts, self.ask_texts = {}, {}
        for texts, levels in ((self.bid_texts, change.bids), (self.ask_texts, change.asks)):
            merge(texts, levels)

    def window(self, depth: int) -> tuple[Texts, Texts]:
        """The best ``depth`` levels of both sides, best first."""
        bids, asks = self.bid_texts, self.ask_texts
        return {t: bids[t] for t in self._bids.top(depth)}, {t: asks[t] for t in self._asks.top(depth)}


class DepthTopic:
    """One derived ``orderbook.N`` topic of one symbol."""

    def __init__(self, name: str, depth: int, texts: BookTexts, *, interval_ms: int) -> None:
        self.name = name
        self.depth = depth
        self._texts = texts
        self._interval_ms = interval_ms
        self._due_ms = 0
        self._bids: Texts = {}
        self._asks: Texts = {}
        self._stamp = BookStamp(FIRST_UPDATE_ID, 0, 0, 0)

    def follow(self, change: BookChange, *, is_wanted: bool) -> str | None:
        """Take note of a book change; the frame to publish, None if nothing (yet) is to be said.

        A topic nobody wants keeps no window; it is rebuilt by ``snapshot`` when somebody comes.
        """
        if not is_wanted:
            self._bids, self._asks = {}, {}
            return None
        if change.ts_ms < self._due_ms and not change.is_snapshot:
            return None
        kind = "snapshot" if change.is_snapshot or not (self._bids or self._asks) else "delta"
        bids, asks = self._texts.window(self.depth)
        if kind == "delta":
            bid_rows, ask_rows = difference(self._bids, bids, reverse=True), difference(self._asks, asks)
            if not bid_rows and not ask_rows:
                return None
        else:
            bid_rows, ask_rows = list(bids.values()), list(asks.values())
        self._bids, self._asks = bids, asks
        self._due_ms = change.ts_ms - change.ts_ms % self._interval_ms + self._interval_ms if self._interval_ms else 0
        self._stamp = BookStamp(self._stamp.update_id + 1, change.seq, change.ts_ms, change.cts_ms)
        return book_frame(self.name, kind, bid_rows, ask_rows, self._stamp)

    def snapshot(self, latest: BookChange | None) -> str | None:
        """The snapshot for a new subscriber: what earlier ones know, or the present book; None before any book."""
        if latest is None:
            return None
        if not self._bids and not self._asks:
            self._bids, self._asks = self._texts.window(self.depth)
            self._stamp = BookStamp(self._stamp.update_id + 1, latest.seq, latest.ts_ms, latest.cts_ms)
        if not self._bids and not self._asks:
            return None
        return book_frame(self.name, "snapshot", list(self._bids.values()), list(self._asks.values()), self._stamp)


class RecordedTopic:
    """An ``orderbook.N`` topic that a recording or an upstream brings itself: frames go out as they came.

    Only ``u`` is our own, contiguous, so that a book stays whole when a client comes late or a recording is cut.
    """

    def __init__(self, name: str, depth: int) -> None:
        self.name = name
        self.depth = depth
        self._bids: Texts = {}
        self._asks: Texts = {}
        self._stamp = BookStamp(FIRST_UPDATE_ID, 0, 0, 0)

    def follow(self, change: BookChange) -> str:
        """The frame that repeats ``change``."""
        if change.is_snapshot:
            self._bids, self._asks = {}, {}
        merge(self._bids, change.bids)
        merge(self._asks, change.asks)
        self._stamp = BookStamp(self._stamp.update_id + 1, change.seq, change.ts_ms, change.cts_ms)
        kind = "snapshot" if change.is_snapshot else "delta"
        return book_frame(self.name, kind, _rows(change.bids), _rows(change.asks), self._stamp)

    def snapshot(self) -> str | None:
        """The present book for a late subscriber; None before the first recorded snapshot."""
        if self._stamp.update_id == FIRST_UPDATE_ID:
            return None
        bids = [self._bids[ticks] for ticks in sorted(self._bids, reverse=True)]
        asks = [self._asks[ticks] for ticks in sorted(self._asks)]
        return book_frame(self.name, "snapshot", bids, asks, self._stamp)

    def forget(self) -> None:
        """The source was lost: nothing to show until its next snapshot."""
        self._bids, self._asks = {}, {}
        self._stamp = BookStamp(FIRST_UPDATE_ID, 0, 0, 0)


class TouchTopic:
    """``orderbook.1``: snapshots only, one per change of the touch, repeated every 3 s with the same ``u``."""

    def __init__(self, name: str, texts: BookTexts) -> None:
        self.name = name
        self.depth = 1
        self._texts = texts
        self._touch: tuple[Texts, Texts] = ({}, {})
        self._stamp = BookStamp(FIRST_UPDATE_ID, 0, 0, 0)
        self.sent_ns = 0
        """Monotonic time of the last push; who pushes sets it."""

    def follow(self, change: BookChange) -> str | None:
        """The frame to publish if the touch changed."""
        touch = self._texts.window(1)
        if touch == self._touch and not change.is_snapshot:
            return None
        self._touch = touch
        self._stamp = BookStamp(self._stamp.update_id + 1, change.seq, change.ts_ms, change.cts_ms)
        return self.snapshot()

    def snapshot(self) -> str | None:
        """The last touch again; None before any book."""
        if self._stamp.update_id == FIRST_UPDATE_ID:
            return None
        bids, asks = self._touch
        return book_frame(self.name, "snapshot", list(bids.values()), list(asks.values()), self._stamp)


def merge(texts: Texts, levels: list[Level]) -> None:
    """Apply absolute sizes to ``texts``; size 0 removes."""
    for ticks, lots, price, size in levels:
        if lots > 0:
            texts[ticks] = (price, size)
        else:
            texts.pop(ticks, None)


def difference(old: Texts, new: Texts, *, reverse: bool = False) -> list[tuple[str, str]]:
    """Rows that turn ``old`` into ``new``, by price (highest first if ``reverse``); levels that left get size "0"."""
    rows = {ticks: row for ticks, row in new.items() if old.get(ticks) != row}
    for ticks, (price, _) in old.items():
        if ticks not in new:
            rows[ticks] = (price, "0")
    return [rows[ticks] for ticks in sorted(rows, reverse=reverse)]


def _rows(levels: list[Level]) -> list[tuple[str, str]]:
    return [(price, size) for _, _, price, size in levels]
