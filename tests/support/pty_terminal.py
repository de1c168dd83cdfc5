"""A terminal for a program under test: a pty that is read all the time, with everything that came out of it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence

FOREIGN = {"LC_ALL", "NO_COLOR", "SSH_CONNECTION", "COLUMNS", "LINES"}
"""Variables of the terminal that the tests were started in."""


class PtyTerminal:
    """Starts a Python module on a terminal of ``columns`` x ``rows`` cells."""

    def __init__(
        self, module: str, arguments: Sequence[str], columns: int, rows: int, variables: Mapping[str, str] | None = None
    ) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = {name: value for name, value in os.environ.items() if name not in FOREIGN} | dict(variables or {})
        environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(slave)
        self.output = b""

    def send(self, data: bytes) -> None:
        os.write(self._master, data)

    def read(self, seconds: float = 0.05) -> bytes:
        """Whatever comes within ``seconds``."""
        ready, _, _ = select.select([self._master], [], [], seconds)
        if not ready:
            return b""
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:
            return b""
        self.output += data
        return data

    def read_until(self, is_done: Callable[[], bool], seconds: float = 60.0) -> bool:
        """Keep reading until ``is_done``; False if that did not come in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.read()
            if is_done():
                return True
        return False

    def press_until(self, key: bytes, is_done: Callable[[], bool]) -> bool:
        """Press a key as a person does who looks for what it did, a second apart, until ``is_done``.

        Keys that reach a late screen together count as noise there, so no single press is sure to mean anything.
        """
        for _ in range(60):
            self.send(key)
            if self.read_until(is_done, 1.0):
                return True
        return False

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size; the program is told by SIGWINCH."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def hang_up(self) -> None:
        os.close(self._master)
        self._master = -1

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self._master >= 0:
            os.close(self._master)
