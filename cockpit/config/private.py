"""Files and folders that belong to this user alone: made so, or refused."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cockpit.domain.errors import ConfigError, SafetyRefusal

OTHERS_ANY = 0o077
OTHERS_WRITE = 0o022


def private_folder(path: Path, forbidden: int = OTHERS_ANY) -> None:
    """Make a folder (0700, missing parents too) or check that it is this user's and closed to others.

    Raises:
        SafetyRefusal: it is a link or no folder, belongs to somebody else, or has one of the ``forbidden`` mode bits.
        ConfigError: it cannot be made.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be made a folder: {error.strerror}") from error
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise SafetyRefusal(f"{path} is a symbolic link; name the real folder instead")
    _check(path, found, forbidden, "700")


def read_private(path: Path) -> str | None:
    """Text of a file that only this user may read, None if there is none.

    Raises:
        SafetyRefusal: it is a link, belongs to somebody else, or others may read or change it.
        ConfigError: it cannot be read.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        if path.is_symlink():
            raise SafetyRefusal(f"{path} is a symbolic link; put the file itself there") from error
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        os.close(handle)
        raise ConfigError(f"{path} is no file")
    with os.fdopen(handle, encoding="utf-8") as stream:
        _check(path, found, OTHERS_ANY, "600")
        return stream.read()


def _check(path: Path, found: os.stat_result, forbidden: int, mode: str) -> None:
    if found.st_uid != os.getuid():
        raise SafetyRefusal(f"{path} belongs to another user; take it over or name another place")
    if stat.S_IMODE(found.st_mode) & forbidden:
        raise SafetyRefusal(f"{path} is open to other users: run chmod {mode} {path}")
