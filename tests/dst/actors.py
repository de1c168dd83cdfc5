"""What raises the signals of a schedule, in the place of detectors and rules, and what a hand at the phone trades."""

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
from cockpit.domain.time import NS_PER_S
from cockpit.engine.core import TradingCore
from cockpit.signals.base import Signal, SignalRaised


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


def quantity(rules: Any, random: Random) -> Decimal:
    """Some legal quantity for a hand at the phone."""
    return Decimal(rules.min_qty * random.randint(1, 20))
