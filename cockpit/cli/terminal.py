"""The terminal that a command was started in: whether it can hold the screen, and who sits at it."""

from __future__ import annotations

import getpass
import os
import socket
import sys
from pathlib import Path

from cockpit.cli.hints import typed
from cockpit.domain.errors import ConfigError

LEAST_COLUMNS, LEAST_ROWS = 40, 8


def require_terminal(data_dir: Path | None) -> None:
    """Refuse to draw where nobody could see it.

    Raises:
        ConfigError: stdin or stdout is no terminal, or it is too small.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError(
            f"this is not a terminal: {typed('run --headless', data_dir)} runs the engine alone, "
            f"{typed('status', data_dir)} looks at it"
        )
    size = os.get_terminal_size(sys.stdout.fileno())
    # A terminal that does not tell its size says 0 x 0; the screen then takes its own default.
    if 0 < size.columns < LEAST_COLUMNS or 0 < size.lines < LEAST_ROWS:
        raise ConfigError(
            f"the terminal has {size.columns} columns and {size.lines} rows; the screen needs at least "
            f"{LEAST_COLUMNS} x {LEAST_ROWS}: enlarge it and run {typed('attach', data_dir)}"
        )


def operator_name() -> str:
    """Who is there, for the journal and the other screens: user@host and the terminal's name."""
    try:
        terminal = os.ttyname(sys.stdin.fileno()).removeprefix("/dev/")
    except OSError:
        terminal = "no terminal"
    return f"{getpass.getuser()}@{socket.gethostname()} {terminal}"[:120]
