"""The cockpit as an operator has it: the real program on a real terminal, on the synthetic market of simex."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.profile import ProfileFolder, is_alive, profile_folder, wait_until
from tests.support.simex_control import simex_control
from tests.support.tmux import Tmux, require_tmux, terminal

pytestmark = [pytest.mark.terminal, pytest.mark.timeout(300)]

CALM = """
[risk]
max_drift_pct = 5.0
max_commit_ms = 5000
[signals.breakout]
stop_min_pct = 3.0
[signals.bounce]
stop_behind_pct = 3.0
[execution.exits]
breakeven_at_pct = 0
take_profit_r = 0
time_stop_breakout_s = 0
time_stop_bounce_s = 0
bounce_exit_eaten_pct = 0
slowdown_factor = 0
counter_flow_factor = 0
counter_density = false
known_level = false
"""
"""Cards that can be approved as long as they are shown, and positions that nothing but the operator closes."""

NS_PER_S = 1_000_000_000
STOP_ACK = re.compile(r"SL ([\d. ]+) ack (\d+)ms")
FULL_BODY = slice(2, -4)
"""Rows between header and story."""


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProfileFolder]:
    require_tmux()
    with profile_folder(tmp_path_factory.mktemp("terminal")) as folder:
        (folder.folder / "calm.toml").write_text(CALM)
        yield folder


def command(profile: ProfileFolder, *words: str) -> list[str]:
    config = ["--config", str(profile.folder / "calm.toml")]
    return [sys.executable, "-m", "cockpit", *words, *config, "--data-dir", str(profile.folder)]


def body(picture: str) -> list[str]:
    return picture.splitlines()[FULL_BODY]


def journal(profile: ProfileFolder, what: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in profile.cockpit("journal", what, "--json").stdout.splitlines()]


def positions(profile: ProfileFolder) -> list[dict[str, Any]]:
    """Open positions by the exchange's own account."""
    held: list[dict[str, Any]] = simex_control(profile, "account")["positions"]
    return held


def until_it_moves(screen: Tmux) -> None:
    """The screen is there and its ladder lives."""
    first = screen.until(lambda text: "mid " in text and "BTC" in text, "the ladder shows a valid book", 90.0)
    screen.until(
        lambda text: sum(a != b for a, b in zip(body(text), body(first), strict=False)) > 3, "the ladder moves"
    )


def look_first(screen: Tmux) -> None:
    """As a person does: a key right behind another one, or on a card that has just come, is refused."""
    for _ in screen.pictures(1.0):
        pass


def approve_until_a_position_is_protected(screen: Tmux, profile: ProfileFolder) -> None:
    """Approve what the queue offers until a position shows its stop as acknowledged by the exchange."""
    for _ in range(60):
        screen.until(lambda text: re.search(r"SIGNALS [1-9]", text), "a signal is in the queue", 60.0)
        look_first(screen)
        screen.send("a")
        for text in screen.pictures(4.0):
            if "accepted: approve" in text and "pos 0/" not in text:
                screen.until(lambda text: STOP_ACK.search(text), "the exchange acknowledges the stop")
                return
        screen.send("j")
    raise AssertionError("no card became a position")


def leave(screen: Tmux) -> str:
    """Open the leave dialog and detach."""
    screen.send("q")
    screen.until(lambda text: "LEAVE" in text and "leave the screen; the engine goes on" in text, "the dialog opens")
    screen.send("q")
    return screen.until(lambda text: "exit code" in text, "the program ends")


def test_trading_session_from_the_first_picture_to_a_flat_account(profile: ProfileFolder) -> None:
    with terminal(command(profile, "run")) as screen:
        until_it_moves(screen)
        header = screen.capture().splitlines()[0]
        assert re.search(r"\bSIM\b.*\bsynthetic\b.*BTCUSDT.*MANUAL", header)
        screen.until(lambda text: re.search(r"WALLS [1-9]", text), "walls are listed")
        approve_until_a_position_is_protected(screen, profile)
        (held,) = positions(profile)
        assert_position_panel(screen.capture(), held)
        screen.send("b")
        screen.until(
            lambda text: re.search(r"stop of .* to breakeven", text) and re.search(r"REFUSED|accepted", text),
            "the engine answers the wish for a breakeven stop",
        )
        farewell = leave(screen)
    assert_first_wall_and_signal_came_in_time(profile)
    assert "the engine is still running (SIM)" in farewell
    unwrapped = farewell.replace("\n", "")  # a long folder goes on in the next row
    assert f"make attach ARGS='--data-dir {profile.folder}" in unwrapped
    assert "cockpit stop --data-dir" in unwrapped
    assert "exit code 0" in farewell
    told = profile.status()
    assert [row["symbol"] for row in told["positions"]["rows"]] == [held["symbol"]]
    assert told["positions"]["rows"][0]["stop_state"] == "ack"

    with terminal(command(profile, "attach")) as screen:
        screen.until(lambda text: STOP_ACK.search(text), "the position is on the screen again")
        assert_position_panel(screen.capture(), held)
        flatten_by_two_presses(screen, held["symbol"])
        account = simex_control(profile, "account")
        assert (account["positions"], account["orders"]) == ([], [])
        assert "exit code 0" in leave(screen)
    (trade,) = journal(profile, "trades")
    assert trade["symbol"] == held["symbol"]
    assert trade["closed_ns"] is not None


