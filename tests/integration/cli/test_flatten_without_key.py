"""``cockpit flatten`` where the key was typed at the engine's start: the engine is the only one that can close."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from cockpit.config.profile import profile_of
from cockpit.domain.commands import FlattenAll
from cockpit.domain.enums import Environment
from tests.support.link import Desk, serving
from tests.support.program import cockpit


async def test_the_running_engine_is_told_to_close_and_that_is_said(tmp_path: Path) -> None:
    profile = profile_of(Environment.LIVE, tmp_path / "data", os.environ)
    profile.create()
    desk = Desk()
    async with serving(profile.socket, desk):
        arguments = ("flatten", "--yes", "--data-dir", str(profile.data_dir))
        done = await asyncio.to_thread(cockpit, *arguments, HOME=str(tmp_path))
    assert done.returncode == 1
    assert "sent nothing" in done.stderr
    assert "The running engine has one and was told" in done.stderr
    assert [type(frame.command) for frame, _ in desk.taken] == [FlattenAll]
