"""``python -m bench.synthetic_statistics [RECORDING] [--minutes M] [--seed N]``: synthetic market beside a real one.

Both are played through the exchange's own market state, without sockets and without waiting. A wall is a level of the
visible side (50 levels) by S2's three criteria that stands for at least a second; what it loses is eaten as far as
prints at its price cover it, the rest is pulled.
"""

from __future__ import annotations

import argparse
import heapq
import statistics
from collections import Counter
from pathlib import Path

import msgspec

from cockpit.adapters.recording.reader import read_frames
from cockpit.adapters.system.clock import LiveClock
from cockpit.matching.book import BookSide
from cockpit.simex.config import DEFAULT_SYMBOLS
from cockpit.simex.events import BookChange, TickerChange, TradeBatch
from cockpit.simex.feed_synthetic import SyntheticFeed
from cockpit.simex.recording_scan import RecordingContent
from cockpit.simex.rules import SymbolRules
from cockpit.simex.symbol_market import SymbolMarket
from cockpit.simex.wire_frames import FrameReader

DEPTH = 50
SCAN_MS = 500
MIN_LIFE_MS = 1000


class WallLife:
    """One standing wall."""

    def __init__(self, now_ms: int, lots: int) -> None:
        self.since_ms = now_ms
        self.lots = lots
        self.eaten = 0
        self.pulled = 0
        self.printed = 0


class SymbolCount:
    """What is counted of one symbol."""

    def __init__(self, market: SymbolMarket) -> None:
        self.market = market
        instrument = market.rules.instrument
        self._unit = float(instrument.tick_size * instrument.qty_step)
        self.frames = self.trades = self.walls = 0
        self.spreads: list[int] = []
        self.lives_s: list[float] = []
        self.eaten = self.pulled = 0
        self.first_ms = self.last_ms = 0
        self._scanned_ms = 0
        self._standing: dict[tuple[bool, int], WallLife] = {}

    def on_book(self, change: BookChange) -> None:
        """Count a change of the base book."""
        if not self.market.is_base(change):
            return
        self.market.apply_book(change)
        self.frames += 1
        self.first_ms = self.first_ms or change.ts_ms
        self.last_ms = change.ts_ms
        bid, ask = self.market.book.bids.best, self.market.book.asks.best
        if bid is not None and ask is not None:
            self.spreads.append(ask - bid)
        for is_bid, levels in ((True, change.bids), (False, change.asks)):
            for ticks, lots, _, _ in levels:
                self._follow(is_bid, ticks, lots)
        if change.ts_ms - self._scanned_ms >= SCAN_MS:
            self._scanned_ms = change.ts_ms
            self._scan(change.ts_ms)

    def on_trades(self, batch: TradeBatch) -> None:
        """Count prints, and remember them for the walls at their price."""
        for trade in batch.trades:
            self.trades += 1
            life = self._standing.get((not trade.is_taker_buy, trade.ticks))
            if life is not None:
                life.printed += trade.lots

    def _follow(self, is_bid: bool, ticks: int, lots: int) -> None:
        life = self._standing.get((is_bid, ticks))
        if life is None:
            return
        lost = max(0, life.lots - lots)
        eaten = min(lost, life.printed)
        life.printed -= eaten
        life.eaten += eaten
        life.pulled += lost - eaten
        life.lots = lots
        if lots == 0:
            self._end((is_bid, ticks), life)

    def _end(self, key: tuple[bool, int], life: WallLife) -> None:
        del self._standing[key]
        if self.last_ms - life.since_ms >= MIN_LIFE_MS:
            self.walls += 1
            self.lives_s.append((self.last_ms - life.since_ms) / 1000)
            self.eaten += life.eaten
            self.pulled += life.pulled

    def _scan(self, now_ms: int) -> None:
        for side in (self.market.book.bids, self.market.book.asks):
            visible = side.top(DEPTH)
            usual = statistics.fmean(side.lots[ticks] for ticks in visible) if visible else 0.0
            for index, ticks in enumerate(visible):
                key = (side.is_bid, ticks)
                if key not in self._standing and self._is_wall(side, visible, index):
                    self._standing[key] = WallLife(now_ms, side.lots[ticks])
            for key, life in list(self._standing.items()):
                if key[0] == side.is_bid and life.lots < usual:
                    self._end(key, life)

    def _is_wall(self, side: BookSide, visible: list[int], index: int) -> bool:
        ticks = visible[index]
        lots = side.lots[ticks]
        if lots * ticks * self._unit < 50_000:
            return False
        around = visible[max(0, index - 5) : index] + visible[index + 1 : index + 6]
        if not around or lots * len(around) < 3 * sum(side.lots[other] for other in around):
            return False
        return lots >= 0.05 * sum(side.lots[other] for other in visible)

    def row(self, symbol: str) -> str:
        """One line of the table."""
        seconds = max(1e-9, (self.last_ms - self.first_ms) / 1000)
        lost = self.eaten + self.pulled
        share = f"{100 * self.eaten / lost:5.0f}" if lost else "    -"
        life = f"{statistics.median(self.lives_s):7.1f}" if self.lives_s else "      -"
        spread = statistics.median(self.spreads) if self.spreads else 0
        return (
            f"{symbol:<12}{seconds:>9.0f}{self.frames / seconds:>10.1f}{self.trades / seconds:>10.2f}"
            f"{spread:>10.1f}{self.walls / seconds * 3600:>10.0f}{life:>9}{share:>9}"
        )


