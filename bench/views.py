"""What making the views costs the engine: while it makes them it takes no frame, so this is a part of the latency."""

from __future__ import annotations

import time

import msgspec

from bench.frames import generated
from bench.latency import quantile
from bench.table import Row, Section
from cockpit.cli.core_replay import CoreReplay
from cockpit.config.model import Settings
from cockpit.domain.time import NS_PER_MS
from cockpit.engine.projection import Projection, ShellFigures

BUILDS = 200
WATCHED = (1, 4)
PERIOD_NS = 100 * NS_PER_MS


def sections() -> list[Section]:
    """One ladder on screen, and four."""
    frame_set = generated(20_000)
    replay = CoreReplay(Settings(), frame_set.instruments, {}, lambda _step: None)
    for _ in replay.frames(frame_set.frames):
        pass
    figures = ShellFigures(environment_word="SIM", source="bench")
    rows = []
    for count in WATCHED:
        watched = frozenset(instrument.symbol for instrument in frame_set.instruments[:count])
        rows += _rows(replay, Projection(replay.core, figures), watched)
    return [Section("views of 40 symbols, made ten times a second while somebody looks, CPU", rows)]


def _rows(replay: CoreReplay, projection: Projection, watched: frozenset[str]) -> list[Row]:
    now_ns, costs, sizes = replay.core.state.now_ns, [], []
    for _ in range(BUILDS):
        now_ns += PERIOD_NS
        projection.sample(now_ns)
        start = time.process_time_ns()
        views = projection.views(now_ns, watched)
        costs.append((time.process_time_ns() - start) / NS_PER_MS)
        sizes.append(len(msgspec.msgpack.encode(views)) / 1000)
    costs.sort()
    name = f"{len(watched)} ladder{'s' * (len(watched) > 1)}"
    return [
        Row(f"{name}: one build, p50", quantile(costs, 0.5), "ms"),
        Row(f"{name}: one build, p99", quantile(costs, 0.99), "ms"),
        Row(f"{name}: all sections as MessagePack, most", max(sizes), "kB"),
    ]
