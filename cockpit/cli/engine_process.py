"""The engine as a process: from the lock to the last byte of the journal. Run by ``cockpit run --headless``.

Theory of operation. The lock file says who is the engine of a profile. ``Runner`` does the work; beside it the task
``screens`` listens on the attach socket, from the moment the runner's own tasks exist until they have all ended. A
signal stops the engine with positions left protected. Ending has a hard deadline: a process that cannot finish leaves
without finishing, because starting again is the recovery (crash-only).
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import secrets
import shutil
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

import msgspec
import uvloop

from cockpit import __version__
from cockpit.adapters.bybit.config import BybitConfig
from cockpit.adapters.bybit.credentials import SecretKey
from cockpit.adapters.bybit.flatten import FlattenIds, flatten
from cockpit.adapters.system.process import watch_loop
from cockpit.adapters.system.service import ALIVE, READY, STOPPING, ServiceManager
from cockpit.cli import bootstrap
from cockpit.cli.background import simex_goes_on, simex_of
from cockpit.cli.clock import CLOCK
from cockpit.cli.entries_off import drop_word
from cockpit.cli.flatten import tell_round
from cockpit.cli.hints import typed
from cockpit.cli.narration import say
from cockpit.cli.processes import holds_lock, lock, write_run_file
from cockpit.cli.run_files import FAILED, EngineRun
from cockpit.config.logs import start_logging
from cockpit.config.model import Settings
from cockpit.config.profile import Profile
from cockpit.domain.enums import Environment
from cockpit.domain.errors import CockpitError
from cockpit.domain.ids import COMMAND_EPOCH
from cockpit.domain.time import ms_from_nanos
from cockpit.engine.core import TradingCore
from cockpit.engine.projection import ShellFigures
from cockpit.engine.runner import Runner
from cockpit.engine.supervisor import STOPPED, EssentialTaskEnded, Supervisor, TaskState, TaskStatus
from cockpit.link.unix_server import ViewServer
from cockpit.ports.journal import Recovery
from cockpit.views.frames import SCHEMA, CommandFrame, CommandReply, Hello

SCREENS = "screens"
BY_SIGNAL = "stopped by "
"""Before the name of the signal that ended an engine."""
SWITCH_S = 0.0005
"""How long the event loop may keep Python's lock from a thread that wants it. The threads write intents and send
orders; with Python's own 5 ms an order would wait that long at each of their steps while the loop makes views."""
END_DEADLINE_S = 25.0
"""From the wish to end to ``os._exit``: requests in flight 5 s, tasks 10 s, journal and connections the rest."""

_log = logging.getLogger(__name__)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one engine is started with."""

    settings: Settings
    profile: Profile
    symbols: tuple[str, ...]
    venue: BybitConfig
    """``settings.venue`` with the addresses that are known only now."""
    key: SecretKey
    account: str = ""
    """The last digits of the account's number; "" on the simulated exchange."""

    @property
    def is_simulated(self) -> bool:
        """True if the exchange is simex."""
        return self.profile.environment is Environment.SIM


class EngineRuns(CockpitError):
    """Another engine has the profile's lock."""


def hold_profile(profile: Profile) -> None:
    """Become the profile's only engine, until this process ends.

    Raises:
        EngineRuns: another process is.
    """
    if lock(profile.lock_file) is None:
        raise EngineRuns(
            f"an engine of this profile runs already (pid {profile.lock_file.read_text() or '?'}): "
            f"{typed('attach', profile.data_dir)} opens its screen, {typed('stop', profile.data_dir)} ends it"
        )


def run_engine(plan: Plan) -> None:
    """Run until told to stop.

    Raises:
        CockpitError: it could not start, or an essential task ended.
    """
    sys.setswitchinterval(SWITCH_S)
    log = start_logging(plan.profile.log_file, to_stderr=sys.stderr.isatty())
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            reason = runner.run(_run(plan))
    except CockpitError as error:
        _log.critical("the engine failed: %s", error)
        raise
    finally:
        log.close()
    say(f"engine ended: {reason}")
    simex = simex_of(plan.profile) if plan.is_simulated and reason.startswith(f"{BY_SIGNAL}SIG") else None
    if simex is not None:
        say(simex_goes_on(simex, plan.profile.data_dir))


async def _run(plan: Plan) -> str:
    watch_loop(asyncio.get_running_loop())
    return await _Engine(plan).run()


