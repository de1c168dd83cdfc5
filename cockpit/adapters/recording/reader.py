"""Recorded frames out of files: frame files, Bybit's order book archive, our own segments. No decoding of frames.

Forms, told apart by the file's ending:

* ``.jsonl``, ``.jsonl.gz``, ``.data``: a line is ``{"rx": epoch seconds, "dir": "recv"|"send", "frame": {...}}``, or
  the frame itself, whose ``ts`` (ms) then counts as the receive time;
* ``.zip``: Bybit's published archive, whose members have such lines;
* ``.frames.zst``, or a folder of them: what ``SegmentWriter`` writes.
"""

from __future__ import annotations

import logging
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

import msgspec

from cockpit.adapters.recording.frames import DIRECTIONS, SEGMENT_SUFFIX, RecordedFrame, RecordSplitter, zstd
from cockpit.adapters.recording.segments import segments_of
from cockpit.domain.errors import ConfigError
from cockpit.domain.time import NS_PER_MS

_CHUNK = 256 * 1024
_NS_PER_US = 1000
_LINE_SUFFIXES = (".jsonl", ".jsonl.gz", ".data", ".data.gz")
_log = logging.getLogger(__name__)

Report = Callable[[str], None]
"""Takes one sentence about something that is missing at the end of a file."""


class _Line(msgspec.Struct, gc=False):
    """One line: with ``rx`` a wrapped frame, without it a frame of which only the time matters here."""

    frame: msgspec.Raw = msgspec.Raw()
    rx: float | None = None
    dir: str = "recv"
    ts: int | None = None


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


def read_frames(path: Path | str, report: Report = _log.warning) -> Iterator[RecordedFrame]:
    """The frames of a recording, in file order.

    Args:
        path: a file of a known form or a folder of segments.
        report: is told when a file ends in the middle of a line or segment; everything before that is delivered.

    Raises:
        ConfigError: at once if there is no such recording; while iterating, naming file and line, if a line or a
            segment in the middle is damaged.
    """
    path = Path(path)
    if path.is_dir():
        segments = segments_of(path)
        if not segments:
            raise ConfigError(f"{path}: no recording in this folder (no *{SEGMENT_SUFFIX} file)")
        return _joined(segments, report)
    if not path.is_file():
        raise ConfigError(f"{path}: no such recording")
    if path.name.endswith(SEGMENT_SUFFIX):
        return _segment_frames(path, report)
    if path.name.endswith(".zip"):
        return _zip_frames(path, report)
    if path.name.endswith(_LINE_SUFFIXES):
        return _line_frames(str(path), _file_chunks(path, report), report)
    known = ", ".join((*_LINE_SUFFIXES, ".zip", SEGMENT_SUFFIX))
    raise ConfigError(f"{path}: unknown form of recording; known endings: {known}")


def _joined(segments: list[Path], report: Report) -> Iterator[RecordedFrame]:
    for segment in segments:
        yield from _segment_frames(segment, report)


def _segment_frames(path: Path, report: Report) -> Iterator[RecordedFrame]:
    splitter = RecordSplitter()
    try:
        for chunk in _inflated(str(path), _raw_chunks(path), zstd.ZstdDecompressor, report):
            yield from splitter.feed(chunk)
    except (ConfigError, zstd.ZstdError) as error:
        raise ConfigError(f"{path}: {error}") from error
    if splitter.rest:
        report(f"{path}: ends in the middle of a record; the frames before it were read")


def _zip_frames(path: Path, report: Report) -> Iterator[RecordedFrame]:
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.is_dir():
                    continue
                with archive.open(member) as stream:
                    chunks = iter(lambda: stream.read(_CHUNK), b"")
                    yield from _line_frames(f"{path}:{member.filename}", chunks, report)
    except (zipfile.BadZipFile, zlib.error) as error:
        raise ConfigError(f"{path}: {error}") from error


def _file_chunks(path: Path, report: Report) -> Iterator[bytes]:
    chunks = _raw_chunks(path)
    if path.name.endswith(".gz"):
        return _inflated(str(path), chunks, lambda: zlib.decompressobj(wbits=31), report)
    return chunks


def _raw_chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


def _inflated(name: str, chunks: Iterator[bytes], new: Callable[[], _Decompressor], report: Report) -> Iterator[bytes]:
    """Decompressed bytes of a row of gzip members or zstd frames; a missing end is reported, not raised."""
    current: _Decompressor | None = None
    for chunk in chunks:
        data = chunk
        while data:
            current = current or new()
            try:
                text = current.decompress(data)
            except zlib.error as error:
                raise ConfigError(f"{name}: {error}") from error
            if text:
                yield text
            data = b""
            if current.eof:
                data, current = current.unused_data.lstrip(b"\0"), None
    if current is not None:
        report(f"{name}: the compressed data ends early; the frames before that point were read")


def _line_frames(name: str, chunks: Iterable[bytes], report: Report) -> Iterator[RecordedFrame]:
    """Frames of JSON lines. Plain frames before the first one with a time get that first time."""
    decode = msgspec.json.Decoder(_Line).decode
    last_ns: int | None = None
    waiting: list[bytes] = []
    for number, text, is_cut in _numbered_lines(chunks):
        try:
            line = decode(text)
            if line.rx is not None:
                yield _unwrapped(line)
                continue
        except msgspec.MsgspecError as error:
            if is_cut:
                report(f"{name}:{number}: the last line is cut off; the frames before it were read")
                return
            raise ConfigError(f"{name}:{number}: {error}") from error
        last_ns = last_ns if line.ts is None else line.ts * NS_PER_MS
        waiting.append(text)
        if last_ns is not None:
            for raw in waiting:
                yield RecordedFrame(last_ns, "recv", raw)
            waiting.clear()
    if waiting:
        raise ConfigError(f"{name}: no line tells a time (neither rx nor ts)")


def _unwrapped(line: _Line) -> RecordedFrame:
    if not line.frame or line.rx is None or line.dir not in DIRECTIONS:
        raise msgspec.ValidationError('a line with "rx" needs "frame", and "dir" is "recv" or "send"')
    # A double holds today's epoch seconds to about 0.2 us, so microseconds are all there is to recover.
    return RecordedFrame(round(line.rx * 1e6) * _NS_PER_US, line.dir, bytes(line.frame))


def _numbered_lines(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes, bool]]:
    """(line number from 1, the line without its end, True if the file ended without closing it); no empty lines."""
    number, tail = 0, b""
    for chunk in chunks:
        lines = (tail + chunk).split(b"\n")
        tail = lines.pop()
        for line in lines:
            number += 1
            text = line.strip()
            if text:
                yield number, text, False
    if tail.strip():
        yield number + 1, tail.strip(), True
