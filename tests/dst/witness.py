"""Looks at an engine from outside, for the oracle: its steps, its entries at the instant of decision, what it shows.

It also knows when the world around the engine is healthy, because protection, flatten and display have deadlines then.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from cockpit.domain.enums import OrderPath, OrderStatus, Side
from cockpit.domain.orders import OrderRequest
from cockpit.engine.core import TradingCore
from cockpit.engine.effects import FlowBooked, Noted, OrderChanged, Step, StopConfirmed, SubmitOrder
from tests.dst.exchange import Execution, PositionState
from tests.dst.oracle import ENTRY_ROLE, OWN

if TYPE_CHECKING:
    from tests.dst.schedule import World
    from tests.dst.venue_client import VenueClient

CONNECTION_LOSS_S = 32.0
"""30 s of the engine's own ticks."""
PONG_LIMIT_S, READ_LIMIT_S = 10.5, 30.5
"""The gates' 10 s and 30 s, and what an event may wait in the engine's queue."""
UNKNOWN_S = 3.05
"""From this age on an entry without an answer is unknown to the engine that sent it."""
FLAT_S = 20.0
"""A flatten has worked so long after it was accepted and all was healthy (reliability.md I3)."""
SHOWN_S = 12.5
"""A healthy engine has read the account by then; what changed less than ``FRESH_S`` ago may be on its way."""
FRESH_S = 3.0
STALE_S = 12.0
"""What a read showed may be as old."""
LATE_CLOSE_S = 5.0
EXPOSURE_SHARE = Decimal("0.95")


class Span:
    """For how long something has been so."""

    def __init__(self) -> None:
        self._since_s: float | None = None
        self.s = 0.0

    def note(self, is_so: bool, now_s: float) -> None:
        """It is so now, or not."""
        if not is_so:
            self._since_s = None
        elif self._since_s is None:
            self._since_s = now_s
        self.s = 0.0 if self._since_s is None else now_s - self._since_s


