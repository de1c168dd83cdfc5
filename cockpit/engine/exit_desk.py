"""Exits of open positions: collects the facts, evaluates the rules, closes or moves the stop."""

from __future__ import annotations

from decimal import Decimal

from cockpit.domain.enums import BookSide, OrderRole, Side
from cockpit.domain.orders import EntryOrigin
from cockpit.domain.time import NS_PER_MS, NS_PER_S
from cockpit.engine.order_desk import OrderDesk
from cockpit.engine.state import EngineState, Outbox, SymbolState
from cockpit.execution.exits import ExitCheck, ExitFacts, evaluate, first_hit, wants_breakeven
from cockpit.execution.positions import OpenPosition
from cockpit.market.tape import TEN_SECONDS_NS

CADENCE_NS = 100 * NS_PER_MS


class ExitDesk:
    """Watches every position of ours."""

    def __init__(self, state: EngineState, orders: OrderDesk) -> None:
        self.state = state
        self.orders = orders
        self.checks: dict[str, list[ExitCheck]] = {}
        """Last verdicts by symbol, for the screen."""
        self._levels: dict[str, float | None] = {}
        self._next_ns: dict[str, int] = {}

    def on_market(self, symbol: SymbolState, out: Outbox) -> None:
        """A market event of a symbol; evaluates at most every 100 ms of receive time."""
        position = self.orders.positions.open.get(symbol.symbol)
        if position is None:
            self.checks.pop(symbol.symbol, None)
            self._levels.pop(symbol.symbol, None)
            return
        if position.origin is None or self.state.now_ns < self._next_ns.get(symbol.symbol, 0):
            return
        self._next_ns[symbol.symbol] = self.state.now_ns + CADENCE_NS
        facts = self._facts(symbol, position, position.origin)
        if facts is None:
            return
        config = self.state.settings.execution.exits
        position.best_speed = facts.best_speed
        checks = self.checks[symbol.symbol] = evaluate(facts, config)
        hit = first_hit(checks)
        if hit is not None and position.close_id is None:
            self.orders.close(symbol.symbol, 100, hit.name.replace(" ", "_").replace("-", "_"), OrderRole.CLOSE, out)
        elif hit is None and wants_breakeven(facts, config) and not position.at_breakeven:
            self.to_breakeven(position, out)

    def to_breakeven(self, position: OpenPosition, out: Outbox) -> str:
        """Stop to entry plus fees. Returns "" or why that is not done."""
        symbol = self.state.symbols[position.symbol]
        mid, instrument = symbol.market.mid, symbol.instrument
        if mid is None or instrument is None:
            return f"the book of {position.symbol} is not valid"
        if position.stop_in_flight:
            return "a stop change is on its way"
        fee = Decimal(repr(self.state.settings.execution.taker_fee_rate))
        target = position.breakeven(instrument, fee)
        sign = position.side.sign
        held = position.stop_confirmed if position.stop_confirmed is not None else position.stop_wanted
        if held is not None and (target - held) * sign <= 0:
            wanted = instrument.price_text(target)
            return f"the stop stands at {instrument.price_text(held)}, breakeven {wanted} is not better"
        if (instrument.nearest_ticks(mid) - target) * sign <= 0:
            return f"the price has not passed breakeven {instrument.price_text(target)} yet"
        position.at_breakeven = True
        self.orders.move_stop(position, target, out)
        return ""

    def _facts(self, symbol: SymbolState, position: OpenPosition, origin: EntryOrigin) -> ExitFacts | None:
        market, instrument = symbol.market, symbol.instrument
        if market.mid is None or instrument is None or position.entry_price == 0:
            return None
        mid, entry, sign = market.mid, float(position.entry_price), position.side.sign
        distance = abs(entry - float(instrument.price(origin.stop)))
        risk = position.risk_usdt(instrument)
        fee = Decimal(repr(self.state.settings.execution.taker_fee_rate))
        net = position.net_at(Decimal(repr(mid)), fee)
        best = market.tape.best_speed(position.side, position.opened_ns) or 0.0
        speed = market.tape.speed()
        target = None if origin.take_profit is None else float(instrument.price(origin.take_profit))
        level = self._level(symbol, position)
        spread = market.spread_median or 0.0
        return ExitFacts(
            kind=origin.kind,
            age_s=(self.state.now_ns - position.opened_ns) / NS_PER_S,
            profit_r=float(net / risk) if risk else 0.0,
            move_pct=(mid / entry - 1) * 100 * sign,
            move_r=(mid - entry) * sign / distance if distance else 0.0,
            eaten_pct=_eaten(symbol, origin),
            speed=None if speed is None else max(0.0, speed * sign),
            best_speed=max(position.best_speed, best),
            own_volume=market.tape.volume(position.side, TEN_SECONDS_NS),
            counter_volume=market.tape.volume(position.side.opposite, TEN_SECONDS_NS),
            counter_wall_pct=_counter_wall(symbol, position, mid),
            take_profit_pct=None if target is None else (target - mid) * sign / mid * 100,
            level_pct=None if level is None else abs(level - mid) / mid * 100,
            tolerance_pct=min(0.2, 300 * spread / mid),
        )

    def _level(self, symbol: SymbolState, position: OpenPosition) -> float | None:
        """The 4 h extremum ahead of the entry, as it was known when the position was first looked at."""
        if symbol.symbol not in self._levels:
            extrema = symbol.market.extrema
            level = extrema.high if position.side is Side.BUY else extrema.low
            mid = symbol.market.mid
            ahead = level is not None and mid is not None and (level - mid) * position.side.sign > 0
            self._levels[symbol.symbol] = level if ahead else None
        return self._levels[symbol.symbol]


def _eaten(symbol: SymbolState, origin: EntryOrigin) -> float | None:
    """How much of the position's own wall trades have eaten, percent."""
    for wall in (*symbol.bank.walls, *symbol.bank.recent_walls):
        if wall.wall_id == origin.wall_id:
            return wall.eaten_ratio * 100
    return None


def _counter_wall(symbol: SymbolState, position: OpenPosition, mid: float) -> float | None:
    """Distance to the nearest opposite wall that is younger than the position, percent."""
    against = BookSide.ASK if position.side is Side.BUY else BookSide.BID
    distances = [
        abs(wall.price - mid) / mid * 100
        for wall in symbol.bank.walls
        if wall.side is against and wall.first_seen_ns > position.opened_ns
    ]
    return min(distances, default=None)
