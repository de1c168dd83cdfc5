"""Everything that differs between databases: addresses, connections, file safety, "insert or change". No tables."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, Insert, QueuePool, Table, create_engine, event, make_url
from sqlalchemy.dialects import sqlite

BUSY_TIMEOUT_MS = 1_000
"""How long a transaction waits at its begin while another process holds the file (reliability.md F89)."""

DISTRUST = ("trusted_schema=OFF", "cell_size_check=ON")
"""The file may have been written by others: its schema calls no functions, and damaged cells are found when read."""


def address(target: Path | str) -> URL:
    """The database of a path (SQLite) or of an address with a scheme."""
    if isinstance(target, str) and "://" in target:
        return make_url(target)
    return URL.create("sqlite", database=str(target))


def sqlite_path(url: URL) -> Path | None:
    """The file of an SQLite database, None for a database server."""
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def writer_engine(url: URL) -> Engine:
    """An engine with the one connection that writes, for one thread. Every SQLite transaction takes the write lock at
    its begin.
    """
    engine = create_engine(url, poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=5)
    if url.get_backend_name() == "sqlite":
        pragmas = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT_MS}")
        prepare_sqlite(engine, pragmas, "BEGIN IMMEDIATE")
    return engine


def prepare_sqlite(engine: Engine, pragmas: Sequence[str], begin: str) -> None:
    """Set ``DISTRUST`` and ``pragmas`` on each connection; transactions begin by ``begin`` (the driver is late)."""

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (*DISTRUST, *pragmas):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)


def insert_into(backend: str, table: Table, key: Sequence[str] = (), *, keep: bool = False) -> Insert:
    """An insert of all columns. With ``key`` a row of the same key is changed, or kept as it is with ``keep``."""
    if not key:
        return table.insert()
    new: Any = _postgresql_insert(table) if backend == "postgresql" else sqlite.insert(table)
    if keep:
        return new.on_conflict_do_nothing(index_elements=key)  # type: ignore[no-any-return]
    kept = {"id", *key}
    changes = {column.name: new.excluded[column.name] for column in table.columns if column.name not in kept}
    return new.on_conflict_do_update(index_elements=key, set_=changes)  # type: ignore[no-any-return]


def _postgresql_insert(table: Table) -> Any:
    from sqlalchemy.dialects import postgresql  # two megabytes that an SQLite journal does not need

    return postgresql.insert(table)


def secure_file(path: Path) -> None:
    """Create folder (0700) and file (0600) before the database does, so that nothing is ever readable by others."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600))


def damage_of(path: Path) -> str | None:
    """What is wrong with an SQLite file, None if it is whole. Blocks; reads the complete file.

    Raises:
        sqlite3.Error: the file cannot be judged now (it is locked or cannot be read).
    """
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_MS / 1000)) as connection:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            return str(error)
        raise
    return None if found == ("ok",) else str(found)


def move_aside(path: Path, now_ns: int) -> Path:
    """Rename a damaged file and its companions; nothing is deleted. Returns the new path."""
    aside = path.with_name(f"{path.name}.damaged-{now_ns}")
    for ending in ("-wal", "-shm", ""):
        part = path.with_name(path.name + ending)
        if part.exists():
            part.rename(aside.with_name(aside.name + ending))
    return aside


def keep_copy(path: Path, ending: str) -> Path:
    """Copy what is committed of an SQLite database to a file beside it (0600), over an earlier copy of that ending.

    Raises:
        OSError, sqlite3.Error: there is no room, or a file cannot be read or written.
    """
    beside = path.with_name(f"{path.name}.{ending}")
    secure_file(beside)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(beside)) as copy:
        source.backup(copy)
    return beside


def exists(path: Path) -> bool:
    """True if the file is there and is a plain file."""
    return path.is_file()
