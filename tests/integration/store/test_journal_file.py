"""The file of the journal: whose it is; damaged, gone, locked, of another version, on a full disk."""

from __future__ import annotations

import re
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection

from cockpit.adapters.store import database, schema
from cockpit.adapters.store.epoch_file import write_epoch
from cockpit.adapters.store.journal import SqlJournal
from cockpit.adapters.store.migrate import migration_config
from cockpit.adapters.store.reader import JournalReader
from cockpit.adapters.system.clock import LiveClock
from cockpit.domain.errors import ConfigError, JournalError
from cockpit.ports.journal import REBUILT_FLAG
from tests.support.journal_rows import NOW, density, request, restarted, rows, trade


def damage_second_page(path: Path) -> bytes:
    whole = path.read_bytes()
    damaged = whole[:8192] + bytes(range(256)) * 32 + whole[16384:]
    path.write_bytes(damaged)
    return damaged


def put_letter(path: Path) -> None:
    path.write_bytes(b"this is no database, it is a letter to my aunt" * 100)


def put_link(path: Path, target: Path) -> None:
    path.parent.mkdir()
    target.touch()
    path.symlink_to(target)


def content(path: Path | str) -> bytes:
    return Path(path).read_bytes()


async def test_file_and_folder_are_for_the_owner_alone(journal: SqlJournal, path: Path) -> None:
    await journal.set_flag("a", "b")
    assert path.parent.stat().st_mode & 0o777 == 0o700
    modes = {part.name: part.stat().st_mode & 0o777 for part in path.parent.iterdir()}
    names = ("journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm", "last-start-of-journal")
    assert modes == dict.fromkeys(names, 0o600)


async def test_the_file_is_in_wal_mode(journal: SqlJournal, path: Path) -> None:
    assert rows(path, "PRAGMA journal_mode") == [("wal",)]


async def test_f091_the_writer_waits_for_the_disk_at_every_commit(journal: SqlJournal) -> None:
    def pragmas(connection: Connection) -> list[Any]:
        names = ("synchronous", "journal_mode", "foreign_keys", "busy_timeout")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    assert await journal._transact(pragmas) == [2, "wal", 1, 1_000]


async def test_writer_and_reader_do_not_trust_what_the_file_says_of_itself(journal: SqlJournal, path: Path) -> None:
    names = ("trusted_schema", "cell_size_check")

    def pragmas(connection: Connection) -> list[Any]:
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    assert await journal._transact(pragmas) == [0, 1]
    async with JournalReader(path) as reader, reader._engine.connect() as connection:
        assert await connection.run_sync(pragmas) == [0, 1]


def delete(path: Path) -> None:
    for part in ("", "-wal", "-shm"):
        path.with_name(path.name + part).unlink(missing_ok=True)


def copy_of(path: Path) -> Callable[[], object]:
    """Copy the file; the result puts the copy back."""
    content = path.read_bytes()
    return lambda: path.write_bytes(content)


async def test_a_folder_keeps_the_mark_of_its_first_start(tmp_path: Path) -> None:
    marks = [[(await restarted(tmp_path / f"{name}.sqlite")).folder for _ in range(2)] for name in ("one", "two")]
    assert marks[0][0] == marks[0][1]
    assert marks[1][0] == marks[1][1]
    assert all(re.fullmatch("[a-z][a-z0-9]{2}", mark) for mark, _ in marks)
    assert "folder" not in (await restarted(tmp_path / "one.sqlite")).settings


async def test_deleted_file_is_noticed_and_no_epoch_comes_twice(path: Path) -> None:
    first = await restarted(path)
    delete(path)
    second = await restarted(path)
    assert REBUILT_FLAG not in first.settings
    assert second.settings[REBUILT_FLAG].startswith("missing")
    assert second.epoch > NOW // (60 * 10**9)
    delete(path)
    assert (await restarted(path)).epoch > second.epoch


async def test_older_copy_put_back_is_noticed(path: Path) -> None:
    await restarted(path)
    put_back = copy_of(path)
    await restarted(path)
    put_back()
    recovery = await restarted(path)
    assert recovery.settings[REBUILT_FLAG].startswith("missing")
    assert recovery.epoch > 3


async def test_number_of_starts_that_cannot_be_read_is_an_error_in_words(path: Path) -> None:
    await restarted(path)
    path.with_name("last-start-of-journal").write_text("nonsense")
    with pytest.raises(JournalError, match="last start"):
        await restarted(path)


async def test_a_damaged_file_is_moved_aside_and_the_start_says_so(path: Path) -> None:
    journal = SqlJournal(path, LiveClock())
    await journal.start(NOW)
    await journal.append([density()] * 400)
    await journal.aclose()
    damaged = damage_second_page(path)
    recovery = await restarted(path)
    assert content(recovery.settings[REBUILT_FLAG]) == damaged
    assert rows(path, "SELECT type, severity FROM system_events") == [("journal_rebuilt", "critical")]
    again = await restarted(path)
    assert REBUILT_FLAG in again.settings, "only the operator clears it"
    assert again.epoch == recovery.epoch + 1


async def test_a_rebuilt_journal_never_repeats_an_epoch(path: Path) -> None:
    before = [(await restarted(path)).epoch for _ in range(2)]
    put_letter(path)
    assert (await restarted(path)).epoch > before[-1] + 1_000_000