class Statistics:
    """All symbols of one market (implements the part of ``events.MarketSink`` that feeds use)."""

    def __init__(self, markets: list[SymbolMarket]) -> None:
        self.counts = {market.symbol: SymbolCount(market) for market in markets}

    def on_book(self, change: BookChange) -> None:
        self.counts[change.symbol].on_book(change)

    def on_trades(self, batch: TradeBatch) -> None:
        self.counts[batch.symbol].on_trades(batch)

    def on_ticker(self, change: TickerChange) -> None:
        """Tickers are not counted."""

    async def wait_for_audience(self) -> None:
        """Nobody is waited for."""

    def on_started(self) -> None:
        """Nothing to do."""

    def on_ended(self) -> None:
        """Nothing to do."""

    def on_lost(self) -> None:
        """Cannot happen."""

    def show(self, title: str) -> None:
        """Print the table."""
        print(f"\n{title}")
        print(
            f"{'symbol':<12}{'seconds':>9}{'frames/s':>10}{'trades/s':>10}"
            f"{'spread t':>10}{'walls/h':>10}{'life s':>9}{'eaten %':>9}"
        )
        for symbol, count in self.counts.items():
            print(count.row(symbol))


def synthetic(seed: int, minutes: float) -> Statistics:
    """Statistics of the synthetic market over its first minutes."""
    feed = SyntheticFeed(DEFAULT_SYMBOLS, seed, 1.0, LiveClock())
    result = Statistics(feed.markets())
    start_ms = 1_700_000_000_000
    for symbol in feed.symbols:
        result.on_book(symbol.snapshot(start_ms))
        symbol.ticker.first(symbol.flow, start_ms)
    queue = [(symbol.flow.next_s, index) for index, symbol in enumerate(feed.symbols)]
    heapq.heapify(queue)
    while queue[0][0] < minutes * 60:
        index = queue[0][1]
        feed.symbols[index].step(result, start_ms)
        heapq.heapreplace(queue, (feed.symbols[index].flow.next_s, index))
    return result


def recorded(path: Path) -> tuple[Statistics, Counter[str]]:
    """Statistics of a recording, and how many frames of which kind could not be read."""
    content = RecordingContent(path)
    rules: dict[str, SymbolRules] = content.rules()
    markets = [SymbolMarket(rule, frozenset(content.symbols[symbol].depths)) for symbol, rule in rules.items()]
    result, skipped = Statistics(markets), Counter[str]()
    reader = FrameReader(rules, shift_ms=0)
    for record in read_frames(path):
        if record.direction != "recv":
            continue
        try:
            event = reader.event(record.raw)
        except (msgspec.MsgspecError, KeyError, ValueError) as error:
            skipped[type(error).__name__] += 1
            continue
        if isinstance(event, BookChange):
            result.on_book(event)
        elif isinstance(event, TradeBatch):
            result.on_trades(event)
    return result, skipped


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("recording", nargs="?", type=Path)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    synthetic(options.seed, options.minutes).show(f"synthetic, seed {options.seed}")
    if options.recording is not None:
        result, skipped = recorded(options.recording)
        result.show(f"recording {options.recording.name}")
        for kind, count in skipped.items():
            print(f"skipped: {count} frames ({kind})")


if __name__ == "__main__":
    main()
