"""Reading frame files: every known form, and what is said of damaged ones."""

from __future__ import annotations

import gzip
import json
import os
import zipfile
from pathlib import Path

import pytest

from cockpit.adapters.recording.reader import read_frames
from cockpit.domain.errors import ConfigError

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
WRAPPED = (
    b'{"rx":1786310819.228447,"dir":"send","frame":{"op":"subscribe","args":["a"]}}\n'
    b'{"rx":1786310819.5,"dir":"recv","frame":{"topic": "t",  "ts":1}}\n'
)
PLAIN = (
    b'{"success":true,"op":"subscribe"}\r\n{"topic":"orderbook.50.X","ts":1700000000123,"data":{}}\r\n{"op":"pong"}\r\n'
)


def refuse_notice(text: str) -> None:
    raise AssertionError(f"nothing is missing, but: {text}")


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_wrapped_lines_keep_the_frame_byte_for_byte_and_the_time_to_the_microsecond(tmp_path: Path) -> None:
    frames = list(read_frames(write(tmp_path / "a.jsonl", WRAPPED), refuse_notice))
    assert [(f.ts_recv, f.direction) for f in frames] == [
        (1_786_310_819_228_447_000, "send"),
        (1_786_310_819_500_000_000, "recv"),
    ]
    assert frames[1].raw == b'{"topic": "t",  "ts":1}'


def test_compressed_lines_read_like_plain_ones(tmp_path: Path) -> None:
    plain = list(read_frames(write(tmp_path / "a.jsonl", WRAPPED)))
    members = gzip.compress(WRAPPED[:40]) + gzip.compress(WRAPPED[40:])
    assert list(read_frames(write(tmp_path / "a.jsonl.gz", members), refuse_notice)) == plain


def test_lines_that_are_frames_use_their_own_time_and_earlier_ones_get_the_first(tmp_path: Path) -> None:
    frames = list(read_frames(write(tmp_path / "a.data", PLAIN), refuse_notice))
    assert [f.ts_recv for f in frames] == [1_700_000_000_123_000_000] * 3
    assert frames[0].raw == b'{"success":true,"op":"subscribe"}'


def test_archive_members_are_read_in_order(tmp_path: Path) -> None:
    path = tmp_path / "2024-12-01_XRPUSDT_ob500.data.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.data", PLAIN)
        archive.writestr("b.data", PLAIN.replace(b"123", b"456"))
    assert [f.ts_recv % 10**9 for f in read_frames(path, refuse_notice)] == [123_000_000] * 3 + [456_000_000] * 3


def test_a_cut_last_line_is_reported_and_the_rest_delivered(tmp_path: Path) -> None:
    notices: list[str] = []
    path = write(tmp_path / "a.jsonl", WRAPPED + WRAPPED[:30])
    assert len(list(read_frames(path, notices.append))) == 2
    assert len(notices) == 1
    assert f"{path}:3" in notices[0]


def test_a_whole_last_line_without_its_end_is_delivered(tmp_path: Path) -> None:
    assert len(list(read_frames(write(tmp_path / "a.jsonl", WRAPPED.rstrip()), refuse_notice))) == 2


def test_a_cut_compressed_file_delivers_what_can_be_read(tmp_path: Path) -> None:
    lines = b"".join(b'{"rx":%d.5,"frame":{"x":"%s"}}\n' % (n, os.urandom(40).hex().encode()) for n in range(1, 500))
    notices: list[str] = []
    whole = gzip.compress(lines)
    frames = list(read_frames(write(tmp_path / "a.jsonl.gz", whole[: len(whole) // 2]), notices.append))
    assert 100 < len(frames) < 400
    assert [f.ts_recv for f in frames] == [n * 10**9 + 5 * 10**8 for n in range(1, len(frames) + 1)]
    assert "ends early" in notices[0]


@pytest.mark.parametrize(
    "line",
    [
        b"{broken}",
        b"[1,2]",
        b'{"rx":"1.5","frame":{}}',
        b'{"rx":1.5}',
        b'{"rx":1.5,"dir":"up","frame":{}}',
        b'{"ts":"x"}',
    ],
)
def test_a_bad_line_in_the_middle_is_refused_with_file_and_line(tmp_path: Path, line: bytes) -> None:
    path = write(tmp_path / "a.jsonl", WRAPPED + b"\n" + line + b"\n" + WRAPPED)
    frames = read_frames(path, refuse_notice)
    next(frames), next(frames)
    with pytest.raises(ConfigError, match=r"a\.jsonl:4: "):
        next(frames)


def test_lines_without_any_time_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no line tells a time"):
        list(read_frames(write(tmp_path / "a.jsonl", b'{"op":"pong"}\n')))


@pytest.mark.parametrize("name", ["none.jsonl", "notes.txt", "."])
def test_what_is_no_recording_is_refused_before_the_first_frame(tmp_path: Path, name: str) -> None:
    write(tmp_path / "notes.txt", b"hello")
    with pytest.raises(ConfigError):
        read_frames(tmp_path / name)


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.zip", "a.frames.zst"])
def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        list(read_frames(write(tmp_path / name, b"plain text, nothing compressed")))


@pytest.mark.recorded
@pytest.mark.skipif(not SHARED.is_dir() and "CI" not in os.environ, reason="recordings are not on this machine")
@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("bybit-linear-2026-08/frames_ob50.jsonl.gz", None),
        ("bybit-linear-2026-08/frames_ob200.jsonl.gz", 2563),
        ("bybit-small/testnet_spot_BTCUSDT.jsonl", 43),
        ("bybit-archive-ob500/xrpusdt-ob500.data.zip", 50),
        ("alts-2021/frames.jsonl.gz", 805),
    ],
)
def test_real_recordings_are_read_whole(name: str, count: int | None) -> None:
    frames = list(read_frames(SHARED / name, refuse_notice))
    assert count is None or len(frames) == count
    assert all(isinstance(json.loads(f.raw), dict) for f in frames)
    assert all(f.ts_recv > 10**18 for f in frames)