def assert_position_panel(picture: str, held: dict[str, Any]) -> None:
    """Side, size, entry, profit in R, and the stop with the time that the exchange took to acknowledge it."""
    side = "LONG" if held["side"] == "Buy" else "SHORT"
    coin = held["symbol"].removesuffix("USDT")
    panel = "\n".join(line.rpartition("│")[2] for line in picture.splitlines())
    assert re.search(rf"{coin} {side} {re.escape(held['size'].rstrip('0').rstrip('.') or '0')}", panel), panel
    assert re.search(r"@[\d .]+\d", panel)
    assert re.search(r"[+-]\d+\.\d+R", panel)
    stop = STOP_ACK.search(panel)
    assert stop is not None
    assert float(stop[1].replace(" ", "")) == float(held["stopLoss"])


def assert_first_wall_and_signal_came_in_time(profile: ProfileFolder) -> None:
    """Within 5 s and 60 s of the first valid book, by the journal's own times."""
    valid_ns = min(event["ts_ns"] for event in journal(profile, "events") if event["text"] == "book valid")
    assert journal(profile, "walls")[0]["ts_ns"] - valid_ns <= 5 * NS_PER_S
    assert journal(profile, "signals")[0]["raised_event_ns"] - valid_ns <= 60 * NS_PER_S


def flatten_by_two_presses(screen: Tmux, symbol: str) -> None:
    coin = symbol.removesuffix("USDT")
    screen.send("X")
    screen.until(lambda text: "FLATTEN ALL armed" in text and "positions to close: 1" in text, "flatten is armed")
    screen.send("X")
    screen.until(lambda text: re.search(rf"✓ {coin} +flat +attempt \d", text), "the close is acknowledged")
    screen.until(lambda text: re.search(r"FLATTEN +FLAT", text), "everything is flat")
    screen.until(lambda text: "pos 0/" in text, "no position is counted")


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (200, 60)])
def test_screen_of_another_size_draws_and_lives(profile: ProfileFolder, columns: int, rows: int) -> None:
    with terminal(command(profile, "run"), columns, rows) as screen:
        until_it_moves(screen)
        picture = screen.capture()
        assert re.match(r" ?SIM\b.*synth", picture)
        assert max(map(len, picture.splitlines())) <= columns
        assert "Traceback" not in picture
        assert "exit code 0" in leave(screen)


def test_terminal_that_is_too_small_gives_one_sentence(profile: ProfileFolder) -> None:
    with terminal(command(profile, "run"), 39, 7) as screen:
        picture = screen.until(lambda text: "exit code" in text, "the program ends")
    assert "exit code 2" in picture
    said = picture.replace("\n", " ")
    assert said.count("cockpit: ") == 1
    assert "Traceback" not in said


def test_second_engine_is_refused_and_stop_ends_the_first(profile: ProfileFolder) -> None:
    with terminal(command(profile, "run")) as screen:
        until_it_moves(screen)
        told = profile.status()
        second = profile.cockpit("run", "--headless")
        assert second.returncode == 1
        assert "runs already" in second.stderr
        assert profile.status()["instance"] == told["instance"]
        done = profile.cockpit("stop", "--flatten")
        assert done.returncode == 0, done.stderr
        farewell = screen.until(lambda text: "exit code" in text, "the screen sees the engine end")
    assert "is not running any more" in farewell
    wait_until(lambda: not is_alive(told["pid"]) and not is_alive(told["simex"]["pid"]), "both have ended")
    assert profile.cockpit("status").returncode == 1


def test_screen_logged_no_exception(profile: ProfileFolder) -> None:
    lines = [line for path in log_files(profile) for line in path.read_text().splitlines()]
    assert [line for line in lines if '"exception"' in line or "Traceback" in line] == []


def log_files(profile: ProfileFolder) -> list[Path]:
    return sorted((profile.folder / "sim" / "logs").iterdir())
