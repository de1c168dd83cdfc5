"""What the command line does with an engine that runs. One engine and one simulated exchange serve all tests here."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cockpit.domain.commands import PauseEntries, ResumeEntries
from tests.support.link import Screen, attached, until
from tests.support.profile import ProfileFolder, is_alive, profile_folder, wait_until
from tests.support.program import cockpit, environment
from tests.support.pty_terminal import PtyTerminal

TASKS = {"streams", "detection", "execution", "journal", "views", "screens"}


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProfileFolder]:
    with profile_folder(tmp_path_factory.mktemp("profile")) as folder:
        folder.start_headless()
        yield folder


def test_run_files_and_socket_are_for_this_user_alone(profile: ProfileFolder) -> None:
    assert profile.simex is not None
    assert {"rest", "public", "private", "control", "api_key", "api_secret"} <= profile.simex.keys()
    for path in (profile.run / "simex.json", profile.run / "engine-sim.json", profile.socket):
        assert path.stat().st_mode & 0o077 == 0, path
    assert profile.run.stat().st_mode & 0o077 == 0


def test_status_tells_every_task_in_json(profile: ProfileFolder) -> None:
    told = profile.status()
    assert told["running"] is True
    assert told["environment"] == "sim"
    assert told["market"] == "synthetic"
    assert profile.engine is not None
    assert told["pid"] == profile.engine["pid"]
    assert {task["name"] for task in told["health"]["tasks"]} >= TASKS
    assert {task["state"] for task in told["health"]["tasks"]} == {"running"}
    assert told["positions"]["rows"] == []


def test_status_has_a_row_for_every_task(profile: ProfileFolder) -> None:
    rows = [line.split() for line in profile.cockpit("status").stdout.splitlines() if line.startswith("task")]
    assert {row[1] for row in rows} >= TASKS
    assert {row[2] for row in rows} == {"running"}


async def test_status_counts_the_attached_screens_and_not_itself(profile: ProfileFolder) -> None:
    async def up() -> str:
        said = (await asyncio.to_thread(profile.cockpit, "status")).stdout
        return next(line for line in said.splitlines() if line.startswith("up "))

    assert (await up()).endswith(" 0 screens attached")
    async with attached(profile.socket, "anna") as anna:
        first = Screen(anna)
        await until(lambda: first.view("health"), "the screen is shown something")
        assert (await up()).endswith(" 1 screen attached")
        async with attached(profile.socket, "olga", observer=True) as olga:
            second = Screen(olga)
            await until(lambda: second.view("health"), "the other screen too")
            assert (await up()).endswith(" 2 screens attached")


def test_status_has_the_gates_of_every_symbol(profile: ProfileFolder) -> None:
    told = profile.status()
    assert len(told["symbols"]) > 4
    assert told["symbol_gates"].keys() == set(told["symbols"])
    gates = [line for line in profile.cockpit("status").stdout.splitlines() if line.startswith("gate ")]
    assert [symbol for symbol in told["symbols"] if not any(symbol in line for line in gates)] == []


def test_second_engine_on_the_profile_is_refused_and_the_first_goes_on(profile: ProfileFolder) -> None:
    before = profile.status()["instance"]
    done = profile.cockpit("run", "--headless")
    assert done.returncode == 1
    assert "runs already" in done.stderr
    assert f"cockpit attach --data-dir {profile.folder}" in done.stderr
    assert profile.status()["instance"] == before


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (["--env", "demo"], ["sim", "demo"]),
        (["--market", "relay"], ["synthetic", "relay"]),
        (["--symbols", "BTCUSDT"], ["BTCUSDT,ETHUSDT", "you asked for BTCUSDT"]),
        (["--preset", "micro"], ["plotnost", "micro"]),
        (["--seed", "9"], ["--seed: it has 1, you asked for 9", "cockpit attach --data-dir "]),
        (["--speed", "2"], ["--speed: it has 1, you asked for 2"]),
    ],
)
def test_run_with_other_flags_exits_3_and_names_both(
    profile: ProfileFolder, flags: list[str], named: list[str]
) -> None:
    done = profile.cockpit("run", "--headless", *flags)
    assert done.returncode == 3
    assert [words for words in named if words not in done.stderr] == []


async def test_attached_client_sees_views_and_its_commands_are_judged(profile: ProfileFolder) -> None:
    async with attached(profile.socket, "anna") as client:
        screen = Screen(client)
        await client.watch(["BTCUSDT"])
        await until(lambda: screen.view("header") and screen.view("health"), "views come")
        await until(lambda: len(screen.versions("book:BTCUSDT")) > 3, "the watched book moves")
        assert screen.view("book:ETHUSDT") is None
        assert (await client.send(PauseEntries(), seen="test")).accepted
        await until(lambda: "paused by the operator" in getattr(screen.view("header"), "blocks", []), "it shows")
        assert (await client.send(ResumeEntries())).accepted


async def test_observer_is_refused_by_the_real_engine(profile: ProfileFolder) -> None:
    async with attached(profile.socket, "olga", observer=True) as client:
        assert not (await client.send(PauseEntries())).accepted


def test_commands_of_operators_are_in_the_journal_while_the_engine_runs(profile: ProfileFolder) -> None:
    lines = profile.cockpit("journal", "events", "--json").stdout.splitlines()
    events = [json.loads(line) for line in lines]
    assert {event["type"] for event in events} >= {"stream_up"}
    assert profile.cockpit("journal", "trades", "--csv").returncode == 0
    assert "expectancy_r" in profile.cockpit("journal", "stats").stdout


def test_flatten_needs_a_yes_and_then_says_that_it_is_flat(profile: ProfileFolder) -> None:
    refused = profile.cockpit("flatten")
    assert refused.returncode == 3
    assert f"cockpit flatten --yes --data-dir {profile.folder}" in refused.stderr
    done = profile.cockpit("flatten", "--yes")
    assert done.returncode == 0, done.stderr
    assert "SIM is flat" in done.stderr
    assert "no position was open" not in done.stderr, "the engine may have been faster"


def test_doctor_finds_nothing_missing(profile: ProfileFolder) -> None:
    done = profile.cockpit("doctor")
    assert done.returncode == 0, done.stdout
    assert "FAIL" not in done.stdout
    assert "pid" in done.stdout


def test_doctor_says_of_a_simulated_account_and_of_no_configuration_only_what_is_so(
    profile: ProfileFolder, tmp_path: Path
) -> None:
    def told(*options: str) -> list[str]:
        done = cockpit("doctor", *options, "--data-dir", str(profile.folder), HOME=str(tmp_path))
        return done.stdout.splitlines()

    assert [line for line in told() if "main account" in line or "key" in line.split()[:2]] == []
    assert [line for line in told() if line.endswith("no file, preset plotnost, nothing beside it is set")]
    file = tmp_path / "own.toml"
    file.write_text("[risk]\nrisk_pct = 0.2\n")
    assert [line for line in told("--config", str(file)) if line.endswith(f"{file}, preset plotnost, 1 value is set")]


def test_levels_and_book_of_the_running_market_are_told(profile: ProfileFolder) -> None:
    done = profile.cockpit("diag", "l2", "--symbol", "BTCUSDT", "--minutes", "0.02", "--json")
    told = json.loads(done.stdout)
    assert told["state"] == "valid"
    assert told["bid"][0] < told["ask"][0]
    assert profile.cockpit("diag", "levels", "--symbol", "NOUSDT", "--minutes", "0.02").returncode == 2


def screen(profile: ProfileFolder, *command: str, columns: int = 120, rows: int = 40) -> PtyTerminal:
    arguments = [*command, "--data-dir", str(profile.folder)]
    return PtyTerminal("cockpit", arguments, columns, rows, environment())


def viewers(profile: ProfileFolder) -> int:
    return int(profile.status()["screens"])


def test_leaving_the_screen_says_what_runs_how_to_come_back_and_how_to_stop(profile: ProfileFolder) -> None:
    terminal = screen(profile, "run")
    try:
        assert terminal.read_until(lambda: b"FLATTEN" in terminal.output)
        assert terminal.press_until(b"q", lambda: terminal.process.poll() is not None)  # one asks, one leaves
        while terminal.read():
            pass
        last = terminal.output[-600:].decode(errors="replace")
        assert "the engine is still running (SIM)" in last
        folder = f"--data-dir {profile.folder}"
        assert f"make attach ARGS='{folder}'  or  cockpit attach {folder}" in last
        assert f"make stop ARGS='{folder}'  or  cockpit stop {folder}" in last
        assert terminal.process.returncode == 0
    finally:
        terminal.close()
    assert profile.status()["running"]


def test_terminal_that_hangs_up_leaves_the_engine_as_it_was(profile: ProfileFolder) -> None:
    before = profile.status()
    terminal = screen(profile, "attach", "--observe")
    try:
        assert terminal.read_until(lambda: b"BTCUSDT" in terminal.output)
        terminal.hang_up()
        wait_until(lambda: terminal.process.poll() is not None, "the screen ends")
    finally:
        terminal.close()
    wait_until(lambda: viewers(profile) == 0, "the engine sees it go")
    after = profile.status()
    assert after["instance"] == before["instance"]
    assert is_alive(after["pid"])


def test_terminal_that_is_too_small_is_told_the_size_it_needs(profile: ProfileFolder) -> None:
    terminal = screen(profile, "attach", columns=39, rows=7)
    try:
        assert terminal.read_until(lambda: terminal.process.poll() is not None)
        assert terminal.process.returncode == 2
        assert b"at least 40 x 8" in terminal.output
    finally:
        terminal.close()


@pytest.mark.parametrize("command", ["run", "attach"])
def test_without_a_terminal_the_screen_is_refused_with_the_way_out(profile: ProfileFolder, command: str) -> None:
    done = profile.cockpit(command)
    assert done.returncode == 2
    assert "cockpit run --headless" in done.stderr
