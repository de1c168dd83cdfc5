"""The machine fails under a running engine: disk, database, descriptors, and time itself. One engine trades meanwhile.

Entries may stop; stops at the exchange, exits and the engine itself must not.
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cockpit.adapters.store.reader import JournalReader
from cockpit.domain.commands import FlattenAll, ResumeEntries
from cockpit.domain.enums import OrderRole
from cockpit.domain.ids import role_of
from tests.process.request_record import CREATE
from tests.process.rig import (
    CHURNING,
    EAGER,
    MARKET,
    Exchange,
    blocks,
    limited,
    until_holding,
    until_so,
    wait_ready,
    write_config,
)
from tests.process.verdict import Verdict, judged
from tests.support.link import attached
from tests.support.profile import PATIENCE_S, ProfileFolder, profile_folder, wait_until

CUTS = 5
STOPPED_MS = 20_000


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProfileFolder]:
    with profile_folder(tmp_path_factory.mktemp("machine")) as folder:
        folder.start_headless(*_trading(folder))
        yield folder


@pytest.fixture(scope="module")
def exchange(profile: ProfileFolder) -> Exchange:
    return Exchange(profile)


@pytest.fixture(scope="module")
def verdict(profile: ProfileFolder, exchange: Exchange) -> Iterator[Verdict]:
    with judged(profile) as made:
        until_holding(exchange, 2)
        yield made


def _trading(profile: ProfileFolder) -> list[str]:
    return [*MARKET, "--auto", "--config", str(write_config(profile.folder / "trading.toml", CHURNING))]


def _pid(profile: ProfileFolder) -> int:
    assert profile.engine is not None
    return int(profile.engine["pid"])


def _is_journal_locked(profile: ProfileFolder) -> bool:
    return any("journal" in reason for reason in blocks(profile))


def _entries_sent(exchange: Exchange) -> int:
    rows = exchange.ask(f"requests?path={CREATE}")["requests"]
    return sum(role_of(row["params"].get("orderLinkId", "")) is OrderRole.ENTRY for row in rows)


async def _journal(profile: ProfileFolder, history: str) -> list[dict[str, Any]]:
    async with JournalReader(profile.folder / "sim" / "journal.sqlite") as reader:
        return await reader.rows(history, limit=100_000)


async def _until_journal_is_complete(profile: ProfileFolder, exchange: Exchange) -> None:
    missing: set[str] = set()
    for _ in range(600):
        missing = exchange.exec_ids() - {row["exec_id"] for row in await _journal(profile, "executions")}
        if not missing:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"executions that are not in the journal: {missing}")


async def test_f088_full_disk_stops_entries_and_nothing_else(
    profile: ProfileFolder, exchange: Exchange, verdict: Verdict
) -> None:
    pid = _pid(profile)
    with limited(pid, resource.RLIMIT_FSIZE, 0):
        until_so(lambda: _is_journal_locked(profile), "entries are off")
        sent = _entries_sent(exchange)
        exchange.hold("AVAXUSDT", "Sell", "5", "41")
        until_so(lambda: len(profile.told()["positions"]["rows"]) >= len(exchange.positions()), "it looks on")
        assert _entries_sent(exchange) == sent
    until_so(lambda: not _is_journal_locked(profile), "entries are on again")
    assert _pid(profile) == pid
    verdict.holds()
    await _until_journal_is_complete(profile, exchange)


async def test_f054_f088_flatten_asked_while_the_disk_is_full_closes_everything_and_says_so(
    profile: ProfileFolder, exchange: Exchange, verdict: Verdict
) -> None:
    until_holding(exchange, 1)
    with limited(_pid(profile), resource.RLIMIT_FSIZE, 0):
        until_so(lambda: _is_journal_locked(profile), "entries are off")
        async with attached(profile.socket, "anna") as client:
            assert (await client.send(FlattenAll(), seen="test")).accepted
        wait_until(exchange.is_flat, "flat")
        until_so(lambda: "paused after flatten" in blocks(profile), "the flatten is over")
        verdict.holds()
        assert _is_journal_locked(profile)
    until_so(lambda: not _is_journal_locked(profile), "the journal is written again")
    await _until_journal_is_complete(profile, exchange)
    await _resume(profile)


async def test_f089_locked_database_stops_entries_and_a_flatten_does_not_wait_for_it(
    profile: ProfileFolder, exchange: Exchange, verdict: Verdict
) -> None:
    until_holding(exchange, 1)
    journal = profile.folder / "sim" / "journal.sqlite"
    with closing(sqlite3.connect(journal, isolation_level=None, timeout=PATIENCE_S)) as other:  # the engine writes on
        other.execute("BEGIN EXCLUSIVE")
        until_so(lambda: _is_journal_locked(profile), "entries are off")
        async with attached(profile.socket, "anna") as client:
            assert (await client.send(FlattenAll(), seen="test")).accepted
        wait_until(exchange.is_flat, "flat")
        other.execute("ROLLBACK")
    until_so(lambda: not _is_journal_locked(profile), "the journal is written again")
    until_so(lambda: "paused after flatten" in blocks(profile), "the flatten is over")
    verdict.holds()
    await _until_journal_is_complete(profile, exchange)
    await _resume(profile)


async def _resume(profile: ProfileFolder) -> None:
    async with attached(profile.socket, "anna") as client:
        assert (await client.send(ResumeEntries(), seen="test")).accepted


def test_f096_engine_without_free_descriptors_lives_and_recovers(
    profile: ProfileFolder, exchange: Exchange, verdict: Verdict
) -> None:
    until_holding(exchange, 1)
    pid = _pid(profile)
    open_now = len(os.listdir(f"/proc/{pid}/fd"))
    with limited(pid, resource.RLIMIT_NOFILE, open_now):
        for channel in ("public", "private"):
            exchange.ask("fault/socket", channel=channel, reset=True)
        began_ms = exchange.now_ms
        wait_until(lambda: exchange.now_ms - began_ms > 3_000, "a while passes")
    told = wait_ready(profile)
    assert told["pid"] == pid
    assert told["header"]["streams_up"] == told["header"]["streams_wanted"]
    verdict.holds()


async def test_f095_engine_that_was_stopped_for_a_while_trades_on_the_present_only(
    profile: ProfileFolder, exchange: Exchange, verdict: Verdict
) -> None:
    until_holding(exchange, 1)
    pid = _pid(profile)
    with verdict.stopped(pid):
        stopped_ms = exchange.now_ms
        wait_until(lambda: exchange.now_ms - stopped_ms > STOPPED_MS, "time passes without the engine")
        old = {row["signal_id"] for row in await _journal(profile, "signals")}
        known = set(verdict.requests.accepted)
    until_so(lambda: not blocks(profile), "entries are on again")
    sent = _entries_sent(exchange)
    wait_until(lambda: _entries_sent(exchange) > sent, "it trades again")
    verdict.holds()
    assert not (verdict.requests.accepted.keys() - known) & old, "an entry on a signal of before"
    assert _pid(profile) == pid


def _end(profile: ProfileFolder) -> Path:
    """Kill the engine; its journal file."""
    pid = _pid(profile)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: profile.engine is None, "the engine is gone")
    return profile.folder / "sim" / "journal.sqlite"


def _holds_own(profile: ProfileFolder) -> bool:
    return any(not row["is_foreign"] for row in profile.told()["positions"]["rows"])


def _flattens(profile: ProfileFolder) -> bool:
    return any("flatten" in reason for reason in blocks(profile))


async def test_s2_23_streams_that_stay_away_flatten_what_is_open_by_rest(
    profile: ProfileFolder, exchange: Exchange, verdict: Verdict
) -> None:
    _end(profile)
    impatient = EAGER | {"execution": EAGER["execution"] | {"connection_loss_flatten_s": 3}}
    config = write_config(profile.folder / "impatient.toml", impatient)
    profile.start_headless(*MARKET, "--auto", "--config", str(config))
    wait_ready(profile)
    try:
        for _ in range(CUTS):  # a position may reach its own end before the streams have been away for long enough
            wait_until(lambda: _holds_own(profile) or _flattens(profile), "it trades")
            for channel in ("public", "private"):
                exchange.ask("fault/socket", channel=channel, refuse=-1, reset=True)
            until_so(lambda: _flattens(profile) or exchange.is_flat(), "it flattens, or nothing is left to flatten")
            if _flattens(profile):
                break
            exchange.heal()
        wait_until(exchange.is_flat, "flat")
    finally:
        exchange.heal()
    until_so(lambda: blocks(profile) == ["paused after flatten"], "connected again, and paused")
    verdict.holds()
    await _resume(profile)


async def test_f090_corrupt_database_is_moved_aside_and_entries_wait_for_the_operator(
    profile: ProfileFolder, exchange: Exchange, verdict: Verdict
) -> None:
    until_holding(exchange, 1)
    journal = _end(profile)
    with verdict.silence():
        _corrupt(journal)
    _starts_locked(profile, exchange, "the journal was rebuilt")
    verdict.holds()
    assert len(list(journal.parent.glob("journal.sqlite.damaged-*"))) >= 1
    await _resume(profile)
    until_so(lambda: not blocks(profile), "the operator has let it go on")


def _corrupt(journal: Path) -> None:
    with closing(sqlite3.connect(journal)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = journal.stat().st_size
    with journal.open("r+b") as file:
        file.seek(4096 * (size // 4096 // 2))
        file.write(os.urandom(4096 * 4))


async def test_f092_deleted_database_is_noticed_and_entries_wait_for_the_operator(
    profile: ProfileFolder, exchange: Exchange, verdict: Verdict
) -> None:
    until_holding(exchange, 1)
    journal = _end(profile)
    with verdict.silence():
        before = set(verdict.requests.arrived)
        for part in journal.parent.glob("journal.sqlite*"):
            part.unlink()
    _starts_locked(profile, exchange, "the journal")
    verdict.holds()
    await _resume(profile)
    until_so(lambda: not blocks(profile), "the operator has let it go on")
    sent = _entries_sent(exchange)
    wait_until(lambda: _entries_sent(exchange) > sent, "it trades again")
    verdict.holds()  # no link id came twice
    assert verdict.requests.arrived.keys() > before


def _starts_locked(profile: ProfileFolder, exchange: Exchange, reason: str) -> None:
    """A new engine trades nothing although it may, and takes no stop away."""
    held = set(exchange.positions())
    sent = _entries_sent(exchange)
    profile.start_headless(*_trading(profile))
    until_so(lambda: [words for words in blocks(profile) if words.startswith(reason)], f"locked: {reason}")
    until_so(lambda: len(blocks(profile)) == 1, "nothing else keeps entries off")
    assert _entries_sent(exchange) == sent
    shown = {row["symbol"] for row in profile.told()["positions"]["rows"]}
    assert set(exchange.positions()) <= shown
    assert held
