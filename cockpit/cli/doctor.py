"""``cockpit doctor``: is everything there that the program needs, from the terminal to the exchange's clock."""

from __future__ import annotations

import asyncio
import getpass
import locale
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click

from cockpit import __version__
from cockpit.adapters.bybit.config import BybitConfig
from cockpit.adapters.bybit.credentials import SecretKey
from cockpit.cli.background import running_profiles, simex_of
from cockpit.cli.live_check import SUFFIX, judge_start
from cockpit.cli.narration import tell
from cockpit.cli.options import ENVIRONMENTS, config_option, data_dir_option, settings_from
from cockpit.cli.terminal import LEAST_COLUMNS, LEAST_ROWS
from cockpit.config.load import LoadedSettings, default_config_path
from cockpit.config.profile import Profile, profile_of
from cockpit.domain.account import AccountInfo
from cockpit.domain.enums import Environment
from cockpit.domain.errors import CockpitError, ConfigError
from cockpit.domain.time import NS_PER_MS, ClockReading

State = Literal["ok", "warn", "FAIL"]

BOOTED = Path("/run/systemd/system")
LINGERING = Path("/var/lib/systemd/linger")
MIB = 1 << 20
ENTRIES_NEED_MIB = 200
WARN_BELOW_MIB = 1024
ESCAPE_TIME_MS = range(10, 51)
"""tmux: below it a slow line breaks arrow keys into Escape and letters, above it Escape lags (interface.md 4.4)."""
OFFSET_WARN_MS = 500


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    state: State
    what: str
    detail: str


@click.command()
@click.option("--env", type=ENVIRONMENTS, help="Which environment to look at. Default: sim.")
@config_option
@data_dir_option
def doctor(env: str | None, config_path: Path | None, data_dir: Path | None) -> int:
    """Check machine, terminal, configuration, key and exchange. Exits 1 if something is missing."""
    findings = [*_machine(), *linger(BOOTED, LINGERING, getpass.getuser()), *_terminal(), *_tmux()]
    try:
        loaded = settings_from(config_path, {"venue.environment": env})
    except CockpitError as error:
        findings.append(Finding("FAIL", "configuration", str(error)))
    else:
        profile = profile_of(loaded.settings.venue.environment, data_dir, os.environ)
        path = config_path or default_config_path(os.environ)
        findings += [*_configuration(loaded, path), *_storage(profile), *_processes(profile, data_dir)]
        findings += [*_exchange(loaded, profile)]
    for finding in findings:
        tell(f"{finding.state:<5}{finding.what:<15}{finding.detail}")
    return int(any(finding.state == "FAIL" for finding in findings))


def _machine() -> Iterator[Finding]:
    python = ".".join(map(str, sys.version_info[:3]))
    yield Finding("ok" if sys.version_info >= (3, 11) else "FAIL", "python", python)
    yield Finding("ok", "cockpit", __version__)
    yield Finding("ok", "sqlite", sqlite3.sqlite_version)


def linger(booted: Path, kept: Path, user: str) -> Iterator[Finding]:
    """Whether an engine outlives the logout of its user, where systemd runs the machine.

    Args:
        booted: is there if it does.
        kept: has a file for each user whose processes are kept.
        user: whose.
    """
    if not booted.is_dir():
        return
    if (kept / user).exists():
        yield Finding("ok", "logout", f"processes of {user} outlive it")
    else:
        yield Finding("warn", "logout", "may end a background engine: loginctl enable-linger prevents that")


def _terminal() -> Iterator[Finding]:
    if not sys.stdout.isatty():
        yield Finding("warn", "terminal", "stdout is no terminal: the screen cannot be shown here")
        return
    size = os.get_terminal_size(sys.stdout.fileno())
    fits = size.columns >= LEAST_COLUMNS and size.lines >= LEAST_ROWS
    wish = "" if fits else f"; at least {LEAST_COLUMNS} x {LEAST_ROWS}, better 120 x 40"
    yield Finding("ok" if fits else "FAIL", "terminal", f"{size.columns} x {size.lines}{wish}")
    term = os.environ.get("TERM", "")
    yield Finding("warn" if term in {"", "dumb"} else "ok", "TERM", term or "is not set")
    encoding = locale.getpreferredencoding(do_setlocale=False)
    is_utf8 = encoding.lower().replace("-", "") == "utf8"
    yield Finding("ok" if is_utf8 else "warn", "locale", encoding + ("" if is_utf8 else ": ASCII drawing is used"))


