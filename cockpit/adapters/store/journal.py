"""The journal's one writer: what a call wrote is on the disk when the call returns."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine, Insert, Table, select, update
from sqlalchemy.exc import SQLAlchemyError

from cockpit.adapters.store import database, schema
from cockpit.adapters.store.config import JournalConfig
from cockpit.adapters.store.epoch_file import read_epoch, write_epoch
from cockpit.adapters.store.flag_file import FlagFile
from cockpit.adapters.store.recovery import (
    EPOCH,
    count_start,
    end_signals,
    last_epoch,
    read_recovery,
    revision,
    write_state,
)
from cockpit.adapters.store.rows import TABLE_OF, intent_changes, intent_values, values_of
from cockpit.adapters.store.writer_thread import WriterThread
from cockpit.domain.enums import Severity
from cockpit.domain.errors import JournalError
from cockpit.domain.orders import OrderRequest
from cockpit.ports.clock import Clock
from cockpit.ports.journal import (
    FLATTEN_FLAG,
    REBUILT_FLAG,
    DurableIntent,
    IntentState,
    JournalRow,
    Recovery,
    SystemEventRow,
)

ResultT = TypeVar("ResultT")

_DAY_S = 86_400
_DAY_NS = _DAY_S * 10**9
_PRUNE_BATCH = 2_000
MISSING = "missing (deleted, or an older copy was put in its place)"
"""``REBUILT_FLAG`` of a journal that does not know of the last start."""
_INSERT_INTENT = schema.intents.insert()
_log = logging.getLogger(__name__)


class SqlJournal:
    """Implements ``ports.journal.Journal`` on an SQL database.

    Theory of operation. Every write is one transaction in the writer's thread; the event loop waits for it and never
    for the disk. An order's intent passes the rows that wait.
    """

    def __init__(
        self, target: Path | str, clock: Clock, config: JournalConfig | None = None, flags: Path | None = None
    ) -> None:
        """A journal that is not open yet.

        Args:
            target: path of an SQLite file, or an address with a scheme, e.g. ``postgresql+psycopg://...``.
            clock: time of changes.
            config: how long records are kept.
            flags: file for flags that the database does not take, in a folder that exists; None: they have one home.
        """
        self._url = database.address(target)
        self._flags = None if flags is None else FlagFile(flags)
        self.is_flatten_wanted = self._flags is not None and bool(self._flags.flags.get(FLATTEN_FLAG))
        """True if an engine died in the middle of a flatten, as far as that is known; before ``start`` by the file."""
        self._clock = clock
        self._config = config or JournalConfig()
        self._engine = database.writer_engine(self._url)
        self._thread: WriterThread | None = None
        self._retention: asyncio.Task[None] | None = None
        self._inserts = _insert_statements(self._url.get_backend_name())

    async def start(self, now_ns: int) -> Recovery:
        """Open, migrate, count the start and read what was left open.

        A damaged SQLite file is moved aside and a new one begun; the flag ``REBUILT_FLAG`` then names the old file. The
        flag is also set when the file is gone, or older than the last start: a copy that was put back.

        Raises:
            JournalError: the database cannot be opened or written.
            ConfigError: it was written by a newer version of the program.
        """
        moved = await self._secure(now_ns)
        self._thread = WriterThread("journal")
        try:
            known = self._known_epoch()
            recovery = await self._transact(lambda connection: self._begin(connection, moved, known, now_ns))
            self.is_flatten_wanted = bool(recovery.settings.get(FLATTEN_FLAG))
            if self._flags is not None:
                self._second_home(self._flags.settle_all)
            self._remember(recovery.epoch)
            await self.prune(now_ns)
            self._retention = asyncio.create_task(self._prune_daily(), name="journal-retention")
        except BaseException:
            await self.aclose()
            raise
        return recovery

    async def append_intent(self, request: OrderRequest, now_ns: int) -> DurableIntent:
        """Commit an order's intent to disk. Raises ``JournalError`` (also for a link id used before): do not send."""
        values = intent_values(request, now_ns)
        await self._transact(lambda connection: connection.execute(_INSERT_INTENT, values), urgent=True)
        return DurableIntent(request, now_ns)

    async def append(self, rows: Sequence[JournalRow]) -> None:
        """Commit rows in order, in one transaction. Raises ``JournalError``; then none of them is stored."""
        if rows:
            await self._transact(lambda connection: self._write(connection, rows))

    async def set_flag(self, name: str, value: str) -> None:
        """Set a durable engine flag ("" clears it). Raises ``JournalError``; it may be in its second home even then."""
        if name == EPOCH:
            raise ValueError("the count of starts is not a flag")
        flags, now_ns = self._flags, self._clock.now_ns()
        if flags is not None:
            self._second_home(lambda: flags.keep(name, value))
        await self._transact(lambda connection: write_state(connection, name, value, now_ns), urgent=True)
        if flags is not None:
            self._second_home(lambda: flags.settle(name, value))

    async def prune(self, now_ns: int) -> dict[str, int]:
        """Delete book snapshots and wall records that are older than the configuration keeps.

        Runs at start and daily, in small transactions between which others get their turn. Returns the deleted rows
        by table.
        """
        limits = {
            schema.orderbook_snapshots: now_ns - self._config.keep_orderbook_snapshots_days * _DAY_NS,
            schema.densities: now_ns - self._config.keep_densities_days * _DAY_NS,
        }
        return {table.name: await self._prune_table(table, before) for table, before in limits.items()}

    async def aclose(self) -> None:
        """Flush and close. Harmless when called again."""
        task, self._retention = self._retention, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        thread, self._thread = self._thread, None
        if thread is not None:
            await thread.run(self._engine.dispose)
            await thread.aclose()

    def _begin(self, connection: Connection, moved: Path | None, known: int, now_ns: int) -> Recovery:
        """Migrate, count this start and read what was left open."""
        if (at := revision(connection)) != schema.REVISION:
            # Alembic takes long to load: only a database that is new or of another version needs it.
            from cockpit.adapters.store.migrate import upgrade

            try:
                upgrade(connection, at)
            except (OSError, sqlite3.Error) as error:
                raise JournalError(f"journal {self._url.database}, copy before its migration: {error}") from error
        lost = str(moved or "") or (MISSING if last_epoch(connection) < known else "")
        epoch = count_start(connection, now_ns, is_rebuilt=bool(lost), known=known)
        if lost:
            write_state(connection, REBUILT_FLAG, lost, now_ns)
            self._write(connection, [_rebuilt_event(lost, now_ns)])
        for name, value in ({} if self._flags is None else self._flags.flags).items():
            write_state(connection, name, value, now_ns)
        end_signals(connection, now_ns)
        return read_recovery(connection, epoch, now_ns)

    @staticmethod
    def _second_home(write: Callable[[], None]) -> None:
        """Write the file of flags: tiny, and written in place. What it does not take, the database may."""
        try:
            write()
        except OSError as error:
            _log.critical("flags have one home now, their file cannot be written: %s", error)

    def _known_epoch(self) -> int:
        """The last start as told beside the file. Raises ``JournalError``."""
        path = database.sqlite_path(self._url)
        try:
            return 0 if path is None else read_epoch(path)
        except (OSError, ValueError) as error:
            raise JournalError(f"the number of the last start, beside journal {path}: {error}") from error

    def _remember(self, epoch: int) -> None:
        path = database.sqlite_path(self._url)
        try:
            if path is not None:
                write_epoch(path, epoch)
        except OSError as error:
            raise JournalError(f"journal {path}: {error}") from error

    async def _secure(self, now_ns: int) -> Path | None:
        """Make the file safe and whole; returns where a damaged one was moved to."""
        path = database.sqlite_path(self._url)
        if path is None:
            return None
        try:
            return await asyncio.to_thread(_secure_file, path, now_ns)
        except (OSError, sqlite3.Error) as error:
            raise JournalError(f"journal {path}: {error}") from error

    async def _transact(self, work: Callable[[Connection], ResultT], *, urgent: bool = False) -> ResultT:
        """The result of ``work``, done in a transaction that is on the disk when this returns."""
        if self._thread is None:
            raise JournalError("the journal is not open")
        try:
            return await self._thread.run(lambda: _in_transaction(self._engine, work), urgent=urgent)
        except SQLAlchemyError as error:
            raise JournalError(f"journal {self._url.database}: {getattr(error, 'orig', None) or error}") from error

    def _write(self, connection: Connection, rows: Sequence[JournalRow]) -> None:
        for kind, group in groupby(rows, key=type):
            if kind is IntentState:
                for state in group:
                    self._change_intent(connection, state)  # type: ignore[arg-type]
            else:
                connection.execute(self._inserts[kind], [values_of(row) for row in group])

    def _change_intent(self, connection: Connection, state: IntentState) -> None:
        """Write the latest state of an intent; that the journal knows no such intent is itself worth a row."""
        intents = schema.intents
        changes = update(intents).where(intents.c.client_id == state.client_id).values(intent_changes(state))
        if connection.execute(changes).rowcount == 0:
            event = SystemEventRow(
                type="intent_not_in_journal",
                severity=Severity.WARNING,
                text=f"order {state.client_id} is {state.status}, but the journal holds no intent of it",
                details={"order_id": state.order_id, "reason": state.reason},
                ts_ns=state.ts_ns,
            )
            connection.execute(self._inserts[SystemEventRow], values_of(event))

    async def _prune_daily(self) -> None:
        while True:
            await self._clock.sleep(_DAY_S)
            try:
                await self.prune(self._clock.now_ns())
            except JournalError as error:
                _log.error("old records could not be deleted, next try in a day: %s", error)

    async def _prune_table(self, table: Table, before_ns: int) -> int:
        old = select(table.c.id).where(table.c.ts_ns < before_ns).limit(_PRUNE_BATCH)
        delete = table.delete().where(table.c.id.in_(old))
        deleted = 0
        while True:
            count = await self._transact(lambda connection: connection.execute(delete).rowcount)
            deleted += count
            if count < _PRUNE_BATCH:
                return deleted


