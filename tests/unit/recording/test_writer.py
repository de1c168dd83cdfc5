"""Segments: written by the recorder's thread, read back byte for byte, whole or cut short."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cockpit.adapters.recording.frames import MAGIC, RecordedFrame, RecordSplitter, pack_record
from cockpit.adapters.recording.reader import read_frames
from cockpit.adapters.recording.segments import OpenSegment, segments_of
from cockpit.adapters.recording.writer import SegmentWriter
from cockpit.adapters.system.clock import LiveClock
from cockpit.domain.errors import ConfigError
from cockpit.ports.recorder import FrameSink

ROOT = Path(__file__).resolve().parents[3]
FRAMES = st.lists(
    st.builds(RecordedFrame, st.integers(0, 2**63), st.sampled_from(["recv", "send"]), st.binary(max_size=300))
)


def refuse_notice(text: str) -> None:
    raise AssertionError(f"nothing is missing, but: {text}")


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def record(folder: Path, frames: list[RecordedFrame], **limits: int) -> SegmentWriter:
    sizes = {"max_segment_bytes": 10**6, "cap_bytes": 10**7} | limits
    writer = SegmentWriter(folder, clock=LiveClock(), **sizes)
    sink: FrameSink = writer
    for frame in frames:
        sink.frame(frame.ts_recv, frame.direction, frame.raw)
    sink.close()
    return writer


@settings(max_examples=25, deadline=None)
@given(FRAMES)
def test_what_is_recorded_is_read_back_byte_for_byte_in_order(frames: list[RecordedFrame]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        writer = record(Path(folder), frames)
        assert writer.dropped == 0
        if frames:
            assert list(read_frames(folder, refuse_notice)) == frames


@given(FRAMES, st.lists(st.integers(1, 50)))
def test_records_are_found_however_the_bytes_are_cut(frames: list[RecordedFrame], cuts: list[int]) -> None:
    data = MAGIC + b"".join(pack_record(*(f.ts_recv, f.direction, f.raw)) for f in frames)
    splitter, found = RecordSplitter(), []
    for cut in cuts:
        found += splitter.feed(data[:cut])
        data = data[cut:]
    found += splitter.feed(data)
    assert found == frames
    assert splitter.rest == 0


def test_a_second_recorder_continues_the_folder(tmp_path: Path) -> None:
    first, second = RecordedFrame(2, "recv", b"{}"), RecordedFrame(1, "send", b"[]")
    record(tmp_path, [first])
    record(tmp_path, [second])
    assert [path.name[:9] for path in segments_of(tmp_path)] == ["00000001-", "00000002-"]
    assert list(read_frames(tmp_path, refuse_notice)) == [first, second]


def test_folder_and_files_are_for_the_owner_alone(tmp_path: Path) -> None:
    record(tmp_path / "r", [RecordedFrame(1, "recv", b"{}")])
    assert (tmp_path / "r").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in segments_of(tmp_path / "r")} == {0o600}


def test_the_oldest_segments_give_way_to_the_cap(tmp_path: Path) -> None:
    frames = [RecordedFrame(n, "recv", os.urandom(1_000)) for n in range(300)]
    for at in range(0, 300, 10):
        record(tmp_path, frames[at : at + 10], max_segment_bytes=20_000, cap_bytes=60_000)
    kept = list(read_frames(tmp_path, refuse_notice))
    assert 20 <= len(kept) < 100
    assert kept == frames[-len(kept) :]
    assert sum(path.stat().st_size for path in segments_of(tmp_path)) <= 60_000


def test_a_full_segment_is_followed_by_the_next(tmp_path: Path) -> None:
    frames = [RecordedFrame(n, "recv", os.urandom(500)) for n in range(40)]
    writer = SegmentWriter(tmp_path, 2_000, 10**6, LiveClock(), max_waiting=8)
    for frame in frames:
        until(lambda: len(writer._waiting) < 8)
        writer.frame(frame.ts_recv, frame.direction, frame.raw)
    writer.close()
    assert writer.dropped == 0
    assert len(segments_of(tmp_path)) > 1
    assert list(read_frames(tmp_path, refuse_notice)) == frames


def test_frames_without_room_are_dropped_counted_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    writer = record(tmp_path, [RecordedFrame(n, "recv", b"{}") for n in range(10)], max_waiting=0)
    assert writer.dropped == 10
    assert "10 frames are missing" in caplog.text
    writer.frame(1, "recv", b"late")
    assert writer.dropped == 11


def test_a_folder_that_cannot_be_written_is_a_failure_that_is_told(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path / "r", 1_000, 10_000, LiveClock())
    (tmp_path / "r").rmdir()
    (tmp_path / "r").touch()
    writer.frame(1, "recv", b"{}")
    writer.close()
    assert "r" in writer.failure
    assert writer.dropped == 1


def test_a_cut_segment_gives_all_its_whole_blocks_and_says_what_is_missing(tmp_path: Path) -> None:
    segment = OpenSegment(tmp_path, 0)
    frames = [RecordedFrame(n, "recv", os.urandom(200)) for n in range(20)]
    for at in range(0, 20, 5):
        segment.write([pack_record(f.ts_recv, f.direction, f.raw) for f in frames[at : at + 5]])
    segment.close()
    content = segment.path.read_bytes()
    segment.path.write_bytes(content[: len(content) - 300])
    later = record(tmp_path, [RecordedFrame(99, "recv", b"{}")])
    notices: list[str] = []
    found = list(read_frames(tmp_path, notices.append))
    assert found[:15] == frames[:15]
    assert found[-1] == RecordedFrame(99, "recv", b"{}"), "segments after a cut one are read"
    assert notices
    assert str(segment.path) in notices[0]
    assert later.dropped == 0


def test_a_damaged_segment_is_refused_with_its_name(tmp_path: Path) -> None:
    record(tmp_path, [RecordedFrame(n, "recv", os.urandom(200)) for n in range(20)])
    (path,) = segments_of(tmp_path)
    content = bytearray(path.read_bytes())
    content[:4] = b"\0\0\0\0"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=path.name):
        list(read_frames(tmp_path))


def test_a_compressed_file_of_something_else_is_refused(tmp_path: Path) -> None:
    segment = OpenSegment(tmp_path, 0)
    segment._head = b""
    segment.write([b"hello world, this is no recording"])
    segment.close()
    with pytest.raises(ConfigError, match="not a cockpit recording"):
        list(read_frames(segment.path))


CHILD = """
import sys
from pathlib import Path
from cockpit.adapters.recording.writer import SegmentWriter
from cockpit.adapters.system.clock import LiveClock
writer = SegmentWriter(Path(sys.argv[1]), 10**6, 10**7, LiveClock())
number = 0
while True:
    number += 1
    writer.frame(number, "recv", b'{"n":%d}' % number)
    if number % 50 == 0:
        print(number, flush=True)
        sys.stdin.readline()
"""


def test_what_was_flushed_survives_a_kill(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CHILD, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, **pipes) as child:
        assert child.stdout is not None
        child.stdout.readline()
        until(lambda: any(path.stat().st_size for path in segments_of(tmp_path)), 30)
        child.send_signal(signal.SIGKILL)
    frames = list(read_frames(tmp_path))
    assert [f.raw for f in frames] == [b'{"n":%d}' % n for n in range(1, 51)]


FULL = """
import os, resource, signal, sys
from pathlib import Path
from cockpit.adapters.recording.writer import SegmentWriter
from cockpit.adapters.system.clock import LiveClock
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))
writer = SegmentWriter(Path(sys.argv[1]), 10**6, 10**7, LiveClock())
for number in range(40):
    writer.frame(number, "recv", os.urandom(500))
writer.close()
print(writer.dropped, writer.failure)
"""


def test_a_full_disk_loses_frames_and_says_so_but_raises_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL, str(tmp_path)]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True
    )
    assert done.stdout.startswith("40 ")
    assert "large" in done.stdout
    assert segments_of(tmp_path) == []
