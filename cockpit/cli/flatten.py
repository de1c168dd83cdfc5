"""``cockpit flatten``: close everything by REST alone. Needs no engine, stream, database or screen.

An engine that runs is told to close as well and to keep entries off, but never waited for (``entries_off``).
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import click

from cockpit.adapters.bybit.flatten import FlattenIds, FlattenProgress, FlattenResult
from cockpit.adapters.bybit.flatten import flatten as flatten_account
from cockpit.adapters.bybit.rest import BybitRest
from cockpit.cli.clock import CLOCK
from cockpit.cli.closed_by_engine import closed_by_engine
from cockpit.cli.entries_off import drop_word, kept_off, leave_word, tell_engine
from cockpit.cli.flatten_target import find_target, left_alone
from cockpit.cli.hints import typed
from cockpit.cli.narration import say
from cockpit.cli.options import ENVIRONMENTS, config_option, data_dir_option
from cockpit.cli.processes import read_run_file
from cockpit.cli.run_files import SimexRun
from cockpit.config.model import Settings
from cockpit.config.profile import Profile
from cockpit.domain.enums import Environment
from cockpit.domain.errors import CockpitError, ConfigError, SafetyRefusal
from cockpit.domain.ids import COMMAND_EPOCH
from cockpit.domain.time import ms_from_nanos

CONFIRMATION = "flatten"
ENGINE_WAS_FIRST = "the exchange showed no position; what was open before, the engine, told first, has closed"


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--env", type=ENVIRONMENTS, help="Default: where an engine runs, else where the last one ran.")
@config_option
@data_dir_option
def flatten(yes: bool, env: str | None, config_path: Path | None, data_dir: Path | None) -> None:
    """Close every position and cancel every order, and keep at it until the exchange says zero."""
    settings, profile = find_target(env, config_path, data_dir)
    _confirm(profile, yes)
    try:
        rest = _rest(settings, profile)
    except (ConfigError, SafetyRefusal) as error:
        raise _keyless(profile, error) from error
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a connection that drops must not leave half of it open
    leave_word(profile)
    try:
        result, words = asyncio.run(_closed(rest, profile, settings))
    finally:
        rest.close()
    say(f"{profile.environment.value.upper()} is flat after {result.elapsed_s:.1f} s: {words}")
    for other in left_alone(profile, data_dir):
        its_own = typed(f"flatten --env {other}", data_dir)
        say(f"{other.upper()} was not touched, and engines have traded there: {its_own}")


async def _closed(rest: BybitRest, profile: Profile, settings: Settings) -> tuple[FlattenResult, str]:
    """Close everything, while engines keep their entries off; also what was closed, in words."""
    began_ns, most_slippage_pct = CLOCK.now_ns(), settings.execution.flatten_slippage_pct
    ids = FlattenIds(profile.environment, COMMAND_EPOCH, f"X{ms_from_nanos(CLOCK.now_ns()):x}")
    async with kept_off(profile) as engine_knows:
        result = await flatten_account(rest, CLOCK, ids, tell_round, most_slippage_pct)
    if not engine_knows.is_set():
        return result, ", ".join(result.symbols) or "no position was open"
    by_engine = await closed_by_engine(settings.journal.url or profile.journal, began_ns)
    words = [*result.symbols, *(words for symbol, words in by_engine.items() if symbol not in result.symbols)]
    return result, ", ".join(words) or ENGINE_WAS_FIRST


def _keyless(profile: Profile, error: CockpitError) -> CockpitError:
    """Without a key only a running engine can close; what the operator can do is said in any case."""
    leave_word(profile)
    name = profile.environment.value
    if not asyncio.run(tell_engine(profile)):
        drop_word(profile)
        return CockpitError(
            f"this command has no key and sent nothing ({error}). The running engine has one and was told: it closes "
            f"everything and keeps entries off until :resume. Watch it: {typed('status', profile.data_dir)}"
        )
    again = typed(f"flatten --env {name}", profile.data_dir)
    return ConfigError(
        f"{error}\nNOTHING WAS CLOSED; stops at the exchange stand. A key typed at an engine's start is known to "
        f"that engine alone. At a terminal type {again}: it asks for the key. "
        "Or close everything in the exchange's app"
    )


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
        again = typed("flatten --yes", profile.data_dir)
        raise SafetyRefusal(f"there is nobody to ask: {again} does it without asking")
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
