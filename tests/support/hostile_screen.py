"""A screen whose every text is hostile: ``python -m tests.support.hostile_screen FRAMES [plain|spoilt|all]``.

``plain`` shows the scene as it is, ``spoilt`` every text in it but symbols and state words, ``all`` those too.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from typing import Any

import msgspec

from cockpit.domain.commands import Command
from cockpit.ui import keymap, terminal
from cockpit.ui.app import CockpitApp
from cockpit.ui.config import UiConfig
from cockpit.ui.result import ScreenResult
from cockpit.views.frames import Role
from tests.support.hostile_text import hostile_texts
from tests.support.scripted_link import ScriptedClient
from tests.support.scripted_scene import Scene

OWN_WORDS = {"symbol", "symbols", "state", "stop_state", "entries", "approval", "kind", "code", "severity", "direction"}
"""Fields that the engine fills with words of its own, or with symbols it was configured with."""
NUMBERS = {"tick_size"}
"""Texts that are numbers by contract."""
KEYS = (
    "?", "escape", "tab", "j", "tab", "J", "tab", "v", "tab", "u", "tab", "L", "tab", "T", "tab", "K", "L", "j", "L",
    ":", "x", "enter", "a", "g", "d", "p", "w", "L", "X", "X", "q", "escape",
)  # fmt: skip


def spoilt(value: Any, texts: Iterator[str], kept: set[str]) -> Any:
    """A view with every text replaced, but those in the fields ``kept``."""
    if isinstance(value, str):
        return next(texts)
    if isinstance(value, list):
        return [spoilt(each, texts, kept) for each in value]
    if isinstance(value, msgspec.Struct):
        fields = {name: getattr(value, name) for name in value.__struct_fields__}
        changed = {name: spoilt(each, texts, kept) for name, each in fields.items() if name not in kept}
        return msgspec.structs.replace(value, **changed)
    return value


async def drive(app: CockpitApp, client: ScriptedClient, scene: Scene, frames: int, kind: str) -> None:
    texts = hostile_texts()
    kept = NUMBERS if kind == "all" else NUMBERS | OWN_WORDS
    for number in range(frames):
        scene.step()
        views = scene.views(client.watched)
        client.push(*(views if kind == "plain" else [spoilt(view, texts, kept) for view in views]))
        if kind != "plain":
            client.role(Role(number % 3 != 0, next(texts), number))
        key = KEYS[number % len(KEYS)]
        app.session.press(key, key if len(key) == 1 else None, app._now())
        await asyncio.sleep(0.01)
        app.draw_frame()
        await asyncio.sleep(0.02)
    app.exit(ScreenResult("detached"))


async def main() -> None:
    frames, kind = int(sys.argv[1]), sys.argv[2]
    texts = hostile_texts(2)
    config = UiConfig(bell=False, fps=1, glyphs="blocks")
    terminal.prepare(config, {})
    scene = Scene(4)
    client = ScriptedClient(list(scene.markets))
    if kind != "plain":
        client._hello = spoilt(client.hello, texts, {"symbols"})

    def answer(_command: Command) -> tuple[bool, str]:
        return False, "no" if kind == "plain" else next(texts)

    client.answer = answer
    app = CockpitApp(client, config, keymap.build({}))
    driving = asyncio.create_task(drive(app, client, scene, frames, kind))
    result = await app.run_async(mouse=False)
    driving.cancel()
    sys.stdout.write(f"ended {result.kind if result else app._exception!r}\n")


if __name__ == "__main__":
    asyncio.run(main())
