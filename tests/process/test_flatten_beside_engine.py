"""``cockpit flatten`` and engines: whoever trades beside it or starts after it keeps entries off until resumed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from cockpit.domain.commands import ResumeEntries
from tests.process.rig import EAGER, MARKET, Exchange, blocks, until_holding, until_so, wait_ready, write_config
from tests.process.verdict import Verdict, judged
from tests.support.link import attached
from tests.support.profile import PATIENCE_S, ProfileFolder, profile_folder

SYMBOLS = ("--symbols", "SOLUSDT,DOGEUSDT,ADAUSDT,XRPUSDT")


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProfileFolder]:
    """An exchange whose engine is dead."""
    with profile_folder(tmp_path_factory.mktemp("beside")) as folder:
        engine = folder.start_headless(*MARKET, *SYMBOLS)
        engine.kill()
        engine.wait()
        yield folder


@pytest.fixture
def verdict(profile: ProfileFolder) -> Iterator[Verdict]:
    with judged(profile) as made:
        yield made


@pytest.fixture
def engine(profile: ProfileFolder) -> Iterator[subprocess.Popen[bytes]]:
    """An engine that trades by itself."""
    config = write_config(profile.folder / "trading.toml", EAGER)
    running = profile.start_headless(*MARKET, *SYMBOLS, "--auto", "--config", str(config))
    yield running
    running.kill()
    running.wait()


def resume(profile: ProfileFolder) -> None:
    """An operator turns entries on again."""

    async def ask() -> None:
        async with attached(profile.socket, "anna") as client:
            assert (await client.send(ResumeEntries(), seen="test")).accepted

    asyncio.run(ask())
    wait_ready(profile)


def test_beside_an_engine_that_trades_by_itself_it_ends_flat_and_entries_stay_off(
    profile: ProfileFolder, engine: subprocess.Popen[bytes], verdict: Verdict
) -> None:
    exchange = Exchange(profile)
    until_holding(exchange, 2)
    held = exchange.positions().keys()
    done = profile.cockpit("flatten", "--yes")
    assert done.returncode == 0, done.stderr
    assert "entries stay off until :resume" in done.stderr
    told = done.stderr.splitlines()[-1]
    assert "SIM is flat after" in told
    assert [symbol for symbol in held if symbol not in told] == []
    assert exchange.is_flat()
    until_so(lambda: "paused after flatten" in blocks(profile), "the engine is flat too, and paused")
    verdict.holds()
    engine.kill()
    engine.wait()
    assert not (profile.folder / "sim" / "entries-off.json").exists()
    again = profile.start_headless(*MARKET, *SYMBOLS)
    assert "paused by the operator" in blocks(profile)
    resume(profile)
    verdict.holds()
    again.kill()
    again.wait()


def test_without_an_engine_the_next_one_starts_paused_and_can_be_resumed(
    profile: ProfileFolder, verdict: Verdict
) -> None:
    done = profile.cockpit("flatten", "--yes")
    assert done.returncode == 0, done.stderr
    (profile.run / "flags-sim.json").unlink()  # as a restart of the machine does to a folder in memory
    first = profile.start_headless(*MARKET, *SYMBOLS)
    until_so(lambda: "paused by the operator" in blocks(profile), "entries are paused")
    assert not (profile.folder / "sim" / "entries-off.json").exists(), "the next start would be paused again"
    resume(profile)
    verdict.holds()
    first.kill()
    first.wait()


def test_an_engine_that_does_not_answer_does_not_keep_it_and_pauses_when_it_sees_the_orders(
    profile: ProfileFolder, engine: subprocess.Popen[bytes], verdict: Verdict
) -> None:
    exchange = Exchange(profile)
    until_holding(exchange, 1)
    with verdict.lag.away():
        os.kill(engine.pid, signal.SIGSTOP)
        try:
            done = profile.cockpit("flatten", "--yes", timeout_s=PATIENCE_S)
        finally:
            os.kill(engine.pid, signal.SIGCONT)
    assert done.returncode == 0, done.stderr
    assert "the engine is not told" in done.stderr
    until_so(lambda: any("paused" in block for block in blocks(profile)), "the engine has seen the orders")
    verdict.holds()
