"""A simulated exchange on real sockets and a real engine on it: everything but detectors, rules and screens.

After its fault a test calls ``Bench.settled``: faults are healed, then what must always come true is polled for.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
import requests
from msgspec.structs import replace

from cockpit.adapters.bybit.config import BybitConfig, RestLimits, StreamLimits
from cockpit.adapters.bybit.credentials import SecretKey
from cockpit.adapters.bybit.venue import BybitVenue
from cockpit.adapters.store.journal import SqlJournal
from cockpit.adapters.store.reader import JournalReader
from cockpit.adapters.system.clock import LiveClock
from cockpit.domain.commands import ArmFlatten, Command, FlattenAll
from cockpit.domain.enums import Approval, Environment, OrderPath, OrderStatus, Side
from cockpit.domain.ids import is_own, origin_of, role_of
from cockpit.engine.config import EngineConfig
from cockpit.engine.core import EngineEvent, TradingCore
from cockpit.engine.effects import Noted, OrderChanged, Output, Step
from cockpit.engine.projection import ShellFigures
from cockpit.engine.runner import Runner
from cockpit.engine.state import CoreSettings
from cockpit.engine.supervisor import Supervisor, TaskStatus
from cockpit.execution.config import ExecutionConfig, ExitsConfig
from cockpit.ports.journal import Recovery
from cockpit.risk.limits import RiskLimits
from cockpit.signals.base import SignalRaised
from cockpit.simex.config import SimexConfig
from cockpit.simex.server import serving
from cockpit.views.frames import CommandFrame, CommandReply
from tests.dst.actors import NoDetectors, Strategy

BOTH_PATHS = pytest.mark.parametrize("exchange", list(OrderPath), indirect=True)
"""A fault that orders can meet by REST and over the trade socket alike."""
SOCKET_PATH = pytest.mark.parametrize("exchange", [OrderPath.SOCKET], indirect=True)
BTC, ETH, SOL = "BTCUSDT", "ETHUSDT", "SOLUSDT"
CREATE, CANCEL_ALL, TRADING_STOP = "/v5/order/create", "/v5/order/cancel-all", "/v5/position/trading-stop"
REALTIME, HISTORY, EXECUTIONS = "/v5/order/realtime", "/v5/order/history", "/v5/execution/list"
POSITIONS, WALLET = "/v5/position/list", "/v5/account/wallet-balance"
WRITES = (CREATE, CANCEL_ALL, TRADING_STOP, "/v5/order/cancel", "/v5/order/amend")
ENTER_TRIES = 3
DEADLINE_S = 20.0
STOP_DISTANCE = 0.02

NO_EXITS = ExitsConfig(
    breakeven_at_pct=0,
    take_profit_r=0,
    time_stop_breakout_s=0,
    time_stop_bounce_s=0,
    bounce_exit_eaten_pct=0,
    slowdown_factor=0,
    counter_flow_factor=0,
    counter_density=False,
    known_level=False,
)
EXECUTION = ExecutionConfig(
    ledger_s=1.5,
    ledger_settle_s=0.3,
    ledger_confirm_s=1.0,
    stop_check_s=0.5,
    unknown_first_query_s=1.2,
    order_ttl_s=1.0,
    probe_s=1.0,
    reconcile_s=1.5,
    settling_s=2.0,
    short_reconcile_s=1.0,
    exits=NO_EXITS,
)
RISK = RiskLimits(
    risk_pct=0.2,
    max_entries_per_minute=600,
    duplicate_window_s=0.01,
    day_loss_limit_r=50,
    max_drift_pct=1,
    max_commit_ms=5000,  # a test machine's disk is everybody's
)
REST = RestLimits(recv_window_ms=1000, order_deadline_s=1.0, ban_pause_s=4)
STREAMS = StreamLimits(
    ping_interval_s=1.0,
    private_ping_interval_s=1.0,
    pong_timeout_s=2.5,
    silence_s=3.6,
    answer_timeout_s=3.0,
    snapshot_timeout_s=1.5,
    refused_retry_s=0.5,
    backoff_min_s=0.05,
    backoff_max_s=0.3,
    connects_per_5min=500,
)


class NoScreens:
    """Nobody looks."""

    watched: frozenset[str] = frozenset()
    viewers = operators = 0

    def publish(self, _views: Iterable[Any]) -> None:
        return


class ScriptedSignals(Strategy):
    """Raises a signal at the next market event after the test asked for one."""

    def update(self, state: Any, bank: Any, event: Any, walls: Any) -> list[Any]:
        raised = super().update(state, bank, event, walls)
        return [SignalRaised(replace(one.signal, stop_price=_stop(one.signal))) for one in raised]


def _stop(signal: Any) -> float:
    """Far enough that the market does not reach it while a test runs."""
    return float(signal.entry_reference * (1 - STOP_DISTANCE * signal.direction.sign))


class WatchedCore(TradingCore):
    """The real core; what it says is kept for the test."""

    def __init__(self, settings: CoreSettings, recovery: Recovery) -> None:
        self.told: list[Output] = []
        super().__init__(settings, recovery)

    def start(self, now_ns: int) -> Step:
        return self._heard(super().start(now_ns))

    def process(self, event: EngineEvent) -> Step:
        return self._heard(super().process(event))

    def _heard(self, step: Step) -> Step:
        self.told += step.outputs
        return step


class Engine:
    """One life of the engine."""

    def __init__(self, bench: Bench) -> None:
        clock, ready = LiveClock(), bench.ready
        self._bench = bench
        config = BybitConfig(
            rest_url=ready["rest"],
            rest_alternate_url=ready.get("rest_alternate", ""),
            public_url=ready["public"],
            private_url=ready["private"],
            trade_url=ready["trade"],
            order_path=bench.order_path,
            streams=STREAMS,
            rest=REST,
        )
        self.venue = BybitVenue(config, SecretKey(ready["api_key"], ready["api_secret"]), clock, Random(7))
        self.journal = SqlJournal(bench.journal, clock, flags=bench.journal.with_name("flags.json"))
        self.runner = Runner(
            make_core=self._make_core,
            venue=self.venue,
            journal=self.journal,
            clock=clock,
            supervisor=Supervisor(clock),
            views=NoScreens(),
            figures=ShellFigures(
                environment_word="SIM", source="synthetic", disk_free=lambda: 10**12, is_lock_held=lambda: True
            ),
        )
        self.task = asyncio.create_task(self.runner.run())

    def _make_core(self, recovery: Recovery) -> TradingCore:
        settings = CoreSettings(
            environment=Environment.SIM,
            symbols=self._bench.symbols,
            epoch=recovery.epoch,
            folder=recovery.folder,
            order_path=self._bench.order_path,
            engine=EngineConfig(approval=Approval.AUTO),
            risk=RISK,
            execution=EXECUTION,
        )
        core = WatchedCore(settings, recovery)
        for number, (name, symbol) in enumerate(core.state.symbols.items()):
            symbol.bank = NoDetectors()  # type: ignore[assignment]
            symbol.pipeline = ScriptedSignals(name, [], f"{settings.epoch}{chr(97 + number)}")  # type: ignore[assignment]
        return core

    @property
    def core(self) -> WatchedCore:
        """The core; there is none before the journal has been read."""
        core = self.runner.core
        assert isinstance(core, WatchedCore)
        return core

    async def end(self) -> None:
        """Stop in an orderly way; raises what ended the engine before."""
        if self.runner.core is not None:
            self.runner.stop("the test ends")
        await self.task

    async def die(self) -> None:
        """Nothing of it runs any more and nothing more is written; what it sent stays sent."""
        self.journal.append = _lost  # type: ignore[method-assign]
        self.journal.set_flag = self.journal.append_intent = _never  # type: ignore[method-assign]
        doomed = self.runner.abandon()
        self.task.cancel()
        async with self._bench.locked_journal():
            pass  # a write that was going on has ended: a dead process would not hold its lock either
        await asyncio.gather(*doomed, self.task, return_exceptions=True)
        await self.venue.aclose()
        await self.journal.aclose()


async def _never(*_arguments: Any) -> None:
    await asyncio.Event().wait()


async def _lost(_rows: Any) -> None:
    return


class Bench:
    """Exchange, engine and what a test does with them."""

    def __init__(self, ready: dict[str, Any], folder: Path, symbols: tuple[str, ...], order_path: OrderPath) -> None:
        self.ready = ready
        self.order_path = order_path
        self.journal = folder / "journal.sqlite"
        self.symbols = symbols
        self.session = requests.Session()
        self.session.trust_env = False
        self.engine: Engine | None = None
        self._commands = 0

    # ------------------------------------------------------------------------------------------------------ engine

    async def start(self, *, wait: bool = True) -> Engine:
        """Start an engine, and wait until entries are on."""
        self.engine = engine = Engine(self)
        if wait:
            await self.until(lambda: engine.runner.core is not None and self.is_ready, "entries are on")
        return engine

    @property
    def is_ready(self) -> bool:
        """True if nothing but the market could keep an entry off."""
        state = self.core.state
        is_set_up = all(one.has_leverage and one.mode_read_ns is not None for one in state.symbols.values())
        return is_set_up and all(check.passed for check in self.core.signals.gates.of_account())

    async def stop(self) -> None:
        """End the engine in an orderly way."""
        engine, self.engine = self.engine, None
        assert engine is not None
        await engine.end()

    async def kill(self) -> None:
        """End the engine as kill -9 does."""
        engine, self.engine = self.engine, None
        assert engine is not None
        await engine.die()

    @property
    def core(self) -> WatchedCore:
        """The core of the running engine."""
        assert self.engine is not None
        return self.engine.core

    @property
    def is_started(self) -> bool:
        """True once the running engine takes commands: its journal is read, its tasks exist."""
        return self.engine is not None and self.engine.runner.started.is_set()

    def stored(self, query: str) -> list[Any]:
        """Rows of the journal as they are on disk."""
        reader = sqlite3.connect(f"file:{self.journal}?mode=ro", uri=True)
        try:
            return reader.execute(query).fetchall()
        finally:
            reader.close()

    @property
    def venue(self) -> BybitVenue:
        """The venue of the running engine."""
        assert self.engine is not None
        return self.engine.venue

    @property
    def notes(self) -> list[str]:
        """What the engine noted."""
        return [f"{told.event}: {told.text}" for told in self.core.told if isinstance(told, Noted)]

    @property
    def lights(self) -> list[TaskStatus]:
        """The engine's tasks."""
        assert self.engine is not None
        return self.engine.runner._supervisor.lights

    @property
    def story(self) -> list[str]:
        """What the screen's log would say."""
        assert self.engine is not None
        assert self.engine.runner._projection is not None
        return [line.text for line in self.engine.runner._projection.story.lines]

    def history(self, signal: str) -> list[OrderStatus]:
        """The states through which the entry of a signal went."""
        changes = [told for told in self.core.told if isinstance(told, OrderChanged) and told.signal_id == signal]
        states = [change.status for change in changes]
        return [state for index, state in enumerate(states) if index == 0 or states[index - 1] is not state]

    def note_of(self, signal: str) -> str:
        """Why a signal of the queue has not become an order, "" while it was not judged or is gone."""
        queued = self.core.signals.queue.get(signal)
        return "" if queued is None else queued.note

    def signal(self, symbol: str, side: Side = Side.BUY) -> str:
        """Let the strategy raise a signal; its id."""
        pipeline: Any = self.core.state.symbols[symbol].pipeline
        pipeline.plan.append((0, side))
        return f"{pipeline.prefix}{pipeline.raised + len(pipeline.plan)}"

    async def enter(self, symbol: str, side: Side = Side.BUY) -> str:
        """Raise a signal and wait until its position is open with its stop confirmed; the signal's id.

        A machine that is too busy for the short deadlines of these tests loses an entry now and then: the next one may.
        """
        for _ in range(ENTER_TRIES):
            signal = self.signal(symbol, side)
            await self.until(
                lambda name=signal: self.is_protected(symbol) or self.history(name)[-1:] == [OrderStatus.DEAD],
                f"a protected position in {symbol}",
            )
            if self.is_protected(symbol):
                return signal
        raise AssertionError(f"no entry in {symbol} came to a position: {self._state()}")

    def is_protected(self, symbol: str) -> bool:
        """True if the engine knows a position of the symbol with a stop that the exchange has shown."""
        position = self.core.state.positions.open.get(symbol)
        return position is not None and position.stop_confirmed is not None

    async def command(self, command: Command) -> CommandReply:
        """A command of the operator."""
        assert self.engine is not None
        self._commands += 1
        frame = CommandFrame(command_id=f"c{self._commands}", instance="test", command=command)
        return await self.engine.runner.command(frame, "test")

    async def flatten(self) -> None:
        """Both presses of the flatten key."""
        await self.command(ArmFlatten())
        assert (await self.command(FlattenAll())).accepted

    async def is_flat(self) -> bool:
        """The exchange shows no position and no order."""
        account = await self.account()
        return not account["positions"] and not account["orders"]

    async def flat(self) -> None:
        """Poll until the exchange and the engine say that everything is closed."""
        await self.until(self.is_flat, "everything is closed")
        await self.until(lambda: any(note.startswith("flatten: flat:") for note in self.notes), "the engine says flat")
        assert await self.is_flat()

    @contextlib.asynccontextmanager
    async def locked_journal(self) -> AsyncIterator[None]:
        """Somebody else holds the journal's only right to write."""
        other = sqlite3.connect(self.journal, isolation_level=None, timeout=0)

        def is_taken() -> bool:
            with contextlib.suppress(sqlite3.OperationalError):
                other.execute("begin immediate")
            return other.in_transaction

        try:
            await self.until(is_taken, "the journal is locked")
            yield
        finally:
            other.close()

    # ---------------------------------------------------------------------------------------------------- exchange

    async def control(self, verb: str, **body: Any) -> Any:
        """Make the exchange do something."""
        return await asyncio.to_thread(self._ask, verb, body)

    async def spoil_order(self, **fault: Any) -> None:
        """Let something happen to the next orders on their way, whichever way orders take."""
        if self.order_path is OrderPath.REST:
            await self.control("fault/rest", route=CREATE, **fault)
        else:
            await self.control("fault/trade", op="order.create", **fault)

    @property
    def takes_socket(self) -> bool:
        """True if orders go over the trade socket."""
        return self.order_path is OrderPath.SOCKET

    async def account(self) -> dict[str, Any]:
        """The exchange's account: wallet, positions, orders, executions."""
        told: dict[str, Any] = await asyncio.to_thread(self._ask, "account", None)
        return told

    async def requests(self, *paths: str, after: int = 0) -> list[dict[str, Any]]:
        """Private requests that arrived, oldest first."""
        told = await asyncio.to_thread(self._ask, f"requests?after={after}", None)
        return [entry for entry in told["requests"] if not paths or entry["path"] in paths]

    async def position(self, symbol: str) -> dict[str, Any] | None:
        """A position as the exchange sees it, None if it is flat."""
        return next((row for row in (await self.account())["positions"] if row["symbol"] == symbol), None)

    async def size(self, symbol: str) -> Decimal:
        """Unsigned size at the exchange."""
        row = await self.position(symbol)
        return Decimal(0) if row is None else Decimal(row["size"])

    def _ask(self, verb: str, body: dict[str, Any] | None) -> Any:
        url = f"{self.ready['control']}/{verb}"
        answer = self.session.get(url, timeout=10) if body is None else self.session.post(url, json=body, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    # ---------------------------------------------------------------------------------------------------- epilogue

    async def until(self, holds: Callable[[], bool | Awaitable[bool]], what: str, within_s: float = DEADLINE_S) -> None:
        """Poll until ``holds``; fails after the deadline, or at once if the engine has ended."""
        end = time.monotonic() + within_s
        while True:
            verdict = holds()
            if verdict if isinstance(verdict, bool) else await verdict:
                return
            if self.engine is not None and self.engine.task.done():
                self.engine.task.result()
            assert time.monotonic() < end, f"in vain: {what}; {self._state()}"
            await asyncio.sleep(0.02)

    async def settled(self) -> None:
        """Heal every fault, then poll until what must always come true is true."""
        await self.control("heal")
        complaint = ["not looked at"]

        async def is_settled() -> bool:
            complaint[:] = await self._complaints()
            return not complaint

        end = time.monotonic() + DEADLINE_S
        while not await is_settled():
            assert time.monotonic() < end, "; ".join(complaint)
            await asyncio.sleep(0.05)

    async def _complaints(self) -> list[str]:
        async with JournalReader(self.journal) as reader:
            booked = await reader.rows("executions")
        account = await self.account()
        complaints = [*await self._about_entries(), *self._about_positions(account), *_about_ledger(booked, account)]
        table = self.core.state.orders
        if table.unknown() or table.in_flight():
            complaints.append(f"unresolved: {[order.client_id for order in table.in_flight()]}")
        return complaints

    async def _about_entries(self) -> list[str]:
        """At most one accepted entry a signal, and one request a link id."""
        sent = [entry["params"]["orderLinkId"] for entry in await self.requests(CREATE) if _is_ours(entry)]
        taken = [
            entry["params"]["orderLinkId"]
            for entry in await self.requests(CREATE)
            if _is_ours(entry) and not entry["ret_code"]
        ]
        entries = [origin_of(link) for link in taken if role_of(link) == "entry"]
        assert len(set(sent)) == len(sent), f"sent twice: {sent}"
        assert len(set(entries)) == len(entries), f"two entries for a signal: {entries}"
        return []

    def _about_positions(self, account: dict[str, Any]) -> list[str]:
        """Our view is the exchange's, and every position of ours has its stop there."""
        positions = self.core.state.positions
        truth = {row["symbol"]: (row["side"], Decimal(row["size"])) for row in account["positions"]}
        view = {symbol: (held.side.value, held.qty) for symbol, held in positions.open.items()}
        view |= {name: (row.side.value, row.qty) for name, row in positions.unclaimed.items() if row.side is not None}
        complaints = [] if view == truth else [f"the engine sees {view}, the exchange {truth}"]
        stops = {row["symbol"] for row in account["positions"] if Decimal(row["stopLoss"] or 0)}
        own = {symbol for symbol, held in positions.open.items() if held.origin is not None}
        return complaints + [f"{symbol} has no stop" for symbol in sorted(own - stops)]

    def _state(self) -> str:
        if self.engine is None or self.engine.runner.core is None:
            return "no engine"
        closed = [check.text for check in self.core.signals.gates.of_account() if not check.passed]
        return f"locks {self.core.state.locks}, closed {closed}, notes {self.notes[-6:]}, queue {self._queue()}"

    def _queue(self) -> list[str]:
        return [f"{queued.signal.signal_id}: {queued.note}" for queued in self.core.signals.queue.values()]


def _about_ledger(rows: list[dict[str, Any]], account: dict[str, Any]) -> list[str]:
    """The journal's executions are the exchange's, which were read later."""
    booked = {row["exec_id"]: (Decimal(row["qty"]), Decimal(row["price"]), Decimal(row["fee"])) for row in rows}
    truth = {
        row["execId"]: (Decimal(row["execQty"]), Decimal(row["execPrice"]), Decimal(row["execFee"]))
        for row in account["executions"]
    }
    assert len(rows) == len(booked), "an execution is booked twice"
    wrong = {exec_id for exec_id in booked if booked[exec_id] != truth.get(exec_id)}
    assert not wrong, f"booked what the exchange does not know: {wrong}"
    return [f"{len(truth) - len(booked)} executions are not booked"] if len(truth) != len(booked) else []


def _is_ours(entry: dict[str, Any]) -> bool:
    return is_own(entry["params"].get("orderLinkId", ""))


@contextlib.asynccontextmanager
async def running_bench(
    folder: Path, symbols: tuple[str, ...], order_path: OrderPath = OrderPath.REST
) -> AsyncIterator[Bench]:
    """A fresh exchange; the engine is started by the test, and ended here if it still runs."""
    async with serving(SimexConfig(symbols=symbols, seed=5)) as ready:
        bench = Bench(ready, folder, symbols, order_path)
        try:
            yield bench
        finally:
            with contextlib.suppress(requests.RequestException):
                await bench.control("heal")
            if bench.engine is not None:
                await bench.engine.end()
            bench.session.close()
