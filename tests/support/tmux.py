"""A real terminal that a test can look at and type into: one tmux server for each, with one pane."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from types import TracebackType

import pytest

from tests.support.program import environment

_numbers = count(1)
_POLL_S = 0.1


def require_tmux() -> None:
    """Skip the test if there is no tmux; in CI that is a failure."""
    if shutil.which("tmux") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("tmux is missing in CI")
        pytest.skip("tmux is not installed")


class Tmux:
    """A program on a terminal of ``columns`` x ``rows`` cells. Use it in ``with``; a failure shows its picture."""

    def __init__(self, command: Sequence[str], columns: int, rows: int) -> None:
        self._socket = f"cockpit-test-{os.getpid()}-{next(_numbers)}"
        self._env = environment(LANG="C.UTF-8", LC_ALL="C.UTF-8", COLORTERM="truecolor")
        for name in ("NO_COLOR", "TMUX", "SSH_CONNECTION", "COLUMNS", "LINES"):
            self._env.pop(name, None)
        # The shell stays after the program, so that its last words and its exit code can be read.
        script = f"{shlex.join(command)}; echo exit code $?; exec cat"
        size = ["-x", str(columns), "-y", str(rows)]
        self._tmux("-f", os.devnull, "new-session", "-d", *size, "sh", "-c", script)
        self.last = ""

    def __enter__(self) -> Tmux:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            error.add_note(f"the terminal showed:\n{self._capture_or_nothing()}")
        subprocess.run(["tmux", "-L", self._socket, "kill-server"], capture_output=True, env=self._env, check=False)

    def capture(self) -> str:
        """What the terminal shows now, one line a row."""
        self.last = self._tmux("-u", "capture-pane", "-p")
        return self.last

    def send(self, *keys: str) -> None:
        """Press keys, named as tmux names them."""
        self._tmux("send-keys", *keys)

    def until(self, holds: Callable[[str], object], what: str, deadline_s: float = 30.0) -> str:
        """Look until the picture is as wanted; that picture."""
        for picture in self.pictures(deadline_s):
            if holds(picture):
                return picture
        raise AssertionError(f"in vain: {what}")

    def pictures(self, for_s: float) -> Iterator[str]:
        """One picture after another, at least one."""
        end = time.monotonic() + for_s
        while True:
            yield self.capture()
            if time.monotonic() > end:
                return
            time.sleep(_POLL_S)

    def _capture_or_nothing(self) -> str:
        try:
            return self.capture()
        except (subprocess.SubprocessError, OSError):
            return self.last

    def _tmux(self, *words: str) -> str:
        command = ["tmux", "-L", self._socket, *words]
        done = subprocess.run(command, capture_output=True, text=True, env=self._env, check=True, timeout=30)
        return done.stdout


@contextmanager
def terminal(command: Sequence[str], columns: int = 120, rows: int = 40) -> Iterator[Tmux]:
    """Run a command on a terminal of its own until the end of the block."""
    require_tmux()
    with Tmux(command, columns, rows) as tmux:
        yield tmux
