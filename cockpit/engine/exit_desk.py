"""Exits of open positions: collects the facts, evaluates the rules, closes or moves the stop."""

from __future__ import annotations

from decimal import Decimal

from cockpit.domain.enums import BookSide, OrderRole, Side
from cockpit.domain.orders import EntryOrigin
from cockpit.domain.time import NS_PER_MS, NS_PER_S
from cockpit.engine.locks import JOURNAL
from cockpit.engine.sending_desk import SendingDesk
from cockpit.engine.state import EngineState, Outbox, SymbolState
from cockpit.execution.exits import ExitCheck, ExitFacts, evaluate, first_hit, time_stop, wants_breakeven
from cockpit.execution.open_position import OpenPosition
from cockpit.market.tape import TEN_SECONDS_NS

CADENCE_NS = 100 * NS_PER_MS
BREAKEVEN_PAUSE_NS = 5 * NS_PER_S
"""Pause between two automatic tries to move the stop to breakeven."""


class Watch:
    """What the rules remember of one position."""

    __slots__ = ("breakeven_ns", "checks", "level", "next_ns", "position", "since_event_ns")

    def __init__(self, position: OpenPosition, symbol: SymbolState) -> None:
        self.position = position
        self.since_event_ns = symbol.market.last_event_ns
        """The symbol's event clock when the position was first looked at: what its market did since."""
        self.level = _level_ahead(symbol, position)
        """The 4 h extremum ahead, as it was known then."""
        self.next_ns = 0
        self.breakeven_ns = 0
        self.checks: list[ExitCheck] = []


class ExitDesk:
    """Watches every position of ours."""

    def __init__(self, state: EngineState, sending: SendingDesk) -> None:
        self.state = state
        self.sending = sending
        self._watches: dict[str, Watch] = {}

    def checks(self, symbol: str) -> list[ExitCheck]:
        """Last verdicts on the position of a symbol, for the screen."""
        watch = self._watches.get(symbol)
        return [] if watch is None else watch.checks

    def on_market(self, symbol: SymbolState, out: Outbox) -> None:
        """A market event of a symbol; evaluates at most every 100 ms of receive time."""
        position = self.state.positions.open.get(symbol.symbol)
        if position is None or position.origin is None:
            self._watches.pop(symbol.symbol, None)
            return
        watch = self._watches.get(symbol.symbol)
        if watch is None or watch.position is not position:
            watch = self._watches[symbol.symbol] = Watch(position, symbol)
        if self.state.now_ns < watch.next_ns:
            return
        watch.next_ns = self.state.now_ns + CADENCE_NS
        facts = self._facts(symbol, watch, position.origin)
        if facts is None:
            return
        config = self.state.settings.execution.exits
        position.best_speed = facts.best_speed
        watch.checks = evaluate(facts, config)
        hit = first_hit(watch.checks)
        if hit is not None:
            self._leave(position, hit, out)
        elif wants_breakeven(facts, config) and not position.at_breakeven and self.state.now_ns >= watch.breakeven_ns:
            watch.breakeven_ns = self.state.now_ns + BREAKEVEN_PAUSE_NS
            self.to_breakeven(position, out)

    def on_tick(self, out: Outbox) -> None:
        """Once a second: the time-stop needs no market and must not wait for one."""
        for position in self.state.positions.open.values():
            if position.origin is not None:
                age_s = (self.state.now_ns - position.opened_ns) / NS_PER_S
                check = time_stop(position.origin.kind, age_s, self.state.settings.execution.exits)
                if check.hit:
                    self._leave(position, check, out)

    def _leave(self, position: OpenPosition, hit: ExitCheck, out: Outbox) -> None:
        """Close a position for a rule, once: the position desk goes on until it is gone."""
        if not position.exit_wanted:
            reason = hit.name.replace(" ", "_").replace("-", "_")
            self.sending.close(position.symbol, 100, reason, OrderRole.CLOSE, out)

    def to_breakeven(self, position: OpenPosition, out: Outbox) -> str:
        """Stop to entry plus fees. Returns "" or why that is not done."""
        symbol = self.state.symbols.get(position.symbol)
        mid, instrument = (None, None) if symbol is None else (symbol.market.mid, symbol.instrument)
        if mid is None or instrument is None:
            return f"the book of {position.symbol} is not valid"
        if position.stop_in_flight:
            return "a stop change is on its way"
        target = position.breakeven(instrument, self.state.fee_rate)
        sign = position.side.sign
        held = position.stop_confirmed if position.stop_confirmed is not None else position.stop_wanted
        if held is not None and (target - held) * sign <= 0:
            wanted = instrument.price_text(target)
            return f"the stop stands at {instrument.price_text(held)}, breakeven {wanted} is not better"
        if (instrument.nearest_ticks(mid) - target) * sign <= 0:
            return f"the price has not passed breakeven {instrument.price_text(target)} yet"
        if JOURNAL in self.state.locks:
            return "the journal cannot be written, and a restart must know of the better stop"
        if self.sending.is_stop_busy(position, target):
            return "an earlier stop change may still arrive"
        self.sending.move_stop(position, target, out)
        return ""

    def _facts(self, symbol: SymbolState, watch: Watch, origin: EntryOrigin) -> ExitFacts | None:
        market, instrument, position = symbol.market, symbol.instrument, watch.position
        if market.mid is None or instrument is None or position.entry_price == 0:
            return None
        mid, entry, sign = market.mid, float(position.entry_price), position.side.sign
        distance = abs(entry - float(instrument.price(origin.stop)))
        risk = position.risk_usdt(instrument)
        net = position.net_at(Decimal(repr(mid)), self.state.fee_rate)
        best = market.tape.best_speed(position.side, watch.since_event_ns) or 0.0
        speed = market.tape.speed()
        target = None if origin.take_profit is None else float(instrument.price(origin.take_profit))
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
            counter_wall_pct=_counter_wall(symbol, watch, mid),
            take_profit_pct=None if target is None else (target - mid) * sign / mid * 100,
            level_pct=None if watch.level is None else abs(watch.level - mid) / mid * 100,
            tolerance_pct=min(0.2, 300 * (market.spread_median or 0.0) / mid),
        )


def _level_ahead(symbol: SymbolState, position: OpenPosition) -> float | None:
    """The 4 h extremum in our direction, None if the price is at or beyond it."""
    extrema, mid = symbol.market.extrema, symbol.market.mid
    level = extrema.high if position.side is Side.BUY else extrema.low
    if level is None or mid is None or (level - mid) * position.side.sign <= 0:
        return None
    return level


def _eaten(symbol: SymbolState, origin: EntryOrigin) -> float | None:
    """How much of the position's own wall trades have eaten, percent."""
    for wall in (*symbol.bank.walls, *symbol.bank.recent_walls):
        if wall.wall_id == origin.wall_id:
            return wall.eaten_ratio * 100
    return None


def _counter_wall(symbol: SymbolState, watch: Watch, mid: float) -> float | None:
    """Distance to the nearest opposite wall that is younger than the position, percent."""
    against = BookSide.ASK if watch.position.side is Side.BUY else BookSide.BID
    distances = [
        abs(wall.price - mid) / mid * 100
        for wall in symbol.bank.walls
        if wall.side is against and wall.first_seen_ns > watch.since_event_ns
    ]
    return min(distances, default=None)
