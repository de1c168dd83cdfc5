"""One schedule: a world drawn from a seed, an engine in it, faults and people, then healing and judgement."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from cockpit.domain.commands import ApproveSignal, ClosePosition, Command, FlattenAll, MoveStopToBreakeven
from cockpit.domain.enums import Environment
from cockpit.domain.instrument import Instrument
from cockpit.domain.time import NS_PER_S
from cockpit.engine import host_watch, runner
from cockpit.engine.core import EngineEvent, TradingCore
from cockpit.engine.effects import Step
from cockpit.engine.locks import DAY_LOSS_FLAG
from cockpit.engine.projection import ShellFigures
from cockpit.engine.runner import Runner
from cockpit.engine.state import CoreSettings
from cockpit.engine.supervisor import Supervisor
from cockpit.execution.config import ExecutionConfig
from cockpit.execution.ticket import ticket_hash
from cockpit.ports.journal import Recovery
from cockpit.risk.limits import RiskLimits
from cockpit.views.frames import CommandFrame
from cockpit.views.model import View
from tests.dst.actors import install
from tests.dst.exchange import Exchange, Market
from tests.dst.feed import MarketActor
from tests.dst.journal import Disk, DiskJournal
from tests.dst.loop import Deadlock, VirtualClock, VirtualLoop
from tests.dst.memory import Memory, difference, is_all_written, memory_of
from tests.dst.network import Network
from tests.dst.oracle import OWN, Limits, Oracle
from tests.dst.plan import Plan
from tests.dst.venue_client import VenueClient
from tests.dst.witness import Witness
from tests.dst.world_faults import WorldFaults, rules_of

START_NS = 1_767_225_600 * NS_PER_S + 9 * 3_600 * NS_PER_S
"""2026-01-01 09:00 UTC."""
CASH = Decimal(100_000)
LIMITS = Limits(Decimal(5), 10, CASH * Decimal("0.003"), Decimal(RiskLimits().max_notional_usdt))
SIGNAL_LIFE_NS = 45 * NS_PER_S
SETTLE_S = 32.0
STAYS_FLAT_S = 20.0
"""After a flatten the account is watched longer: it must stay flat (reliability.md I3)."""
EXECUTION = ExecutionConfig(ledger_s=10.0)
"""A schedule lasts a minute or so: the transaction log is compared more often."""
POLL_S = 0.5
STOP_FAULTS = frozenset({"ignore_stop", "remove_stop", "lose_stop_requests", "close_part"})
"""They never keep a whole close from the exchange."""
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT")


class Screens:
    """As many screens as a plan says look at every symbol, and give no command."""

    operators = 0

    def __init__(self, plan: Plan) -> None:
        self.viewers = plan.screens
        self.watched = frozenset(SYMBOLS[: plan.symbols]) if plan.screens else frozenset()

    def publish(self, views: Iterable[View]) -> None:
        for _ in views:
            pass


@dataclass
class Result:
    """What one schedule showed."""

    seed: int
    violations: list[str]
    marks: Counter[str]
    executions: int
    trace: str
    """Digest of all steps of all engines."""
    arrivals: list[str]
    """Every request that reached the exchange, with its time."""
    events: list[str] = field(default_factory=list)


class ObservedCore(TradingCore):
    """The real core; every step is shown to the schedule, which changes nothing."""

    observer: Any = None
    taken_up: Any = None
    """Is told once the journal has been taken up."""

    def start(self, now_ns: int) -> Step:
        step = super().start(now_ns)
        if self.taken_up is not None:
            self.taken_up(self)
        return self._shown(step)

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
            views=Screens(world.plan),
            figures=ShellFigures(
                environment_word="SIM", source="model", disk_free=lambda: 10**12, is_lock_held=lambda: True
            ),
        )
        self.task = asyncio.ensure_future(self.runner.run())

    @property
    def core(self) -> TradingCore | None:
        """The core, once the journal has been read."""
        return self.runner.core

    @property
    def memory(self) -> Memory | None:
        """What the engine remembers, None while some of it is not on disk."""
        if self.core is None or not is_all_written(self.runner._writer):
            return None
        return memory_of(self.core, self.journal.disk.intents, is_new=False)

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
            now_ms=lambda: (START_NS + loop.time_ns()) // 1_000_000,
        )  # fmt: skip
        self.network = Network(self.exchange, self.clock, loop, self.random, self.instruments)
        self.network.order_path = plan.order_path
        self.disk = Disk()
        self.oracle = Oracle(self.exchange, LIMITS, loop.time)
        self.witness = Witness(self)
        self.faults = WorldFaults(self)
        self.market = MarketActor(self.network, Random(plan.seed * 31 + 7), plan.market_period_s)
        self.market.is_frozen = plan.keeps_still
        self.network.tell_banned = self.oracle.banned
        self.network.tell_closing = self.oracle.close_left
        self.network.tell_stopping = self.oracle.stop_left
        self.network.tell_resync = self.market.resync
        self.oracle.knows_rules = self._knows_rules
        self.oracle.now_ns = self.clock.now_ns
        self.oracle.is_wire_whole = lambda: not (self.network.marks["reply_lost"] or self.network.marks["push_lost"])
        self.oracle.is_only_stops = {name for _at_s, name, _how in plan.faults} <= STOP_FAULTS
        self.engine: Engine | None = None
        self.main: asyncio.Task[Any] | None = None
        self.traces: list[str] = []
        self.events: list[str] = []
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
        if recovery.settings.get(DAY_LOSS_FLAG):
            self.oracle.marks["lock_survived_restart"] += 1
        core = ObservedCore(settings, recovery)
        install(core, self._signals)
        core.observer, core.taken_up = self.witness.observe, self._compare_memory
        if self.mutation is not None:
            self.mutation.apply(core)
        return core

    def start_engine(self) -> None:
        """Start an engine (the first, or after a kill)."""
        self.note("engine start")
        self.oracle.engine_since_s = self.loop.time()
        self.oracle.begin_life()
        self.engine = Engine(self)

    @property
    def client(self) -> VenueClient | None:
        """The hands of the engine that lives."""
        return None if self.engine is None else self.engine.client

    def kill_engine(self, restart_after_s: float) -> None:
        """Kill the engine and start another one later."""
        if self.engine is None or self.main is None:
            return
        self.note("kill -9")
        self.oracle.marks["killed"] += 1
        if self.engine.core is not None:
            self._mark_kill(self.engine.core)
        self.traces.append(self.engine.runner.digest.hexdigest())
        self._remembered = self.engine.memory
        self.engine.kill(self.main)
        self.engine = None
        self.network.client = None
        self.loop.call_later(restart_after_s, self.start_engine)

    def _compare_memory(self, core: TradingCore) -> None:
        """I15: the next engine takes up all that the killed one held, if the disk had it."""
        before, self._remembered = self._remembered, None
        if before is not None:
            self.oracle.marks["memory_compared"] += 1
            if lost := difference(before, memory_of(core, self.disk.intents, is_new=True)):
                self.oracle.fail("I15", f"a restart changed {lost}")

    _remembered: Memory | None = None

    def _mark_kill(self, core: TradingCore) -> None:
        if core.state.positions.open:
            self.oracle.marks["killed_with_position"] += 1
        if core.state.orders.in_flight():
            self.oracle.marks["killed_in_flight"] += 1
        if core.flatten.flatten.is_running:
            self.oracle.marks["killed_in_flatten"] += 1

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
            for _ in range(self.plan.deliveries - 1):
                self.loop.create_task(engine.runner.command(frame, "person"))
            reply = await engine.runner.command(frame, "person")
            self.note(f"command {type(command).__name__} -> {reply.reason or 'accepted'}")
            if reply.accepted and isinstance(command, FlattenAll):
                self.oracle.paused_s = self.oracle.flatten_s = self.loop.time()
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
                    self.oracle.approvals[queued.signal.signal_id] = queued.raised_ns + SIGNAL_LIFE_NS
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
        if self.oracle.flatten_s is not None:
            await asyncio.sleep(STAYS_FLAT_S)
        self._judge()
        if self.plan.restarts_at_end and not self.oracle.violations:
            await self._restart_quietly()
        self._end()

    def _poll(self) -> None:
        self.witness.poll()
        self.loop.call_later(POLL_S, self._poll)

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
        self.market.crossed.clear()
        for market in self.exchange.markets.values():
            market.is_halted, market.depth, market.mark_off = False, Decimal(self.plan.depth), Decimal(0)
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
        world.oracle.arrivals,
        world.events,
    )
