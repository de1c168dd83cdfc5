"""Walls and signals of a recording: live through the simulated exchange at the recorded pace, and out of a replay.

Three engines play at the same time, because a recording takes as long as it takes. Observing only: nobody approves.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.played import Told, first_book_ms, told_by_journal, told_by_replay
from tests.support.profile import ProfileFolder, profile_folder, wait_until
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


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "sensitive.toml"
    path.write_text(SENSITIVE)
    return path


def play(profile: ProfileFolder, case: Case, config: Path) -> None:
    """Run an engine on the recording until it has ended, and stop it, so that its journal is complete."""
    market = f"recording:{recorded(case.recording)}"
    profile.start_headless("--market", market, "--config", str(config), *case.options)
    wait_until(lambda: simex_control(profile, "status")["ended"], "the recording ends", 100.0)
    wait_until(lambda: profile.status()["header"]["is_ended"], "the engine hears it")
    told = profile.status()
    assert told["header"]["approval"] == "observe"
    assert "the recording has ended" in told["header"]["blocks"]
    assert (told["health"]["gaps"], told["health"]["rejected_frames"], told["health"]["reconnects"]) == (0, 0, 0)
    done = profile.cockpit("stop")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, config: Path) -> Iterator[dict[str, Path]]:
    """Data folders of engines that have played each case to its end."""
    folders = {name: tmp_path_factory.mktemp(name) for name in CASES}
    for case in CASES.values():
        recorded(case.recording)

    def run(name: str) -> None:
        with profile_folder(folders[name]) as profile:
            play(profile, CASES[name], config)

    with ThreadPoolExecutor(len(CASES)) as pool:
        list(pool.map(run, CASES))
    return folders


def assert_same(live: Told, replayed: Told) -> None:
    for one, other in ((live.walls, replayed.walls), (live.signals, replayed.signals)):
        differing = next(((a, b) for a, b in zip(one, other, strict=False) if a != b), None)
        assert (differing, len(one)) == (None, len(other))


@pytest.mark.parametrize("name", CASES)
def test_recording_has_the_same_walls_and_signals_live_and_replayed(
    name: str, played: dict[str, Path], config: Path, tmp_path: Path
) -> None:
    case, folder = CASES[name], played[name]
    replayed = told_by_replay(recorded(case.recording), tmp_path, case.symbols, "--config", str(config))
    sys.stderr.write(f"{name}: {len(replayed.walls)} steps of walls, {len(replayed.signals)} signals\n")
    assert len(replayed.walls) >= case.least_walls
    assert len(replayed.signals) >= case.least_signals
    recordings = folder / "sim" / "recordings"
    live = told_by_journal(folder, first_book_ms(recordings, case.symbols))
    assert {line[1] for line in live.walls} <= case.symbols
    assert_same(live, replayed)


@pytest.mark.parametrize("name", CASES)
def test_what_the_engine_recorded_of_itself_replays_to_what_it_decided(
    name: str, played: dict[str, Path], config: Path, tmp_path: Path
) -> None:
    case, recordings = CASES[name], played[name] / "sim" / "recordings"
    again = told_by_replay(recordings, tmp_path, case.symbols, "--config", str(config))
    assert_same(told_by_journal(played[name], first_book_ms(recordings, case.symbols)), again)
