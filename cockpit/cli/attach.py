"""``cockpit attach``: the screen of a running engine."""

from __future__ import annotations

import os
from pathlib import Path

import click

from cockpit.cli.background import running_profiles
from cockpit.cli.hints import typed
from cockpit.cli.narration import say
from cockpit.cli.options import config_option, data_dir_option, settings_from
from cockpit.cli.screen import show_screen
from cockpit.cli.terminal import require_terminal
from cockpit.domain.errors import CockpitError, ConfigError


@click.command()
@click.option("--observe", is_flag=True, help="Look only; no command can be sent.")
@click.option("--mouse", is_flag=True, help="Read the mouse.")
@click.option("--low-bandwidth", is_flag=True, help="Fewer frames and colours, for a thin link.")
@config_option
@data_dir_option
def attach(observe: bool, mouse: bool, low_bandwidth: bool, config_path: Path | None, data_dir: Path | None) -> int:
    """Open the screen of the running engine. q leaves it; the engine goes on."""
    from cockpit.config.screen import check_screen

    require_terminal(data_dir)
    flags = {"ui.mouse": mouse or None, "ui.low_bandwidth": low_bandwidth or None}
    loaded = settings_from(config_path, flags)
    for warning in loaded.warnings:
        say(warning)
    check_screen(loaded, os.environ)
    found = running_profiles(data_dir)
    if not found:
        raise CockpitError(f"no engine is running: start one with {typed('run', data_dir)}")
    if len(found) > 1:
        names = ", ".join(profile.environment.value for profile, _ in found)
        raise ConfigError(f"several engines run ({names}): end the ones you do not want with {typed('stop', data_dir)}")
    return show_screen(found[0][0], loaded.settings, observe=observe)
