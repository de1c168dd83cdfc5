"""Everything the market has told about one symbol. It holds state and decides nothing.

The event clock of a symbol is the newest matching-engine time among its book and trade messages, and it starts with the
first book. Heartbeats and tickers do not move it and trades before the first book are not counted: sources differ in
how many of these they send, and the decisions must not differ.
"""

from __future__ import annotations

from cockpit.domain.market import BookDelta, BookSnapshot, MarketEvent, Ticker, Trades
from cockpit.domain.time import NS_PER_MS, nanos_from_s
from cockpit.market.book import OrderBook
from cockpit.market.config import MarketConfig
from cockpit.market.extrema import Extrema
from cockpit.market.rolling import Cadence, RollingMedian
from cockpit.market.tape import TradeTape


class MarketState:
    """Book, tape, ticker, extrema and median spread of one symbol."""

    __slots__ = ("_spread_cadence", "_spreads", "book", "extrema", "last_event_ns", "mid", "symbol", "tape", "ticker")

    def __init__(self, symbol: str, config: MarketConfig | None = None) -> None:
        config = config or MarketConfig()
        self.symbol = symbol
        self.book = OrderBook(symbol)
        self.tape = TradeTape()
        self.ticker: Ticker | None = None
        self.extrema = Extrema(nanos_from_s(config.extrema_window_s))
        self.last_event_ns = 0
        """The event clock, ns; 0 before the first book message."""
        self.mid: float | None = None
        """Mid of the valid book, None if it is invalid or a side is empty."""
        self._spreads = RollingMedian(config.spread_samples)
        self._spread_cadence = Cadence(config.spread_sample_ms * NS_PER_MS)

    def apply(self, event: MarketEvent) -> None:
        """Take in one event of this symbol. A ``TouchHeartbeat`` changes nothing here."""
        if type(event) is BookDelta or type(event) is BookSnapshot:
            self._apply_book(event)
        elif type(event) is Trades:
            if self.last_event_ns and event.trades:
                self.tape.add(event.trades)
                self._advance(event.trades[-1].ts_event)  # matching-engine time, as the book's; not the gateway's
        elif type(event) is Ticker:
            self.ticker = event

    @property
    def spread_median(self) -> float | None:
        """Median of the sampled spreads, quote currency; None before the first sample."""
        return self._spreads.value

    def _apply_book(self, event: BookSnapshot | BookDelta) -> None:
        book = self.book
        is_valid = book.apply(event)
        self._advance(event.ts_event)
        bids, asks = book.bids_ladder.prices, book.asks_ladder.prices
        if not is_valid or not bids or not asks:
            self.mid = None
            return
        bid, ask = bids[0], asks[0]
        self.mid = mid = (bid + ask) / 2.0
        now_ns = self.last_event_ns
        self.extrema.update(now_ns, mid)
        if now_ns >= self._spread_cadence.next_ns and self._spread_cadence.is_due(now_ns):
            self._spreads.add(ask - bid)

    def _advance(self, ts_event: int) -> None:
        self.last_event_ns = max(self.last_event_ns, ts_event)
        self.tape.advance(self.last_event_ns)