async def test_a_journal_of_a_newer_version_is_refused_and_left_alone(path: Path) -> None:
    await restarted(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(ConfigError, match="another version"):
        await restarted(path)
    assert rows(path, "SELECT value FROM engine_state WHERE name = 'epoch'") == [("1",)]


def of_an_earlier_version(path: Path) -> None:
    """A journal of the second schema with one count of starts in it."""
    database.secure_file(path)
    engine = database.writer_engine(database.address(path))
    with engine.begin() as connection:
        config = migration_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.exec_driver_sql("INSERT INTO engine_state (name, value, updated_ns) VALUES ('epoch', '7', 1)")
    engine.dispose()
    write_epoch(path, 7)


async def test_before_a_migration_the_journal_is_copied_and_the_copy_is_of_the_old_version(path: Path) -> None:
    of_an_earlier_version(path)
    assert (await restarted(path)).epoch == 8
    assert rows(path, "SELECT version_num FROM alembic_version") == [(schema.REVISION,)]
    [copy] = [part for part in path.parent.iterdir() if "before-migration" in part.name]
    assert (copy.name, stat.S_IMODE(copy.stat().st_mode)) == (f"{path.name}.before-migration-0002", 0o600)
    assert rows(copy, "SELECT version_num FROM alembic_version") == [("0002",)]
    assert rows(copy, "SELECT value FROM engine_state WHERE name = 'epoch'") == [("7",)]
    made_ns = copy.stat().st_mtime_ns
    assert (await restarted(path)).epoch == 9
    assert copy.stat().st_mtime_ns == made_ns


async def test_a_journal_that_cannot_be_copied_is_not_migrated(path: Path) -> None:
    of_an_earlier_version(path)
    path.with_name(f"{path.name}.before-migration-0002").mkdir()
    with pytest.raises(JournalError, match="copy before its migration"):
        await restarted(path)
    assert rows(path, "SELECT version_num FROM alembic_version") == [("0002",)]


async def test_a_file_locked_by_another_process_is_an_error_and_not_damage(journal: SqlJournal, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(JournalError, match="locked"):
            await journal.append_intent(request(), NOW)
        with pytest.raises(JournalError, match="locked"):
            await restarted(path)
        other.execute("ROLLBACK")
    await journal.append_intent(request(), NOW)
    assert [part.name for part in path.parent.iterdir() if "damaged" in part.name] == []


async def test_a_reader_does_not_stop_the_writer(journal: SqlJournal, path: Path) -> None:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM trades").fetchall()
        await journal.append([trade()])
        reader.execute("ROLLBACK")


async def test_a_symbolic_link_in_place_of_the_file_is_refused(path: Path, tmp_path: Path) -> None:
    put_link(path, tmp_path / "elsewhere")
    with pytest.raises(JournalError):
        await restarted(path)
    assert content(tmp_path / "elsewhere") == b""


CHILD = """
import asyncio, sys
from pathlib import Path
from cockpit.adapters.store.journal import SqlJournal
from cockpit.adapters.system.clock import LiveClock
from cockpit.domain.errors import JournalError
from tests.support.journal_rows import NOW, request, snapshot

async def main():
    journal = SqlJournal(Path(sys.argv[1]), LiveClock())
    await journal.start(NOW)
    for number in range(int(sys.argv[2])):
        try:
            await journal.append_intent(request(number), NOW)
            await journal.append([snapshot()] * 50)
            print("durable", number, flush=True)
        except JournalError as error:
            print("refused", number, error, flush=True)

asyncio.run(main())
"""


def child(path: Path, count: int, **options: Any) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", CHILD, str(path), str(count)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3], **options)


async def test_what_was_told_durable_survives_a_kill(path: Path) -> None:
    with child(path, 1_000_000) as process:
        assert process.stdout is not None
        told = [process.stdout.readline().split()[1] for _ in range(20)]
        process.send_signal(signal.SIGKILL)
    recovery = await restarted(path)
    kept = {found.request.client_id for found in recovery.open_intents}
    assert {f"cs1-s{number}-e1" for number in told} <= kept
    assert recovery.epoch == 2


async def test_a_full_disk_refuses_new_intents_and_loses_none_of_the_old(path: Path) -> None:
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))

    with child(path, 200, preexec_fn=limit) as process:
        output = process.communicate()[0].splitlines()
    told = {line.split()[1] for line in output if line.startswith("durable")}
    assert told
    assert any(line.startswith("refused") for line in output)
    kept = {found.request.client_id for found in (await restarted(path)).open_intents}
    assert {f"cs1-s{number}-e1" for number in told} <= kept


async def test_clearing_a_flag_that_is_not_there_is_no_proof_that_a_full_disk_takes_anything(
    journal: SqlJournal,
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with pytest.raises(JournalError):
            await journal.set_flag("never set", "")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    await journal.set_flag("never set", "")


def test_an_address_with_a_scheme_is_taken_as_it_is() -> None:
    url = database.address("postgresql+psycopg://bot@db.example/cockpit")
    assert (url.get_backend_name(), url.database) == ("postgresql", "cockpit")
    assert database.sqlite_path(url) is None
