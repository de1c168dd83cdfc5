"""The synthetic market as a source: paces the flows of all symbols and stamps, words and numbers what they do.

Virtual time is the flow's; wall time only decides when a step is told. Same seed and symbols: same flow.
"""

from __future__ import annotations

import heapq
from random import Random

from cockpit.domain.enums import Side
from cockpit.domain.time import NS_PER_S
from cockpit.ports.clock import Clock
from cockpit.simex.events import BookChange, Level, MarketSink, TradeBatch, TradeRow
from cockpit.simex.rules import SymbolRules
from cockpit.simex.symbol_market import SymbolMarket
from cockpit.simex.synthetic.flow import SymbolFlow
from cockpit.simex.synthetic.specs import spec_of
from cockpit.simex.synthetic.ticker import SyntheticTicker

LONGEST_LAG_NS = 1 * NS_PER_S
"""A process that was held up longer than this goes on from now instead of catching up."""

SLICE_STEPS = 50
"""Steps told in a row before other tasks get a turn."""


def seeded(seed: int, *names: str) -> Random:
    """An independent generator for a purpose; equal arguments give equal numbers."""
    return Random(":".join((str(seed), *names)))  # noqa: S311 - a market, not a secret


class SyntheticSymbol:
    """One symbol's flow with its texts, trade ids and ticker."""

    def __init__(self, symbol: str, seed: int, trend: int) -> None:
        spec = spec_of(symbol)
        self.symbol = symbol
        self.rules = SymbolRules(spec.instrument)
        self.flow = SymbolFlow(spec, seeded(seed, symbol, "flow"), trend=trend)
        self.ticker = SyntheticTicker(self.rules, seeded(seed, symbol, "ticker"), self.flow.fair, trend=trend)
        self._ids = seeded(seed, symbol, "ids")
        self._seq = 7_000_000_000 + self._ids.randrange(1_000_000)
        self._last_ticks = 0
        self._direction = "ZeroPlusTick"

    def snapshot(self, start_ms: int) -> BookChange:
        """The whole book at virtual time zero."""
        bids = [self._level(ticks, self.flow.bids.lots[ticks]) for ticks in self.flow.bids]
        asks = [self._level(ticks, self.flow.asks.lots[ticks]) for ticks in self.flow.asks]
        return BookChange(self.symbol, True, bids, asks, self._seq, start_ms, start_ms)

    def step(self, sink: MarketSink, start_ms: int) -> None:
        """Advance by one step and tell what happened: trades, book, ticker."""
        step = self.flow.next_step()
        ts_ms = start_ms + int(self.flow.now_s * 1000)
        if not step.bids and not step.asks and not step.prints:
            return
        self._seq += self._ids.randint(1, 400)
        if step.prints:
            trades = [self._trade(fill.side, fill.ticks, fill.lots, ts_ms) for fill in step.prints]
            self.ticker.count(step.prints)
            sink.on_trades(TradeBatch(self.symbol, ts_ms, trades))
        bids = [self._level(ticks, lots) for ticks, lots in sorted(step.bids.items(), reverse=True)]
        asks = [self._level(ticks, lots) for ticks, lots in sorted(step.asks.items())]
        sink.on_book(BookChange(self.symbol, False, bids, asks, self._seq, ts_ms, ts_ms))
        ticker = self.ticker.due(self.flow, self._last_ticks, self._seq, ts_ms)
        if ticker is not None:
            sink.on_ticker(ticker)

    def _level(self, ticks: int, lots: int) -> Level:
        return ticks, lots, self.rules.price_text(ticks), self.rules.qty_text(lots) if lots else "0"

    def _trade(self, side: Side, ticks: int, lots: int, ts_ms: int) -> TradeRow:
        if ticks != self._last_ticks:
            self._direction = "PlusTick" if ticks > self._last_ticks else "MinusTick"
        elif not self._direction.startswith("Zero"):
            self._direction = f"Zero{self._direction}"
        self._last_ticks = ticks
        digits = f"{self._ids.getrandbits(128):032x}"
        row = {
            "T": ts_ms,
            "s": self.symbol,
            "S": side.value,
            "v": self.rules.qty_text(lots),
            "p": self.rules.price_text(ticks),
            "L": self._direction,
            "i": f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}",
            "BT": False,
            "RPI": False,
            "seq": self._seq,
        }
        return TradeRow(ticks, lots, side is Side.BUY, row)


class SyntheticFeed:
    """All synthetic symbols on one virtual clock (implements ``feed.Feed``)."""

    def __init__(self, symbols: tuple[str, ...], seed: int, speed: float, clock: Clock) -> None:
        trends = [1 if index % 2 == 0 else -1 for index in range(len(symbols))]
        seeded(seed, "trends").shuffle(trends)
        self.symbols = [SyntheticSymbol(symbol, seed, trend) for symbol, trend in zip(symbols, trends, strict=True)]
        self._speed = speed
        self._clock = clock

    def markets(self) -> list[SymbolMarket]:
        """One market per symbol."""
        return [SymbolMarket(symbol.rules) for symbol in self.symbols]

    def jump(self, symbol: str, factor: float) -> None:
        """Let the price of a symbol jump; its next step tells the new book."""
        for known in self.symbols:
            if known.symbol == symbol:
                known.flow.jump(factor)
                return
        raise ValueError(f"no symbol {symbol!r}")

    async def run(self, sink: MarketSink) -> None:
        """Tell the flows at their pace for ever."""
        start_ms = self._clock.now_ns() // 1_000_000
        start_ns = self._clock.monotonic_ns()
        sink.on_started()
        for symbol in self.symbols:
            sink.on_book(symbol.snapshot(start_ms))
            sink.on_ticker(symbol.ticker.first(symbol.flow, start_ms))
        queue = [(symbol.flow.next_s, index) for index, symbol in enumerate(self.symbols)]
        told = 0
        while True:
            due_s, index = queue[0]
            wait_ns = start_ns + int(due_s * NS_PER_S / self._speed) - self._clock.monotonic_ns()
            if wait_ns > 0 or told >= SLICE_STEPS:
                told = 0
                await self._clock.sleep(max(wait_ns, 0) / NS_PER_S)
            elif wait_ns < -LONGEST_LAG_NS:
                start_ns -= wait_ns
                start_ms += -wait_ns // 1_000_000
            symbol = self.symbols[index]
            symbol.step(sink, start_ms)
            told += 1
            heapq.heapreplace(queue, (symbol.flow.next_s, index))
