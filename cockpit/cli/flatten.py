"""``cockpit flatten``: close everything by REST alone. Needs no engine, stream, database or screen."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import click

from cockpit.adapters.bybit.flatten import FlattenIds, FlattenProgress, FlattenResult
from cockpit.adapters.bybit.flatten import flatten as flatten_account
from cockpit.adapters.bybit.rest import BybitRest
from cockpit.cli.background import running_profiles
from cockpit.cli.clock import CLOCK
from cockpit.cli.narration import say
from cockpit.cli.options import ENVIRONMENTS, config_option, data_dir_option, settings_from
from cockpit.cli.processes import read_run_file
from cockpit.cli.run_files import SimexRun
from cockpit.config.model import Settings
from cockpit.config.profile import Profile, profile_of
from cockpit.domain.enums import Environment
from cockpit.domain.errors import CockpitError, SafetyRefusal
from cockpit.domain.time import ms_from_nanos

CONFIRMATION = "flatten"


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--env", type=ENVIRONMENTS, help="Default: that of the running engine, else the configured one.")
@config_option
@data_dir_option
def flatten(yes: bool, env: str | None, config_path: Path | None, data_dir: Path | None) -> None:
    """Close every position and cancel every order, and keep at it until the exchange says zero."""
    settings = settings_from(config_path, {"venue.environment": env or _running_environment(data_dir)}).settings
    profile = profile_of(settings.venue.environment, data_dir, os.environ)
    rest = _rest(settings, profile)
    try:
        _confirm(profile, yes)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a connection that drops must not leave half of it open
        origin = f"X{ms_from_nanos(CLOCK.now_ns()):x}"
        ids = FlattenIds(profile.environment, 0, origin)
        result = asyncio.run(flatten_account(rest, CLOCK, ids, tell_round, settings.execution.flatten_slippage_pct))
    finally:
        rest.close()
    _tell_result(profile, result)


def _running_environment(data_dir: Path | None) -> str | None:
    """The environment of the one engine that runs, None if none does.

    Raises:
        SafetyRefusal: several run; which one is meant must be said.
    """
    found = [profile.environment.value for profile, _ in running_profiles(data_dir)]
    if len(found) > 1:
        raise SafetyRefusal(f"engines of several environments run ({', '.join(found)}): name one with --env")
    return found[0] if found else None


def _rest(settings: Settings, profile: Profile) -> BybitRest:
    from cockpit.cli.accounts import account_key, sim_venue

    if profile.environment is Environment.SIM:
        simex = read_run_file(profile.simex_file, SimexRun)
        if simex is None:
            raise CockpitError("no simulated exchange has been started for this data folder: there is nothing to close")
        config, key = sim_venue(settings.venue, simex)
    else:
        config, key = settings.venue, account_key(profile.environment)
    return BybitRest(config.endpoints(), key, config.rest, CLOCK)


def _confirm(profile: Profile, yes: bool) -> None:
    name = profile.environment.value.upper()
    say(f"flatten {name}: every position is closed at the market, every order is cancelled")
    if yes:
        return
    if not sys.stdin.isatty():
        raise SafetyRefusal("there is nobody to ask: cockpit flatten --yes does it without asking")
    if click.prompt(f"type {CONFIRMATION} to do it", default="", show_default=False, err=True) != CONFIRMATION:
        raise SafetyRefusal("nothing was done")


def tell_round(progress: FlattenProgress) -> None:
    """One round of a flatten in words; never raises."""
    positions = ", ".join(f"{each.symbol} {each.side} {each.qty}" for each in progress.open_positions)
    positions = positions or ("none" if progress.is_zero else "not known")
    say(f"{progress.elapsed_s:6.1f} s  round {progress.round}: open positions: {positions}")
    if progress.is_dust:
        say("          DUST: refused again and again, as what is too small: close it by hand. Tried each minute")
    for failure in progress.failures:
        say(f"          {failure} (next over {progress.host})")


def _tell_result(profile: Profile, result: FlattenResult) -> None:
    symbols = ", ".join(result.symbols) or "no position was open"
    say(f"{profile.environment.value.upper()} is flat after {result.elapsed_s:.1f} s: {symbols}")
