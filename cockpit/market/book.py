"""One symbol's order book, rebuilt from a snapshot and deltas. No measures and no opinion on sizes live here.

Theory of operation (Bybit ``orderbook.{depth}``): the first message is a snapshot, and a snapshot may come at any later
time (``u == 1``: after a restart of the exchange's service); it always replaces the whole book. A delta holds absolute
sizes; size 0 deletes the level, and deleting an absent level is allowed. ``u`` rises by exactly 1 from message to
message; after any other step the book is INVALID and stays so until the next snapshot. The same holds for a crossed or
locked book and for a level that is no number. While it is invalid, deltas are dropped: they may belong to an old
subscription.

Each side keeps three parallel lists, best level first: sort key (price, negated for bids), price and size.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from math import inf

from cockpit.domain.enums import BookSide
from cockpit.domain.market import BookDelta, BookSnapshot, Level

NOT_LOADED = "no snapshot yet"


class BookLadder:
    """One side of a book: parallel lists, best level first."""

    __slots__ = ("keys", "prices", "sign", "sizes", "window")

    def __init__(self, sign: float) -> None:
        self.sign = sign
        """+1 for asks, -1 for bids: ``key = sign * price`` rises with the distance from the touch."""
        self.keys: list[float] = []
        self.prices: list[float] = []
        self.sizes: list[float] = []
        self.window = 0
        """Most levels seen since the last snapshot; a full window pushes its worst level out."""

    def clear(self) -> None:
        """Forget every level."""
        self.keys.clear()
        self.prices.clear()
        self.sizes.clear()
        self.window = 0

    def apply(self, levels: Iterable[Level]) -> str:
        """Set or delete levels. Returns "" or what is wrong with one of them."""
        keys, prices, sizes, sign, endless = self.keys, self.prices, self.sizes, self.sign, inf
        for price, size in levels:
            key = sign * price
            at = bisect_left(keys, key)
            is_present = at < len(keys) and keys[at] == key
            if 0.0 < size < endless:
                if is_present:
                    sizes[at] = size
                elif 0.0 < price < endless:
                    keys.insert(at, key)
                    prices.insert(at, price)
                    sizes.insert(at, size)
                else:
                    return f"price {price} is no price"
            elif size == 0.0:
                if is_present:
                    del keys[at], prices[at], sizes[at]
            else:
                return f"size {size} at {price} is no size"
        self.window = max(self.window, len(keys))
        return ""

    def size_at(self, price: float) -> float:
        """Size resting at ``price``, 0.0 if none is seen."""
        key = self.sign * price
        at = bisect_left(self.keys, key)
        return self.sizes[at] if at < len(self.keys) and self.keys[at] == key else 0.0

    def is_beyond_window(self, price: float) -> bool:
        """True if ``price`` lies behind the worst level of a full window: what rests there cannot be seen."""
        keys = self.keys
        return 0 < self.window <= len(keys) and self.sign * price > keys[-1]


class OrderBook:
    """The book of one symbol; apply every message of its topic in arrival order."""

    __slots__ = ("_snapshot_id", "asks_ladder", "bids_ladder", "invalid_reason", "symbol", "ts_event", "update_id")

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.bids_ladder = BookLadder(-1.0)
        self.asks_ladder = BookLadder(1.0)
        self.invalid_reason = NOT_LOADED
        """Why the book must not be used; "" while it is valid."""
        self.update_id = 0
        self.ts_event = 0
        """Matching-engine time of the last message applied, ns; 0 before the first."""
        self._snapshot_id = 0

    def apply(self, event: BookSnapshot | BookDelta) -> bool:
        """Apply one message. Returns True if the book is valid now; a delta on an invalid book is dropped."""
        if type(event) is BookSnapshot:
            return self._load(event)
        if self.invalid_reason:
            return False
        if event.update_id != self.update_id + 1:
            return self._break(f"update id {event.update_id} after {self.update_id}")
        self.update_id = event.update_id
        self.ts_event = event.ts_event
        return self._change(event.bids, event.asks)

    @property
    def is_valid(self) -> bool:
        """True from a good snapshot until the first message that does not fit."""
        return not self.invalid_reason

    @property
    def updates_since_snapshot(self) -> int:
        """Deltas applied since the last snapshot."""
        return self.update_id - self._snapshot_id

    @property
    def best_bid(self) -> Level | None:
        """(price, size) of the best bid, None if the side is empty or the book invalid."""
        side = self.bids_ladder
        return (side.prices[0], side.sizes[0]) if side.prices else None

    @property
    def best_ask(self) -> Level | None:
        """(price, size) of the best ask, None if the side is empty or the book invalid."""
        side = self.asks_ladder
        return (side.prices[0], side.sizes[0]) if side.prices else None

    def bids(self) -> tuple[list[float], list[float]]:
        """(prices, sizes) of the bids, best first. The book's own lists: read, never change or keep them."""
        return self.bids_ladder.prices, self.bids_ladder.sizes

    def asks(self) -> tuple[list[float], list[float]]:
        """(prices, sizes) of the asks, best first. The book's own lists: read, never change or keep them."""
        return self.asks_ladder.prices, self.asks_ladder.sizes

    def ladder(self, side: BookSide) -> BookLadder:
        """One side of the book."""
        return self.bids_ladder if side is BookSide.BID else self.asks_ladder

    def size_at(self, side: BookSide, price: float) -> float:
        """Size resting at ``price`` on ``side``, 0.0 if none is seen."""
        return self.ladder(side).size_at(price)

    def invalidate(self, reason: str) -> None:
        """Give the book up until its next snapshot: a frame of it could not be read."""
        self._break(reason)

    def _load(self, event: BookSnapshot) -> bool:
        self.bids_ladder.clear()
        self.asks_ladder.clear()
        self.invalid_reason = ""
        self.update_id = self._snapshot_id = event.update_id
        self.ts_event = event.ts_event
        return self._change(event.bids, event.asks)

    def _change(self, bids: list[Level], asks: list[Level]) -> bool:
        bid_ladder, ask_ladder = self.bids_ladder, self.asks_ladder
        problem = (bid_ladder.apply(bids) if bids else "") or (ask_ladder.apply(asks) if asks else "")
        if problem:
            return self._break(problem)
        bid_prices, ask_prices = bid_ladder.prices, ask_ladder.prices
        if bid_prices and ask_prices and bid_prices[0] >= ask_prices[0]:
            return self._break(f"crossed: bid {bid_prices[0]} >= ask {ask_prices[0]}")
        return True

    def _break(self, reason: str) -> bool:
        """An invalid book shows no levels: a reader that forgets to ask cannot trade on it."""
        self.invalid_reason = reason
        self.bids_ladder.clear()
        self.asks_ladder.clear()
        return False
