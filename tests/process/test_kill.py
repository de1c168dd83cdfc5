"""The engine is killed at random moments, start-up included, while it holds positions and trades."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from cockpit.adapters.store.reader import JournalReader
from tests.process.request_record import CREATE
from tests.process.rig import (
    CHURNING,
    EAGER,
    Exchange,
    until_holding,
    until_so,
    wait_ready,
    write_config,
)
from tests.process.verdict import Verdict, judged
from tests.support.profile import PATIENCE_S, ProfileFolder, profile_folder, wait_until

SEED = 20261
MARKET = ("--seed", "1", "--speed", "6")
"""Faster than in the other tests: an engine that lives for seconds must see walls break in them."""
START_UP_S = 1.5
LIFE_S = 2.5
LEAST_OPEN_PCT = 80
"""Of the kills meet an open position: the last one may end by its stop, or in a start-up."""


@pytest.fixture
def profile(tmp_path: Path) -> Iterator[ProfileFolder]:
    with profile_folder(tmp_path) as folder:
        yield folder


@pytest.mark.timeout(240)
async def test_f061_engine_killed_at_15_random_moments_loses_and_doubles_nothing(profile: ProfileFolder) -> None:
    await _survives(profile, kills=15)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
async def test_f061_engine_killed_at_200_random_moments_loses_and_doubles_nothing(
    profile: ProfileFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    exchange, entries, met = await _survives(profile, kills=200)
    with capsys.disabled():
        sys.stdout.write(
            f"\n200 kills, {met} with an open position: {entries} entries, none doubled; "
            f"{len(exchange.exec_ids())} executions, all in the journal; no position without a stop\n"
        )


async def _survives(profile: ProfileFolder, kills: int) -> tuple[Exchange, int, int]:
    """The exchange at the end, how many entries it accepted, and how many kills met an open position."""
    trading = [*MARKET, "--auto", "--config", str(write_config(profile.folder / "trading.toml", CHURNING))]
    exchange = Exchange(profile)
    engine = profile.start_headless(*trading)
    moments = random.Random(SEED)
    met = 0
    with judged(profile) as verdict:
        until_holding(exchange, 2)
        for number in range(kills):
            _wait_for_the_moment(number, moments, profile, verdict, engine)
            met += exchange.positions() != {}
            _kill(engine, verdict)
            engine = profile.spawn("run", "--headless", *trading)
        _ready(profile, engine)
        until_holding(exchange, 2)
        _kill(engine, verdict)
        entries = len(verdict.requests.accepted)
        assert entries >= kills // 5, "hardly anything was traded: the test proves nothing"
        assert met * 100 >= kills * LEAST_OPEN_PCT, f"{met} of {kills} kills met an open position"
        await _recovers(profile, exchange, verdict)
    return exchange, entries, met


async def _recovers(profile: ProfileFolder, exchange: Exchange, verdict: Verdict) -> None:
    """Two quiet engines: the first one finds out everything, the second one has nothing to do."""
    quiet = [*MARKET, "--config", str(write_config(profile.folder / "quiet.toml", EAGER))]
    first = profile.start_headless(*quiet)
    wait_ready(profile)
    await _journal_holds_every_execution(profile, exchange)
    _kill(first, verdict)
    with verdict.silence():
        journaled = {row["client_id"] for row in await _journal(profile, "orders")}
    assert verdict.requests.arrived.keys() <= journaled, "orders left before their intent was on the disk"

    exchange.new_requests()
    profile.start_headless(*quiet)
    told = wait_ready(profile)
    assert exchange.new_writes() == []
    shown = {row["symbol"] for row in told["positions"]["rows"] if not row["is_foreign"]}
    assert shown >= set(exchange.positions())
    verdict.holds()
    await _journal_holds_every_execution(profile, exchange)


async def _journal_holds_every_execution(profile: ProfileFolder, exchange: Exchange) -> None:
    rows: list[dict[str, Any]] = []
    told: set[str] = set()
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        rows, told = await _journal(profile, "executions"), exchange.exec_ids()
        if {row["exec_id"] for row in rows} == told:
            break
        await asyncio.sleep(0.1)
    assert {row["exec_id"] for row in rows} == told
    assert len(rows) == len(told)


async def _journal(profile: ProfileFolder, history: str) -> list[dict[str, Any]]:
    async with JournalReader(profile.folder / "sim" / "journal.sqlite") as reader:
        return await reader.rows(history, limit=100_000)


def _wait_for_the_moment(
    number: int, moments: random.Random, profile: ProfileFolder, verdict: Verdict, engine: subprocess.Popen[bytes]
) -> None:
    """In turn: somewhere in the start-up, somewhere in the life, with an order on its way; with an open position."""
    if number % 3 == 0:
        _live(engine, moments.uniform(0.0, START_UP_S))
        return
    _ready(profile, engine)
    exchange = Exchange(profile)
    if number % 3 == 1:
        _live(engine, moments.uniform(0.0, LIFE_S))
        until_holding(exchange, 1)
        return
    verdict.holds()
    sent = exchange.sent(CREATE)

    def has_left() -> bool:
        nonlocal sent
        before, sent = sent, exchange.sent(CREATE)
        return sent > before and exchange.positions() != {}

    wait_until(has_left, "an order leaves, and is not the close of the last position")


def _ready(profile: ProfileFolder, engine: subprocess.Popen[bytes]) -> None:
    until_so(lambda: engine.poll() is not None or profile.engine is not None, "the engine is ready", 60)
    assert engine.poll() is None, (profile.folder / "headless.out").read_text()[-2_000:]


def _live(engine: subprocess.Popen[bytes], seconds: float) -> None:
    """Let the engine run; it must not end by itself."""
    with suppress(subprocess.TimeoutExpired):
        engine.wait(seconds)
        raise AssertionError(f"the engine ended by itself with {engine.returncode}")


def _kill(engine: subprocess.Popen[bytes], verdict: Verdict) -> None:
    """End it as a lost machine would."""
    assert engine.poll() is None, f"the engine ended by itself with {engine.returncode}"
    engine.send_signal(signal.SIGKILL)
    engine.wait()
    verdict.hear()
