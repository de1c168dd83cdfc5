"""What a screen costs: bytes to the terminal, CPU, and how long its event loop is busy at a stretch.

Two markets: the synthetic one as ``cockpit`` starts it, and 2,500 frames a second over 40 symbols, where nearly every
row changes in every frame. Bytes are counted where the terminal reads them; "ssh -C" is the same bytes through zlib,
flushed after every read.
"""

from __future__ import annotations

import time

from bench.latency import quantile
from bench.rig import Rig, cpu_s
from bench.stamped import Stamps, now_us
from bench.table import Row, Section

SIZES = {(80, 24): 40.0, (120, 40): 105.0, (200, 60): 160.0}
"""Terminal to its budget, kB/s at ten frames a second."""

SETTLE_S = 4.0
MEASURED_S = 10.0
FRAME_US = 100_000
CPU_BUDGET, BLOCK_BUDGET_MS = 8.0, 4.0


def sections() -> list[Section]:
    """Both markets."""
    with Rig() as rig:
        rig.engine()
        time.sleep(10.0)
        calm = [row for size in SIZES for row in _rows(rig, size)]
    with Rig() as rig:
        load = rig.load()
        rig.engine()
        per_size = SETTLE_S + MEASURED_S + 8.0
        load.start(2_500, per_size * len(SIZES) + 5.0)
        busy = [row for size in SIZES for row in _rows(rig, size)]
    return [
        Section("screen on the synthetic market, 8 symbols, 10 frames a second", calm),
        Section("screen on 2,500 market frames a second, 40 symbols, 10 frames a second", busy),
    ]


def _rows(rig: Rig, size: tuple[int, int]) -> list[Row]:
    name = f"{size[0]}x{size[1]}"
    screen = rig.screen(*size)
    screen.wait_for("USDT")
    time.sleep(SETTLE_S)
    before, cpu, start = screen.counts(), cpu_s(screen.pid), now_us()
    time.sleep(MEASURED_S)
    after, cpu, end = screen.counts(), cpu_s(screen.pid) - cpu, now_us()
    seconds = (end - start) / 1e6
    stamps = screen.stamps()
    plain_kb, packed_kb = ((late - early) / seconds / 1000 for early, late in zip(before, after, strict=True))
    is_large = size == (200, 60)
    return [
        Row(f"{name}: bytes to the terminal", plain_kb, "kB/s", SIZES[size]),
        Row(f"{name}: the same with ssh -C", packed_kb, "kB/s", SIZES[size] / 10),
        Row(f"{name}: CPU", 100 * cpu / seconds, "% of a core", CPU_BUDGET if is_large else None),
        _block(name, stamps, start, end, BLOCK_BUDGET_MS if is_large else None),
    ]


def _block(name: str, stamps: Stamps, start_us: int, end_us: int, budget: float | None) -> Row:
    """The longest busy stretch of each tenth of a second; p99 of these."""
    longest = dict.fromkeys(range((end_us - start_us) // FRAME_US), 0)
    for at, spent in stamps.blocks:
        window = (at - start_us) // FRAME_US
        if window in longest:
            longest[window] = max(longest[window], spent)
    ordered = sorted(spent / 1000 for spent in longest.values())
    why = f"p50 {quantile(ordered, 0.5):.1f} ms; {stamps.frames} frames drawn, {stamps.skipped} left out"
    return Row(f"{name}: frame block p99", quantile(ordered, 0.99), "ms", budget, why=why)
