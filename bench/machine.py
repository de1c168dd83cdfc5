"""What the figures were measured on: the machine, Python, the commit."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REFERENCE_LOOPS = 2_000_000


def git(*arguments: str) -> str:
    """Output of a git command in the project."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit() -> str:
    """The commit that is checked out, and whether the program differs from it."""
    try:
        changed = git("status", "--porcelain", "--", "cockpit", "requirements.txt")
        return git("rev-parse", "--short", "HEAD") + (" with uncommitted changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "not a git checkout"


def processor() -> str:
    """The processor's name as the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def reference_ns() -> float:
    """CPU time of one turn of an empty loop: tells how fast this machine is just now."""
    start = time.process_time_ns()
    for _ in range(REFERENCE_LOOPS):
        pass
    return (time.process_time_ns() - start) / REFERENCE_LOOPS


def headline() -> str:
    """The lines above every table."""
    load = os.getloadavg()[0]
    return (
        f"machine  {os.cpu_count()} x {processor()}, {platform.system()} {platform.release()}\n"
        f"software Python {platform.python_version()}, msgspec {version('msgspec')}, textual {version('textual')}\n"
        f"commit   {commit()}\n"
        f"load     {load:.1f} before the start, empty loop {reference_ns():.1f} ns a turn"
    )
