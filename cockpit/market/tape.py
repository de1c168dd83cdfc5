"""The trades of one symbol in rolling windows of event time. No book and no detector lives here.

``now`` is the symbol's event clock and moves only by ``advance``. Reading never changes anything, so what a screen asks
cannot alter a decision. Block trades are no part of the tape.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from math import inf

from cockpit.domain.enums import Side
from cockpit.domain.market import Trade
from cockpit.domain.time import NS_PER_S
from cockpit.market.rolling import Cadence

TEN_SECONDS_NS = 10 * NS_PER_S
ONE_MINUTE_NS = 60 * NS_PER_S
FIVE_MINUTES_NS = 300 * NS_PER_S
WINDOWS_NS = (TEN_SECONDS_NS, ONE_MINUTE_NS, FIVE_MINUTES_NS)

SPEED_WINDOW_NS = TEN_SECONDS_NS
SPEED_HISTORY = 3600
"""Seconds of speed samples kept for ``best_speed``."""

_COMPACT_AT = 4096


class TradeWindow:
    """Running totals of the trades newer than ``now - window_ns``."""

    __slots__ = ("buy", "count", "due_ns", "sell", "start", "window_ns")

    def __init__(self, window_ns: int) -> None:
        self.window_ns = window_ns
        self.start = 0
        """Index of the oldest trade inside, in the tape's lists."""
        self.due_ns: float = inf
        """Event clock at which the oldest trade inside leaves."""
        self.count = 0
        self.buy = 0.0
        """Size bought by takers, base currency."""
        self.sell = 0.0

    @property
    def per_minute(self) -> float:
        """Trades a minute."""
        return self.count * 60.0 * NS_PER_S / self.window_ns

    @property
    def per_second(self) -> float:
        """Trades a second."""
        return self.count * float(NS_PER_S) / self.window_ns

    @property
    def delta(self) -> float:
        """Bought minus sold size, base currency."""
        return self.buy - self.sell

    @property
    def buy_sell_ratio(self) -> float | None:
        """Bought over sold size; None while nothing was sold."""
        return self.buy / self.sell if self.sell > 0.0 else None

    def add(self, ts_event: int, signed_size: float) -> None:
        """Count one new trade (size above 0 bought, below 0 sold)."""
        if self.count == 0:
            self.due_ns = ts_event + self.window_ns
        self.count += 1
        if signed_size > 0.0:
            self.buy += signed_size
        else:
            self.sell -= signed_size

    def evict(self, stamps: list[int], signed_sizes: list[float], now_ns: int) -> None:
        """Let the trades that are ``window_ns`` old or older go."""
        cutoff = now_ns - self.window_ns
        at = self.start
        while at < len(stamps) and stamps[at] <= cutoff:
            size = signed_sizes[at]
            if size > 0.0:
                self.buy -= size
            else:
                self.sell += size
            at += 1
        self.count -= at - self.start
        self.start = at
        self.due_ns = stamps[at] + self.window_ns if at < len(stamps) else inf
        if self.count == 0:
            self.buy = self.sell = 0.0  # an empty window holds exactly nothing, whatever float sums left over