def _insert_statements(backend: str) -> dict[type, Insert]:
    """How each row type is written.

    Executions and external rows once, trades and signals with their latest state, others appended.
    """
    keys = {
        schema.trades: ("trade_id",),
        schema.signals: ("signal_id", "raised_event_ns"),
        schema.executions: ("exec_id",),
        schema.coin_parameters: ("symbol",),
        schema.external_flows: ("row_id",),
    }
    once = (schema.executions, schema.external_flows)
    return {
        kind: database.insert_into(backend, table, keys.get(table, ()), keep=table in once)
        for kind, table in TABLE_OF.items()
    }


def _secure_file(path: Path, now_ns: int) -> Path | None:
    database.secure_file(path)
    damage = database.damage_of(path)
    if damage is None:
        return None
    moved = database.move_aside(path, now_ns)
    _log.error("journal %s is damaged (%s); moved to %s", path, damage, moved)
    database.secure_file(path)
    return moved


def _rebuilt_event(lost: str, now_ns: int) -> SystemEventRow:
    return SystemEventRow(
        type="journal_rebuilt",
        severity=Severity.CRITICAL,
        text=f"the journal was lost and begun anew; the old file is {lost}",
        ts_ns=now_ns,
    )


def _in_transaction(engine: Engine, work: Callable[[Connection], ResultT]) -> ResultT:
    with engine.begin() as connection:
        return work(connection)
