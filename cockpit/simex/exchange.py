"""The exchange itself: markets, the public hub, and what happens when the market moves. No routes, no sockets.

Order of things on a market event: the public frame goes out first, then the account's orders meet the new market.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from cockpit.matching.account import Ledger
from cockpit.ports.clock import Clock
from cockpit.simex.config import SimexConfig
from cockpit.simex.desk import Desk
from cockpit.simex.encode import trade_frame
from cockpit.simex.events import BookChange, TickerChange, TradeBatch
from cockpit.simex.faults import OrderFaults, RequestFaults, SocketFaults
from cockpit.simex.hub import Hub
from cockpit.simex.symbol_market import SymbolMarket

log = logging.getLogger(__name__)

TOUCH_REPEAT_NS = 3_000_000_000
"""``orderbook.1`` is repeated after this time without change (bybit-v5.md 10.1 rule 7)."""


class Exchange:
    """State of one simulated exchange (implements ``events.MarketSink``)."""

    def __init__(self, config: SimexConfig, clock: Clock, markets: Iterable[SymbolMarket], ledger: Ledger) -> None:
        self.config = config
        self.clock = clock
        self.markets = {market.symbol: market for market in markets}
        self.public = Hub()
        self.trade = Hub()
        self.desk = Desk(ledger, self.markets, config.default_leverage, self.now_ms)
        self.hubs = {"public": self.public, "private": self.desk.private, "trade": self.trade}
        self.socket_faults = SocketFaults()
        self.rest_faults = RequestFaults()
        self.trade_faults = RequestFaults()
        self.order_faults = OrderFaults()
        self.clock_shift_ns = 0
        self.is_started = False
        self.is_ended = False
        self.is_lost = False
        """The upstream of a relayed market is gone."""
        self.first_book_subscription = asyncio.Event()

    def now_ns(self) -> int:
        """Exchange time, ns: the wall clock, and what a fault has put it off by."""
        return self.clock.now_ns() + self.clock_shift_ns

    def now_ms(self) -> int:
        """Exchange time, ms."""
        return self.now_ns() // 1_000_000

    def on_book(self, change: BookChange) -> None:
        """Apply and publish a book change."""
        market = self.markets[change.symbol]
        recorded = market.recorded.get(change.recorded_depth or 0)
        if recorded is not None:
            self.public.publish(recorded.name, recorded.follow(change))
        if not market.is_base(change):
            return
        market.apply_book(change)
        for topic in market.derived.values():
            frame = topic.follow(change, is_wanted=self.public.is_wanted(topic.name))
            if frame is not None:
                self.public.publish(topic.name, frame)
        touch = market.touch.follow(change)
        if touch is not None:
            self._publish_touch(market, touch)
        self.desk.on_market(change.symbol)

    def on_trades(self, batch: TradeBatch) -> None:
        """Publish trades, then let resting orders meet them."""
        market = self.markets[batch.symbol]
        topic = f"publicTrade.{batch.symbol}"
        market.apply_trades(batch)
        if self.public.is_wanted(topic):
            self.public.publish(topic, trade_frame(batch.symbol, batch.ts_ms, [trade.row for trade in batch.trades]))
        self.desk.on_trades(batch)

    def on_ticker(self, change: TickerChange) -> None:
        """Merge and publish ticker fields."""
        market = self.markets[change.symbol]
        frame = market.apply_ticker(change)
        self.public.publish(f"tickers.{change.symbol}", frame)
        if "markPrice" in change.fields:
            self.desk.on_mark(change.symbol)

    async def wait_for_audience(self) -> None:
        """Return when the first client has subscribed to an order book."""
        await self.first_book_subscription.wait()

    def on_started(self) -> None:
        """The market source begins."""
        self.is_started, self.is_lost = True, False

    def on_ended(self) -> None:
        """The market source has ended: say so in a last ticker per symbol, and fall silent."""
        self.is_ended = True
        now_ms = self.now_ms()
        for market in self.markets.values():
            market.view.refuses_entries = "The recorded market has ended; only exits are accepted"
            self.on_ticker(TickerChange(market.symbol, {"ended": True}, now_ms, market.ticker_cs))
        log.info("market %s has ended", self.config.market)

    def on_lost(self) -> None:
        """The upstream is gone: so are our books and public sockets; nothing is made up."""
        self.is_lost = True
        for market in self.markets.values():
            market.forget_book()
        self.public.close_all(1001, "upstream lost")

    def repeat_touches(self) -> None:
        """Repeat every ``orderbook.1`` that was silent for 3 s."""
        if self.is_ended:
            return
        now_ns = self.clock.monotonic_ns()
        for market in self.markets.values():
            if now_ns - market.touch.sent_ns >= TOUCH_REPEAT_NS:
                frame = market.touch.snapshot()
                if frame is not None:
                    self._publish_touch(market, frame)

    def _publish_touch(self, market: SymbolMarket, frame: str) -> None:
        market.touch.sent_ns = self.clock.monotonic_ns()
        self.public.publish(market.touch.name, frame)
