"""A screen for the byte budget: draws counted frames of the moving scene, then busy ones, says what it shows, ends.

``python -m tests.support.counted_screen SYMBOLS FRAMES RESULT_FILE [low]``; the busy frames open and close dialogs,
switch symbols, pages and themes, so that the end of the output tells whether the terminal can be trusted.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

from cockpit.ui import keymap, terminal
from cockpit.ui.app import CockpitApp
from cockpit.ui.config import UiConfig
from cockpit.ui.result import ScreenResult
from tests.support.scripted_link import ScriptedClient
from tests.support.scripted_scene import Scene

WARM_UP = 5
FROM, TO = "\x1b]0;counted-from-here\x07", "\x1b]0;counted-to-here\x07"
BUSY = ("?", "j", "q", "j", "J", "tab", "T", "K", "+", ":", "escape", "v", "pageup", "j", "space", "j", "j")


class Counted(msgspec.Struct):
    drawn: int
    skipped: int
    rows: int
    text: list[str]
    """What the panes hold at the end, row by row."""


async def drive(app: CockpitApp, client: ScriptedClient, scene: Scene, frames: int) -> Counted:
    async def frame() -> None:
        scene.step()
        client.push(*scene.views(client.watched))
        await asyncio.sleep(0.005)
        app.draw_frame()
        await asyncio.sleep(0.03)

    await asyncio.sleep(0.2)
    for _ in range(WARM_UP):
        await frame()
    before = (app.frames_drawn, app.frames_skipped, app.rows_drawn)
    app._driver.write(FROM)
    for _ in range(frames):
        await frame()
    app._driver.write(TO)
    counts = [
        now - then for now, then in zip((app.frames_drawn, app.frames_skipped, app.rows_drawn), before, strict=True)
    ]
    for number, key in enumerate(BUSY):
        app.session.press(key, key if len(key) == 1 else None, 1e6 + number)
        await frame()
    await asyncio.sleep(0.2)
    return Counted(*counts, [strip.text for strip in app.screen._compositor.render_strips()])


async def main() -> None:
    symbols, frames, result = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    config = UiConfig(bell=False, fps=1, low_bandwidth_fps=1, glyphs="blocks", low_bandwidth="low" in sys.argv)
    terminal.prepare(config, {})
    scene = Scene(symbols)
    client = ScriptedClient(list(scene.markets))
    app = CockpitApp(client, config, keymap.build({}))
    counted: list[Counted] = []

    async def story() -> None:
        counted.append(await drive(app, client, scene, frames))
        app.exit(ScreenResult("detached"))

    task = asyncio.create_task(story())
    await app.run_async(mouse=False)
    await task
    await asyncio.to_thread(result.write_bytes, msgspec.json.encode(counted[0]))


if __name__ == "__main__":
    asyncio.run(main())
