"""One schedule: a world drawn from a seed, an engine in it, faults and people, then healing and judgement."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from cockpit.domain.commands import ApproveSignal, ClosePosition, Command, FlattenAll, MoveStopToBreakeven
from cockpit.domain.enums import Environment, OrderPath, OrderStatus, Side
from cockpit.domain.instrument import Instrument
from cockpit.domain.orders import OrderRequest
from cockpit.domain.time import NS_PER_S
from cockpit.engine import host_watch, runner
from cockpit.engine.core import EngineEvent, TradingCore
from cockpit.engine.effects import FlowBooked, Noted, OrderChanged, Step, StopConfirmed, SubmitOrder
from cockpit.engine.projection import ShellFigures
from cockpit.engine.runner import Runner
from cockpit.engine.state import CoreSettings
from cockpit.engine.supervisor import Supervisor
from cockpit.execution.config import ExecutionConfig
from cockpit.execution.ticket import ticket_hash
from cockpit.ports.journal import Recovery
from cockpit.views.frames import CommandFrame
from tests.dst.actors import MarketActor, install
from tests.dst.exchange import Exchange, Market
from tests.dst.journal import Disk, DiskJournal
from tests.dst.loop import Deadlock, VirtualClock, VirtualLoop
from tests.dst.network import Network
from tests.dst.oracle import ENTRY_ROLE, OWN, Limits, Oracle
from tests.dst.plan import Plan
from tests.dst.venue_client import VenueClient
from tests.dst.world_faults import WorldFaults, rules_of

START_NS = 1_767_225_600 * NS_PER_S + 9 * 3_600 * NS_PER_S
"""2026-01-01 09:00 UTC."""
CASH = Decimal(100_000)
SETTLE_S = 32.0
EXECUTION = ExecutionConfig(ledger_s=10.0)
"""A schedule lasts a minute or so: the transaction log is compared more often."""
POLL_S = 0.5
STOP_FAULTS = frozenset({"ignore_stop", "remove_stop", "lose_stop_requests", "close_part"})
"""They never keep a whole close from the exchange."""
CONNECTION_LOSS_S = 32.0
"""30 s of the engine's own ticks."""
PONG_LIMIT_S, READ_LIMIT_S = 10.5, 30.5
"""The gates' 10 s and 30 s, and what an event may wait in the engine's queue."""
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT")


class NoScreens:
    """Nobody looks."""

    watched: frozenset[str] = frozenset()
    viewers = 0

    def publish(self, _views: Any) -> None:
        return


@dataclass
class Result:
    """What one schedule showed."""

    seed: int
    violations: list[str]
    marks: Counter[str]
    executions: int
    trace: str
    """Digest of all steps of all engines."""
    events: list[str] = field(default_factory=list)


class ObservedCore(TradingCore):
    """The real core; every step is shown to the schedule, which changes nothing."""

    observer: Any = None

    def start(self, now_ns: int) -> Step:
        return self._shown(super().start(now_ns))

    def process(self, event: EngineEvent) -> Step:
        return self._shown(super().process(event))

    def _shown(self, step: Step) -> Step:
        if self.observer is not None and (step.outputs or step.effects):
            self.observer(self, step)
        return step


class Engine:
    """One life of the engine: from start to kill."""

    def __init__(self, world: World) -> None:
        self.client = VenueClient(world.network)
        self.journal = DiskJournal(world.disk)
        world.network.client = self.client
        supervisor = Supervisor(world.clock)
        self.runner = Runner(
            make_core=world.make_core,
            venue=self.client,
            journal=self.journal,
            clock=world.clock,
            supervisor=supervisor,
            views=NoScreens(),
            figures=ShellFigures(
                environment_word="SIM", source="model", disk_free=lambda: 10**12, is_lock_held=lambda: True
            ),
        )
        self.task = asyncio.ensure_future(self.runner.run())

    @property
    def core(self) -> TradingCore | None:
        """The core, once the journal has been read."""
        return self.runner.core

    def kill(self, main: asyncio.Task[Any]) -> None:
        """kill -9: nothing of it runs any more, what it sent stays sent."""
        self.client.is_dead = self.journal.is_dead = True
        self.runner.abandon()
        for task in asyncio.all_tasks():
            if task is not main:
                task.cancel()


