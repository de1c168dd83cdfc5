"""Pictures of the screen, few and still: a change of looks must be meant."""

from __future__ import annotations

import pytest

from cockpit.ui import keymap
from cockpit.ui.app import CockpitApp
from cockpit.ui.config import UiConfig
from tests.support.scripted_link import ScriptedClient
from tests.support.scripted_scene import Scene

LOOKS = {
    "80x24-dark": ((80, 24), "dark", "blocks"),
    "120x40-cb": ((120, 40), "cb", "blocks"),
    "60x16-mono": ((60, 16), "mono", "blocks"),
    "80x24-term16-ascii": ((80, 24), "term16", "ascii"),
}


@pytest.mark.parametrize(("size", "theme", "glyphs"), LOOKS.values(), ids=LOOKS)
def test_f100_the_screen_looks_as_it_did(size, theme, glyphs, snap_compare) -> None:
    scene = Scene(4)
    for _ in range(20):
        scene.step()
    client = ScriptedClient(list(scene.markets))
    config = UiConfig(theme=theme, glyphs=glyphs, fps=1, bell=False)
    app = CockpitApp(client, config, keymap.build({}), environment={"LANG": "C.UTF-8"}, now=lambda: 100.0)

    async def show(pilot) -> None:
        client.push(*scene.views(("BTCUSDT",)))
        for _ in range(3):
            await pilot.pause(0.02)
            app.draw_frame()
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=show)
