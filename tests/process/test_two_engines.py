"""Two engines and one account: on one data folder the lock decides, on two the second one is a stranger's orders."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.rig import (
    EAGER,
    MARKET,
    Exchange,
    pause_entries,
    until_holding,
    until_so,
    wait_ready,
    write_config,
)
from tests.process.verdict import Verdict, judged
from tests.support.profile import PATIENCE_S, ProfileFolder, profile_folder

SYMBOLS = ("--symbols", "SOLUSDT,DOGEUSDT,ADAUSDT,XRPUSDT")


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProfileFolder]:
    with profile_folder(tmp_path_factory.mktemp("first")) as folder:
        yield folder


@pytest.fixture(scope="module")
def engine(profile: ProfileFolder) -> subprocess.Popen[bytes]:
    config = write_config(profile.folder / "trading.toml", EAGER)
    return profile.start_headless(*MARKET, *SYMBOLS, "--auto", "--config", str(config))


@pytest.fixture(scope="module")
def verdict(profile: ProfileFolder, engine: subprocess.Popen[bytes]) -> Iterator[Verdict]:
    assert engine.poll() is None
    with judged(profile) as made:
        yield made


def test_f107_of_engines_started_at_once_on_one_folder_one_runs_and_the_others_say_so(
    profile: ProfileFolder, engine: subprocess.Popen[bytes], verdict: Verdict
) -> None:
    instance = profile.told()["instance"]
    others = [profile.spawn("run", "--headless", *MARKET, *SYMBOLS) for _ in range(2)]
    assert [other.wait(PATIENCE_S) for other in others] == [1, 1]
    assert profile.told()["instance"] == instance
    assert engine.poll() is None
    assert (profile.folder / "headless.out").read_text().count("runs already") == 2
    verdict.holds()


def test_f107_second_engine_on_another_folder_leaves_the_positions_of_the_first_alone(
    profile: ProfileFolder, engine: subprocess.Popen[bytes], verdict: Verdict, tmp_path: Path
) -> None:
    exchange = Exchange(profile)
    until_holding(exchange, 2)
    pause_entries(profile)
    exchange.new_requests()
    with profile_folder(tmp_path) as second:
        second.run.mkdir(mode=0o700)
        shutil.copy(profile.run / "simex.json", second.run / "simex.json")
        started = second.start_headless(*MARKET, *SYMBOLS)
        assert second.simex == profile.simex, "the second engine has an exchange of its own"
        wait_ready(second)
        until_so(lambda: _shown(second, is_foreign=True) >= set(exchange.positions()), "it sees them all as foreign")
        verdict.holds(second)
        started.send_signal(signal.SIGTERM)
        assert started.wait(PATIENCE_S) == 0
        (second.run / "simex.json").unlink(missing_ok=True)
    assert exchange.new_writes() == []
    until_so(lambda: not profile.told()["header"]["tasks_bad"], "the first is well")
    assert engine.poll() is None
    assert _shown(profile, is_foreign=False) >= set(exchange.positions())
    verdict.holds()


def _shown(profile: ProfileFolder, *, is_foreign: bool) -> set[str]:
    return {row["symbol"] for row in profile.told()["positions"]["rows"] if row["is_foreign"] is is_foreign}