def _tmux() -> Iterator[Finding]:
    """The escape time of the tmux that this runs in."""
    if not os.environ.get("TMUX") or shutil.which("tmux") is None:
        return
    asked = subprocess.run(
        ["tmux", "show", "-sv", "escape-time"],  # noqa: S607 - the tmux of this session
        capture_output=True,
        text=True,
        check=False,
    )
    value = asked.stdout.strip()
    if value.isdecimal():
        fits = int(value) in ESCAPE_TIME_MS
        advice = "" if fits else "; put set -s escape-time 20 into ~/.tmux.conf"
        yield Finding("ok" if fits else "warn", "tmux", f"escape-time {value} ms{advice}")


def _configuration(loaded: LoadedSettings, path: Path | None) -> Iterator[Finding]:
    from cockpit.config.screen import check_screen

    own = sum(source != "default" and not source.startswith("preset ") for source in loaded.sources.values())
    values = "nothing beside it is set" if not own else "1 value is set" if own == 1 else f"{own} values are set"
    read = "no file" if path is None else str(path)
    yield Finding("ok", "configuration", f"{read}, preset {loaded.settings.preset.name}, {values}")
    for warning in loaded.warnings:
        yield Finding("warn", "configuration", warning)
    try:
        check_screen(loaded, os.environ)
    except ConfigError as error:
        yield Finding("FAIL", "configuration", str(error))


def _storage(profile: Profile) -> Iterator[Finding]:
    try:
        profile.create()
    except CockpitError as error:
        yield Finding("FAIL", "data folder", str(error))
        return
    free = shutil.disk_usage(profile.folder).free // MIB
    state: State = "FAIL" if free < ENTRIES_NEED_MIB else "warn" if free < WARN_BELOW_MIB else "ok"
    yield Finding(state, "data folder", f"{profile.folder}, {free:,} MiB free")
    yield Finding("ok", "run folder", str(profile.run_dir))


def _processes(profile: Profile, data_dir: Path | None) -> Iterator[Finding]:
    found = running_profiles(data_dir)
    if not found:
        yield Finding("ok", "engine", "none runs")
    for _profile, engine in found:
        yield Finding("ok", "engine", f"pid {engine.pid}, {engine.environment}, market {engine.market}")
    simex = simex_of(profile)
    if simex is not None:
        yield Finding("ok", "simex", f"pid {simex.pid}, {simex.rest}, market {simex.market}")


def _exchange(loaded: LoadedSettings, profile: Profile) -> Iterator[Finding]:
    """Key, reach and clock of the exchange; of a simulated one only if it runs."""
    from cockpit.cli.accounts import found_key, sim_venue

    config: BybitConfig
    symbols: Sequence[str] = ()
    try:
        if profile.environment is Environment.SIM:
            simex = simex_of(profile)
            if simex is None:
                yield Finding("ok", "exchange", "the simulated one is started by cockpit run")
                return
            config, key = sim_venue(loaded.settings.venue, simex)
        else:
            found = found_key(profile.environment, may_ask=False)
            config, key, symbols = loaded.settings.venue, found.key, loaded.settings.venue.symbols
            yield Finding("ok", "key", f"of {profile.environment.value}: {found.source}")
            for warning in found.warnings:
                yield Finding("warn", "key", warning)
        clock, account, hedged = asyncio.run(_ask(config, key, symbols))
    except CockpitError as error:
        yield Finding("FAIL", "exchange", str(error))
        return
    offset_ms = clock.offset_ns / NS_PER_MS
    state: State = "ok" if abs(offset_ms) < OFFSET_WARN_MS else "warn"
    yield Finding(state, "clock", f"the exchange is {offset_ms:+.0f} ms from this machine")
    yield Finding("ok", "account", f"...{account.uid[-SUFFIX:]}, margin mode {account.margin_mode}")
    if profile.environment is Environment.SIM:
        return  # its key was made by the simulated exchange itself and can cost nothing
    verdict = judge_start(profile.environment, account, hedged, symbols)
    for refusal in verdict.refusals:
        yield Finding("FAIL", "key", refusal)
    for warning in verdict.warnings:
        yield Finding("warn", "key", warning)


async def _ask(
    config: BybitConfig, key: SecretKey, symbols: Sequence[str]
) -> tuple[ClockReading, AccountInfo, list[str]]:
    from cockpit.cli import bootstrap

    venue = bootstrap.venue(config, key, None)
    try:
        return await venue.server_clock(), await venue.account(), await venue.hedged(symbols)
    finally:
        await venue.aclose()
