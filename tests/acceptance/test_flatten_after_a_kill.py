"""The engine dies with a position open: the stop stays, flatten needs no engine, and the next engine knows the end."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.profile import ProfileFolder, profile_folder, wait_until
from tests.support.simex_control import simex_control

pytestmark = pytest.mark.timeout(300)

PATIENT = """
[signals.breakout]
stop_min_pct = 3.0
[signals.bounce]
stop_behind_pct = 3.0
[risk]
max_drift_pct = 5.0
max_commit_ms = 5000
max_positions = 1
"""
"""One position, with a stop so wide that only we close it."""


@pytest.fixture
def profile(tmp_path: Path) -> Iterator[ProfileFolder]:
    (tmp_path / "config.toml").write_text(PATIENT)
    with profile_folder(tmp_path) as folder:
        yield folder


def start(profile: ProfileFolder, *options: str) -> Any:
    return profile.start_headless("--config", str(profile.folder / "config.toml"), *options)


def account(profile: ProfileFolder) -> dict[str, Any]:
    found: dict[str, Any] = simex_control(profile, "account")
    return found


def log(profile: ProfileFolder) -> list[dict[str, Any]]:
    """The engine's log; a last line that the kill has cut is left out."""
    text = (profile.folder / "sim" / "logs" / "engine.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def test_flatten_closes_what_a_killed_engine_left_and_the_next_engine_books_it(profile: ProfileFolder) -> None:
    engine = start(profile, "--auto", "--speed", "4")
    wait_until(lambda: is_stop_confirmed(profile), "an approved signal becomes a position with a stop", 120.0)
    engine.send_signal(signal.SIGKILL)
    engine.wait()
    (held,) = account(profile)["positions"]
    assert float(held["stopLoss"]) > 0
    assert profile.cockpit("status").returncode == 1

    done = profile.cockpit("flatten", "--yes")
    assert done.returncode == 0, done.stderr
    assert held["symbol"] in done.stderr
    assert (account(profile)["positions"], account(profile)["orders"]) == ([], [])
    assert_ids_of_the_order_are_in_the_log(profile, held["symbol"])

    (profile.run / "engine-sim.json").unlink(missing_ok=True)
    start(profile)
    wait_until(lambda: closed_trades(profile), "the next engine learns how the position ended", 60.0)
    (trade,) = closed_trades(profile)
    assert trade["symbol"] == held["symbol"]
    told = profile.told()
    assert told["positions"]["rows"] == []
    # An entry that the killed engine sent in its last instant is asked for before the next one may leave.
    wait_until(lambda: profile.cockpit("stop").returncode == 0, "nothing is open, and nothing unknown", 30.0)


def is_stop_confirmed(profile: ProfileFolder) -> bool:
    return any("exchange-ack" in line["event"] for line in log(profile))


def closed_trades(profile: ProfileFolder) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in profile.cockpit("journal", "trades", "--json").stdout.splitlines()]
    return [row for row in rows if row["closed_ns"] is not None]


def assert_ids_of_the_order_are_in_the_log(profile: ProfileFolder, symbol: str) -> None:
    """One signal can be followed through the log by its id, and every line of money names what it is about."""
    lines = [line for line in log(profile) if line["logger"] == "cockpit.money"]
    assert [line for line in lines if "symbol" not in line] == []
    approved = next(line for line in lines if line["symbol"] == symbol and line["event"].endswith(" approved"))
    orders = [line for line in lines if line.get("signal_id") == approved["signal_id"] and "order_id" in line]
    assert orders
    fills = [line for line in lines if "exec_id" in line and line["order_id"] == orders[0]["order_id"]]
    assert fills
    assert [line["event"] for line in lines if not {"signal_id", "order_id", "position_id"} & line.keys()] == []
