"""How long starting takes: from ``exec`` to the first drawn symbol, and to an engine that answers."""

from __future__ import annotations

import subprocess
import time
from statistics import median
from typing import NamedTuple

from bench.reference import Reference
from bench.rig import Rig, Screen, cpu_s, end, wait_until
from bench.table import Row, Section

REPEATS = 5


def sections() -> list[Section]:
    """Attach, engine alone, and everything from nothing."""
    engines, paints, whole = [], [], []
    with Reference() as reference:
        with Rig() as rig:
            _end(_engine(rig))  # leaves the exchange running
            for _ in range(REPEATS):
                engine = _engine(rig)
                engines.append(engine)
                paints.append(_paint(rig, "attach"))
                _end(engine)
        for _ in range(REPEATS):
            with Rig() as rig:
                whole.append(_paint(rig, "run"))
    ready, painted, all_of_it = (
        [median(values) for values in zip(*((each.wall_s, each.cpu_s) for each in found), strict=True)]
        for found in (engines, paints, whole)
    )
    rows = [
        Row("first paint of a screen (attach)", painted[0], "s", 0.5),
        Row("  CPU time of it", painted[1], "s"),
        Row("engine that answers, exchange running", ready[0], "s", 1.5),
        Row("  CPU time of it", ready[1], "s"),
        Row("exchange, engine and first paint from nothing", all_of_it[0], "s"),
        reference.row,
    ]
    return [Section(f"start, median of {REPEATS}", rows)]


class Started(NamedTuple):
    """One start."""

    wall_s: float
    cpu_s: float
    child: subprocess.Popen[bytes]


def _end(started: Started) -> None:
    end(started.child)


def _engine(rig: Rig) -> Started:
    """Start an engine and wait until its socket answers."""
    log = rig.path / "engine.out"
    start = time.monotonic()
    with log.open("wb") as out:
        child = rig.child(rig.command("run", "--headless"), stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    wait_until((rig.data / "run" / "sim.sock").exists, 60, child, log)
    return Started(time.monotonic() - start, cpu_s(child.pid), child)


def _paint(rig: Rig, command: str) -> Started:
    """Start a screen, wait until a symbol stands on it, and end it."""
    screen = Screen(rig, rig.command(command), None, (120, 40))
    painted = screen.wait_for("USDT", 60)
    started = Started((painted - screen.started_us) / 1e6, cpu_s(screen.pid), screen.child)
    _end(started)
    return started
