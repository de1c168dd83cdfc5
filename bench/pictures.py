"""Draws the pictures of the documents from the running program: ``python -m bench.pictures``.

A real engine on the simulated exchange; a real attached screen, without a terminal, whose own export is saved. It
presses keys as an operator would, so that the pictures show a position and a signal.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from textual import events

from bench.machine import ROOT
from bench.rig import Rig
from cockpit.link.unix_client import attach
from cockpit.ui import keymap
from cockpit.ui.app import CockpitApp
from cockpit.ui.config import UiConfig

PICTURES = ROOT / "docs" / "pictures"
SIZES = {"trade-120x40": (120, 40), "trade-80x24": (80, 24)}
SEED = 5
PATIENCE_S = 240.0


async def draw(socket: Path) -> list[str]:
    """Attach a screen, wait for a position and a signal beside it, save both sizes. Returns what was missing."""
    client = await attach(socket, "pictures")
    app = CockpitApp(client, UiConfig(bell=False), keymap.build({}))
    running = asyncio.create_task(app.run_async(headless=True, size=SIZES["trade-120x40"]))
    try:
        missing = await _act_until_lively(app)
        for name, size in SIZES.items():
            await _save(app, name, size)
    finally:
        app.exit()
        await running
        await client.aclose()
    return missing


async def _act_until_lively(app: CockpitApp) -> list[str]:
    """Approve signals until a position is open and another signal waits."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE_S
    store = app.session.store
    while loop.time() < end:
        await asyncio.sleep(0.5)
        rows, positions = store.signals.rows, store.positions.rows
        if positions and rows and app.session.state.symbol in {row.symbol for row in positions}:
            await asyncio.sleep(2.0)
            if store.signals.rows and store.positions.rows:
                return []
        if positions and app.session.state.symbol not in {row.symbol for row in positions}:
            _press(app, "J")
        elif rows and not positions:
            _press(app, "a")
    missing = [] if store.positions.rows else ["no position"]
    return missing if store.signals.rows else [*missing, "no signal"]


def _press(app: CockpitApp, key: str) -> None:
    app.post_message(events.Key(key, key))


async def _save(app: CockpitApp, name: str, size: tuple[int, int]) -> None:
    app._driver._size = size  # type: ignore[union-attr]
    width, height = size
    from textual.geometry import Size

    app.post_message(events.Resize(Size(width, height), Size(width, height)))
    await asyncio.sleep(1.0)
    svg = app.export_screenshot(title="cockpit")
    PICTURES.mkdir(exist_ok=True)
    (PICTURES / f"{name}.svg").write_text(without_fonts(svg) + "\n")


def without_fonts(svg: str) -> str:
    """The picture without the address of a font on the network; the reader's own monospace font takes its place.

    Viewers that follow the letter of SVG drop leading spaces unless told to keep them.
    """
    return (
        re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
        .replace("Fira Code,", "")
        .replace("Fira Code", "monospace")
        .replace("<text class", '<text xml:space="preserve" class')
    )


def main() -> int:
    """Start everything, draw, end everything."""
    with Rig() as rig:
        rig.engine("--seed", str(SEED))
        missing = asyncio.run(draw(rig.data / "run" / "sim.sock"))
    for what in missing:
        print(f"the pictures lack something: {what}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
