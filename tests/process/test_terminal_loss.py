"""The terminal goes away, freezes, shrinks and dies; the engine with its positions must not notice.

One engine with open positions serves all tests; entries are paused, so that every order it sent would be a fault. One
screen is not read until ``test_f098`` (``unread.Unread``). The last test closes the positions.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.lag import p99
from tests.process.request_record import CREATE
from tests.process.rig import Exchange, until_so
from tests.process.unread import Unread, attach
from tests.process.verdict import Verdict
from tests.support.profile import ProfileFolder, is_alive, wait_until

UNREAD_S = 60.0
LAG_BOUND_MS = 50.0
"""P20: 99th percentile of the engine's loop lag while a terminal is not read."""
NEVER_SEEN = (251, 81)
"""Larger than every size of the storm."""
BACKLOG_BYTES = 256_000
"""What an unread terminal may hold back: a few frames, not those of a minute."""


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Unread]:
    made = Unread(tmp_path_factory.mktemp("unread"))
    yield made
    made.end()


@pytest.fixture(scope="module")
def profile(frozen: Unread) -> ProfileFolder:
    return frozen.profile


@pytest.fixture(scope="module")
def exchange(frozen: Unread) -> Exchange:
    return frozen.exchange


@pytest.fixture(scope="module")
def verdict(frozen: Unread) -> Verdict:
    return frozen.verdict


def _goes_on_untouched(profile: ProfileFolder, exchange: Exchange, verdict: Verdict) -> None:
    verdict.holds()
    told = profile.told()
    assert {task["restarts"] for task in told["health"]["tasks"]} == {0}
    assert told["header"]["streams_up"] == told["header"]["streams_wanted"]
    assert exchange.new_writes() == []


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGKILL])
def test_f097_screen_that_gets_a_signal_ends_and_leaves_the_engine_alone(
    profile: ProfileFolder, exchange: Exchange, verdict: Verdict, number: signal.Signals
) -> None:
    terminal = attach(profile)
    try:
        terminal.process.send_signal(number)
        assert terminal.read_until(lambda: terminal.process.poll() is not None)
    finally:
        terminal.close()
    _goes_on_untouched(profile, exchange, verdict)


def test_f097_f101_terminal_that_hangs_up_ends_its_screen_and_not_the_engine(
    profile: ProfileFolder, exchange: Exchange, verdict: Verdict
) -> None:
    pid = profile.told()["pid"]
    terminal = attach(profile)
    try:
        terminal.hang_up()
        wait_until(lambda: terminal.process.poll() is not None, "the screen ends")
    finally:
        terminal.close()
    os.kill(pid, signal.SIGHUP)
    assert is_alive(pid)
    _goes_on_untouched(profile, exchange, verdict)


def test_f099_storm_of_sizes_down_to_one_cell_leaves_a_screen_that_answers(
    profile: ProfileFolder, exchange: Exchange, verdict: Verdict
) -> None:
    sizes = random.Random(99)
    terminal = attach(profile)
    try:
        for number in range(200):
            size = (1, 1) if number % 10 == 0 else (sizes.randint(1, 250), sizes.randint(1, 80))
            terminal.resize(*size)
            terminal.read(0.005)
        terminal.resize(1, 1)
        terminal.read_until(lambda: False, 0.5)
        assert terminal.process.poll() is None
        before = len(terminal.output)
        terminal.resize(*NEVER_SEEN)  # a screen that slept through the one cell must draw this size too
        assert terminal.read_until(lambda: b"FLATTEN" in terminal.output[before:]), "the screen never came back"
        assert terminal.press_until(b"?", lambda: b"KEYS" in terminal.output[before:])
    finally:
        terminal.close()
    _goes_on_untouched(profile, exchange, verdict)


def test_f114_control_keys_never_stop_the_screen_or_end_the_engine(
    profile: ProfileFolder, exchange: Exchange, verdict: Verdict
) -> None:
    terminal = attach(profile)
    try:
        for key in (b"\x1a", b"\x1a", b"\x1a", b"\x1c", b"\x13", b"\x11"):
            terminal.send(key)
            terminal.read_until(lambda: False, 0.2)
            assert _state_of(terminal.process.pid) in {"S", "R", "D"}
        assert terminal.press_until(b"\x03", lambda: terminal.process.poll() is not None)
        assert terminal.process.returncode == 0
    finally:
        terminal.close()
    _goes_on_untouched(profile, exchange, verdict)


def _state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_f098_terminal_unread_for_a_minute_costs_the_engine_nothing_and_then_shows_the_present(
    profile: ProfileFolder, exchange: Exchange, verdict: Verdict, frozen: Unread
) -> None:
    left_s = frozen.since + UNREAD_S - time.monotonic()
    time.sleep(max(0.0, left_s))  # the span itself is the fault
    lag = verdict.lag
    assert len(lag.own_ms) > UNREAD_S
    assert p99(lag.own_ms) < LAG_BOUND_MS, f"as told: {p99(lag.lag_ms)} ms"
    backlog = 0
    while data := frozen.terminal.read(0.02):
        backlog += len(data)
        assert backlog < BACKLOG_BYTES
    assert frozen.terminal.press_until(b"?", lambda: b"KEYS" in frozen.terminal.output)
    _goes_on_untouched(profile, exchange, verdict)


def test_f055_screen_killed_in_the_middle_of_a_flatten_does_not_stop_it(
    profile: ProfileFolder, exchange: Exchange, verdict: Verdict
) -> None:
    if "ADAUSDT" not in exchange.positions():  # after minutes every other one may have met its stop
        exchange.hold("ADAUSDT", "Sell", "300", "0.68")
        until_so(lambda: "ADAUSDT" in str(profile.told()["positions"]["rows"]), "the engine sees it")
    exchange.ask("fault/rest", route=CREATE, count=-1, ret_code=10016)
    sent = exchange.sent(CREATE)
    terminal = attach(profile)
    try:
        assert terminal.press_until(b"X", lambda: exchange.sent(CREATE) > sent)
        terminal.process.kill()
        terminal.process.wait()
    finally:
        terminal.close()
    assert len(exchange.positions()) > 0
    exchange.heal()
    wait_until(exchange.is_flat, "flat", 60)
    until_so(lambda: "paused after flatten" in profile.told()["header"]["blocks"], "the engine says so")
    assert exchange.is_flat()
    verdict.holds()