class _Engine:
    """The parts of one engine and their order of life."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._supervisor = Supervisor(CLOCK, _tell)
        self._manager = ServiceManager(os.environ)
        self._signal = ""
        """Name of the first signal that asked for the end, "" if none did."""
        self._recorder = bootstrap.recorder(plan.settings.recorder, plan.profile.recordings)
        self._venue = bootstrap.venue(plan.venue, plan.key, self._recorder)
        self._journal = bootstrap.journal(plan.settings, plan.profile)
        self._server = ViewServer(plan.profile.socket, _hello(plan), self._command, CLOCK)
        self._runner = Runner(
            make_core=self._make_core,
            venue=self._venue,
            journal=self._journal,
            clock=CLOCK,
            supervisor=self._supervisor,
            views=self._server,
            figures=_figures(plan),
        )

    def _make_core(self, recovery: Recovery) -> TradingCore:
        drop_word(self._plan.profile)
        return bootstrap.core(self._plan.settings, self._plan.symbols, recovery)

    async def run(self) -> str:
        """From start to end; the reason of the end."""
        running = asyncio.create_task(self._runner.run())
        guard = asyncio.create_task(leave_in_time(self._supervisor, END_DEADLINE_S))
        self._listen_to_signals(running)
        self._supervisor.start(SCREENS, self._screens, essential=True)
        try:
            reason = await running
            return f"{BY_SIGNAL}{self._signal}" if self._signal else reason
        except asyncio.CancelledError:
            return f"{BY_SIGNAL}{self._signal} while starting"
        except CockpitError as error:
            if not self._runner.started.is_set() and self._journal.is_flatten_wanted:
                await self._flatten_alone(error)
            raise
        finally:
            guard.cancel()
            await self._supervisor.stop()
            await self._venue.aclose()
            await self._journal.aclose()
            self._recorder.close()
            self._plan.profile.engine_file.unlink(missing_ok=True)

    async def _flatten_alone(self, error: CockpitError) -> None:
        """An engine that died in a flatten cannot start: close everything without it (reliability.md F55).

        The wish stays on record, so that the next engine that does start looks again and keeps entries off.
        """
        say(f"the engine cannot start: {error}; a flatten is not over, going on with it by REST alone")
        ids = FlattenIds(self._plan.profile.environment, COMMAND_EPOCH, f"X{ms_from_nanos(CLOCK.now_ns()):x}")
        most_slippage_pct = self._plan.settings.execution.flatten_slippage_pct
        await flatten(self._venue.rest, CLOCK, ids, tell_round, most_slippage_pct)
        say("everything is closed")

    async def _command(self, frame: CommandFrame, operator: str) -> CommandReply:
        return await self._runner.command(frame, operator)

    async def _screens(self) -> None:
        """Listen from when the runner's tasks exist, and say goodbye when they have ended."""
        await self._runner.started.wait()
        write_run_file(self._plan.profile.engine_file, _run_file(self._plan))
        await self._server.start()
        gc.collect()
        gc.freeze()
        say(f"engine ready: {self._plan.profile.environment.value}, {_source(self._plan)}, pid {os.getpid()}")
        self._manager.tell(READY)
        try:
            while True:
                self._supervisor.beat(SCREENS)
                self._manager.tell(ALIVE)  # from the loop: one that is blocked says nothing and is ended from outside
                await CLOCK.sleep(1.0)
        finally:
            self._manager.tell(STOPPING)
            failure = self._supervisor.failure
            await self._server.aclose("the engine has ended" if failure is None else f"{FAILED}: {failure}")

    def _listen_to_signals(self, running: asyncio.Task[str]) -> None:
        loop = asyncio.get_running_loop()

        def stop(name: str) -> None:
            self._signal = self._signal or name
            if self._runner.core is None:
                running.cancel()
            else:
                self._runner.request_shutdown(name)

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop, number.name)
        loop.add_signal_handler(signal.SIGHUP, _log.warning, "the terminal is gone; the engine goes on")


async def leave_in_time(supervisor: Supervisor, deadline_s: float) -> None:
    """Once the engine is to end, it ends: after the deadline a thread leaves the process, whatever the loop does."""
    with suppress(EssentialTaskEnded):
        await supervisor.wait()
    leave = threading.Timer(deadline_s, os._exit, (1,))
    leave.daemon = True
    leave.start()


def _hello(plan: Plan) -> Hello:
    return Hello(
        schema=SCHEMA,
        engine_version=__version__,
        instance=secrets.token_hex(6),
        environment=plan.profile.environment.value,
        source=_source(plan),
        symbols=list(plan.symbols),
        preset=plan.settings.preset.name,
        pid=os.getpid(),
    )


def _figures(plan: Plan) -> ShellFigures:
    speed = plan.settings.venue.speed
    is_paper = plan.is_simulated and plan.settings.venue.market == "relay"
    return ShellFigures(
        environment_word="PAPER" if is_paper else plan.profile.environment.value.upper(),
        source=_source(plan),
        account=plan.account,
        speed=f"x{speed:g}" if plan.is_simulated and speed != 1.0 else "",
        profile=plan.profile.data_dir.name,
        preset=plan.settings.preset.name,
        recorder="on",
        engine_version=__version__,
        started_ns=CLOCK.now_ns(),
        disk_free=lambda: shutil.disk_usage(plan.profile.data_dir).free,
        is_lock_held=lambda: holds_lock(plan.profile.lock_file),
    )


def _run_file(plan: Plan) -> EngineRun:
    return EngineRun(
        pid=os.getpid(),
        environment=plan.profile.environment.value,
        market=plan.settings.venue.market if plan.is_simulated else "bybit",
        speed=plan.settings.venue.speed,
        seed=plan.settings.venue.seed,
        symbols=list(plan.symbols),
        preset=plan.settings.preset.name,
    )


def _source(plan: Plan) -> str:
    """The market source in words, as every screen shows it."""
    if not plan.is_simulated:
        return "bybit"
    kind, _, path = plan.settings.venue.market.partition(":")
    return f"{kind} {'/'.join(Path(path).parts[-2:])}" if path else kind


def _tell(status: TaskStatus) -> None:
    is_well = status.state in {TaskState.RUNNING, TaskState.STARTING} or status.detail == STOPPED
    level = logging.INFO if is_well else logging.WARNING
    _log.log(level, "task %s is %s %s", status.name, status.state.value, status.detail)
