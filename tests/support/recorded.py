"""Real recordings beside the project (``../shared/data``), for tests only. Absent: skip; absent in CI: fail."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


class RecordedLine(msgspec.Struct):
    """One line of a frame file: receive time in epoch seconds, direction, and the frame's own JSON."""

    rx: float
    dir: str
    frame: msgspec.Raw


_line = msgspec.json.Decoder(RecordedLine)


def recorded(relative: str) -> Path:
    """A file or folder of the recordings; skips the test if the recordings are not there."""
    path = DATA / relative
    if not path.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"the recordings are missing in CI: {path}")
        pytest.skip(f"no recordings at {path}")
    return path


def frames(relative: str) -> Iterator[tuple[int, bytes]]:
    """Received frames of a ``*.jsonl.gz`` recording: receive time (ns) and the bytes of the JSON."""
    with gzip.open(recorded(relative)) as lines:
        for text in lines:
            line = _line.decode(text)
            if line.dir == "recv":
                yield round(line.rx * 1e9), bytes(line.frame)