class World:
    """Everything of one schedule."""

    def __init__(self, plan: Plan, loop: VirtualLoop, mutation: Any = None) -> None:
        self.plan = plan
        self.loop = loop
        self.mutation = mutation
        self.random = Random(plan.seed * 7919 + 1)
        self.clock = VirtualClock(loop, START_NS)
        self.instruments = {name: _instrument(name) for name in SYMBOLS[: plan.symbols]}
        self.exchange = Exchange(
            rules={name: rules_of(rules) for name, rules in self.instruments.items()},
            markets={name: Market(Decimal(100), Decimal(plan.depth)) for name in self.instruments},
            cash=CASH,
            now_ms=lambda: (START_NS + round(loop.time() * NS_PER_S)) // 1_000_000,
        )  # fmt: skip
        self.network = Network(self.exchange, self.clock, loop, self.random, self.instruments)
        self.network.order_path = plan.order_path
        self.disk = Disk()
        self.oracle = Oracle(self.exchange, Limits(Decimal(5), 10, CASH * Decimal("0.003")), loop.time)
        self.faults = WorldFaults(self)
        self.market = MarketActor(self.network, Random(plan.seed * 31 + 7), plan.market_period_s)
        self.market.is_frozen = plan.keeps_still
        self.network.tell_banned = self.oracle.banned
        self.network.tell_closing = self.oracle.close_left
        self.oracle.knows_rules = self._knows_rules
        self.oracle.is_wire_whole = lambda: not (self.network.marks["reply_lost"] or self.network.marks["push_lost"])
        self.oracle.is_only_stops = {name for _at_s, name, _how in plan.faults} <= STOP_FAULTS
        self.engine: Engine | None = None
        self.main: asyncio.Task[Any] | None = None
        self.traces: list[str] = []
        self.events: list[str] = []
        self.is_flatten_accepted = False
        self._signals = {name: list(plan.signals.get(name, ())) for name in self.instruments}
        self._command = 0

    # ------------------------------------------------------------------------------------------------------- engine

    def make_core(self, recovery: Recovery) -> TradingCore:
        """The real core with the schedule's strategy in the place of detectors and rules."""
        settings = CoreSettings(
            environment=Environment.SIM,
            symbols=tuple(self.instruments),
            epoch=recovery.epoch,
            order_path=self.plan.order_path,
            execution=EXECUTION,
        )
        core = ObservedCore(settings, recovery)
        install(core, self._signals)
        core.observer = self.observe
        if self.mutation is not None:
            self.mutation.apply(core)
        return core

    def start_engine(self) -> None:
        """Start an engine (the first, or after a kill)."""
        self.note("engine start")
        self.oracle.engine_since_s = self.loop.time()
        self.oracle.begin_life()
        self.engine = Engine(self)

    def kill_engine(self, restart_after_s: float) -> None:
        """Kill the engine and start another one later."""
        if self.engine is None or self.main is None:
            return
        self.note("kill -9")
        self.oracle.marks["killed"] += 1
        if self.engine.core is not None:
            self._mark_kill(self.engine.core)
        self.traces.append(self.engine.runner.digest.hexdigest())
        self.engine.kill(self.main)
        self.engine = None
        self.network.client = None
        self.loop.call_later(restart_after_s, self.start_engine)

    def _mark_kill(self, core: TradingCore) -> None:
        if core.state.positions.open:
            self.oracle.marks["killed_with_position"] += 1
        if core.state.orders.in_flight():
            self.oracle.marks["killed_in_flight"] += 1
        if core.flatten.flatten.is_running:
            self.oracle.marks["killed_in_flatten"] += 1

    def observe(self, core: TradingCore, step: Step) -> None:
        """Look at a step of the engine: coverage marks, and what must have been true when it decided."""
        marks = self.oracle.marks
        for output in step.outputs:
            if isinstance(output, OrderChanged):
                self._mark_order(output)
            elif isinstance(output, Noted) and output.event == "money_mismatch":
                marks["money_mismatch"] += 1
            elif isinstance(output, FlowBooked):
                marks["external_flow"] += 1
            elif isinstance(output, StopConfirmed):
                marks["stop_confirmed"] += 1
            if self.plan.is_traced:
                self.note(f"  {type(output).__name__} {str(output)[:160]}")
        for effect in step.effects:
            if isinstance(effect, SubmitOrder) and ENTRY_ROLE in effect.request.client_id:
                self._observe_entry(core, effect.request, step.now_ns)

    def _observe_entry(self, core: TradingCore, request: OrderRequest, now_ns: int) -> None:
        """What must be true when an entry is decided."""
        symbol = core.state.symbols[request.symbol]
        age_s = (now_ns - (symbol.recv_ns or 0)) / NS_PER_S
        is_stale = age_s > 4.5 or not symbol.market.book.is_valid
        self.oracle.entry_decided(str(request.signal_id), len(core.state.orders.unknown()), is_stale)
        if closed := self._closed_gate():
            self.oracle.fail("I12", f"entry for {request.signal_id} although {closed}")
        if self._has_no_way():
            self.oracle.fail("I12", f"entry for {request.signal_id} without the trade socket")
        assert request.price is not None
        limit = self.instruments[request.symbol].price(request.price)
        self.oracle.entry_priced(request.symbol, request.side.value, limit, self.market.shown[request.symbol])

    def _closed_gate(self) -> str:
        """What the wires know that must keep an entry out, "" if nothing."""
        client, now_s = self.network.client, self.loop.time()
        if client is None:
            return ""
        if now_s - client.answered_s > PONG_LIMIT_S:
            return f"the private stream answered {now_s - client.answered_s:.1f} s ago"
        if now_s - client.read_s > READ_LIMIT_S:
            return f"the account was read {now_s - client.read_s:.1f} s ago"
        return "the exchange is down" if self.network.faults.is_down else ""

    def _has_no_way(self) -> bool:
        """Orders go over the trade socket, and it has been gone for so long that the engine must know."""
        client = self.network.client
        if self.plan.order_path is OrderPath.REST or client is None or client.is_socket_up:
            return False
        return self.loop.time() - client.socket_down_s > 0.1

    def _mark_order(self, output: OrderChanged) -> None:
        marks = self.oracle.marks
        history = self._states.setdefault(output.client_id, [])
        before = history[-1] if history else None
        history.append(output.status)
        if before is OrderStatus.UNKNOWN:
            marks["unknown_then_dead" if output.status is OrderStatus.DEAD else "unknown_then_adopted"] += 1
        if before is OrderStatus.DEAD:
            marks["dead_then_adopted"] += 1
        if output.status is OrderStatus.CANCELLED and output.filled_qty > 0:
            marks["partial_then_cancelled"] += 1
        if output.status is OrderStatus.FILLED and before is OrderStatus.INTENT:
            marks["filled_before_answer"] += 1

    _states: dict[str, list[OrderStatus]]

    def _knows_rules(self, symbol: str, link_id: str) -> bool:
        """True if the engine that made a link id lives and has read the rules of a symbol as they are now.

        What an engine had sent before it was killed may arrive when the next one has read them already.
        """
        client = self.network.client
        is_of_the_living = link_id.startswith(f"{OWN}{self.disk.epoch}-")
        return is_of_the_living and client is not None and client.rules.get(symbol) is self.instruments[symbol]

    # ------------------------------------------------------------------------------------------------------- people

    def command(self, command: Command) -> None:
        """An operator's command, if there is an engine to take it."""
        if self.engine is None or self.engine.core is None:
            return
        self._command += 1
        frame = CommandFrame(command_id=f"k{self._command}", instance="", command=command)
        engine = self.engine

        async def give() -> None:
            reply = await engine.runner.command(frame, "person")
            self.note(f"command {type(command).__name__} -> {reply.reason or 'accepted'}")
            if reply.accepted and isinstance(command, FlattenAll):
                self.is_flatten_accepted = True
                self.oracle.paused_s = self.loop.time()
                self.oracle.marks["flatten"] += 1

        self.loop.create_task(give())

    def people(self) -> None:
        """Twice a second: approve what is in the queue, sometimes twice, sometimes too late."""
        engine = self.engine
        core = None if engine is None else engine.core
        if core is not None and self.plan.approves:
            youngest_ns = self.clock.now_ns() - round(self.plan.approve_after_s * NS_PER_S)
            for queued in list(core.signals.queue.values()):
                if queued.raised_ns <= youngest_ns and self.random.random() < 0.5:
                    self.oracle.approvals.add(queued.signal.signal_id)
                    approve = ApproveSignal(
                        queued.signal.signal_id, ticket_hash(queued.signal, core.state.settings.risk)
                    )
                    for _ in range(1 + (self.random.random() < 0.2)):
                        self.command(approve)
            for symbol in sorted(() if self.plan.keeps_still else core.state.positions.open):
                if self.random.random() < 0.01:
                    self.command(ClosePosition(symbol, self.random.choice((50, 100))))
                if self.random.random() < 0.02:
                    self.command(MoveStopToBreakeven(symbol))
        self.loop.call_later(POLL_S, self.people)

    # --------------------------------------------------------------------------------------------------------- run

    async def run(self) -> None:
        """Chaos, healing, judgement."""
        self._states = {}
        self.main = asyncio.current_task()
        self.loop.call_later(0.05, self.market.step)
        self.loop.call_later(1.0, self.people)
        self.loop.call_later(POLL_S, self._poll)
        self.start_engine()
        for at_s, name, arguments in self.plan.faults:
            self.loop.call_later(at_s, self._fault, name, arguments)
        await asyncio.sleep(self.plan.chaos_s)
        self._heal()
        await asyncio.sleep(SETTLE_S)
        if self.is_flatten_accepted:
            self.oracle.check_flat("flatten")
        self._judge()
        if self.plan.restarts_at_end and not self.oracle.violations:
            await self._restart_quietly()
        self._end()

    def _poll(self) -> None:
        self.oracle.poll()
        self._watch_connection()
        self.loop.call_later(POLL_S, self._poll)

    def _watch_connection(self) -> None:
        """A connection that stays lost while a position of ours is known: from then on all must become flat."""
        client, core = self.network.client, None if self.engine is None else self.engine.core
        held = [] if core is None else [p for p in core.state.positions.open.values() if p.origin is not None]
        if client is None or client.lost_s is None or not held:
            self._holding_s = self.loop.time()
        elif self.loop.time() - max(client.lost_s, self._holding_s) > CONNECTION_LOSS_S:
            self.is_flatten_accepted = True
            self.oracle.marks["connection_loss_flatten"] += 1

    _holding_s = 0.0
    """Since when a position of ours has been known to an engine without connection."""

    def _fault(self, name: str, arguments: dict[str, Any]) -> None:
        self.note(f"fault {name} {arguments}")
        self.oracle.marks[f"fault:{name}"] += 1
        getattr(self.faults, name)(**arguments)

    def _heal(self) -> None:
        self.note("heal")
        faults = self.network.faults
        partitioned = faults.is_partitioned
        self.network.faults = type(faults)(is_partitioned=partitioned)
        self.network.mute_routes.clear()
        self.network.slow_routes.clear()
        self.network.hides_executions = False
        self.exchange.defer = None
        self.disk.is_failing = self.exchange.ignores_attached_stop = False
        self.market.silent.clear()
        for market in self.exchange.markets.values():
            market.is_halted, market.depth = False, Decimal(self.plan.depth)
        self.oracle.is_healthy = not partitioned
        if partitioned:
            self.loop.call_later(15.0, setattr, self.oracle, "is_healthy", True)
        self.plan = self.plan.calm()

    def _judge(self) -> None:
        oracle = self.oracle
        oracle.check_money()
        oracle.check_ledger(self.disk)
        engine = self.engine
        if engine is None or engine.core is None or engine.task.done():
            reason = "" if engine is None or not engine.task.done() else str(engine.task.exception())
            oracle.fail("I17", f"no engine runs after healing {reason}")
            return
        in_flight = engine.core.state.orders.in_flight()
        stuck = [order for order in in_flight if self.clock.now_ns() - order.sent_ns > 20 * NS_PER_S]
        if stuck:
            oracle.fail("I9", f"{len(stuck)} intents unresolved, first {stuck[0].client_id} {stuck[0].status}")
        for symbol, position in self.exchange.positions.items():
            held = engine.core.state.positions.open.get(symbol)
            seen = Decimal(0) if held is None else held.qty * held.side.sign
            unclaimed = engine.core.state.positions.unclaimed.get(symbol)
            if unclaimed is not None and held is None:
                seen = unclaimed.qty * (1 if unclaimed.side is Side.BUY else -1)
            if seen != position.qty:
                oracle.fail("I19", f"engine holds {seen} {symbol}, the exchange {position.qty}")
        oracle.check_locks(set(engine.core.state.locks))

    async def _restart_quietly(self) -> None:
        """I15: a restart with nothing new sends no order, no cancel and no stop."""
        assert self.main is not None
        self.market.is_frozen = True
        await asyncio.sleep(12.0)
        self.kill_engine(0.5)
        self._signals = {name: [] for name in self.instruments}
        writes = self._writes()
        await asyncio.sleep(12.0)
        self.oracle.marks["quiet_restart"] += 1
        is_protected = all(p.qty == 0 or p.stop is not None for p in self.exchange.positions.values())
        fired = [e for e in self.exchange.executions if e.create_type == "CreateByStopLoss"]
        if is_protected and self._writes() != writes and len(fired) == self._fired:
            self.oracle.fail("I15", f"a restart with nothing new wrote: {self.network.requests}")

    _fired = 0

    def _writes(self) -> int:
        self._fired = len([e for e in self.exchange.executions if e.create_type == "CreateByStopLoss"])
        return sum(self.network.requests[route] for route in ("create", "cancel", "cancel_all", "set_stop"))

    def _end(self) -> None:
        if self.engine is not None and self.main is not None:
            self.traces.append(self.engine.runner.digest.hexdigest())
            self.engine.kill(self.main)

    def note(self, text: str) -> None:
        """A line of the trace."""
        if self.plan.is_traced:
            self.events.append(f"{self.loop.time():9.3f} {text}")


