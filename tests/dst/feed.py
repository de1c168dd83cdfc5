"""The market of a schedule: prices that walk and jump, the frames that tell of them, and what is wrong with these.

It remembers what it has told each engine, so that an entry is judged by the frames and not by the engine's book.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

from cockpit.domain.market import BookDelta, BookSnapshot, Ticker
from tests.dst.network import Network

OLDEST_S = 4.05
"""The gate's 4 s, and the way of an event to the core."""
MARK_PERCENT = 1.0
RESYNC_S = 0.15
"""From an engine's wish for a snapshot to the snapshot."""


@dataclass
class Told:
    """What one engine has been told of one symbol: time and fault of its last frames."""

    frames: deque[tuple[float, str]] = field(default_factory=lambda: deque(maxlen=2))
    is_gapped: bool = False
    """A frame is missing, and no snapshot has come since."""
    snapshot_s: float = 0.0
    """There is none before this time."""


class MarketActor:
    """Moves prices and sends book frames: a random walk with jumps."""

    def __init__(self, network: Network, random: Random, period_s: float) -> None:
        self.network = network
        self.random = random
        self.period_s = period_s
        self.update_ids = dict.fromkeys(network.instruments, 1)
        self.is_frozen = False
        """Prices stand still; frames go on."""
        self.silent: set[str] = set()
        """Symbols whose feed is cut."""
        self.crossed: set[str] = set()
        """Symbols whose book is told with the best bid above the best ask."""
        self.shown: dict[str, Decimal] = {}
        """Price of the last frame of each symbol."""
        self._told: dict[str, Told] = {}
        self._client: object = None

    def step(self) -> None:
        """One move of every symbol, and its frames."""
        for symbol, rules in self.network.instruments.items():
            market = self.network.exchange.markets[symbol]
            ticks = round(self.random.gauss(0, 6))
            if self.random.random() < 0.01:
                ticks *= 12
            if self.is_frozen:
                ticks = 0
            price = max(market.price + ticks * rules.tick_size, rules.tick_size * 1000)
            self.network.exchange.move(symbol, price)
            self.send(symbol)
        self.network.loop.call_later(self.period_s, self.step)

    def lose_frame(self, symbol: str, seconds: float) -> None:
        """A frame of the symbol gets lost: what comes is no use before a snapshot; none comes for ``seconds``."""
        self.update_ids[symbol] += 1
        told = self._told.setdefault(symbol, Told())
        told.is_gapped, told.snapshot_s = True, self.network.loop.time() + seconds

    def resync(self, symbol: str) -> None:
        """The engine asks for a snapshot."""
        told = self._told.get(symbol)
        wait_s = 0.0 if told is None else told.snapshot_s - self.network.loop.time()
        self.network.loop.call_later(max(RESYNC_S, wait_s), self._mend, symbol)

    def _mend(self, symbol: str) -> None:
        told = self._told.get(symbol)
        if told is not None and told.is_gapped:
            told.is_gapped = False
            self.network.marks["gap_resync"] += 1
            self.send(symbol)

    def send(self, symbol: str) -> None:
        """A frame of the symbol's book as it stands, and its mark price."""
        client, faults = self.network.client, self.network.faults
        is_cut = faults.is_partitioned or faults.is_down
        if client is None or is_cut or symbol in self.silent or not client.is_subscribed:
            return
        if client is not self._client:
            self._client = client
            self._told.clear()  # a connection begins with snapshots
        told = self._told.setdefault(symbol, Told())
        self.update_ids[symbol] += 1
        now_ns = self.network.exchange.now_ms() * 1_000_000
        market, rules = self.network.exchange.markets[symbol], self.network.instruments[symbol]
        tick = -rules.tick_size if symbol in self.crossed else rules.tick_size
        bid, ask, size = float(market.price - tick), float(market.price + tick), float(market.depth)
        wide = float(rules.tick_size)
        bids, asks = [(bid, size), (bid - wide, size)], [(ask, size), (ask + wide, size)]
        self.shown[symbol] = market.price
        kind = BookDelta if told.is_gapped else BookSnapshot
        client.deliver(kind(symbol, now_ns, 0, self.update_ids[symbol], self.update_ids[symbol], bids, asks))
        last, mark = float(market.price), float(market.mark)
        client.deliver(Ticker(symbol, now_ns, 0, last_price=last, mark_price=mark, change_24h=0.01))
        told.frames.append((self.network.loop.time(), self._fault(symbol, told, last, mark)))

    def _fault(self, symbol: str, told: Told, mid: float, mark: float) -> str:
        """Why nobody may enter by this frame, "" if it is whole."""
        if told.is_gapped:
            return "a frame is missing"
        if symbol in self.crossed:
            return "the book is crossed"
        off = abs(mid / mark - 1) * 100
        return f"the mark price is {off:.2f} % off" if off > MARK_PERCENT else ""

    def fault_of(self, symbol: str, lost_s: float) -> str:
        """Why no entry may be decided now by the frames that were sent, "" if nothing speaks against one.

        Args:
            symbol: where.
            lost_s: when the public stream was lost last; what was told before does not count.
        """
        now_s, told = self.network.loop.time(), self._told.get(symbol)
        frames = [] if told is None else [frame for frame in told.frames if frame[0] >= lost_s]
        if not frames:
            return "no snapshot since the stream was there"
        at_s, fault = frames[-1]
        if now_s - at_s > OLDEST_S:
            return f"the newest frame is {now_s - at_s:.1f} s old"
        is_on_its_way = at_s == now_s and len(frames) > 1 and not frames[0][1]
        return "" if is_on_its_way else fault
