"""Walls and signals of a recording: live through the simulated exchange at the recorded pace, and out of a replay.

Three engines play at the same time, because a recording takes as long as it takes. Observing only: nobody approves.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.played import Told, first_book_ms, journal_rows, told_by_journal, told_by_replay
from tests.support.profile import profile_folder, wait_until
from tests.support.recorded import recorded
from tests.support.simex_control import simex_control

pytestmark = [pytest.mark.recorded, pytest.mark.timeout(300)]

SENSITIVE = """
[engine]
approval = "observe"
[signals]
cooldown_s = 1.0
ttl_s = 5.0
[signals.bounce]
min_age_s = 1.0
max_activity = 50.0
max_shrunk_pct = 50.0
touch_spreads = 10.0
[signals.breakout]
eaten_mode = "any"
min_eaten = 0.1
min_change_24h_pct = -100.0
min_pressure = -1.0
[detectors.activity]
warmup_s = 3.0
[detectors.density]
abs_usd = 2000.0
side_percent = 1.0
neighbours_x = 1.5
touch_spreads = 5.0
"""
"""Thresholds at which half a minute of market holds hundreds of walls and a dozen signals; the preset's want longer."""


PLAYS = 3


class Case(NamedTuple):
    recording: str
    symbols: frozenset[str]
    options: tuple[str, ...]
    least_walls: int
    least_signals: int


MAJORS = frozenset({"BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT"})
ONE = frozenset({"ETHUSDT"})
ALTS = frozenset({"SUSHIUSDT", "AKROUSDT", "KEEPUSDT", "CTKUSDT"})
CASES = {
    "four": Case("bybit-linear-2026-08/frames_ob50.jsonl.gz", MAJORS, (), 500, 12),
    "one": Case("bybit-linear-2026-08/frames_ob200.jsonl.gz", ONE, ("--symbols", "ETHUSDT"), 100, 1),
    "alts": Case("alts-2021/frames.jsonl.gz", ALTS, (), 300, 10),
}


class Played(NamedTuple):
    live: Told
    """What the engine journaled."""
    file: Told
    """What a replay of the recording tells."""
    own: Told
    """What a replay of the engine's own segments tells."""


def play(folder: Path, case: Case, config: Path) -> Played:
    """Let an engine play the recording; again if this machine stood still, because books are given up then."""
    for number in range(PLAYS):
        data_dir = folder / str(number)
        data_dir.mkdir()
        told = play_once(data_dir, case, config)
        if not was_away(data_dir):
            break
    else:
        pytest.fail(f"the machine stood still for 2 s in each of {PLAYS} plays: {was_away(data_dir)}")
    assert_observed_without_loss(told)
    segments = data_dir / "sim" / "recordings"
    return Played(
        told_by_journal(data_dir, first_book_ms(segments, case.symbols)),
        told_by_replay(recorded(case.recording), data_dir, case.symbols, "--config", str(config)),
        told_by_replay(segments, data_dir, case.symbols, "--config", str(config)),
    )


def play_once(data_dir: Path, case: Case, config: Path) -> dict[str, Any]:
    """Run an engine on the recording until it has ended, and stop it, so that its journal is whole; its last words."""
    with profile_folder(data_dir) as profile:
        options = ("--config", str(config), *case.options)
        profile.start_headless("--market", f"recording:{recorded(case.recording)}", *options)
        wait_until(lambda: simex_control(profile, "status")["ended"], "the recording ends", 120.0)
        wait_until(lambda: profile.told()["header"]["is_ended"], "the engine hears it")
        told = profile.told()
        done = profile.cockpit("stop")
        assert done.returncode == 0, done.stderr
        return told


def was_away(data_dir: Path) -> list[str]:
    """What the engine said when it found that it had not run for 2 s or more (reliability.md F95)."""
    return [row["text"] for row in journal_rows(data_dir, "events") if row["type"] == "sleep"]


def assert_observed_without_loss(told: dict[str, Any]) -> None:
    assert told["header"]["approval"] == "observe"
    assert "the recording has ended" in told["header"]["blocks"]
    assert (told["health"]["gaps"], told["health"]["rejected_frames"], told["health"]["reconnects"]) == (0, 0, 0)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Played]:
    """Each case played to its end, all at the same time."""
    config = tmp_path_factory.mktemp("config") / "sensitive.toml"
    config.write_text(SENSITIVE)
    folders = [tmp_path_factory.mktemp(name) for name in CASES]
    for case in CASES.values():
        recorded(case.recording)
    with ThreadPoolExecutor(len(CASES)) as pool:
        return dict(zip(CASES, pool.map(play, folders, CASES.values(), [config] * len(CASES)), strict=True))


def assert_same(live: Told, replayed: Told) -> None:
    for one, other in ((live.walls, replayed.walls), (live.signals, replayed.signals)):
        differing = next(((a, b) for a, b in zip(one, other, strict=False) if a != b), None)
        assert (differing, len(one)) == (None, len(other))


@pytest.mark.parametrize("name", CASES)
def test_recording_has_the_same_walls_and_signals_live_and_replayed(name: str, played: dict[str, Played]) -> None:
    case, (live, replayed, _) = CASES[name], played[name]
    sys.stderr.write(f"{name}: {len(replayed.walls)} steps of walls, {len(replayed.signals)} signals\n")
    assert len(replayed.walls) >= case.least_walls
    assert len(replayed.signals) >= case.least_signals
    assert {line[1] for line in live.walls} <= case.symbols
    assert_same(live, replayed)


@pytest.mark.parametrize("name", CASES)
def test_what_the_engine_recorded_of_itself_replays_to_what_it_decided(name: str, played: dict[str, Played]) -> None:
    assert_same(played[name].live, played[name].own)
