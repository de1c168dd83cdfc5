"""An engine that fails starts over by itself; one that cannot end is left behind."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cockpit.cli.restart import with_restarts
from tests.support.profile import ProfileFolder, profile_folder, wait_until
from tests.support.program import environment
from tests.support.pty_terminal import PtyTerminal

FAILS_ONCE = """
import sys
from cockpit.cli.main import exit_code
from cockpit.adapters.bybit.venue import BybitVenue
from cockpit.engine.projection import Projection

shown = []
views, events = Projection.views, BybitVenue.events

def show(self, *arguments):
    shown.append(True)
    return views(self, *arguments)

async def break_when_shown(self):
    async for event in events(self):
        yield event
        if shown:
            raise RuntimeError("the stream task broke")

Projection.views, BybitVenue.events = show, break_when_shown
sys.argv = ["cockpit", "run", "--headless", "--restarts", "2", "--symbols", "BTCUSDT", "--data-dir", sys.argv[1]]
sys.exit(exit_code(sys.argv[1:]))
"""

BLOCKED_LOOP = """
import asyncio, time
from cockpit.cli.clock import CLOCK
from cockpit.cli.engine_process import leave_in_time
from cockpit.engine.supervisor import Supervisor

async def main():
    supervisor = Supervisor(CLOCK)
    guard = asyncio.create_task(leave_in_time(supervisor, 0.2))
    supervisor.request_stop()
    await guard
    time.sleep(60)

asyncio.run(main())
"""


@pytest.fixture
def profile(tmp_path: Path) -> Iterator[ProfileFolder]:
    with profile_folder(tmp_path) as folder:
        yield folder


def test_f104_engine_that_fails_starts_over_and_its_screen_comes_back(profile: ProfileFolder) -> None:
    said = (profile.folder / "headless.out").open("wb")
    command = [sys.executable, "-c", FAILS_ONCE, str(profile.folder)]
    with said, subprocess.Popen(command, stdout=said, stderr=said, env=environment()) as engine:
        try:
            wait_until(lambda: profile.engine is not None, "the engine is ready", 60)
            arguments = ["attach", "--observe", "--data-dir", str(profile.folder)]
            terminal = PtyTerminal("cockpit", arguments, 100, 30, environment())
            try:
                assert terminal.read_until(lambda: b"waiting for it to start again" in terminal.output, 60)
                assert b"RuntimeError: the stream task broke" in terminal.output
                before = len(terminal.output)
                assert terminal.read_until(lambda: b"BTCUSDT" in terminal.output[before:], 60)
            finally:
                terminal.close()
            assert profile.status()["pid"] == engine.pid
            assert profile.cockpit("stop").returncode == 0
            assert engine.wait(10) == 0
        finally:
            engine.kill()
    assert "started again" in (profile.folder / "headless.out").read_text()


def test_f105_engine_that_cannot_end_leaves_after_the_deadline() -> None:
    done = subprocess.run([sys.executable, "-c", BLOCKED_LOOP], timeout=30, env=environment(), check=False)
    assert done.returncode == 1


def test_restarts_that_are_left_replace_the_earlier_number() -> None:
    assert with_restarts(["run", "--restarts", "5", "--headless"], 4) == ["run", "--headless", "--restarts", "4"]
    assert with_restarts(["run"], 4) == ["run", "--restarts", "4"]
