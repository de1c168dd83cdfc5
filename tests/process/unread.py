"""A trading engine with a screen that nobody reads: its minute passes while other tests of the terminal run."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

from tests.process.rig import EAGER, MARKET, Exchange, pause_entries, until_holding, write_config
from tests.process.verdict import judged
from tests.support.profile import ProfileFolder, profile_folder
from tests.support.program import environment
from tests.support.pty_terminal import PtyTerminal

SYMBOLS = "ETHUSDT,SOLUSDT,DOGEUSDT,ADAUSDT"


def attach(profile: ProfileFolder, columns: int = 120, rows: int = 40) -> PtyTerminal:
    """A screen of a running engine, drawn."""
    terminal = PtyTerminal("cockpit", ["attach", "--data-dir", str(profile.folder)], columns, rows, environment())
    assert terminal.read_until(lambda: b"FLATTEN" in terminal.output, 60), terminal.output[-500:]
    return terminal


class Unread:
    """An engine with open positions and entries paused, and its screen that is not read since ``since``."""

    def __init__(self, folder: Path) -> None:
        self._stack = ExitStack()
        self.profile = self._stack.enter_context(profile_folder(folder))
        config = write_config(folder / "config.toml", EAGER)
        self.profile.start_headless(*MARKET, "--symbols", SYMBOLS, "--auto", "--config", str(config))
        self.exchange = Exchange(self.profile)
        until_holding(self.exchange, 2)
        pause_entries(self.profile)
        self.verdict = self._stack.enter_context(judged(self.profile))
        self.exchange.new_requests()
        self.terminal = attach(self.profile)
        self._stack.callback(self.terminal.close)
        self.since = time.monotonic()

    def end(self) -> None:
        """End it all; harmless when called again."""
        self._stack.close()
