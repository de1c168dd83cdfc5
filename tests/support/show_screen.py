"""Look at the screen without an engine: ``python -m tests.support.show_screen [symbols] [theme]``."""

from __future__ import annotations

import asyncio
import sys

from cockpit.ui.app import run_screen
from cockpit.ui.config import KeysConfig, UiConfig
from tests.support.scripted_link import ScriptedClient
from tests.support.scripted_scene import Scene


async def animate(client: ScriptedClient, scene: Scene, period: float = 0.1) -> None:
    """Move the scene and push its views until cancelled."""
    client.answer = scene.command
    while True:
        scene.step()
        client.push(*scene.views(client.watched))
        await asyncio.sleep(period)


async def main() -> None:
    symbols = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    theme = sys.argv[2] if len(sys.argv) > 2 else "dark"
    scene = Scene(symbols)
    client = ScriptedClient(list(scene.markets))
    moving = asyncio.create_task(animate(client, scene))
    result = await run_screen(client, UiConfig(theme=theme, bell=False), KeysConfig(), observer="observe" in sys.argv)
    moving.cancel()
    sys.stdout.write(f"{result}\n")


if __name__ == "__main__":
    asyncio.run(main())