def _instrument(symbol: str) -> Instrument:
    return Instrument(
        symbol=symbol,
        tick_size=Decimal("0.01"),
        qty_step=Decimal("0.1"),
        min_qty=Decimal("0.1"),
        max_qty=Decimal(100_000),
        max_market_qty=Decimal(100_000),
        min_notional=Decimal(5),
        max_leverage=Decimal(100),
    )


@contextmanager
def _quiet_process() -> Iterator[None]:
    """Without a log; and nobody looks and no loop lags in virtual time: what watches for it need not wake so often."""
    disabled, watches = logging.root.manager.disable, (host_watch.LAG_PROBE_S, runner.UNSEEN_S, runner.BEAT_S)
    logging.disable(logging.CRITICAL)
    host_watch.LAG_PROBE_S, runner.UNSEEN_S, runner.BEAT_S = 1.0, 5.0, 3.0
    try:
        yield
    finally:
        logging.disable(disabled)
        host_watch.LAG_PROBE_S, runner.UNSEEN_S, runner.BEAT_S = watches


def run_schedule(plan: Plan, mutation: Any = None) -> Result:
    """Run one schedule to its end."""
    loop = VirtualLoop()
    loop.set_exception_handler(lambda _loop, _context: None)
    asyncio.set_event_loop(loop)
    world = World(plan, loop, mutation)
    try:
        with _quiet_process():
            loop.run_until_complete(world.run())
    except Deadlock as error:
        world.oracle.fail("I17", f"deadlock: {error}")
    finally:
        loop.close()
        asyncio.set_event_loop(None)
    world.oracle.marks.update(world.network.marks)
    return Result(
        plan.seed,
        world.oracle.violations,
        world.oracle.marks,
        world.oracle.executions,
        "/".join(world.traces),
        world.events,
    )
