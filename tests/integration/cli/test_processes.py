"""Background processes over their whole life: started, killed, started again, stopped."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.profile import ProfileFolder, is_alive, profile_folder, wait_until
from tests.support.program import cockpit, environment
from tests.support.pty_terminal import PtyTerminal


@pytest.fixture
def profile(tmp_path: Path) -> Iterator[ProfileFolder]:
    with profile_folder(tmp_path) as folder:
        yield folder


def test_killed_engine_is_replaced_and_finds_the_same_exchange_again(profile: ProfileFolder) -> None:
    first = profile.start_headless()
    assert profile.simex is not None
    exchange, instance = profile.simex, profile.status()["instance"]
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert profile.socket.exists()
    assert profile.cockpit("status").returncode == 1
    assert is_alive(exchange["pid"])

    second = profile.start_headless()
    told = profile.status()
    assert told["pid"] == second.pid
    assert told["instance"] != instance
    assert profile.simex == exchange

    done = profile.cockpit("stop")
    assert done.returncode == 0, done.stderr
    assert second.wait(10) == 0
    assert not is_alive(exchange["pid"])
    assert not profile.socket.exists()
    assert [path.name for path in profile.run.glob("*.json")] == ["flags-sim.json"]  # durable wishes stay


def test_killed_exchange_comes_back_at_the_same_address_with_the_same_key(profile: ProfileFolder) -> None:
    engine = profile.start_headless("--symbols", "BTCUSDT,ETHUSDT")
    before = profile.simex
    assert before is not None
    engine.kill()
    engine.wait(10)
    os.kill(before["pid"], signal.SIGKILL)
    wait_until(lambda: not is_alive(before["pid"]), "the exchange dies")
    profile.start_headless("--symbols", "BTCUSDT,ETHUSDT")
    wait_until(lambda: (profile.simex or before)["pid"] != before["pid"], "another exchange runs")
    after = profile.simex
    assert after is not None
    assert {name: after[name] for name in ("rest", "api_key", "api_secret")} == {
        name: before[name] for name in ("rest", "api_key", "api_secret")
    }


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_engine_in_the_foreground_ends_cleanly_on_a_signal(profile: ProfileFolder, number: signal.Signals) -> None:
    engine = profile.start_headless("--symbols", "BTCUSDT")
    engine.send_signal(signal.SIGHUP)
    engine.send_signal(number)
    assert engine.wait(20) == 0
    said = (profile.folder / "headless.out").read_text()
    assert "starting simex ... ready" in said
    assert f"engine ended: stopped by {number.name}" in said
    assert not (profile.run / "engine-sim.json").exists()


def test_exchange_that_outlives_a_signalled_engine_is_told_until_it_is_stopped(profile: ProfileFolder) -> None:
    engine = profile.start_headless("--symbols", "BTCUSDT,ETHUSDT")
    simex = profile.simex
    assert simex is not None
    engine.terminate()
    assert engine.wait(20) == 0
    assert is_alive(simex["pid"])
    again = profile.cockpit("status")
    assert again.returncode == 1
    for said in (again.stderr, (profile.folder / "headless.out").read_text()):
        assert f"simex goes on without an engine (pid {simex['pid']}" in said
        assert f"cockpit stop --data-dir {profile.folder} ends it" in said
    assert json.loads(profile.cockpit("status", "--json").stdout)["simex"]["pid"] == simex["pid"]
    assert "simex stopped" in profile.cockpit("stop").stderr
    assert not is_alive(simex["pid"])
    assert "simex" not in profile.cockpit("status").stderr


def test_stopping_with_an_open_position_asks_which_way(profile: ProfileFolder) -> None:
    profile.start_headless("--symbols", "BTCUSDT,ETHUSDT")
    _buy(profile)
    wait_until(lambda: profile.status()["positions"]["rows"], "the engine sees the position")
    refused = profile.cockpit("stop")
    assert refused.returncode == 3
    assert "BTCUSDT" in refused.stderr
    folder = f"--data-dir {profile.folder}"
    assert f"make stop ARGS='--flatten {folder}'  or  cockpit stop --flatten {folder}" in refused.stderr
    assert f"cockpit stop --leave-protected {folder}" in refused.stderr
    assert profile.status()["running"]
    done = profile.cockpit("stop", "--flatten", timeout_s=90)
    assert done.returncode == 0, done.stderr
    assert profile.engine is None
    actions = profile.cockpit("journal", "events", "--json").stdout
    assert "flat" in actions


def _buy(profile: ProfileFolder) -> None:
    """Open a position that the engine knows nothing of, as another program on the account would."""
    from cockpit.adapters.bybit.config import RestLimits
    from cockpit.adapters.bybit.credentials import SecretKey
    from cockpit.adapters.bybit.http import SignedHttp

    simex = profile.simex
    assert simex is not None
    client = SignedHttp(SecretKey(simex["api_key"], simex["api_secret"]), RestLimits(), lambda: time.time_ns() // 10**6)
    client.endpoint = simex["rest"]
    client.place_order(category="linear", symbol="BTCUSDT", side="Buy", orderType="Market", qty="0.01")


def test_run_starts_everything_with_visible_progress_and_stop_ends_it(profile: ProfileFolder) -> None:
    arguments = ["run", "--data-dir", str(profile.folder), "--symbols", "BTCUSDT", "--seed", "7"]
    terminal = PtyTerminal("cockpit", arguments, 100, 30, environment())
    try:
        assert terminal.read_until(lambda: b"starting engine ... ready" in terminal.output, 60)
        assert b"starting simex ... ready" in terminal.output
        assert terminal.read_until(lambda: b"FLATTEN" in terminal.output)
        told = profile.status()
        assert told["symbols"] == ["BTCUSDT"]
        assert os.getsid(told["pid"]) == told["pid"]
        terminal.hang_up()
        wait_until(lambda: terminal.process.poll() is not None, "the screen ends")
    finally:
        terminal.close()
    assert is_alive(told["pid"])
    assert profile.cockpit("stop").returncode == 0
    wait_until(lambda: not is_alive(told["pid"]), "the engine ends")


def test_engine_that_cannot_start_says_why(profile: ProfileFolder) -> None:
    broken = profile.folder / "sim" / "journal.sqlite"
    broken.mkdir(parents=True, mode=0o700)
    profile.folder.joinpath("sim").chmod(0o700)
    terminal = PtyTerminal("cockpit", ["run", "--data-dir", str(profile.folder)], 100, 30, environment())
    try:
        assert terminal.read_until(lambda: terminal.process.poll() is not None, 60)
        assert terminal.process.returncode == 1
        assert b"engine did not start" in terminal.output
        assert b"journal" in terminal.output
    finally:
        terminal.close()


def test_exchange_prints_one_json_line_and_ends_cleanly() -> None:
    command = [sys.executable, "-m", "cockpit", "simex", "--port", "0", "--symbols", "BTCUSDT"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert {"rest", "public", "private", "trade", "control", "api_key", "api_secret"} == ready.keys()
        assert ready["public"].endswith("/v5/public")
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert process.stdout.read() == ""


def test_port_that_is_taken_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = cockpit("simex", "--port", str(port))
    assert done.returncode == 1
    assert done.stderr.strip() == f"cockpit: port {port} is taken: choose another with --port, or --port 0 for any"


def test_stop_and_status_without_anything_running_say_so(profile: ProfileFolder) -> None:
    assert profile.cockpit("stop").stderr == "nothing is running\n"
    status = profile.cockpit("status", "--json")
    assert (status.returncode, status.stdout) == (1, '{"running":false}\n')
