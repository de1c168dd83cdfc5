"""The engine's socket in the file system: who may reach it, and whether somebody listens there already."""

from __future__ import annotations

import os
import socket
import stat
import struct
from pathlib import Path

from cockpit.domain.errors import ConfigError, SafetyRefusal

LONGEST_PATH = 107
"""Bytes of a socket path that Linux accepts (108 with the closing zero)."""

_PEER = struct.Struct("3i")
_BACKLOG = 16


class SocketTaken(SafetyRefusal):
    """Another engine listens on this socket."""


def listen(path: Path) -> socket.socket:
    """A listening socket at ``path``, readable by this user alone (0600 in a 0700 folder).

    A file that a killed engine left behind is removed; one on which somebody answers is not.

    Raises:
        ConfigError: the path is too long or something that is no socket stands there.
        SafetyRefusal: others may write to the folder, or (``SocketTaken``) an engine answers already.
    """
    if len(os.fsencode(path)) > LONGEST_PATH:
        raise ConfigError(
            f"socket path {path} is longer than {LONGEST_PATH} bytes: set XDG_RUNTIME_DIR or take a shorter --data-dir"
        )
    secure_folder(path.parent)
    _remove_stale(path)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    previous = os.umask(0o177)
    try:
        server.bind(os.fspath(path))
    finally:
        os.umask(previous)
    server.listen(_BACKLOG)
    server.setblocking(False)
    return server


def secure_folder(folder: Path) -> None:
    """Make the folder (0700) or check that it belongs to this user alone.

    Raises:
        SafetyRefusal: it is a link, belongs to somebody else, or is open to others.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise SafetyRefusal(f"{folder} is not a folder of this user: remove it or set XDG_RUNTIME_DIR")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise SafetyRefusal(f"{folder} is open to other users: run chmod 700 {folder}")


def is_listened_on(path: Path) -> bool:
    """True if a process answers at ``path``."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(os.fspath(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except TimeoutError:
            return True  # a full backlog: somebody owns it, if busy
    return True


def is_same_user(connection: socket.socket) -> bool:
    """True if the process at the other end runs as this user (``SO_PEERCRED``)."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    _pid, uid, _gid = _PEER.unpack(raw)
    return bool(uid == os.getuid())


def _remove_stale(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ConfigError(f"{path} is in the way and is no socket: remove it")
    if is_listened_on(path):
        raise SocketTaken(f"an engine of this profile answers at {path}: use cockpit attach or cockpit stop")
    path.unlink()
