"""The number of the last start, beside the journal: shows that the journal is gone or is an older copy of itself."""

from __future__ import annotations

import os
from pathlib import Path

PREFIX = "last-start-of-"
"""In front: whoever removes everything that begins like the journal has not removed this."""


def read_epoch(journal: Path) -> int:
    """The epoch of the last start on this journal's place, 0 if there was none.

    Raises:
        ValueError: the file holds something else.
    """
    try:
        return int(_beside(journal).read_text())
    except FileNotFoundError:
        return 0


def write_epoch(journal: Path, epoch: int) -> None:
    """Keep the epoch of this start (0600); a reader sees the old number or the new one. Raises ``OSError``."""
    path = _beside(journal)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w") as stream:
        stream.write(str(epoch))
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)


def _beside(journal: Path) -> Path:
    return journal.with_name(PREFIX + journal.stem)
