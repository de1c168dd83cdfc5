"""Frame to decision through real sockets: load server, engine and an attached screen, each a process of its own.

Counted from the server's stamp just before it sends to the moment the runner has taken the frame through the core and
started what it wants done. The server, the screen and the reader of its terminal share the machine with the engine.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from typing import NamedTuple

from bench.reference import Reference
from bench.rig import Rig, cpu_s
from bench.stamped import Stamps
from bench.table import Row, Section

WARM_UP_S = 6.0


class Span(NamedTuple):
    """What one phase was in fact."""

    start_us: int
    end_us: int
    sent_per_s: float
    connections: int
    cpu: float
    """Of the engine, percent of a core."""


class Phase(NamedTuple):
    """One load and its budgets."""

    name: str
    rate: int
    """Frames a second."""
    seconds: float
    burst: int = 0
    """Frames of a burst, 0: an even stream."""
    every_s: float = 0.0
    p99_ms: float | None = None
    p999_ms: float | None = None


PHASES = (
    Phase("2,500 frames/s", 2_500, 20.0, p99_ms=1.0, p999_ms=5.0),
    Phase("10,000 frames/s", 10_000, 15.0, p99_ms=2.0),
    Phase("bursts of 25,000 frames/s (0.2 s, every 2.2 s)", 25_000, 17.6, 5_000, 2.2, p99_ms=5.0),
)
ENGINE_CPU_BUDGET = 20.0


def sections() -> list[Section]:
    """Every phase with a screen of 200x60 attached."""
    spans = []
    with Reference() as reference, Rig() as rig:
        load = rig.load()
        engine = rig.engine()
        screen = rig.screen(200, 60)
        load.run(2_500, WARM_UP_S)
        for phase in PHASES:
            before = cpu_s(engine.pid)
            start, end, sent, connections = load.run(phase.rate, phase.seconds, phase.burst, phase.every_s)
            cpu = 100 * (cpu_s(engine.pid) - before) / (end - start) * 1e6
            spans.append(Span(start, end, sent, connections, cpu))
            time.sleep(1.0)
        screen.stamps()
        stamps = engine.stamps()
    rows = [row for phase, span in zip(PHASES, spans, strict=True) for row in _rows(phase, span, stamps)]
    rows.append(reference.row)
    return [Section("frame to decision, real sockets, screen of 200x60 attached, 40 symbols", rows)]


def _rows(phase: Phase, span: Span, stamps: Stamps) -> list[Row]:
    name = phase.name
    found = latencies_ms(stamps, span.start_us, span.end_us)
    why = f"{span.sent_per_s:,.0f} frames/s were sent, {len(found):,} book frames were timed"
    if span.connections > 1:
        why += f"; the engine has connected {span.connections} times"
    rows = [
        Row(f"{name}: p50", quantile(found, 0.5), "ms", why=why),
        Row(f"{name}: p99", quantile(found, 0.99), "ms", phase.p99_ms),
        Row(f"{name}: p99.9", quantile(found, 0.999), "ms", phase.p999_ms),
        Row(f"{name}: max", found[-1] if found else None, "ms"),
    ]
    if not phase.burst:
        rows.append(
            Row(f"{name}: engine CPU", span.cpu, "% of a core", ENGINE_CPU_BUDGET if phase.rate == 2_500 else None)
        )
    return rows


def latencies_ms(stamps: Stamps, start_us: int, end_us: int) -> list[float]:
    """Sorted latencies of the book frames that were sent in a span, ms."""
    first, last = bisect_left(stamps.sent, start_us), bisect_left(stamps.sent, end_us)
    pairs = zip(stamps.sent[first:last], stamps.decided[first:last], strict=True)
    return sorted((decided - sent) / 1000 for sent, decided in pairs)


def quantile(ordered: list[float], share: float) -> float | None:
    """A quantile of sorted values."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None
