"""Resident memory: screen and engine with 40 symbols, and whether a day of data makes the core grow.

``python -m bench.memory FILE`` replays FILE alone and prints what the process held after each quarter.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from bench.frames import DATA
from bench.machine import ROOT
from bench.rig import Rig, rss_mb
from bench.table import Row, Section, missing

DAY = DATA / "nexousdt-24h" / "frames.jsonl.gz"
LOADED_S = 45.0


def sections() -> list[Section]:
    """Live under load, then a recorded day."""
    with Rig() as rig:
        load = rig.load()
        engine = rig.engine()
        screen = rig.screen(200, 60)
        load.run(2_500, LOADED_S)
        screen_mb, engine_mb = rss_mb(screen.pid), rss_mb(engine.pid)
    rows = [
        Row("screen of 200x60", screen_mb, "MB"),
        Row("engine", engine_mb, "MB"),
        Row("screen and engine", screen_mb + engine_mb, "MB", 180.0),
        _day(),
    ]
    return [Section(f"memory (RSS) after {LOADED_S:.0f} s of 2,500 frames a second, 40 symbols", rows)]


def _day() -> Row:
    metric = "growth of the core over the last three quarters of a recorded day"
    if not DAY.is_file():
        return missing(metric, "no recording of a day beside the project", "MB")
    done = subprocess.run(
        [sys.executable, "-m", "bench.memory", str(DAY)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        return missing(metric, done.stderr.strip().splitlines()[-1], "MB")
    quarters = json.loads(done.stdout)
    return Row(metric, quarters[-1] - quarters[0], "MB", why=f"after each quarter: {', '.join(map(str, quarters))} MB")


def _replay(path: Path) -> list[float]:
    from cockpit.cli import bootstrap
    from cockpit.config.model import Settings

    total = sum(1 for _ in bootstrap.recorded_frames(path))
    play = bootstrap.core_replay(path, Settings(), lambda _step: None)
    marks = {round(total * quarter / 4) for quarter in (1, 2, 3, 4)}
    held: list[float] = []
    for number, _ in enumerate(play.frames(bootstrap.recorded_frames(path)), 1):
        if number in marks:
            held.append(round(rss_mb(os.getpid()), 1))
    return held


if __name__ == "__main__":
    print(json.dumps(_replay(Path(sys.argv[1]))))
