"""Second home of the engine's durable flags, beside the database: what a full or locked database cannot take.

The file has one size from its beginning and is written in place, by one write: that needs no room on a disk that has
none left. An entry stays until the database holds the same; one that says "flatten" stays until the flatten is over,
because an engine that cannot read its database must find it too. Where both homes speak, the file is the newer one.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from cockpit.ports.journal import FLATTEN_FLAG

SIZE = 4_096
_log = logging.getLogger(__name__)


class FlagFile:
    """Flags by name; "" says that the flag was cleared."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._flags = _read(path)

    @property
    def flags(self) -> Mapping[str, str]:
        """What the file holds."""
        return self._flags

    def keep(self, name: str, value: str) -> None:
        """Write a flag before the database does. Raises ``OSError``; then the file is as it was."""
        if self._flags.get(name) != value:
            self._write({**self._flags, name: value})

    def settle(self, name: str, value: str) -> None:
        """The database holds the flag now. Raises ``OSError``."""
        is_wish = name == FLATTEN_FLAG and value
        if not is_wish and self._flags.get(name) == value:
            self._write({kept: held for kept, held in self._flags.items() if kept != name})

    def settle_all(self) -> None:
        """The database holds every flag now. Raises ``OSError``."""
        wish = self._flags.get(FLATTEN_FLAG)
        self._write({FLATTEN_FLAG: wish} if wish else {})

    def _write(self, flags: dict[str, str]) -> None:
        content = msgspec.json.encode(flags).ljust(SIZE)
        if len(content) > SIZE:
            raise OSError(f"the flags do not fit into {self._path}")
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            if os.pwrite(handle, content, 0) != SIZE:
                raise OSError(f"{self._path} was written in part")
            os.fsync(handle)
        finally:
            os.close(handle)
        self._flags = flags


def _read(path: Path) -> dict[str, str]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError) as error:
        _log.critical("the flags in %s cannot be read, those of the database hold: %s", path, error)
        return {}
