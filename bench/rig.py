"""Real processes for the benches: simulated exchange, load server, engine, screens on pseudo-terminals.

Everything lives in a temporary folder and is ended with it; a cockpit that runs on this machine is not touched.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from bench.frames import SYMBOLS, cycles
from bench.machine import ROOT
from bench.stamped import Stamps, now_us

SIMEX_FILE = "simex.json"
_TICKS = os.sysconf("SC_CLK_TCK")
_READ = 65_536


class Rig:
    """One data folder with its processes."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="cockpit-bench-")
        self.path = Path(self._folder.name)
        self.data = self.path / "data"
        self._children: list[subprocess.Popen[bytes]] = []
        self._stamped = 0

    def __enter__(self) -> Rig:
        return self

    def __exit__(self, *_raised: object) -> None:
        for child in reversed(self._children):
            end(child)
        self.cockpit("stop", "--leave-protected")
        self._folder.cleanup()

    @property
    def environment(self) -> dict[str, str]:
        """Variables of every process: nothing of a cockpit of this machine's user."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("COCKPIT_", "XDG_", "SSH_"))}
        home = {"XDG_CONFIG_HOME": str(self.path), "PYTHONPATH": str(ROOT)}
        return kept | home | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}

    def configure(self, toml: str) -> None:
        """Write the configuration file that every process of the rig reads."""
        folder = self.path / "cockpit"
        folder.mkdir(exist_ok=True)
        (folder / "config.toml").write_text(toml)

    def command(self, *arguments: str) -> list[str]:
        """The command line of a cockpit of this rig."""
        return [sys.executable, "-m", "cockpit", *arguments, "--data-dir", str(self.data)]

    def cockpit(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            self.command(*arguments), env=self.environment, cwd=ROOT, capture_output=True, text=True, check=False
        )

    def child(self, command: list[str], **more: Any) -> subprocess.Popen[bytes]:
        """Start a process that ends with the rig."""
        child = subprocess.Popen(command, env=self.environment, cwd=ROOT, **more)
        self._children.append(child)
        return child

    def stamped(self, *arguments: str) -> tuple[list[str], Path]:
        """The command line of a cockpit with stopwatches, and where it will write what they said."""
        self._stamped += 1
        out = self.path / f"stamps-{self._stamped}.json"
        return [sys.executable, "-m", "bench.stamped", str(out), *self.command(*arguments)[3:]], out

    def engine(self, *options: str) -> Engine:
        """A stamped engine that answers; with it simex, if the options name no other exchange."""
        command, out = self.stamped("run", "--headless", *options)
        with (self.path / "engine.out").open("wb") as log:
            child = self.child(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(lambda: (self.data / "run" / "sim.sock").exists(), 60, child, self.path / "engine.out")
        return Engine(child, out)

    def load(self) -> Load:
        """A load server whose stream takes the place of simex's public one. Call it before ``engine``."""
        symbols = [cycle.symbol for cycle in cycles(SYMBOLS, 1)]
        self.configure(f"[venue]\nspeed = 0.01\nsymbols = {json.dumps(symbols)}\n")
        self.data.mkdir(mode=0o700)
        run = self.data / "run"
        run.mkdir(mode=0o700)
        simex = ["simex", "--run-file", str(run / SIMEX_FILE)]
        command = [sys.executable, "-m", "cockpit", *simex]
        with (self.path / "simex.out").open("wb") as log:
            child = self.child(command, stdout=log, stderr=log)
        wait_until((run / SIMEX_FILE).exists, 30, child, self.path / "simex.out")
        server = self.child([sys.executable, "-m", "bench.load_server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        load = Load(server)
        told = json.loads((run / SIMEX_FILE).read_text())
        told["public"] = f"ws://127.0.0.1:{load.port}/v5/public"
        (run / SIMEX_FILE).write_text(json.dumps(told))
        return load

    def screen(self, columns: int, rows: int, *options: str, reader_bytes_per_s: float = 0.0) -> Screen:
        """A stamped screen on a pseudo-terminal of its own."""
        command, out = self.stamped("attach", *options)
        return Screen(self, command, out, (columns, rows), reader_bytes_per_s)


class Engine:
    """A running engine."""

    def __init__(self, child: subprocess.Popen[bytes], out: Path) -> None:
        self.child = child
        self.pid = child.pid
        self._out = out

    def stamps(self) -> Stamps:
        """End it and read what its stopwatches said."""
        end(self.child)
        return msgspec.json.decode(self._out.read_bytes(), type=Stamps)


class Load:
    """The load server."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        assert child.stdin is not None
        assert child.stdout is not None
        self._in, self._out = child.stdin, child.stdout
        self.port: int = json.loads(self._out.readline())["port"]

    def run(self, rate: float, seconds: float, burst: int = 0, every_s: float = 0.0) -> tuple[int, int, float, int]:
        """Send; returns start and end (monotonic, us), frames a second really sent, connections since the start."""
        start = now_us()
        self.start(rate, seconds, burst, every_s)
        told = json.loads(self._out.readline())
        return start, now_us(), told["sent"] / seconds, told["connections"]

    def start(self, rate: float, seconds: float, burst: int = 0, every_s: float = 0.0) -> None:
        """Begin to send and do not wait."""
        self._in.write(f"{rate} {burst} {every_s} {seconds}\n".encode())
        self._in.flush()


class Screen:
    """A screen on a pseudo-terminal that a thread reads."""

    def __init__(
        self, rig: Rig, command: list[str], out: Path | None, size: tuple[int, int], reader_bytes_per_s: float = 0.0
    ) -> None:
        self._out = out
        self._limit = reader_bytes_per_s
        self._compressor = zlib.compressobj(6)
        self._lock = threading.Lock()
        self.bytes = 0
        self.compressed = 0
        self.last = b""
        """The end of what was drawn."""
        self._seen: dict[bytes, int] = {}
        self._wanted: bytes | None = None
        self._primary, secondary = pty.openpty()
        fcntl.ioctl(secondary, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self.started_us = now_us()
        self.child = rig.child(command, stdin=secondary, stdout=secondary, stderr=secondary, start_new_session=True)
        self.pid = self.child.pid
        os.close(secondary)
        threading.Thread(target=self._read, daemon=True).start()

    def press(self, key: str) -> int:
        """Write a key; returns when, us."""
        at = now_us()
        os.write(self._primary, key.encode())
        return at

    def wait_for(self, word: str, timeout_s: float = 30.0) -> int:
        """Wait until ``word`` was drawn; returns when, us.

        Raises:
            TimeoutError: it was not.
        """
        wanted = word.encode()
        end_at = time.monotonic() + timeout_s
        while time.monotonic() < end_at:
            with self._lock:
                if wanted in self.last:
                    return self._seen.setdefault(wanted, now_us())
            time.sleep(0.002)
        raise TimeoutError(f"{word!r} was not drawn: {plain(self.last)[-400:]!r}")

    def counts(self) -> tuple[int, int]:
        """(bytes, bytes after zlib with a flush a read, as ssh -C sends them) so far."""
        with self._lock:
            return self.bytes, self.compressed

    def stamps(self) -> Stamps:
        """Leave the screen and read what its stopwatches said."""
        assert self._out is not None
        self._limit = 0.0
        os.kill(self.pid, signal.SIGTERM)
        self.child.wait(20)
        return msgspec.json.decode(self._out.read_bytes(), type=Stamps)

    def _read(self) -> None:
        while True:
            try:
                select.select([self._primary], [], [])
                data = os.read(self._primary, 512 if self._limit else _READ)
            except OSError:
                return
            if not data:
                return
            with self._lock:
                self.bytes += len(data)
                packed = self._compressor.compress(data) + self._compressor.flush(zlib.Z_SYNC_FLUSH)
                self.compressed += len(packed)
                self.last = (self.last + data)[-200_000:]
            if self._limit:
                time.sleep(len(data) / self._limit)


def plain(drawn: bytes) -> str:
    """Terminal output without its escape sequences."""
    return re.sub(r"\x1b(\[[0-9;?<>=]*[a-zA-Z$]|[()][A-B0-2]|[=>])", "", drawn.decode(errors="replace"))


def wait_until(condition: Callable[[], bool], timeout_s: float, child: subprocess.Popen[bytes], log: Path) -> None:
    """Poll until ``condition`` holds.

    Raises:
        RuntimeError: the process ended or the time is over; with what it said.
    """
    end_at = time.monotonic() + timeout_s
    while not condition():
        if child.poll() is not None or time.monotonic() > end_at:
            raise RuntimeError(log.read_text()[-2000:] or "it stayed silent")
        time.sleep(0.01)


def end(child: subprocess.Popen[bytes]) -> None:
    """End a process, by force after 30 s."""
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
    try:
        child.wait(30)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def cpu_s(pid: int) -> float:
    """CPU seconds of a process so far, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def rss_mb(pid: int) -> float:
    """Resident memory of a process, MB (1,000,000 bytes)."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024 / 1e6