class Witness:
    """One schedule's witness; it sees every life of the engine."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.oracle = world.oracle
        self._states: dict[str, list[OrderStatus]] = {}
        self._healthy = Span()
        """Engine, requests and exchange; pushes may be lost, and books thin."""
        self._heard = Span()
        """Every push is delivered, besides."""
        self._liquid = Span()
        """Or every book is as deep as ever."""
        self._depth = Decimal(world.plan.depth)
        self._holding_s = 0.0
        """Since when a position of ours has been known to an engine without connection."""
        self._flat_s = 0.0
        """When the account was flat last."""
        self._moved_s: dict[str, float] = {}
        """When a position changed last."""
        self._dead: set[str] = set()
        self._late: dict[str, float] = {}
        """By symbol, since when a fill of an entry that was judged dead stands and nothing leaves to close it."""
        world.exchange.listeners.append(self._listen)

    @property
    def now_s(self) -> float:
        return self.world.loop.time()

    # ------------------------------------------------------------------------------------------- what the engine does

    def observe(self, core: TradingCore, step: Step) -> None:
        """Look at a step of the engine: coverage marks, and what must have been true when it decided."""
        marks = self.oracle.marks
        for output in step.outputs:
            if isinstance(output, OrderChanged):
                self._mark_order(output)
            elif isinstance(output, Noted) and output.event == "money_mismatch":
                marks["money_mismatch"] += 1
            elif isinstance(output, Noted) and output.event == "flatten" and output.text.startswith("flat:"):
                self._called_flat()
            elif isinstance(output, FlowBooked):
                marks["external_flow"] += 1
            elif isinstance(output, StopConfirmed):
                marks["stop_confirmed"] += 1
            if self.world.plan.is_traced:
                self.world.note(f"  {type(output).__name__} {str(output)[:160]}")
        for effect in step.effects:
            if isinstance(effect, SubmitOrder) and ENTRY_ROLE in effect.request.client_id:
                self._entered(core, effect.request)

    def _entered(self, core: TradingCore, request: OrderRequest) -> None:
        """What must be true when an entry is decided."""
        world, client = self.world, self.world.client
        signal, symbol = str(request.signal_id), request.symbol
        lost_s = -1e9 if client is None else client.public_lost_s
        self.oracle.entry_decided(signal, self._untold(), world.market.fault_of(symbol, lost_s))
        if closed := self._closed_gate(client):
            self.oracle.fail("I12", f"entry for {signal} although {closed}")
        self._bounded(core, signal)
        assert request.price is not None
        rules = world.instruments[symbol] if client is None else client.rules[symbol]
        limit, qty = rules.price(request.price), rules.qty(request.lots)
        self.oracle.entry_priced(symbol, request.side.value, limit, qty, world.market.shown[symbol])

    def _untold(self) -> list[str]:
        """Entries that left so long ago that they are unknown, and of which nobody has heard since."""
        untold = self.world.network.untold.items()
        return [link_id for link_id, entry in untold if self.now_s - entry.sent_s > UNKNOWN_S]

    def _closed_gate(self, client: VenueClient | None) -> str:
        """What the wires know that must keep an entry out, "" if nothing."""
        if client is None:
            return ""
        if self.now_s - client.answered_s > PONG_LIMIT_S:
            return f"the private stream answered {self.now_s - client.answered_s:.1f} s ago"
        if self.now_s - client.read_s > READ_LIMIT_S:
            return f"the account was read {self.now_s - client.read_s:.1f} s ago"
        is_over_socket = self.world.plan.order_path is OrderPath.SOCKET
        if is_over_socket and not client.is_socket_up and self.now_s - client.socket_down_s > 0.1:
            return "the trade socket is gone"
        return "the exchange is down" if self.world.network.faults.is_down else ""

    def _bounded(self, core: TradingCore, signal: str) -> None:
        """I1: what the engine counts as margin is no less than what its own orders hold at the exchange."""
        counted, held = core.signals.margin_used(), self.world.exchange.own_margin()
        if counted < held * EXPOSURE_SHARE:
            self.oracle.fail("I1", f"entry for {signal} with {counted:.2f} counted and {held:.2f} USDT held")

    def _mark_order(self, output: OrderChanged) -> None:
        marks = self.oracle.marks
        history = self._states.setdefault(output.client_id, [])
        before = history[-1] if history else None
        history.append(output.status)
        if before is OrderStatus.UNKNOWN:
            marks["unknown_then_dead" if output.status is OrderStatus.DEAD else "unknown_then_adopted"] += 1
        if before is OrderStatus.DEAD:
            marks["dead_then_adopted"] += 1
        if output.status is OrderStatus.DEAD:
            self._dead.add(output.client_id)
        if output.status is OrderStatus.CANCELLED and output.filled_qty > 0:
            marks["partial_then_cancelled"] += 1
        if output.status is OrderStatus.FILLED and before is OrderStatus.INTENT:
            marks["filled_before_answer"] += 1

    def _called_flat(self) -> None:
        """I3: the engine says that a flatten is done; the account was flat, as late as a read may be."""
        if self.now_s - self._flat_s > STALE_S:
            self.oracle.fail("I3", f"called flat, the account was flat {self.now_s - self._flat_s:.1f} s ago")

    # ------------------------------------------------------------------------------------- what happens at the exchange

    def _listen(self, kind: str, what: object) -> None:
        if kind == "price":
            return
        if isinstance(what, PositionState):
            self._moved_s[what.symbol] = self.now_s
        elif kind == "execution" and isinstance(what, Execution) and what.order.link_id in self._dead:
            self.oracle.marks["late_fill_after_dead"] += 1
            self._late[what.symbol] = self.now_s
        if self._is_flat():
            self._flat_s = self.now_s

    def _is_flat(self) -> bool:
        exchange = self.world.exchange
        if any(position.qty for position in exchange.positions.values()):
            return False
        return not any(o.status == "New" and o.link_id.startswith(OWN) for o in exchange.orders.values())

    # --------------------------------------------------------------------------------------------- twice a second

    def poll(self) -> None:
        """How long all has been healthy, and what must be so by then."""
        is_healthy, markets = self._is_healthy(), self.world.exchange.markets.values()
        is_deep = all(market.depth == self._depth for market in markets)
        self._healthy.note(is_healthy, self.now_s)
        self._heard.note(is_healthy and self.world.network.faults.are_pushes_whole, self.now_s)
        self._liquid.note(is_healthy and is_deep, self.now_s)
        if self._is_flat():
            self._flat_s = self.now_s
        self.oracle.poll(self._healthy.s)
        self._watch_connection()
        self._flat_in_time()
        self._close_late_fills()
        if self._heard.s > SHOWN_S:
            self._shown()

    def _is_healthy(self) -> bool:
        world, client = self.world, self.world.client
        if world.engine is None or world.engine.core is None or client is None or world.engine.task.done():
            return False
        network, exchange = world.network, world.exchange
        is_wire_whole = network.faults.are_requests_whole and not (network.mute_routes or network.slow_routes)
        is_silent = bool(client.silence.left_ns(world.clock.monotonic_ns()))
        is_there = client.is_subscribed and client.lost_s is None and not is_silent
        is_over_socket = world.plan.order_path is OrderPath.SOCKET
        is_matching = exchange.defer is None and not exchange.ignores_attached_stop and not network.hides_executions
        is_market = not any(market.is_halted for market in exchange.markets.values())
        is_way = client.is_socket_up or not is_over_socket
        return is_wire_whole and is_there and is_way and is_matching and is_market and not world.disk.is_failing

    def _watch_connection(self) -> None:
        """A connection that stays lost while a position of ours is known: from then on all must become flat."""
        client, core = self.world.client, None if self.world.engine is None else self.world.engine.core
        held = [] if core is None else [p for p in core.state.positions.open.values() if p.origin is not None]
        if client is None or client.lost_s is None or not held:
            self._holding_s = self.now_s
        elif self.now_s - max(client.lost_s, self._holding_s) > CONNECTION_LOSS_S and self.oracle.flatten_s is None:
            self.oracle.flatten_s = self.now_s
            self.oracle.marks["connection_loss_flatten"] += 1

    def _flat_in_time(self) -> None:
        """I3: a flatten has worked within its time, and stays so."""
        accepted_s = self.oracle.flatten_s
        if accepted_s is None or min(self._liquid.s, self.now_s - accepted_s) < FLAT_S or self._is_flat():
            return
        self.oracle.check_flat(f"flatten of {accepted_s:.1f} s")

    def _close_late_fills(self) -> None:
        """I9: what a dead entry has opened is being closed."""
        for symbol, since_s in list(self._late.items()):
            if self.world.exchange.positions[symbol].qty == 0 or self.oracle.closing_s.get(symbol, -1.0) >= since_s:
                del self._late[symbol]
            elif min(self._liquid.s, self.now_s - since_s) > LATE_CLOSE_S:
                self.oracle.fail("I9", f"a dead entry has filled in {symbol} and nothing closes it")
                del self._late[symbol]

    def _shown(self) -> None:
        """I19: positions and stops as the engine shows them are the exchange's."""
        engine = self.world.engine
        assert engine is not None
        assert engine.core is not None
        positions = engine.core.state.positions
        for symbol, position in self.world.exchange.positions.items():
            if self.now_s - self._moved_s.get(symbol, 0.0) < FRESH_S:
                continue
            held, unclaimed = positions.open.get(symbol), positions.unclaimed.get(symbol)
            shown = Decimal(0) if held is None else held.qty * held.side.sign
            if held is None and unclaimed is not None:
                shown = unclaimed.qty * (1 if unclaimed.side is Side.BUY else -1)
            if shown != position.qty:
                self.oracle.fail("I19", f"engine holds {shown} {symbol}, the exchange {position.qty}")
            if held is not None and not held.is_foreign and position.qty:
                stop = held.stop_confirmed
                price = None if stop is None else self.world.instruments[symbol].price(stop)
                if price != position.stop:
                    self.oracle.fail("I19", f"engine shows a stop of {symbol} at {price}, it is {position.stop}")
