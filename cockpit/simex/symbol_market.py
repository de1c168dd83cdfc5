"""The market of one symbol: book, texts, topics, ticker, last trades. Subscribers and accounts are elsewhere."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import Any

from cockpit.matching.market_view import MarketView
from cockpit.simex.encode import ticker_frame
from cockpit.simex.events import BookChange, TickerChange, TradeBatch
from cockpit.simex.rules import SymbolRules
from cockpit.simex.topics import PUSH_INTERVAL_MS, BookTexts, DepthTopic, RecordedTopic, TouchTopic

KEPT_TRADES = 1000


class SymbolMarket:
    """Public state of one symbol.

    Args:
        rules: the symbol's rules.
        recorded_depths: depths of the source's own topics; empty for a synthetic market, which derives all.
    """

    def __init__(self, rules: SymbolRules, recorded_depths: frozenset[int] = frozenset()) -> None:
        self.rules = rules
        self.symbol = rules.instrument.symbol
        self.view = MarketView(rules.instrument)
        self.book = self.view.book
        self.trades: deque[dict[str, Any]] = deque(maxlen=KEPT_TRADES)
        self.ticker: dict[str, Any] = {}
        self.ticker_cs = 0
        self.ticker_ts_ms = 0
        self.latest: BookChange | None = None
        self._texts = BookTexts(self.book.bids, self.book.asks)
        self._base_depth = max(recorded_depths) if recorded_depths else None
        self.touch = TouchTopic(self._name(1), self._texts)
        self.recorded = {depth: RecordedTopic(self._name(depth), depth) for depth in recorded_depths if depth > 1}
        self.derived = {
            depth: DepthTopic(self._name(depth), depth, self._texts, interval_ms=0 if recorded_depths else interval)
            for depth, interval in PUSH_INTERVAL_MS.items()
            if depth > 1 and depth not in recorded_depths and depth < (self._base_depth or 1_000_000)
        }

    def _name(self, depth: int) -> str:
        return f"orderbook.{depth}.{self.symbol}"

    @property
    def depths(self) -> list[int]:
        """Depths that can be subscribed to."""
        return sorted({1, *self.recorded, *self.derived})

    def is_base(self, change: BookChange) -> bool:
        """True if ``change`` belongs to the book that prices and fills come from."""
        return change.recorded_depth is None or change.recorded_depth == self._base_depth

    def apply_book(self, change: BookChange) -> None:
        """Apply a change of the base book."""
        if change.is_snapshot:
            self.book.replace(((t, q) for t, q, _, _ in change.bids), ((t, q) for t, q, _, _ in change.asks))
        else:
            for ticks, lots, _, _ in change.bids:
                self.book.set_level(is_bid=True, ticks=ticks, lots=lots)
            for ticks, lots, _, _ in change.asks:
                self.book.set_level(is_bid=False, ticks=ticks, lots=lots)
        self._texts.apply(change)
        self.latest = change
        self.view.seq = change.seq

    def apply_trades(self, batch: TradeBatch) -> None:
        """Remember trades for REST and for triggers."""
        for trade in batch.trades:
            self.view.last = trade.ticks
            self.trades.append(trade.row)

    def apply_ticker(self, change: TickerChange) -> str:
        """Merge ticker fields; the frame that tells subscribers."""
        self.ticker_cs, self.ticker_ts_ms = change.cs, change.ts_ms
        if "markPrice" in change.fields:
            self.view.mark = Decimal(change.fields["markPrice"])
        if "indexPrice" in change.fields:
            self.view.index = Decimal(change.fields["indexPrice"])
        if change.is_snapshot or not self.ticker:
            self.ticker = dict(change.fields)
            return ticker_frame(self.symbol, "snapshot", self.ticker, change.cs, change.ts_ms)
        self.ticker.update(change.fields)
        return ticker_frame(self.symbol, "delta", change.fields, change.cs, change.ts_ms)

    def book_snapshot(self, depth: int) -> str | None:
        """First frame for a subscriber of ``orderbook.{depth}``; None before any book."""
        if depth == 1:
            return self.touch.snapshot()
        if depth in self.recorded:
            return self.recorded[depth].snapshot()
        return self.derived[depth].snapshot(self.latest)

    def ticker_snapshot(self) -> str | None:
        """First frame for a subscriber of ``tickers``; None before any ticker."""
        if not self.ticker:
            return None
        return ticker_frame(self.symbol, "snapshot", self.ticker, self.ticker_cs, self.ticker_ts_ms)

    def rows(self, depth: int) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """Price and size texts of the best ``depth`` levels, bids and asks, best first."""
        bids, asks = self._texts.window(depth)
        return list(bids.values()), list(asks.values())

    def touch_rows(self) -> dict[str, str]:
        """The four bid1/ask1 fields of a ticker; empty texts for an empty side."""
        bids, asks = self.rows(1)
        bid, ask = (bids or [("", "")])[0], (asks or [("", "")])[0]
        return {"bid1Price": bid[0], "bid1Size": bid[1], "ask1Price": ask[0], "ask1Size": ask[1]}

    def forget_book(self) -> None:
        """The source was lost: no book until its next snapshot."""
        self.book.replace((), ())
        self._texts.bid_texts, self._texts.ask_texts = {}, {}
        self.latest = None
        for topic in self.recorded.values():
            topic.forget()
