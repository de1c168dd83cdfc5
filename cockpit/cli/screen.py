"""Attaching this terminal to an engine, and what is said when it is left."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from cockpit.adapters.system.process import watch_loop
from cockpit.cli.background import ENGINE_WORD, end_simex
from cockpit.cli.clock import CLOCK
from cockpit.cli.hints import either, folder_words, typed
from cockpit.cli.narration import say
from cockpit.cli.processes import is_cockpit, wait_for
from cockpit.cli.run_files import FAILED
from cockpit.cli.terminal import operator_name
from cockpit.config.logs import start_logging
from cockpit.config.model import Settings
from cockpit.config.profile import Profile
from cockpit.domain.enums import Environment
from cockpit.domain.errors import CockpitError
from cockpit.link.client import LinkRefused
from cockpit.link.socket_file import is_listened_on
from cockpit.link.unix_client import NoEngine, attach

if TYPE_CHECKING:
    from cockpit.ui.result import ScreenResult

COME_BACK_S = 20.0
"""How long a screen waits for an engine that starts itself again."""
QUIT_S = 60.0
"""How long ``:quit`` with flatten may take before this terminal stops waiting for it."""


def show_screen(profile: Profile, settings: Settings, *, observe: bool) -> int:
    """Run the screen until the operator leaves it; returns the exit code.

    Raises:
        CockpitError: the engine is gone or refuses, in its words.
    """
    log = start_logging(profile.log_file.with_name("screen.jsonl"), to_stderr=False)
    try:
        result, pid = asyncio.run(_screen(profile, settings, observe))
        while _comes_back(profile, result):
            result, pid = asyncio.run(_screen(profile, settings, observe))
    except NoEngine as error:
        raise CockpitError(f"no engine is running: start one with {typed('run', profile.data_dir)}") from error
    except LinkRefused as error:
        raise CockpitError(f"the engine refused this screen: {error}") from error
    finally:
        log.close()
    if result.kind == "failed":
        again = typed("attach", profile.data_dir)
        raise CockpitError(f"the screen failed and the engine goes on; {again} opens it again: {result.detail}")
    if result.kind.startswith("quit"):
        return _quit(profile, pid)
    _farewell(profile, result)
    return 0


async def _screen(profile: Profile, settings: Settings, observe: bool) -> tuple[ScreenResult, int]:
    from cockpit.config.screen import user_themes
    from cockpit.ui.app import run_screen

    watch_loop(asyncio.get_running_loop())
    client = await attach(profile.socket, operator_name(), observe)
    themes = user_themes(os.environ)
    folder = folder_words(profile.data_dir)
    result = await run_screen(client, settings.ui, settings.keys, observer=observe, user_themes=themes, folder=folder)
    return result, client.hello.pid


def _comes_back(profile: Profile, result: ScreenResult) -> bool:
    """An engine that failed starts itself again: wait for it."""
    if result.kind != "engine_gone" or result.by_operator or not result.detail.startswith(FAILED):
        return False
    say(f"{result.detail}; waiting for it to start again ...")
    return wait_for(lambda: is_listened_on(profile.socket), CLOCK, COME_BACK_S)


def _quit(profile: Profile, pid: int) -> int:
    """The operator ended the engine from the screen: wait for it, then end the simulated exchange too."""
    say("the engine is stopping ...")
    if not wait_for(lambda: not is_cockpit(pid, ENGINE_WORD), CLOCK, QUIT_S):
        look = typed("status", profile.data_dir)
        raise CockpitError(f"the engine is still at it after {QUIT_S:.0f} s: look with {look}")
    say("engine stopped")
    if profile.environment is Environment.SIM and end_simex(profile, CLOCK):
        say("simex stopped")
    return 0


def _farewell(profile: Profile, result: ScreenResult) -> None:
    """Three lines: what still runs, how to come back, how to stop it."""
    name, folder = profile.environment.value.upper(), profile.data_dir
    if not is_listened_on(profile.socket):
        last_word = f" ({result.detail})" if result.detail else ""
        say(f"the engine ({name}) is not running any more{last_word}")
        say(f"start it again:      {either('run', folder)}")
        say(f"what happened:       {typed('journal events', folder)}")
        return
    say(f"the engine is still running ({name})")
    say(f"back to the screen:  {either('attach', folder)}")
    say(f"stop everything:     {either('stop', folder)}")
