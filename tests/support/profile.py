"""A data folder of its own with the real background processes in it, and their certain end after the test."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from cockpit.link.socket_file import is_listened_on
from cockpit.views.frames import ViewFrame
from tests.support.link import attached
from tests.support.program import cockpit, environment

PATIENCE_S = 60.0
"""Until a wait is in vain. Only a failure takes it, so it is long: two workers and their engines share two cores."""
SECTIONS = ("header", "health", "positions", "risk")
TOLD_S = 20.0
PROGRAM = ("cockpit",)


class ProfileFolder:
    """One data folder and the commands on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run = folder / "run"
        self.socket = self.run / "sim.sock"
        self._children: list[subprocess.Popen[bytes]] = []

    def cockpit(self, *arguments: str, timeout_s: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run a command on this data folder to its end."""
        return cockpit(*arguments, "--data-dir", str(self.folder), timeout_s=timeout_s)

    def start_headless(
        self, *arguments: str, group: int | None = None, program: Sequence[str] = PROGRAM
    ) -> subprocess.Popen[bytes]:
        """Start an engine in the foreground of a process of ours, and wait until its socket answers."""
        child = self.spawn("run", "--headless", *arguments, group=group, program=program)
        wait_until(lambda: child.poll() is not None or self.engine is not None, "the engine is ready", 60.0)
        assert child.poll() is None, (self.folder / "headless.out").read_text()
        return child

    def spawn(
        self,
        *arguments: str,
        preexec_fn: Callable[[], None] | None = None,
        group: int | None = None,
        program: Sequence[str] = PROGRAM,
    ) -> subprocess.Popen[bytes]:
        """Start a command on this data folder without waiting for anything; it ends with the test at the latest."""
        with (self.folder / "headless.out").open("ab") as said:
            child = subprocess.Popen(
                [sys.executable, "-m", *program, *arguments, "--data-dir", str(self.folder)],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env=environment(),
                preexec_fn=preexec_fn,
                group=group,
            )
        self._children.append(child)
        return child

    @property
    def engine(self) -> dict[str, Any] | None:
        """``run/engine-sim.json``, if the engine's socket answers too."""
        return _read(self.run / "engine-sim.json") if is_listened_on(self.socket) else None

    @property
    def simex(self) -> dict[str, Any] | None:
        """``run/simex.json``."""
        return _read(self.run / "simex.json")

    def status(self) -> dict[str, Any]:
        """``cockpit status --json``."""
        told: dict[str, Any] = json.loads(self.cockpit("status", "--json").stdout)
        return told

    def told(self) -> dict[str, Any]:
        """What ``cockpit status`` tells, without a process for each question: pid, instance and the sections above.

        Raises:
            OSError: no engine answers, or it went away meanwhile; TimeoutError is one.
        """
        with ThreadPoolExecutor(1) as aside:  # the test may have a loop of its own
            return aside.submit(asyncio.run, _told(self.socket)).result()

    def end(self) -> None:
        """End everything that was started here, whatever state it is in."""
        pids = [run["pid"] for run in (_read(self.run / "engine-sim.json"), self.simex) if run is not None]
        for child in self._children:
            if child.poll() is None:
                child.kill()
            child.wait()
        for pid in pids:
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)


async def _told(socket: Path) -> dict[str, Any]:
    async with asyncio.timeout(TOLD_S), attached(socket, "test", observer=True) as client:
        told: dict[str, Any] = {"pid": client.hello.pid, "instance": client.hello.instance}
        async for event in client.events():
            if isinstance(event, ViewFrame) and event.section in SECTIONS:
                told[event.section] = msgspec.to_builtins(event.view)
            if all(section in told for section in SECTIONS):
                return told
    raise ConnectionError("the engine ended")


@contextmanager
def profile_folder(folder: Path) -> Iterator[ProfileFolder]:
    """A profile whose processes end with the test."""
    profile = ProfileFolder(folder)
    try:
        yield profile
    finally:
        profile.end()


def is_alive(pid: int) -> bool:
    """True for a living cockpit process."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z" and b"cockpit" in words


def wait_until(condition: Callable[[], object], what: str, deadline_s: float = PATIENCE_S) -> None:
    """Poll until ``condition`` holds; fail after the deadline."""
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, f"in vain: {what}"
        time.sleep(0.05)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return content
