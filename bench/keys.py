"""From a key to the order call: the key is written to the screen's terminal, the order leaves the engine's adapter.

Between the two lie the terminal, the screen, the isolation rule (80 ms in which no other key may come, taken off here),
the attach socket, the engine's checks and the intent on disk. Once with a terminal that reads as fast as it can, once
with one that reads 20 kB/s, and once with orders over the trade socket. From the order call to the exchange's answer is
a row of its own: both ways end at the same simulated exchange, which answers at once.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from pathlib import Path

from bench.latency import quantile
from bench.reference import Reference
from bench.rig import Rig, Screen
from bench.table import Row, Section, missing
from cockpit.link.unix_client import attach
from cockpit.ui.config import UiConfig
from cockpit.ui.store import Store
from cockpit.views.frames import ViewFrame

QUIET_MS = UiConfig().quiet_ms
SECONDS = 75.0
PAUSE_S = 1.3
LATEST_US = 1_000_000
"""An order that comes later than this after a key was not caused by it."""

CONFIG = """
[ui]
confirm = "fast"
[signals]
cooldown_s = 2.0
[risk]
max_entries_per_minute = 60
duplicate_window_s = 0.5
[simex]
order_ack_delay_ms = 0.0
"""


def sections() -> list[Section]:
    """Both terminals, both ways of orders."""
    with Reference() as reference:
        rows = [
            *_rows("terminal that reads at once", 0.0),
            *_rows("terminal that reads 20 kB/s", 20_000.0),
            *_rows("orders over the trade socket", 0.0, "socket"),
        ]
    rows.append(reference.row)
    return [
        Section(f"key to order call, synthetic market, screen of 200x60, without the {QUIET_MS} ms quiet time", rows)
    ]


def _rows(name: str, reader_bytes_per_s: float, order_path: str = "rest") -> list[Row]:
    with Rig() as rig:
        rig.configure(f'[venue]\norder_path = "{order_path}"\n{CONFIG}')
        engine = rig.engine()
        screen = rig.screen(200, 60, reader_bytes_per_s=reader_bytes_per_s)
        screen.wait_for("USDT")
        pressed = asyncio.run(_operate(rig.data / "run" / "sim.sock", screen))
        screen.stamps()
        stamps = engine.stamps()
    found, durable = [], []
    for at in pressed:
        order = _next(stamps.orders, at)
        judged = _next(stamps.commands, at)
        if order is not None and judged is not None:
            found.append((order - at) / 1000 - QUIET_MS)
            durable.append((order - judged) / 1000)
    if not found:
        return [missing(f"{name}: p50", "no key led to an order", "ms", 2.0)]
    answered = sorted(took / 1000 for _at, took in stamps.answers)
    found.sort()
    durable.sort()
    why = f"{len(found)} orders of {len(pressed)} keys"
    return [
        Row(f"{name}: p50", quantile(found, 0.5), "ms", 2.0, why=why),
        Row(f"{name}: p99", quantile(found, 0.99), "ms", 8.0),
        Row("  of it, from the engine's verdict to the order call (intent on disk), p50", quantile(durable, 0.5), "ms"),
        Row(f"  from the order call to the answer, by {order_path}, p50", quantile(answered, 0.5), "ms"),
    ]


def _next(stamps: list[int], at: int) -> int | None:
    """The first stamp after a key, None if it came too late to be caused by it."""
    place = bisect_left(stamps, at)
    return stamps[place] if place < len(stamps) and stamps[place] - at < LATEST_US else None


async def _operate(socket: Path, screen: Screen) -> list[int]:
    """Approve what can be approved, close halves of what is open; returns when the keys were written, us."""
    client = await attach(socket, "bench", observer=True)
    store, loop = Store(), asyncio.get_running_loop()

    async def listen() -> None:
        async for event in client.events():
            if isinstance(event, ViewFrame):
                store.receive(event, loop.time())

    listening = asyncio.create_task(listen())
    pressed: list[int] = []
    end = loop.time() + SECONDS
    while loop.time() < end:
        await asyncio.sleep(PAUSE_S)
        store.commit(loop.time())
        if any(row.state == "open" for row in store.positions.rows):
            pressed.append(screen.press("h"))
        elif any(row.state == "live" for row in store.signals.rows):
            pressed.append(screen.press("a"))
    listening.cancel()
    await client.aclose()
    return pressed
