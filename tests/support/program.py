"""The real command line in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def environment(**changes: str) -> dict[str, str]:
    """This environment without anything that belongs to the developer's cockpit or terminal, with ``changes``."""
    foreign = ("COCKPIT_", "XDG_", "COLUMNS", "LINES", "LC_ALL", "SSH_CONNECTION")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return kept | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"} | changes


def cockpit(*arguments: str, timeout_s: float = 300.0, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run ``cockpit`` with these arguments to its end; ``changes`` are environment variables."""
    return subprocess.run(
        [sys.executable, "-m", "cockpit", *arguments],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        env=environment(**changes),
        check=False,
        stdin=subprocess.DEVNULL,
    )
