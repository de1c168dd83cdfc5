"""``python -m tests.process.stepped_clock FILE ...``: ``cockpit`` on a wall clock that is off by what ``FILE`` says, s.

Setting the machine's own clock needs its right and would move every other test. Processes started from here have the
true clock: the exchange's is never off.
"""

from __future__ import annotations

import runpy
import sys
import time
from pathlib import Path


def step(file: Path) -> None:
    """From now on the wall clock of this process is off by what ``file`` says."""
    true_ns = time.time_ns

    def time_ns() -> int:
        return true_ns() + int(file.read_text()) * 10**9

    time.time_ns = time_ns
    time.time = lambda: time_ns() / 10**9


def set_clock(file: Path, seconds: int) -> None:
    """Step the clock of the processes that read ``file``; they never see half of it."""
    new = file.with_suffix(".new")
    new.write_text(str(seconds))
    new.replace(file)


if __name__ == "__main__":
    step(Path(sys.argv.pop(1)))
    runpy.run_module("cockpit", run_name="__main__", alter_sys=True)
