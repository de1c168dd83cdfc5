"""Background processes of a profile: started in a session of their own, found again by their run files, ended in words.

Nothing here knows what the processes do; ``background.py`` does.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import msgspec

from cockpit.domain.time import NS_PER_S
from cockpit.ports.clock import Clock

POLL_S = 0.05

_T = TypeVar("_T", bound=msgspec.Struct)


def write_run_file(path: Path, content: msgspec.Struct) -> None:
    """Write a run file for this user alone (0600), so that a reader sees the old one or the new one and never half."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(msgspec.json.encode(content))
    temporary.replace(path)


def read_run_file(path: Path, form: type[_T]) -> _T | None:
    """A run file, None if there is none or an earlier version wrote it in another form."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=form)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def spawn(arguments: Sequence[str], log: Path, kept: Sequence[int] = ()) -> subprocess.Popen[bytes]:
    """Start ``cockpit`` with these arguments in the background: own session, no input, output to ``log`` (0600).

    ``kept`` are descriptors that the child has as well.
    """
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    try:
        return subprocess.Popen(  # noqa: S603 - our own program, our own arguments
            [sys.executable, "-m", "cockpit", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=handle,
            start_new_session=True,
            pass_fds=kept,
            cwd="/",
            env=os.environ | {"PYTHONPATH": _package_path()},
        )
    finally:
        os.close(handle)


def _package_path() -> str:
    """A PYTHONPATH under which the child finds this same program, installed or not."""
    own = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join(filter(None, (own, os.environ.get("PYTHONPATH"))))


_held: dict[Path, int] = {}
"""Handles of the locks that this process has taken, by file."""


def lock(path: Path) -> int | None:
    """Take the lock file for the life of this process; its handle, or None if another process holds it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    with suppress(OSError):  # the number is for people; a full disk must not keep an engine from its flatten
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
    _held[path] = handle
    return handle


def holds_lock(path: Path) -> bool:
    """True while the lock of this process is the one others would meet: a file put in its place locks nobody out."""
    handle = _held.get(path)
    if handle is None:
        return False
    try:
        there, own = path.stat(), os.fstat(handle)
    except OSError:
        return False
    return (there.st_dev, there.st_ino) == (own.st_dev, own.st_ino)


def lock_of(run_file: Path) -> Path:
    """The lock that guards what a run file describes."""
    return run_file.with_suffix(".lock")


def is_locked(path: Path) -> bool:
    """True if a process holds the lock file."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def is_cockpit(pid: int, word: str) -> bool:
    """True if the process lives and is a cockpit started with ``word``: a number alone may be reused."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    parts = raw.decode(errors="replace").split("\0")
    return state != "Z" and word in parts and any("cockpit" in part for part in parts)


def wait_for(condition: Callable[[], bool], clock: Clock, timeout_s: float) -> bool:
    """Poll until ``condition`` holds; False if it did not in time."""
    end_ns = clock.monotonic_ns() + round(timeout_s * NS_PER_S)
    while not condition():
        if clock.monotonic_ns() >= end_ns:
            return False
        time.sleep(POLL_S)
    return True


def end(pid: int, word: str, clock: Clock, patience_s: float) -> bool:
    """Ask a cockpit process to end (SIGTERM), and kill it after ``patience_s``; False if it had to be killed."""
    if not is_cockpit(pid, word):
        return True
    os.kill(pid, signal.SIGTERM)
    if wait_for(lambda: not is_cockpit(pid, word), clock, patience_s):
        return True
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not is_cockpit(pid, word), clock, 2.0)
    return False
