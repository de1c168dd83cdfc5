"""What the detectors said of a recording, read from a replay's files and from an engine's journal, in one form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from cockpit.adapters.recording.reader import read_frames
from tests.support.program import cockpit

NS_PER_MS = 1_000_000

Line = tuple[str, str, str, float, int, str]
"""(kind, symbol, side or direction, wall price, event time since the first book frame in ms, a signal's gates)."""


class Told(NamedTuple):
    """Steps in the lives of walls, and signals, each in the order in which they were decided."""

    walls: list[Line]
    signals: list[Line]

    def of(self, symbols: frozenset[str]) -> Told:
        """What was told of these symbols."""
        return Told(*([line for line in lines if line[1] in symbols] for lines in self))


def first_book_ms(recording: Path, symbols: frozenset[str]) -> int:
    """Event time of the first book frame of the symbols, ms."""
    for frame in read_frames(recording):
        if frame.direction != "recv":
            continue
        message = json.loads(frame.raw)
        kind, _, rest = message.get("topic", "").partition(".")
        if kind == "orderbook" and not rest.startswith("1.") and rest.partition(".")[2] in symbols:
            return int(message.get("cts") or message["ts"])
    raise AssertionError(f"{recording} holds no book of {sorted(symbols)}")


def told_by_replay(recording: Path, out: Path, symbols: frozenset[str], *options: str) -> Told:
    """``cockpit replay --headless``; ``out`` is a folder for its files."""
    files = {"--walls": out / "walls.jsonl", "--signals": out / "signals.jsonl"}
    paths = [word for option, path in files.items() for word in (option, str(path))]
    done = cockpit("replay", str(recording), "--headless", "--speed", "max", *paths, *options)
    assert done.returncode == 0, done.stderr
    start_ms = first_book_ms(recording, symbols)
    walls, signals = ([json.loads(line) for line in path.read_text().splitlines()] for path in files.values())
    return Told(
        [(w["kind"], w["symbol"], w["side"], w["price"], w["ts_ms"] - start_ms, "") for w in walls],
        [
            (s["kind"], s["symbol"], s["direction"], s["wall"]["price"], s["ts_ms"] - start_ms, str(s["gates"]))
            for s in signals
            if s["event"] == "raised"
        ],
    ).of(symbols)


def journal_rows(data_dir: Path, what: str) -> list[dict[str, Any]]:
    """Every row of ``cockpit journal``, oldest first."""
    done = cockpit("journal", what, "--json", "--limit", "1000000", "--data-dir", str(data_dir))
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def told_by_journal(data_dir: Path, start_ms: int) -> Told:
    """``cockpit journal walls`` and ``signals``; ``start_ms`` is the event time of the first book frame."""

    def since_start(ts_ns: int) -> int:
        return ts_ns // NS_PER_MS - start_ms

    walls, signals = (journal_rows(data_dir, what) for what in ("walls", "signals"))
    return Told(
        [(w["event"], w["symbol"], w["side"], w["price"], since_start(w["ts_ns"]), "") for w in walls],
        [
            (
                s["kind"],
                s["symbol"],
                s["direction"],
                s["wall_price"],
                since_start(s["raised_event_ns"]),
                str(s["gates"]),
            )
            for s in signals
        ],
    )
