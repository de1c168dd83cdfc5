"""Flags of the engine have two homes: the database, and a file beside it for what the database does not take."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import pytest

from cockpit.adapters.store.flag_file import SIZE, FlagFile
from cockpit.adapters.store.journal import SqlJournal
from cockpit.adapters.system.clock import LiveClock
from cockpit.domain.errors import JournalError
from cockpit.ports.journal import FLATTEN_FLAG

NOW = 20_000 * 86_400 * 10**9


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    return tmp_path / "flags.json"


@asynccontextmanager
async def opened(path: Path, beside: Path) -> AsyncIterator[tuple[SqlJournal, dict[str, str]]]:
    """A started journal and the flags it found."""
    journal = SqlJournal(path, LiveClock(), flags=beside)
    try:
        recovery = await journal.start(NOW)
        yield journal, recovery.settings
    finally:
        await journal.aclose()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin immediate")
    try:
        yield
    finally:
        other.close()


async def flags_found(path: Path, beside: Path) -> dict[str, str]:
    async with opened(path, beside) as (_, flags):
        return flags


async def test_flags_that_the_database_takes_are_there_at_the_next_start(path: Path, beside: Path) -> None:
    async with opened(path, beside) as (journal, _):
        await journal.set_flag("paused", "1")
    assert FlagFile(beside).flags == {}
    assert (await flags_found(path, beside))["paused"] == "1"


async def test_f055_flags_that_the_database_did_not_take_are_there_at_the_next_start(path: Path, beside: Path) -> None:
    async with opened(path, beside) as (journal, _):
        with locked(path):
            for name, value in ((FLATTEN_FLAG, "17"), ("paused", "1")):
                with pytest.raises(JournalError):
                    await journal.set_flag(name, value)
    found = await flags_found(path, beside)
    assert (found[FLATTEN_FLAG], found["paused"]) == ("17", "1")
    assert FlagFile(beside).flags == {FLATTEN_FLAG: "17"}


async def test_f055_a_flatten_is_known_though_the_database_cannot_be_opened(path: Path, beside: Path) -> None:
    async with opened(path, beside) as (journal, _):
        await journal.set_flag(FLATTEN_FLAG, "17")
    journal = SqlJournal(path, LiveClock(), flags=beside)
    with locked(path), pytest.raises(JournalError):
        await journal.start(NOW)
    assert journal.is_flatten_wanted


async def test_f055_a_flatten_that_is_over_does_not_come_back_out_of_the_database(path: Path, beside: Path) -> None:
    async with opened(path, beside) as (journal, _):
        await journal.set_flag(FLATTEN_FLAG, "17")
        with locked(path), pytest.raises(JournalError):
            await journal.set_flag(FLATTEN_FLAG, "")
    for _ in range(2):
        journal = SqlJournal(path, LiveClock(), flags=beside)
        assert FLATTEN_FLAG not in (await journal.start(NOW)).settings
        assert not journal.is_flatten_wanted
        await journal.aclose()


async def test_a_flatten_of_a_database_alone_is_known_after_the_start(path: Path, beside: Path) -> None:
    async with opened(path, beside) as (journal, _):
        await journal.set_flag(FLATTEN_FLAG, "17")
    elsewhere = beside.with_name("after a restart of the machine")
    async with opened(path, elsewhere) as (journal, flags):
        assert flags[FLATTEN_FLAG] == "17"
        assert journal.is_flatten_wanted


async def test_the_file_has_its_size_from_the_start_and_is_written_in_place(path: Path, beside: Path) -> None:
    async with opened(path, beside) as (journal, _):
        before = os.stat(beside)
        await journal.set_flag(FLATTEN_FLAG, "17")
        after = os.stat(beside)
    assert (before.st_size, after.st_size, after.st_ino) == (SIZE, SIZE, before.st_ino)


async def test_a_file_that_cannot_be_written_leaves_the_database_alone(path: Path, tmp_path: Path) -> None:
    async with opened(path, tmp_path / "no folder" / "flags.json") as (journal, _):
        await journal.set_flag("paused", "1")
    async with opened(path, tmp_path / "no folder" / "flags.json") as (_, flags):
        assert flags["paused"] == "1"


def test_a_file_that_holds_something_else_is_told_and_holds_no_flag(
    beside: Path, caplog: pytest.LogCaptureFixture
) -> None:
    beside.write_text("not what it should be")
    assert FlagFile(beside).flags == {}
    assert "cannot be read" in caplog.text


def test_flags_that_do_not_fit_leave_the_file_as_it_was(beside: Path) -> None:
    flags = FlagFile(beside)
    flags.keep("paused", "1")
    with suppress(OSError):
        flags.keep("long", "x" * SIZE)
    assert FlagFile(beside).flags == flags.flags == {"paused": "1"}
