"""One recorded frame, and the byte form of our own segments. No files here.

A segment (``*.frames.zst``) is a row of zstd frames. Decompressed and joined they hold ``MAGIC`` and then records:
receive time (u64 ns), direction (u8), length (u32), all little-endian, then the frame's bytes.
"""

from __future__ import annotations

import struct
import sys

import msgspec

from cockpit.domain.errors import ConfigError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["DIRECTIONS", "MAGIC", "SEGMENT_SUFFIX", "RecordSplitter", "RecordedFrame", "pack_record", "zstd"]

SEGMENT_SUFFIX = ".frames.zst"
MAGIC = b"CPFRAME1"
MAX_FRAME_BYTES = 64 * 1024 * 1024
"""A longer record can only be damage."""

_HEAD = struct.Struct("<QBI")
DIRECTIONS = ("recv", "send")
_CODE_OF = {name: code for code, name in enumerate(DIRECTIONS)}


class RecordedFrame(msgspec.Struct, frozen=True, gc=False):
    """One frame as it went over the socket."""

    ts_recv: int
    """When it was received (or sent), ns since 1970-01-01 UTC."""
    direction: str
    """"recv" or "send"."""
    raw: bytes
    """The JSON of the frame, byte for byte."""


def pack_record(ts_recv: int, direction: str, raw: bytes) -> bytes:
    """The record of one frame.

    Raises:
        KeyError: ``direction`` is neither "recv" nor "send".
    """
    return _HEAD.pack(ts_recv, _CODE_OF[direction], len(raw)) + raw


class RecordSplitter:
    """Cuts the decompressed bytes of one segment into frames; what is incomplete waits for more bytes."""

    def __init__(self) -> None:
        self._buffer = b""
        self._has_magic = False

    @property
    def rest(self) -> int:
        """Bytes of a record that is not complete."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[RecordedFrame]:
        """The frames that ``data`` completes.

        Raises:
            ConfigError: the bytes are not those of a segment.
        """
        buffer = self._buffer + data
        at = 0
        if not self._has_magic:
            if len(buffer) < len(MAGIC):
                self._buffer = buffer
                return []
            if not buffer.startswith(MAGIC):
                raise ConfigError("not a cockpit recording")
            self._has_magic, at = True, len(MAGIC)
        frames: list[RecordedFrame] = []
        while at + _HEAD.size <= len(buffer):
            ts_recv, code, length = _HEAD.unpack_from(buffer, at)
            if code >= len(DIRECTIONS) or length > MAX_FRAME_BYTES:
                raise ConfigError("damaged record")
            end = at + _HEAD.size + length
            if end > len(buffer):
                break
            frames.append(RecordedFrame(ts_recv, DIRECTIONS[code], buffer[at + _HEAD.size : end]))
            at = end
        self._buffer = buffer[at:]
        return frames
