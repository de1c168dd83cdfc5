"""A screen whose pane fails while a local variable holds a secret: ``python -m tests.support.crashing_screen``."""

from __future__ import annotations

import asyncio
import sys

from cockpit.ui.app import run_screen
from cockpit.ui.config import KeysConfig, UiConfig
from cockpit.ui.screens import cockpit
from tests.support.scripted_link import ScriptedClient


def fails(_look: object, width: int, height: int) -> list[object]:
    secret = "secret-of-a-local"
    return [len(secret) // (width * height * 0)]


async def main() -> None:
    cockpit.BUILDERS["risk"] = fails
    result = await run_screen(ScriptedClient(), UiConfig(), KeysConfig(), observer=False)
    sys.stdout.write(f"{result.kind} {result.detail}\n")


if __name__ == "__main__":
    asyncio.run(main())