class TradeTape:
    """Trades by event time, with running totals of 10, 60 and 300 s."""

    def __init__(self) -> None:
        self.now_ns = 0
        """The symbol's event clock at the last ``advance``."""
        self.started_ns: int | None = None
        """Event clock at the first ``advance``: how far back the tape can know."""
        self.last_price: float | None = None
        self.total = 0
        """Trades taken in since the start."""
        self._stamps: list[int] = []
        self._prices: list[float] = []
        self._signed: list[float] = []
        self._windows = {window_ns: TradeWindow(window_ns) for window_ns in WINDOWS_NS}
        self._longest = self._windows[FIVE_MINUTES_NS]
        self._window_list = tuple(self._windows.values())
        self._due_ns: float = 0
        """Event clock before which ``advance`` has nothing to do but to move."""
        self._sampling = Cadence(NS_PER_S)
        self._speed_stamps = array("q")
        self._speeds = array("d")

    def add(self, trades: Iterable[Trade]) -> None:
        """Take in the trades of one frame. A stamp older than the last one counts as the last one."""
        stamps = self._stamps
        for trade in trades:
            if trade.is_block:
                continue
            signed = trade.size if trade.side is Side.BUY else -trade.size
            ts_event = max(trade.ts_event, stamps[-1]) if stamps else trade.ts_event
            stamps.append(ts_event)
            self._prices.append(trade.price)
            self._signed.append(signed)
            self.total += 1
            self.last_price = trade.price
            for window in self._window_list:
                window.add(ts_event, signed)
        self._due_ns = min(self._due_ns, *(window.due_ns for window in self._window_list))

    def advance(self, now_ns: int) -> None:
        """Move the event clock to ``now_ns`` (never backwards) and let old trades go."""
        self.now_ns = now_ns
        if now_ns >= self._due_ns:
            self._let_go(now_ns)

    def window(self, window_ns: int) -> TradeWindow:
        """Running totals of one of ``WINDOWS_NS``. Read only."""
        return self._windows[window_ns]

    def is_warming(self, window_ns: int) -> bool:
        """True until the tape has run for ``window_ns``."""
        return self.started_ns is None or self.now_ns - self.started_ns < window_ns

    def volume(self, side: Side | None, window_ns: int) -> float:
        """Size traded by takers of ``side`` (None: both) in the last ``window_ns`` (at most 300 s), base currency."""
        first = bisect_right(self._stamps, self.now_ns - window_ns)
        sizes = self._signed[first:]
        if side is None:
            return sum(map(abs, sizes))
        return sum(abs(size) for size in sizes if (size > 0.0) is (side is Side.BUY))

    def last(self, count: int) -> list[tuple[int, float, float]]:
        """(event time, price, size bought > 0 or sold < 0) of the last ``count`` trades, oldest first."""
        return list(zip(self._stamps[-count:], self._prices[-count:], self._signed[-count:], strict=True))

    def recent(self, window_ns: int) -> list[tuple[int, float, float]]:
        """(event time, price, size bought > 0 or sold < 0) of the trades of the last ``window_ns``, oldest first."""
        first = bisect_right(self._stamps, self.now_ns - window_ns)
        return list(zip(self._stamps[first:], self._prices[first:], self._signed[first:], strict=True))

    @property
    def last_is_buy(self) -> bool:
        """True if the last trade's taker bought (also before the first trade)."""
        return not self._signed or self._signed[-1] > 0.0

    def speed(self, window_ns: int = SPEED_WINDOW_NS) -> float | None:
        """Price change a second over the last ``window_ns`` (at most 300 s), quote currency, signed.

        None while no trade is known from before the window.
        """
        before = bisect_right(self._stamps, self.now_ns - window_ns)
        if before == 0:
            return None
        return (self._prices[-1] - self._prices[before - 1]) * NS_PER_S / window_ns

    def best_speed(self, direction: Side, since_ns: int) -> float | None:
        """Largest 10 s speed in ``direction`` sampled since ``since_ns`` (sampled each second, for the last hour).

        Positive means: the price moved in ``direction``. None if there is no sample.
        """
        speeds = self._speeds[bisect_left(self._speed_stamps, since_ns) :]
        return max((speed * direction.sign for speed in speeds), default=None)

    def _let_go(self, now_ns: int) -> None:
        """Let old trades go, sample the speed if it is time, and find out when there is something to do again."""
        if self.started_ns is None:
            self.started_ns = now_ns
        for window in self._window_list:
            if now_ns >= window.due_ns:
                window.evict(self._stamps, self._signed, now_ns)
        if self._sampling.is_due(now_ns):
            self._sample_speed()
            self._compact()
        self._due_ns = min(self._sampling.next_ns, *(window.due_ns for window in self._window_list))

    def _sample_speed(self) -> None:
        speed = self.speed()
        if speed is None:
            return
        self._speed_stamps.append(self.now_ns)
        self._speeds.append(speed)
        if len(self._speeds) >= 2 * SPEED_HISTORY:
            del self._speed_stamps[:SPEED_HISTORY], self._speeds[:SPEED_HISTORY]

    def _compact(self) -> None:
        """Drop what every window has left behind, but one trade: it is the price before the longest window."""
        useless = self._longest.start - 1
        if useless < _COMPACT_AT:
            return
        del self._stamps[:useless], self._prices[:useless], self._signed[:useless]
        for window in self._window_list:
            window.start -= useless
