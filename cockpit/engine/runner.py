"""The shell around the core: feeds it events, carries out its effects, journals, publishes views.

Theory of operation. ``_handle`` takes one event through the core, synchronously and completely; whatever a step wants
done runs in tasks of its own and comes back as another event. An order's intent is on disk before the order leaves. An
effect that fails in a way nobody foresaw ends the engine at once: starting again, with the same reconciliation, is the
recovery (crash-only).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

from cockpit.domain.commands import OperatorCommand, Shutdown
from cockpit.domain.enums import OrderPath, Severity
from cockpit.domain.errors import JournalError
from cockpit.domain.events import OperatorsAttached, TimerFired
from cockpit.domain.time import NS_PER_S
from cockpit.engine.core import EngineEvent, TradingCore
from cockpit.engine.effects import (
    CancelEntries,
    CancelOrder,
    CommandAnswered,
    Effect,
    EndEngine,
    GoFlattenWay,
    LoadInstruments,
    PositionChanged,
    QueryOrder,
    QueryPosition,
    ReadLedger,
    ReconnectStream,
    RequestReports,
    ResyncBook,
    SetFlag,
    SetLeverage,
    SetStop,
    SetTimer,
    Step,
    StepDigest,
    SubmitOrder,
)
from cockpit.engine.host_watch import HostWatch
from cockpit.engine.journal_writer import JournalWriter
from cockpit.engine.journaling import parameter_rows, rows_of, snapshot_rows
from cockpit.engine.projection import Projection, ShellFigures
from cockpit.engine.requests import VenueRequests
from cockpit.engine.starting import followed, read_rules
from cockpit.engine.supervisor import Supervisor
from cockpit.ports.clock import Clock
from cockpit.ports.journal import Journal, Recovery
from cockpit.ports.venue import Venue
from cockpit.views.frames import CommandFrame, CommandReply
from cockpit.views.model import View

_log = logging.getLogger(__name__)
_money = logging.getLogger("cockpit.money")
_LEVELS = {"info": logging.INFO, "money": logging.INFO} | {
    severity.value: getattr(logging, severity.name) for severity in Severity
}

STREAMS = "streams"
TRADE = "trade-socket"
"""Without it entries wait and closes take REST: its end does not end the engine."""
DETECTION = "detection"
EXECUTION = "execution"
JOURNAL = "journal"
VIEWS = "views"
SNAPSHOTS = "snapshots"
CLOCK = "clock"
BEAT_S = 1.0
"""An idle task shows that it lives this often."""
FLAG_WAIT_S = 0.8
"""How long a command's answer waits until what it promises is on disk: less than ``cockpit flatten`` waits for an
answer. With a locked database the second home of the flags has them by then."""
UNSEEN_S = 0.25
"""How soon the first view follows when somebody attaches."""


class ViewSink(Protocol):
    """Where views go (implemented by the link)."""

    def publish(self, views: Iterable[View]) -> None:
        """Show views; never waits."""
        ...

    @property
    def watched(self) -> frozenset[str]:
        """Symbols whose book and flow somebody shows."""
        ...

    @property
    def viewers(self) -> int:
        """Attached screens."""
        ...

    @property
    def operators(self) -> int:
        """Attached screens that may give commands."""
        ...


class Runner:
    """One running engine."""

    def __init__(
        self,
        *,
        make_core: Callable[[Recovery], TradingCore],
        venue: Venue,
        journal: Journal,
        clock: Clock,
        supervisor: Supervisor,
        views: ViewSink,
        figures: ShellFigures,
    ) -> None:
        self._make_core = make_core
        self._venue = venue
        self._journal = journal
        self._clock = clock
        self._supervisor = supervisor
        self._views = views
        self._figures = figures
        self._writer = writer = JournalWriter(journal, clock, self.handle)
        self._host = HostWatch(clock, venue, writer.commits, figures)
        self._requests = VenueRequests(venue, journal, clock, self.handle, writer.commits, writer.written)
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._effects: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None
        self._failed = asyncio.Event()
        self._end_reason = ""
        self._operators = 0
        self.digest = StepDigest()
        self.started = asyncio.Event()
        """Set once the engine takes commands: the journal is read and its tasks exist."""
        self.core: TradingCore | None = None
        self._projection: Projection | None = None

    # ------------------------------------------------------------------------------------------------- start, end

    async def run(self) -> str:
        """Run until told to stop; returns why it ended.

        Raises:
            CockpitError: the journal cannot be had at start, the exchange refuses the key, it lists no symbol that was
                asked for and nothing is held, or an essential task ended.
        """
        now = self._clock.now_ns()
        recovery = await self._journal.start(now)
        core = self.core = self._make_core(recovery)
        self._projection = Projection(core, self._figures)
        rules = await read_rules(self._venue, core.state.settings.symbols, self._clock)
        await self._venue.subscribe(followed(core.state.settings.symbols, rules, is_held=bool(recovery.open_trades)))
        self.handle(rules)
        self._carry_out(core.start(self._clock.now_ns()))
        self._writer.put(parameter_rows(core.state))
        start = self._supervisor.start
        start(JOURNAL, self._write_journal, essential=True)
        start(EXECUTION, self._watch_effects, essential=True)
        start(DETECTION, self._watch_detection, essential=True)
        start(STREAMS, self._pump, essential=True)
        if core.state.settings.order_path is OrderPath.SOCKET:
            start(TRADE, partial(self._venue.keep_trade_socket, partial(self._supervisor.beat, TRADE)), restart=True)
        start(CLOCK, self._watch_clock, restart=True)
        start(SNAPSHOTS, self._snapshot, restart=True)
        start(VIEWS, self._publish, restart=True)
        self.started.set()
        try:
            await self._supervisor.wait()
        finally:
            await self._close()
        return self._end_reason

    def stop(self, reason: str) -> None:
        """End the engine; stops at the exchange stay in place."""
        self._end_reason = self._end_reason or reason
        self._supervisor.request_stop()

    def request_shutdown(self, name: str) -> None:
        """A signal of the operating system: the same as the command to stop and leave positions protected."""
        _log.info("received %s, stopping; stops at the exchange stay in place", name)
        self.handle(self._operator_command("signal", name, Shutdown(leave_protected=True), ""))

    def abandon(self) -> list[asyncio.Task[None]]:
        """Let go of everything at once, as a killed process does: nothing is finished, nothing more begins.

        What was sent stays sent. Returns the tasks that were cancelled; they end when the loop gets to them.
        """
        self._cancel_timers()
        for task in self._effects:
            task.cancel()
        return [*self._effects, *self._supervisor.abandon()]

    def _cancel_timers(self) -> None:
        for handle in self._timers.values():
            handle.cancel()
        self._timers.clear()

    async def _close(self) -> None:
        self._cancel_timers()
        if self._effects:
            await asyncio.wait(self._effects, timeout=5)
        stubborn = await self._supervisor.stop()
        if stubborn:
            _log.error("tasks that did not stop: %s", ", ".join(stubborn))
        await self._writer.drain()
        await self._venue.aclose()
        await self._journal.aclose()

    # ----------------------------------------------------------------------------------------------------- events

    def handle(self, event: EngineEvent) -> Step:
        """One event through the core, and everything it leads to on its way."""
        assert self.core is not None
        step = self.core.process(event)
        self._carry_out(step)
        return step

    async def command(self, frame: CommandFrame, operator: str) -> CommandReply:
        """Judge one command of a screen. What its answer promises outlives a crash, unless the disk fails."""
        step = self.handle(self._operator_command(frame.command_id, operator, frame.command, frame.seen))
        await self._keep_promise(step)
        for output in step.outputs:
            if isinstance(output, CommandAnswered):
                return CommandReply(frame.command_id, output.accepted, output.reason)
        return CommandReply(frame.command_id, False, "the engine gave no answer")

    async def _keep_promise(self, step: Step) -> None:
        """Wait until flags of a step, and what it wants of positions, are on disk or have failed to get there."""
        waits: list[Coroutine[Any, Any, None]] = []
        if any(isinstance(effect, SetFlag) for effect in step.effects):
            waits.append(self._writer.flags_tried(FLAG_WAIT_S))
        if any(isinstance(output, PositionChanged) for output in step.outputs):
            waits.append(self._rows_tried())
        await asyncio.gather(*waits)

    async def _rows_tried(self) -> None:
        with suppress(JournalError):  # the core is told of it
            await self._writer.written(FLAG_WAIT_S)

    def _operator_command(self, command_id: str, operator: str, command: Any, seen: str) -> OperatorCommand:
        return OperatorCommand(
            command_id=command_id, operator=operator, command=command, seen=seen, ts_recv=self._clock.now_ns()
        )

    def _carry_out(self, step: Step) -> None:
        """First what the step wants done: an order's intent must not wait behind the rows that tell of it."""
        self.digest.add(step)
        for effect in step.effects:
            self._do(effect, step.now_ns)
        if step.outputs:
            self._keep(step)

    def _keep(self, step: Step) -> None:
        """Journal, log and story of a step."""
        self._writer.put(rows_of(step))
        assert self._projection is not None
        for line in self._projection.story.add(step):
            named = {"symbol": line.symbol, **line.ids}
            log = _money if line.ids else _log
            log.log(_LEVELS[line.severity], line.text, extra={name: text for name, text in named.items() if text})

    # ---------------------------------------------------------------------------------------------------- effects

    def _do(self, effect: Effect, now_ns: int) -> None:
        assert self.core is not None
        match effect:
            case SubmitOrder(request):
                self._spawn(self._requests.submit(request, self.core.state.locks))
            case CancelOrder(request):
                self._spawn(self._requests.cancel(request))
            case CancelEntries(symbol):
                self._spawn(self._requests.cancel_entries(symbol))
            case SetStop(request, is_move):
                self._spawn(self._requests.set_stop(request, is_move=is_move))
            case SetLeverage(symbol, leverage):
                self._spawn(self._requests.set_leverage(symbol, leverage))
            case QueryOrder(symbol, client_id):
                self._spawn(self._requests.query(symbol, client_id))
            case QueryPosition(symbol):
                self._spawn(self._requests.position(symbol))
            case RequestReports(since_ms, after_ns):
                self._spawn(self._requests.reports(since_ms, after_ns))
            case _:
                self._do_local(effect, now_ns)

    def _do_local(self, effect: Effect, now_ns: int) -> None:
        """Effects that are not money."""
        match effect:
            case LoadInstruments(symbols):
                self._spawn(self._requests.instruments(symbols))
            case ReadLedger(since_ms):
                self._spawn(self._requests.ledger(since_ms))
            case ResyncBook(symbol):
                self._spawn(self._requests.resync(symbol))
            case ReconnectStream(stream, reason):
                self._spawn(self._venue.reconnect(stream, reason))
            case SetTimer(name, at_ns):
                self._set_timer(name, (at_ns - now_ns) / NS_PER_S)
            case SetFlag(name, value):
                self._spawn(self._writer.set_flag(name, value))
            case GoFlattenWay(is_on):
                self._venue.go_flatten_way(is_on)
            case EndEngine(reason):
                self.stop(reason)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._effects.add(task)
        task.add_done_callback(self._effect_done)

    def _effect_done(self, task: asyncio.Task[None]) -> None:
        self._effects.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._fail(task.exception())

    def _fail(self, error: BaseException | None) -> None:
        """Something failed in a way nobody foresaw; the execution task ends the engine for it."""
        self._failure = self._failure or error
        self._failed.set()

    def _set_timer(self, name: str, delay_s: float) -> None:
        earlier = self._timers.pop(name, None)
        if earlier is not None:
            earlier.cancel()
        self._timers[name] = asyncio.get_running_loop().call_later(max(0.0, delay_s), self._fire, name)

    def _fire(self, name: str) -> None:
        self._timers.pop(name, None)
        try:
            self.handle(TimerFired(name, self._clock.now_ns()))
        except Exception as error:  # noqa: BLE001 - a timer has no task: the watch ends the engine for it
            self._fail(error)

    # ------------------------------------------------------------------------------------------------------ tasks

    async def _pump(self) -> None:
        """Everything the venue tells, into the core."""
        async for event in self._venue.events():
            self.handle(event)
            self._supervisor.beat(STREAMS)

    async def _watch_effects(self) -> None:
        """Ends the engine if an effect failed in a way nobody foresaw."""
        while self._failure is None:
            self._supervisor.beat(EXECUTION)
            await _wait(self._failed, BEAT_S)
        raise self._failure

    async def _watch_detection(self) -> None:
        """Measures how late the loop is (detection runs on it) and tells the core how machine and venue are doing."""
        told_ns = 0
        while True:
            slept_ns = await self._host.probe()
            self._supervisor.beat(DETECTION)
            now_ns = self._clock.monotonic_ns()
            if now_ns - told_ns >= NS_PER_S or slept_ns >= NS_PER_S:
                told_ns = now_ns
                self.handle(self._host.report(slept_ns))
                self.handle(self._venue.health())

    async def _watch_clock(self) -> None:
        """Measures the exchange's clock against this machine's; requests are signed with the difference."""
        while True:
            self._supervisor.beat(CLOCK)
            await self._host.read_clock()

    async def _write_journal(self) -> None:
        while True:
            self._supervisor.beat(JOURNAL)
            await self._writer.write(BEAT_S)

    async def _snapshot(self) -> None:
        assert self.core is not None
        while True:
            self._supervisor.beat(SNAPSHOTS)
            await self._clock.sleep(self.core.state.settings.engine.snapshot_interval_s)
            self._writer.put(snapshot_rows(self.core.state))

    async def _publish(self) -> None:
        """Ten times a second at most, and only while somebody looks."""
        assert self.core is not None
        assert self._projection is not None
        period = 1.0 / self.core.state.settings.engine.views_per_second
        while True:
            await self._clock.sleep(period if self._views.viewers else UNSEEN_S)
            self._supervisor.beat(VIEWS)
            self._tell_operators()
            self._projection.sample(self._clock.now_ns())
            if self._views.viewers:
                self._figures.viewers = self._views.viewers
                self._figures.tasks = self._supervisor.lights
                self._views.publish(self._projection.views(self._clock.now_ns(), self._views.watched))

    def _tell_operators(self) -> None:
        if self._operators != self._views.operators:
            self._operators = self._views.operators
            self.handle(OperatorsAttached(self._operators, self._clock.now_ns()))


async def _wait(event: asyncio.Event, timeout_s: float) -> bool:
    """Wait for an event; False if it did not come in time."""
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return False
    return True
