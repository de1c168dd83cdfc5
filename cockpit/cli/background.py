"""The two background processes of a profile, engine and simulated exchange: found, started visibly, ended.

The engine is found by its socket, the exchange by its run file and port. Both are this same program.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cockpit.cli.hints import typed
from cockpit.cli.narration import say
from cockpit.cli.processes import POLL_S, end, is_cockpit, is_locked, lock_of, read_run_file, spawn
from cockpit.cli.run_files import EngineRun, SimexRun
from cockpit.config.profile import Profile, profile_of
from cockpit.domain.enums import Environment
from cockpit.domain.errors import CockpitError, SafetyRefusal
from cockpit.domain.time import NS_PER_S
from cockpit.link.socket_file import is_listened_on
from cockpit.ports.clock import Clock

if TYPE_CHECKING:
    from cockpit.adapters.bybit.credentials import SecretKey
    from cockpit.config.model import Settings

SIMEX_START_S = 30.0
ENGINE_START_S = 60.0
SIMEX_END_S = 5.0

RESTARTS = 5
"""How often an engine in the background starts itself again before it gives up; a calm spell renews it."""

SIMEX_WORD = "simex"
ENGINE_WORD = "--headless"


class BackgroundFailed(CockpitError):
    """A background process ended at its start, or stayed silent. The message holds what it said."""


def engine_of(profile: Profile) -> EngineRun | None:
    """The engine that answers on the profile's socket, None if none does.

    Raises:
        CockpitError: one answers that this version cannot read.
    """
    if not is_listened_on(profile.socket):
        return None
    engine = read_run_file(profile.engine_file, EngineRun)
    if engine is None:
        pid = profile.lock_file.read_text() if profile.lock_file.exists() else "unknown"
        raise CockpitError(
            f"an engine of another version runs (pid {pid}): end it with the version that started it, "
            f"or with kill {pid}; stops at the exchange stay in place"
        )
    return engine


def running_profiles(data_dir: Path | None) -> list[tuple[Profile, EngineRun]]:
    """All engines of a data folder, one an environment at most."""
    profiles = [profile_of(environment, data_dir, os.environ) for environment in Environment]
    found = [(profile, engine_of(profile)) for profile in profiles]
    return [(profile, engine) for profile, engine in found if engine is not None]


def simex_of(profile: Profile) -> SimexRun | None:
    """The simulated exchange that answers."""
    run = read_run_file(profile.simex_file, SimexRun)
    if run is None or not is_cockpit(run.pid, SIMEX_WORD):
        return None
    try:
        with socket.create_connection(("127.0.0.1", run.port), timeout=1.0):
            return run
    except OSError:
        return None


def simex_goes_on(simex: SimexRun, data_dir: Path | None) -> str:
    """That the simulated exchange outlives its engine, and how it ends. As at a real one, stops stand meanwhile."""
    return (
        f"simex goes on without an engine (pid {simex.pid}, market {simex.market}); stops there stand: "
        f"{typed('run', data_dir)} takes it up again, {typed('stop', data_dir)} ends it"
    )


def refuse_differences(asked: dict[str, str], profile: Profile, data_dir: Path | None) -> EngineRun | None:
    """The running engine of the profile, if it is what was asked for; None if none runs.

    Args:
        asked: what the operator asked for on the command line: market, speed, seed, symbols, preset.
        profile: the profile of the command.
        data_dir: as given on the command line.

    Raises:
        SafetyRefusal: an engine runs with something else; the message names both.
    """
    for other, engine in running_profiles(data_dir):
        has = {
            "env": engine.environment,
            "market": engine.market,
            "speed": f"{engine.speed:g}",
            "seed": str(engine.seed),
            "symbols": ",".join(engine.symbols),
            "preset": engine.preset,
        }
        wanted = {"env": profile.environment.value} | asked
        different = [name for name, value in wanted.items() if value != has[name]]
        if different:
            both = "; ".join(f"--{name}: it has {has[name]}, you asked for {wanted[name]}" for name in different)
            raise SafetyRefusal(
                f"an engine runs already (pid {engine.pid}) and differs: {both}. "
                f"Attach to it with {typed('attach', data_dir)}, or end it with {typed('stop', data_dir)}"
            )
        if other == profile:
            return engine
    return None


def ensure_simex(profile: Profile, settings: Settings, config_path: Path | None, clock: Clock) -> SimexRun:
    """The profile's simulated exchange; started if none runs, started anew if it has another market.

    Raises:
        BackgroundFailed: it does not start.
    """
    venue = settings.venue
    running = simex_of(profile)
    if running is not None:
        wanted = (venue.market, venue.speed, venue.seed)
        if (running.market, running.speed, running.seed) == wanted and (
            venue.market.startswith("recording:") or running.symbols == list(venue.symbols)
        ):
            return running
        say(f"simex runs market {running.market}; it is started anew with {venue.market}")
        end(running.pid, SIMEX_WORD, clock, SIMEX_END_S)
    arguments = [
        *("simex", "--port", "0", "--market", venue.market, "--speed", str(venue.speed), "--seed", str(venue.seed)),
        *("--symbols", ",".join(venue.symbols), "--account-file", str(profile.simex_account(venue.market))),
        *("--run-file", str(profile.simex_file)),
        *([] if config_path is None else ["--config", str(config_path.absolute())]),
    ]
    log = profile.log_file.parent / "simex.out"
    _start(
        "simex",
        arguments,
        log,
        lambda: simex_of(profile) is not None,
        lambda: is_locked(lock_of(profile.simex_file)),
        SIMEX_START_S,
        clock,
    )
    started = simex_of(profile)
    if started is None:
        raise BackgroundFailed(f"simex ended right after its start; its log is {log}")
    return started


def start_engine(profile: Profile, options: Sequence[str], clock: Clock, key: SecretKey | None = None) -> None:
    """Start the engine in the background and wait until it answers.

    ``key`` is handed to it without a trace in its command line or environment; None: it finds its own.

    Raises:
        BackgroundFailed: it does not start; the message holds what it said.
        SafetyRefusal: it refused to start.
    """

    def somebody_starts() -> bool:
        return is_locked(profile.lock_file)

    log = profile.log_file.parent / "engine.out"
    arguments = ["run", ENGINE_WORD, "--restarts", str(RESTARTS), *options]
    with _handed(key) as kept:
        arguments += [f"--key-fd={handle}" for handle in kept]
        is_ready = partial(is_listened_on, profile.socket)
        _start("engine", arguments, log, is_ready, somebody_starts, ENGINE_START_S, clock, kept=kept)


@contextmanager
def _handed(key: SecretKey | None) -> Iterator[list[int]]:
    """The descriptor of a key for a child, closed on this side afterwards; none without a key."""
    if key is None:
        yield []
        return
    from cockpit.config.secrets import hand_over

    handle = hand_over(key)
    try:
        yield [handle]
    finally:
        os.close(handle)


def _start(
    name: str,
    arguments: Sequence[str],
    log: Path,
    is_ready: Callable[[], bool],
    may_end: Callable[[], bool],
    timeout_s: float,
    clock: Clock,
    *,
    kept: Sequence[int] = (),
) -> None:
    """Start a background process; ``may_end``: its end is no failure, because another one is starting."""
    click.echo(f"starting {name} ... ", err=True, nl=False)
    heard_before = log.stat().st_size if log.exists() else 0
    started_ns = clock.monotonic_ns()
    child = spawn(arguments, log, kept)
    while not is_ready():
        waited_s = (clock.monotonic_ns() - started_ns) / NS_PER_S
        has_failed = child.poll() is not None and not may_end()
        if has_failed or waited_s > timeout_s:
            click.echo("failed", err=True)
            raise _failure(name, child, log, heard_before)
        time.sleep(POLL_S)
    click.echo(f"ready ({(clock.monotonic_ns() - started_ns) / NS_PER_S:.1f} s)", err=True)


def _failure(name: str, child: subprocess.Popen[bytes], log: Path, heard_before: int) -> CockpitError:
    """Why a child did not start: its own last words."""
    with log.open("rb") as stream:
        stream.seek(heard_before)
        said = stream.read().decode(errors="replace").strip().splitlines()
    own = [line.removeprefix("cockpit: ") for line in said if line.startswith("cockpit: ")]
    if child.returncode == 3 and own:
        return SafetyRefusal(own[-1])
    words = "\n".join(own or said[-8:]) or "it stayed silent"
    return BackgroundFailed(f"{name} did not start: {words}\n(its log is {log})")


def end_simex(profile: Profile, clock: Clock) -> bool:
    """End the simulated exchange; False if none ran."""
    run = read_run_file(profile.simex_file, SimexRun)
    if run is None or not is_cockpit(run.pid, SIMEX_WORD):
        profile.simex_file.unlink(missing_ok=True)
        return False
    end(run.pid, SIMEX_WORD, clock, SIMEX_END_S)
    profile.simex_file.unlink(missing_ok=True)
    return True
