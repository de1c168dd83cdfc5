"""``cockpit run``: the engine, in the background with a screen before it, or alone in the foreground."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cockpit.cli import background
from cockpit.cli.clock import CLOCK
from cockpit.cli.narration import say
from cockpit.cli.options import (
    ENVIRONMENTS,
    absolute_market,
    config_option,
    data_dir_option,
    market_options,
    settings_from,
    source_flags,
)
from cockpit.cli.terminal import require_terminal
from cockpit.config.load import LoadedSettings
from cockpit.config.profile import Profile, profile_of
from cockpit.domain.enums import Approval, Environment
from cockpit.domain.errors import AuthRejected, ConfigError, SafetyRefusal, VenueError
from cockpit.domain.time import NS_PER_S

if TYPE_CHECKING:
    from cockpit.adapters.bybit.config import BybitConfig
    from cockpit.cli.engine_process import Plan


@click.command()
@click.option("--headless", is_flag=True, help="The engine alone, in the foreground, without a screen.")
@click.option("--env", type=ENVIRONMENTS, help="Where orders go. Default: sim.")
@market_options
@click.option("--preset", metavar="NAME", help="Set of parameters: plotnost, high_percent_breakout, ...")
@config_option
@data_dir_option
@click.option("--live", is_flag=True, help="Allow environment live: real money.")
@click.option("--auto", is_flag=True, help="Let the gates alone approve signals.")
@click.option("--account-suffix", hidden=True, help="What was typed already, for the engine in the background.")
@click.option("--key-fd", type=int, hidden=True, help="Where the starting process left the key.")
@click.option("--restarts", type=int, default=0, hidden=True, help="Starts anew after a failure, for the background.")
@click.option("--mouse", is_flag=True, help="Read the mouse.")
@click.option("--low-bandwidth", is_flag=True, help="Fewer frames and colours, for a thin link.")
def run(
    headless: bool,
    config_path: Path | None,
    data_dir: Path | None,
    live: bool,
    account_suffix: str | None,
    key_fd: int | None,
    restarts: int,
    **flags: Any,
) -> int:
    """Start the engine in the background if none runs for this profile, and open its screen."""
    loaded = settings_from(config_path, _flags(**flags))
    for warning in loaded.warnings:
        say(warning)
    _check_safety(loaded, live=live, auto=flags["auto"])
    if not headless:
        from cockpit.config.screen import check_screen

        check_screen(loaded, os.environ)
        require_terminal(data_dir)
    profile = profile_of(loaded.settings.venue.environment, data_dir, os.environ)
    profile.create()
    running = background.refuse_differences(_asked(loaded), profile, data_dir)
    if headless:
        if loaded.settings.engine.approval is Approval.MANUAL:
            say("approval is manual: without an attached screen every signal expires")
        return _engine(lambda: _plan(profile, loaded, config_path, account_suffix, key_fd), restarts)
    if running is None:
        _start(profile, loaded, config_path, _passed_on(config_path, data_dir, flags))
    from cockpit.cli.screen import show_screen

    return show_screen(profile, loaded.settings, observe=False)


def _flags(
    *, env: str | None, preset: str | None, auto: bool, mouse: bool, low_bandwidth: bool, **market: Any
) -> dict[str, Any]:
    """Flags as dotted keys; None where a flag was not given."""
    return source_flags(**market) | {
        "venue.environment": env,
        "preset.name": preset,
        "engine.approval": Approval.AUTO.value if auto else None,
        "ui.mouse": mouse or None,
        "ui.low_bandwidth": low_bandwidth or None,
    }


def _asked(loaded: LoadedSettings) -> dict[str, str]:
    """What was asked for on the command line and must not differ from a running engine."""
    venue = loaded.settings.venue
    values = {
        "market": ("venue.market", venue.market),
        "speed": ("venue.speed", f"{venue.speed:g}"),
        "seed": ("venue.seed", str(venue.seed)),
        "symbols": ("venue.symbols", ",".join(venue.symbols)),
        "preset": ("preset.name", loaded.settings.preset.name),
    }
    return {name: value for name, (key, value) in values.items() if loaded.sources[key].startswith("flag")}


def _check_safety(loaded: LoadedSettings, *, live: bool, auto: bool) -> None:
    """What must be said twice.

    Raises:
        SafetyRefusal: real money without --live, or signals that approve themselves without --auto.
        ConfigError: --live for another environment.
    """
    settings = loaded.settings
    is_live = settings.venue.environment is Environment.LIVE
    if is_live and not live:
        raise SafetyRefusal("environment live trades real money: it needs --live on the command line")
    if live and not is_live:
        raise ConfigError(f"--live needs --env live; the environment is {settings.venue.environment.value}")
    kinds = settings.engine.approval_by_kind.values()
    if not auto and Approval.AUTO in {settings.engine.approval, *kinds}:
        raise SafetyRefusal("approval auto needs --auto on the command line, at each start")


def _start(profile: Profile, loaded: LoadedSettings, config_path: Path | None, options: list[str]) -> None:
    venue = loaded.settings.venue
    key = None
    if profile.environment is Environment.SIM:
        background.ensure_simex(profile, loaded.settings, config_path, CLOCK)
    else:
        from cockpit.cli.accounts import account_key, checked_account, confirm_account

        key = account_key(profile.environment)
        account = checked_account(venue, key)
        if profile.environment is Environment.LIVE:
            options = [*options, "--live", "--account-suffix", confirm_account(account, None)]
    background.start_engine(profile, options, CLOCK, key)


def _passed_on(config_path: Path | None, data_dir: Path | None, flags: dict[str, Any]) -> list[str]:
    """The same options for the engine in the background; paths absolute."""
    given = {
        "--env": flags["env"],
        "--market": absolute_market(flags["market"]),
        "--speed": flags["speed"],
        "--seed": flags["seed"],
        "--symbols": flags["symbols"],
        "--preset": flags["preset"],
        "--config": config_path and config_path.absolute(),
        "--data-dir": data_dir and data_dir.absolute(),
    }
    words = [word for name, value in given.items() if value is not None for word in (name, str(value))]
    return words + ["--auto"] * flags["auto"]


def _plan(
    profile: Profile,
    loaded: LoadedSettings,
    config_path: Path | None,
    account_suffix: str | None,
    key_fd: int | None,
) -> Plan:
    """Become the engine of the profile: take its lock, find exchange, symbols and key."""
    from cockpit.cli.accounts import account_key, bind_account, checked_account, confirm_account, sim_venue
    from cockpit.cli.engine_process import Plan, hold_profile
    from cockpit.cli.flatten_target import remember_environment
    from cockpit.cli.live_check import SUFFIX
    from cockpit.cli.simex_market import followed_depth, followed_symbols

    settings = loaded.settings
    hold_profile(profile)
    venue: BybitConfig = settings.venue
    symbols, suffix = settings.venue.symbols, ""
    if profile.environment is Environment.SIM:
        simex = background.ensure_simex(profile, settings, config_path, CLOCK)
        venue, key = sim_venue(venue, simex)
        if settings.venue.market.startswith("recording:"):
            symbols = followed_symbols(simex, loaded)
            venue = venue.model_copy(update={"depth": followed_depth(simex, symbols, venue.depth)})
    else:
        key = account_key(profile.environment, key_fd)
        account = checked_account(settings.venue, key)
        if profile.environment is Environment.LIVE:
            confirm_account(account, account_suffix or settings.venue.account_suffix)
        bind_account(profile, account)
        suffix = account.uid[-SUFFIX:]
    remember_environment(profile)
    return Plan(settings=settings, profile=profile, symbols=symbols, venue=venue, key=key, account=suffix)


def _engine(plan: Callable[[], Plan], restarts: int) -> int:
    """The engine in this process, until it is told to stop; what may pass by itself is met by starting anew."""
    from cockpit.cli.engine_process import run_engine
    from cockpit.cli.restart import start_anew
    from cockpit.engine.supervisor import EssentialTaskEnded

    started_ns = CLOCK.monotonic_ns()
    try:
        run_engine(plan())
    except AuthRejected:
        raise
    except (EssentialTaskEnded, VenueError) as error:
        start_anew(error, restarts, (CLOCK.monotonic_ns() - started_ns) / NS_PER_S)
        raise
    return 0
