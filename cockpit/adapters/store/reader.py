"""Reading the journal without being able to change it. Safe while the engine writes."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self
from urllib.parse import quote

from sqlalchemy import URL, Column, Table, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from cockpit.adapters.store import database, schema
from cockpit.adapters.store.stats import ClosedTrade, TradeStats, trade_stats
from cockpit.domain.errors import JournalError

HISTORIES: MappingProxyType[str, tuple[Table, Column[Any]]] = MappingProxyType(
    {
        "trades": (schema.trades, schema.trades.c.opened_ns),
        "signals": (schema.signals, schema.signals.c.raised_event_ns),
        "walls": (schema.densities, schema.densities.c.ts_ns),
        "events": (schema.system_events, schema.system_events.c.ts_ns),
        "actions": (schema.operator_actions, schema.operator_actions.c.ts_ns),
        "orders": (schema.intents, schema.intents.c.journaled_ns),
        "executions": (schema.executions, schema.executions.c.ts_event),
        "market": (schema.market_stats, schema.market_stats.c.ts_ns),
    }
)
"""What can be read, with its time."""


class JournalReader:
    """A read-only view of a journal. Use as ``async with JournalReader(path) as reader``."""

    def __init__(self, target: Path | str) -> None:
        """``target`` is as for ``SqlJournal``."""
        self._url = database.address(target)
        self._engine = _reader_engine(self._url)

    async def __aenter__(self) -> Self:
        path = database.sqlite_path(self._url)
        if path is not None and not database.exists(path):
            raise JournalError(f"there is no journal at {path}; the engine creates it at its first start")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._engine.dispose()

    async def rows(
        self, history: str, *, limit: int = 1_000, since_ns: int = 0, symbol: str | None = None
    ) -> list[dict[str, Any]]:
        """The newest ``limit`` rows of one of ``HISTORIES``, oldest first, as column name to value.

        Rows that are appended come in the order in which they were written, others by their time: the event times of
        different symbols do not tell what was decided first.

        Money is ``Decimal``, times are ns since 1970-01-01 UTC, stored JSON comes decoded.

        Raises:
            KeyError: there is no such history.
            JournalError: the journal cannot be read, or no engine of this version has opened it yet.
        """
        table, time = HISTORIES[history]
        order = table.c.get("id", time)
        query = select(table).where(time >= since_ns).order_by(order.desc()).limit(limit)
        if symbol is not None and "symbol" in table.c:
            query = query.where(table.c.symbol == symbol)
        return [dict(row) for row in reversed(await self._fetch(query))]

    async def stats(self, *, since_ns: int = 0, symbol: str | None = None) -> TradeStats:
        """Statistics of the trades closed since ``since_ns``. Raises ``JournalError``."""
        columns = schema.trades.c
        query = select(columns.closed_ns, columns.net_pnl, columns.fees, columns.r_multiple)
        query = query.where(columns.closed_ns.is_not(None), columns.closed_ns >= since_ns)
        if symbol is not None:
            query = query.where(columns.symbol == symbol)
        return trade_stats([ClosedTrade(**row) for row in await self._fetch(query)])

    async def _fetch(self, query: Any) -> list[Any]:
        try:
            async with self._engine.connect() as connection:
                return list((await connection.execute(query)).mappings())
        except SQLAlchemyError as error:
            raise JournalError(f"journal {self._url.database}: {getattr(error, 'orig', None) or error}") from error


def _reader_engine(url: URL) -> AsyncEngine:
    """An engine that cannot write."""
    path = database.sqlite_path(url)
    if path is None:
        return create_async_engine(url, execution_options={"postgresql_readonly": True})
    query = {"mode": "ro", "uri": "true"}
    file_url = URL.create("sqlite+aiosqlite", database=f"file:{quote(str(path))}", query=query)
    engine = create_async_engine(file_url, poolclass=AsyncAdaptedQueuePool, pool_size=1, max_overflow=0)
    database.prepare_sqlite(engine.sync_engine, (f"busy_timeout={database.BUSY_TIMEOUT_MS}",), "BEGIN")
    return engine
