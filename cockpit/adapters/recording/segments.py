"""Segment files of one folder: their names, their order, one that is being written. No threads."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cockpit.adapters.recording.frames import MAGIC, SEGMENT_SUFFIX, zstd
from cockpit.domain.time import NS_PER_S

_LEVEL = 3


def segments_of(folder: Path) -> list[Path]:
    """The segments of a folder, oldest first."""
    return sorted(folder.glob(f"*{SEGMENT_SUFFIX}"))


def remove_oldest(folder: Path, keep_bytes: int) -> None:
    """Delete the oldest segments until no more than ``keep_bytes`` are left."""
    segments = segments_of(folder)
    left = sum(segment.stat().st_size for segment in segments)
    for segment in segments:
        if left <= keep_bytes:
            return
        left -= segment.stat().st_size
        segment.unlink()


class OpenSegment:
    """A segment that is being written. Every ``write`` leaves it readable to its end."""

    def __init__(self, folder: Path, now_ns: int) -> None:
        """Make the next file of the folder (0600). Its name sorts behind all others, whatever the clock says.

        Raises:
            OSError: the file cannot be made.
        """
        last = segments_of(folder)[-1:]
        number = int(last[0].name.partition("-")[0]) + 1 if last else 1
        stamp = datetime.fromtimestamp(now_ns // NS_PER_S, UTC).strftime("%Y%m%dT%H%M%SZ")
        self.path = folder / f"{number:08d}-{stamp}{SEGMENT_SUFFIX}"
        self._handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._compressor = zstd.ZstdCompressor(level=_LEVEL)
        self._head = MAGIC
        self.size = 0
        """Bytes in the file."""

    def write(self, records: Sequence[bytes]) -> None:
        """Append records as one compressed frame: whole, or after an ``OSError`` not at all."""
        text = self._head + b"".join(records)
        data = memoryview(self._compressor.compress(text, zstd.ZstdCompressor.FLUSH_FRAME))
        size = self.size
        try:
            while data:
                written = os.write(self._handle, data)
                size, data = size + written, data[written:]
        except OSError:
            os.ftruncate(self._handle, self.size)
            raise
        self.size, self._head = size, b""

    def close(self) -> None:
        """Close the file; one that holds nothing is removed. Raises ``OSError``."""
        os.close(self._handle)
        if not self.size:
            self.path.unlink()
