"""The rebuilt top of book against the exchange's own, through the real command line."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pytest

from tests.support.program import cockpit
from tests.support.recorded import recorded

NUMBERS = ("bid", "bid_sz", "ask", "ask_sz")


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def numbers(row: dict[str, str]) -> list[float | None]:
    return [float(row[name]) if row[name] else None for name in NUMBERS]


@pytest.mark.recorded
@pytest.mark.parametrize("name", ["nexousdt-24h", "btcusdt-perp-2023"])
def test_top_of_book_equals_the_exchanges_own_at_every_seq_that_both_have(name: str, tmp_path: Path) -> None:
    frames = recorded(f"{name}/frames.jsonl.gz")
    out = tmp_path / "bbo.csv"
    done = cockpit("replay", str(frames), "--headless", "--speed", "max", "--bbo", str(out))
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert " frames/s" in done.stderr

    with gzip.open(recorded(f"{name}/oracle_bbo.csv.gz"), "rt") as stream:
        oracle = {row["seq"]: row for row in csv.DictReader(stream)}
    rows = rows_of(out)
    both = [(row, oracle[row["seq"]]) for row in rows if row["seq"] in oracle]
    assert len(both) > 0.98 * len(oracle)
    assert [row["seq"] for row, truth in both if numbers(row) != numbers(truth)] == []
    assert [row for row in rows if float(row["bid"]) >= float(row["ask"])] == []


@pytest.mark.recorded
def test_numbers_are_the_exchanges_own_texts(tmp_path: Path) -> None:
    frames = recorded("btcusdt-perp-2023/frames.jsonl.gz")
    with gzip.open(frames, "rt") as stream:
        first = json.loads(stream.readline())["frame"]["data"]
    out = tmp_path / "bbo.csv"
    assert cockpit("replay", str(frames), "--headless", "--speed", "max", "--bbo", str(out)).returncode == 0
    row = rows_of(out)[0]
    assert [row["bid"], row["bid_sz"]] == first["b"][0]
    assert [row["ask"], row["ask_sz"]] == first["a"][0]


def book_frame(kind: str, u: int, bids: list[list[str]], asks: list[list[str]]) -> str:
    data = {"s": "ABCUSDT", "b": bids, "a": asks, "u": u, "seq": 100 + u}
    return json.dumps({"topic": "orderbook.50.ABCUSDT", "type": kind, "ts": 1_000 * u, "data": data, "cts": 1_000 * u})


def test_side_that_is_empty_or_a_book_that_is_invalid_leaves_empty_fields(tmp_path: Path) -> None:
    recording = tmp_path / "frames.jsonl"
    recording.write_text(
        "\n".join(
            [
                book_frame("snapshot", 1, [["1.10", "5.0"]], [["1.20", "7"]]),
                book_frame("delta", 2, [], [["1.20", "0"]]),
                book_frame("delta", 4, [["1.11", "1"]], []),
                book_frame("snapshot", 1, [["1.100", "50"]], [["1.20", "7"]]),
            ]
        )
    )
    out = tmp_path / "bbo.csv"
    done = cockpit("replay", str(recording), "--headless", "--speed", "max", "--bbo", str(out))
    assert done.returncode == 0, done.stderr
    assert [tuple(row.values()) for row in rows_of(out)] == [
        ("ABCUSDT", "101", "1000", "1.10", "5.0", "1.20", "7"),
        ("ABCUSDT", "102", "2000", "1.10", "5.0", "", ""),
        ("ABCUSDT", "104", "4000", "", "", "", ""),
        ("ABCUSDT", "101", "1000", "1.100", "50", "1.20", "7"),
    ]


def test_missing_recording_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    done = cockpit("replay", str(tmp_path / "nothing.jsonl"), "--headless")
    assert done.returncode == 2
    assert done.stderr.strip().splitlines() == [f"cockpit: {tmp_path}/nothing.jsonl: no such recording"]
