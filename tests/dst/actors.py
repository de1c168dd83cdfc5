"""What an engine meets: a market that moves, a strategy that raises signals, people at the keys and at the phone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

from cockpit.detectors.activity import NO_ACTIVITY
from cockpit.detectors.wall import Wall
from cockpit.domain.enums import BookSide, Side, SignalKind
from cockpit.domain.ids import SignalId, WallId
from cockpit.domain.market import BookSnapshot, Ticker
from cockpit.domain.time import NS_PER_S
from cockpit.engine.core import TradingCore
from cockpit.signals.base import Signal, SignalRaised
from tests.dst.network import Network


class NoDetectors:
    """Stands in for a symbol's detector bank: signals come from ``Strategy``."""

    walls: Sequence[Wall] = ()
    recent_walls: Sequence[Wall] = ()
    activity = NO_ACTIVITY

    def update(self, _state: Any, _event: Any) -> list[Any]:
        return []


@dataclass
class Strategy:
    """Raises a signal for a symbol at each of its planned times. Stands in for a signal pipeline."""

    symbol: str
    plan: list[tuple[int, Side]]
    """(exchange time in ns, direction), ascending."""
    prefix: str
    raised: int = 0

    def update(self, state: Any, _bank: Any, event: Any, _walls: Any) -> list[Any]:
        if not self.plan or event.ts_event < self.plan[0][0] or state.mid is None:
            return []
        _, side = self.plan.pop(0)
        self.raised += 1
        return [SignalRaised(self._signal(side, state.mid, event.ts_event))]

    def snooze(self, _signal_id: str, _extra_ns: int) -> None:
        return

    def _signal(self, side: Side, mid: float, now_ns: int) -> Signal:
        stop = mid * (1 - 0.002 * side.sign)
        return Signal(
            signal_id=SignalId(f"{self.prefix}{self.raised}"),
            kind=SignalKind.BREAKOUT if self.raised % 2 else SignalKind.BOUNCE,
            symbol=self.symbol,
            direction=side,
            wall=_wall(self.symbol, side, mid, now_ns),
            priority=1.0,
            stop_price=stop,
            entry_reference=mid,
            gates=(),
            raised_event_ns=now_ns,
            expires_event_ns=now_ns + 45 * NS_PER_S,
        )


def _wall(symbol: str, side: Side, price: float, now_ns: int) -> Wall:
    return Wall(
        wall_id=WallId(f"{symbol}-w"),
        symbol=symbol,
        side=BookSide.ASK if side is Side.BUY else BookSide.BID,
        price=price,
        first_seen_ns=now_ns,
        initial=10.0,
        peak=10.0,
        current=5.0,
        traded=5.0,
        pulled=0.0,
        refilled=0.0,
        pending=0.0,
        touches=1,
        notional_usdt=100_000.0,
        side_percent=10.0,
        relative_strength=5.0,
        median_multiple=5.0,
        criteria=(),
        is_cluster=False,
        code="C",
    )


def install(core: TradingCore, plans: dict[str, list[tuple[int, Side]]]) -> None:
    """Put the strategy in the place of the detectors and rules of a fresh core."""
    for number, (name, symbol) in enumerate(core.state.symbols.items()):
        symbol.bank = NoDetectors()  # type: ignore[assignment]
        prefix = f"{core.state.settings.epoch}{chr(97 + number)}"
        symbol.pipeline = Strategy(name, plans[name], prefix)  # type: ignore[assignment]


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
        self.shown: dict[str, Decimal] = {}
        """Price of the last frame of each symbol."""

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

    def send(self, symbol: str, *, gap: bool = False) -> None:
        """A frame of the symbol's book as it stands; with ``gap`` it tells of a hole in the update ids."""
        client = self.network.client
        faults = self.network.faults
        is_cut = faults.is_partitioned or faults.is_down
        if client is None or is_cut or symbol in self.silent or not client.is_subscribed:
            return
        self.update_ids[symbol] += 2 if gap else 1
        now_ns = self.network.exchange.now_ms() * 1_000_000
        market, rules = self.network.exchange.markets[symbol], self.network.instruments[symbol]
        tick = rules.tick_size
        bid, ask, size = float(market.price - tick), float(market.price + tick), float(market.depth)
        bids, asks = [(bid, size), (bid - float(tick), size)], [(ask, size), (ask + float(tick), size)]
        self.shown[symbol] = market.price
        client.deliver(BookSnapshot(symbol, now_ns, 0, self.update_ids[symbol], self.update_ids[symbol], bids, asks))
        mark = float(market.price)
        client.deliver(Ticker(symbol, now_ns, 0, last_price=mark, mark_price=mark, change_24h=0.01))


def quantity(rules: Any, random: Random) -> Decimal:
    """Some legal quantity for a hand at the phone."""
    return Decimal(rules.min_qty * random.randint(1, 20))
