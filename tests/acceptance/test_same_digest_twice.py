"""The same recording decides the same, to the last bit, in two processes that hash everything differently."""

from __future__ import annotations

import gzip
import itertools
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.program import cockpit
from tests.support.recorded import recorded

pytestmark = pytest.mark.recorded

RECORDINGS = [
    "bybit-linear-2026-08/frames_ob200.jsonl.gz",
    "bybit-linear-2026-08/frames_ob50.jsonl.gz",
    "bybit-small/mainnet_spot_BTCUSDT.jsonl",
    "bybit-small/testnet_spot_BTCUSDT.jsonl",
    "bybit-archive-ob500/xrpusdt-ob500.data.zip",
    "btcusdt-perp-2023/frames.jsonl.gz",
    "alts-2021/frames.jsonl.gz",
    "nexousdt-24h/frames.jsonl.gz",
]
MOST_FRAMES = 5_000
"""Of a long recording the beginning is enough."""


def beginning(recording: Path, folder: Path) -> Path:
    """The recording itself, or a shorter copy of a long one."""
    if recording.suffix != ".gz":
        return recording
    with gzip.open(recording, "rb") as lines:
        first = list(itertools.islice(lines, MOST_FRAMES + 1))
    if len(first) <= MOST_FRAMES:
        return recording
    copy = folder / "frames.jsonl"
    copy.write_bytes(b"".join(first[:-1]))
    return copy


@pytest.mark.parametrize("name", RECORDINGS)
def test_recording_replayed_by_two_processes_has_one_digest(name: str, tmp_path: Path) -> None:
    recording = beginning(recorded(name), tmp_path)

    def replay(hash_seed: str) -> tuple[str, bytes, bytes]:
        walls, signals = tmp_path / f"walls-{hash_seed}", tmp_path / f"signals-{hash_seed}"
        files = ("--walls", str(walls), "--signals", str(signals))
        done = cockpit(
            "replay", str(recording), "--headless", "--speed", "max", *files, PYTHONHASHSEED=hash_seed, timeout_s=110
        )
        assert done.returncode == 0, done.stderr
        found = re.search(r"^(?:cockpit: )?digest ([0-9a-f]{64}-\d+)$", done.stderr, re.MULTILINE)
        assert found is not None, done.stderr
        return found[1], walls.read_bytes(), signals.read_bytes()

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(replay, ("1", "987654321"))
    assert one == other
    assert int(one[0].rpartition("-")[2]) > 5
