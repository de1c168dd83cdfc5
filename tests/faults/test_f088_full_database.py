"""F88 and F54 by the database alone: not a page is left for it, and SQLite says so (SQLITE_FULL).

Beside it stand ``tests/process/test_full_disk.py`` and ``test_machine.py``, where the disk is full.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Pool, event

from cockpit.domain.commands import PauseEntries, ResumeEntries
from cockpit.domain.errors import JournalError
from cockpit.engine.locks import JOURNAL
from tests.faults.bench import BTC, ETH, Bench, Engine
from tests.support.journal_rows import snapshot

ROOM = 2**30
"""SQLite's own limit of pages, about."""


@pytest.fixture
def connections() -> Iterator[list[sqlite3.Connection]]:
    """Those of journals, as they are opened."""
    made: list[sqlite3.Connection] = []

    def keep(connection: Any, _record: Any) -> None:
        made.append(connection)

    event.listen(Pool, "connect", keep)
    yield made
    event.remove(Pool, "connect", keep)


def give_pages(connections: list[sqlite3.Connection], count: int) -> None:
    """The database may have so many pages, and keeps those it has."""
    connections[-1].execute(f"PRAGMA max_page_count = {count}")


async def fill(engine: Engine, size: int) -> None:
    """Append ``size`` rows at a time until there is no room for so many."""
    for _ in range(1_000):
        await engine.journal.append([snapshot()] * size)


async def test_f054_f088_database_without_a_page_left_closes_entries_and_keeps_no_position_open(
    connections: list[sqlite3.Connection], exchange: Bench
) -> None:
    bench = exchange
    engine = await bench.start()
    await bench.enter(BTC)
    give_pages(connections, 1)
    for size in (100, 10, 1):
        with pytest.raises(JournalError, match="database or disk is full"):
            await fill(engine, size)

    async def is_locked() -> bool:
        for command in (PauseEntries(), ResumeEntries()):  # each leaves its row, until there is no room for it
            await bench.command(command)
        return JOURNAL in bench.core.state.locks

    await bench.until(is_locked, "entries are off")
    assert "database or disk is full" in bench.core.state.locks[JOURNAL]
    refused = bench.signal(ETH)
    await bench.until(lambda: bool(bench.note_of(refused)), "the signal is judged")
    assert bench.history(refused) == []
    await bench.flatten()
    await bench.flat()
    assert JOURNAL in bench.core.state.locks
    give_pages(connections, ROOM)
    await bench.until(lambda: JOURNAL not in bench.core.state.locks, "the journal is written again")
    await bench.settled()
