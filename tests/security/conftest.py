"""One engine, one simulated exchange and one screen for all tests here; the account's key is a canary.

Orders go over the trade socket: what REST signs is signed for reads and stops all the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cockpit.cli.main import exit_code
from cockpit.cli.processes import write_run_file
from cockpit.cli.run_files import SimexRun
from cockpit.domain.commands import ClosePosition
from tests.support.canary import EXPOSED_KEY, EXPOSED_SECRET, KEY, SECRET
from tests.support.link import attached
from tests.support.profile import ProfileFolder, profile_folder, wait_until
from tests.support.program import environment
from tests.support.pty_terminal import PtyTerminal

SYMBOLS = "BTCUSDT,ETHUSDT"
GROUP = 65_534 if os.geteuid() == 0 else None
"""Engine and exchange of root run in this group: by it, what of them in ``/proc`` belongs to root is told apart."""


@contextlib.contextmanager
def variables(changes: dict[str, str]) -> Iterator[None]:
    """Another environment for a while."""
    before = dict(os.environ)
    os.environ.update(changes)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class Stage:
    """A data folder with a running engine, and everything that commands and screens on it have said."""

    def __init__(self, root: Path, profile: ProfileFolder) -> None:
        self.root = root
        self.profile = profile
        self.said: dict[str, bytes] = {}
        folders = {"HOME": str(root / "home"), "TMPDIR": str(root / "tmp")}
        for path in folders.values():
            Path(path).mkdir(mode=0o700)
        self.variables = folders | {"COCKPIT_VENUE__SYMBOLS": SYMBOLS}
        self._terminals: list[PtyTerminal] = []

    def start(self) -> None:
        """simex with the canary as its key, and an engine that was started with key variables it has no use for."""
        dead = SimexRun(
            pid=2**22 - 1, rest="http://127.0.0.1", public="", private="", trade="", control="", api_key=KEY,
            api_secret=SECRET, market="synthetic", speed=1.0, seed=1, symbols=[],
        )  # fmt: skip
        self.profile.run.mkdir(mode=0o700)
        write_run_file(self.profile.run / "simex.json", dead)
        config = self.root / "config.toml"
        config.write_text('[venue]\norder_path = "socket"\n')
        exposed = {"BYBIT_API_KEY": EXPOSED_KEY, "BYBIT_API_SECRET": EXPOSED_SECRET}
        with variables(self.variables | exposed):
            self.engine = self.profile.start_headless("--symbols", SYMBOLS, "--config", str(config), group=GROUP)

    def control(self, verb: str, **body: Any) -> Any:
        """Look inside the simulated exchange, or make it do something."""
        assert self.profile.simex is not None
        url = f"{self.profile.simex['control']}/{verb}"
        request = urllib.request.Request(url, data=msgspec.json.encode(body) if body else None)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            return msgspec.json.decode(answer.read())

    def cockpit(self, *arguments: str) -> bytes:
        """Run a command in this process; what it said on both streams is kept."""
        out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), variables(self.variables):
            exit_code([*arguments, *(["--data-dir", str(self.profile.folder)] * (arguments[0] != "config"))])
        out.flush()
        err.flush()
        told = out.buffer.getvalue() + err.buffer.getvalue()  # type: ignore[attr-defined]
        self.said[" ".join(arguments)] = told
        return bytes(told)

    def process(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """Run a command as a process of its own, on no terminal."""
        done = subprocess.run(
            [sys.executable, "-m", "cockpit", *arguments, "--data-dir", str(self.profile.folder)],
            capture_output=True, stdin=subprocess.DEVNULL, timeout=60, env=environment(**self.variables), check=False,
        )  # fmt: skip
        self.said[f"process {' '.join(arguments)}"] = done.stdout + done.stderr
        return done

    def terminal(self, module: str, *arguments: str, columns: int = 120, rows: int = 40) -> PtyTerminal:
        """Start a module on a terminal of its own."""
        terminal = PtyTerminal(module, arguments, columns, rows, environment(**self.variables) | {"NO_COLOR": ""})
        self._terminals.append(terminal)
        return terminal

    def close(self) -> None:
        """End the terminals; the profile ends the rest."""
        for terminal in self._terminals:
            terminal.close()

    def spoken(self) -> Iterator[tuple[str, bytes]]:
        """What every command and every terminal has shown."""
        yield from self.said.items()
        for number, terminal in enumerate(self._terminals):
            yield f"terminal {number}", terminal.output


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    root = tmp_path_factory.mktemp("stage")
    root.chmod(0o700)
    folder = root / "data"
    folder.mkdir(mode=0o700)
    with profile_folder(folder) as profile:
        found = Stage(root, profile)
        try:
            found.start()
            yield found
        finally:
            found.close()


@pytest.fixture(scope="session")
def traded(stage: Stage) -> Stage:
    """The stage after a position was opened from outside and closed at an operator's word, and after a signal."""
    wait_until(lambda: stage.profile.status()["header"]["streams_up"] == 3, "the engine is connected")
    stage.control("manual/order", symbol="BTCUSDT", side="Buy", orderType="Market", qty="0.01")
    wait_until(lambda: stage.profile.status()["positions"]["rows"], "the engine sees the position")
    asyncio.run(_close(stage))
    wait_until(lambda: not stage.control("account")["positions"], "the position is closed")
    wait_until(lambda: stage.cockpit("journal", "signals", "--json"), "a signal is in the journal", 180)
    return stage


async def _close(stage: Stage) -> None:
    async with attached(stage.profile.socket) as client:
        reply = await client.send(ClosePosition("BTCUSDT"), seen="close")
        assert reply.accepted, reply.reason
