"""A recording as a market source: plays a file's frames in the file's order at the file's pace (design decision 17).

One constant shift moves all time stamps to now, such that the freshest frame carries the time at which it is told.
Nothing is told before the first client listens to an order book. Tickers that the file lacks are derived and flagged.
"""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec

from cockpit.adapters.recording.reader import read_frames
from cockpit.domain.time import NS_PER_MS, NS_PER_S
from cockpit.ports.clock import Clock
from cockpit.simex.events import BookChange, MarketSink, TickerChange, TradeBatch
from cockpit.simex.recording_scan import RecordingContent
from cockpit.simex.rules import SymbolRules, plain
from cockpit.simex.symbol_market import SymbolMarket
from cockpit.simex.wire_frames import FrameReader

log = logging.getLogger(__name__)

SLICE_FRAMES = 50
"""Frames told in a row before other tasks get a turn."""


class RecordingFeed:
    """One recording (implements ``feed.Feed``).

    Raises:
        ConfigError: the file is missing, damaged, or holds no order book.
    """

    def __init__(self, path: Path, speed: float, start_delay_s: float, clock: Clock) -> None:
        self._content = RecordingContent(path)
        self._rules = self._content.rules()
        self._speed = speed
        self._start_delay_s = start_delay_s
        self._clock = clock

    def markets(self) -> list[SymbolMarket]:
        """One market per symbol with an order book."""
        return [
            SymbolMarket(rules, frozenset(self._content.symbols[symbol].depths))
            for symbol, rules in self._rules.items()
        ]

    def jump(self, symbol: str, factor: float) -> None:
        """A recording cannot be moved."""
        raise ValueError("a recorded market cannot jump")

    async def run(self, sink: MarketSink) -> None:
        """Wait for an audience, then play to the end."""
        await sink.wait_for_audience()
        await self._clock.sleep(self._start_delay_s)
        first_ns = self._content.first_ns or 0
        start_ns = self._clock.monotonic_ns()
        start_ms = self._clock.now_ns() // NS_PER_MS
        shift_ms = start_ms - first_ns // NS_PER_MS + self._content.least_lag_ms
        reader = FrameReader(self._rules, shift_ms)
        derived = {
            symbol: DerivedTicker(rules)
            for symbol, rules in self._rules.items()
            if not self._content.symbols[symbol].has_tickers
        }
        sink.on_started()
        told = 0
        for record in read_frames(self._content.path):
            if record.direction != "recv" or record.ts_recv < first_ns:
                continue
            due_ns = start_ns + int((record.ts_recv - first_ns) / self._speed)
            wait_ns = due_ns - self._clock.monotonic_ns()
            told += 1
            if wait_ns > 0 or told >= SLICE_FRAMES:
                told = 0
                await self._clock.sleep(max(wait_ns, 0) / NS_PER_S)
            self._tell(reader, derived, record.raw, sink)
        sink.on_ended()

    def _tell(self, reader: FrameReader, derived: dict[str, DerivedTicker], raw: bytes, sink: MarketSink) -> None:
        try:
            event = reader.event(raw)
        except (msgspec.MsgspecError, KeyError, ValueError) as error:
            log.warning("recorded frame skipped: %s", error)
            return
        if isinstance(event, BookChange):
            if event.recorded_depth == 1 and self._content.symbols[event.symbol].depths != {1}:
                return  # depth 1 is derived from the deeper book, on every change and every 3 s
            sink.on_book(event)
            ticker = derived[event.symbol].after_book(event) if event.symbol in derived else None
            if ticker is not None:
                sink.on_ticker(ticker)
        elif isinstance(event, TradeBatch):
            sink.on_trades(event)
            if event.symbol in derived:
                derived[event.symbol].after_trades(event)
        elif event is not None:
            sink.on_ticker(event)


class DerivedTicker:
    """The ticker of a symbol whose recording has none: mark is the middle of the book, change counts from the start."""

    INTERVAL_MS = 200

    def __init__(self, rules: SymbolRules) -> None:
        self._half_tick = rules.instrument.tick_size / 2
        self._rules = rules
        self._bids: dict[int, str] = {}
        self._asks: dict[int, str] = {}
        self._first2 = 0
        self._last_price: str | None = None
        self._told_ms = 0
        self._is_first = True

    def after_trades(self, batch: TradeBatch) -> None:
        """Remember the last trade."""
        if batch.trades:
            self._last_price = batch.trades[-1].row["p"]

    def after_book(self, change: BookChange) -> TickerChange | None:
        """The ticker after a book change, if the interval has passed."""
        if change.is_snapshot:
            self._bids, self._asks = {}, {}
        for side, levels in ((self._bids, change.bids), (self._asks, change.asks)):
            for ticks, lots, _, size in levels:
                if lots:
                    side[ticks] = size
                else:
                    side.pop(ticks, None)
        if change.ts_ms - self._told_ms < self.INTERVAL_MS or not self._bids or not self._asks:
            return None
        self._told_ms = change.ts_ms
        is_first, self._is_first = self._is_first, False
        return TickerChange(self._rules.instrument.symbol, self._fields(), change.ts_ms, change.seq, is_first)

    def _fields(self) -> dict[str, object]:
        bid, ask = max(self._bids), min(self._asks)
        self._first2 = self._first2 or bid + ask
        mid = plain(self._half_tick * (bid + ask))
        fields: dict[str, object] = {
            "markPrice": mid,
            "prevPrice24h": plain(self._half_tick * self._first2),
            "price24hPcnt": f"{(bid + ask) / self._first2 - 1:.6f}",
            "change24hSinceStart": True,
            "bid1Price": self._rules.price_text(bid),
            "bid1Size": self._bids[bid],
            "ask1Price": self._rules.price_text(ask),
            "ask1Size": self._asks[ask],
        }
        fields["lastPrice"] = self._last_price if self._last_price is not None else mid
        return fields
