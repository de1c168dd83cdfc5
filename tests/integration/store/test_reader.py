"""Reading a journal that another connection writes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy.dialects import sqlite

from cockpit.adapters.store import database
from cockpit.adapters.store.journal import SqlJournal
from cockpit.adapters.store.reader import HISTORIES, JournalReader
from cockpit.adapters.store.schema import metadata
from cockpit.adapters.system.clock import LiveClock
from cockpit.domain.enums import Severity
from cockpit.domain.errors import JournalError
from cockpit.ports.journal import SystemEventRow, TradeRow

NOW = 20_000 * 86_400 * 10**9


def trade(number: int, symbol: str = "BTCUSDT", closed_ns: int | None = None, net: str = "0") -> TradeRow:
    return TradeRow(
        trade_id=f"s{number}",
        symbol=symbol,
        kind="bounce",
        direction="Sell",
        opened_ns=NOW + number,
        qty=Decimal("0.5"),
        entry_price=Decimal("1.50"),
        initial_stop=None,
        risk_usdt=Decimal(1),
        closed_ns=closed_ns,
        net_pnl=Decimal(net),
        parameters={"k": 1},
    )


async def test_rows_are_readable_while_the_engine_holds_the_journal(tmp_path: Path) -> None:
    journal = SqlJournal(tmp_path / "j", LiveClock())
    await journal.start(NOW)
    async with JournalReader(tmp_path / "j") as reader:
        assert await reader.rows("trades") == []
        await journal.append([trade(1), trade(2, "ETHUSDT"), trade(3)])
        assert [row["trade_id"] for row in await reader.rows("trades")] == ["s1", "s2", "s3"]
        assert [row["trade_id"] for row in await reader.rows("trades", limit=2)] == ["s2", "s3"]
        assert [row["trade_id"] for row in await reader.rows("trades", symbol="ETHUSDT")] == ["s2"]
        (last,) = await reader.rows("trades", since_ns=NOW + 3)
        assert (last["entry_price"], last["parameters"], last["closed_ns"]) == (Decimal("1.50"), {"k": 1}, None)
    await journal.aclose()


async def test_a_closed_journal_is_readable(tmp_path: Path) -> None:
    journal = SqlJournal(tmp_path / "j", LiveClock())
    await journal.start(NOW)
    await journal.append([SystemEventRow(type="a", severity=Severity.INFO, text="b", details={"c": [1]}, ts_ns=NOW)])
    await journal.aclose()
    async with JournalReader(tmp_path / "j") as reader:
        for history in HISTORIES:
            assert len(await reader.rows(history)) == (1 if history == "events" else 0)
        (event,) = await reader.rows("events")
    assert (event["severity"], event["details"]) == ("info", {"c": [1]})


async def test_statistics_count_closed_trades_only(tmp_path: Path) -> None:
    journal = SqlJournal(tmp_path / "j", LiveClock())
    await journal.start(NOW)
    await journal.append([trade(1, closed_ns=NOW, net="3"), trade(2, closed_ns=NOW + 5, net="-1"), trade(3)])
    async with JournalReader(tmp_path / "j") as reader:
        stats = await reader.stats()
        late = await reader.stats(since_ns=NOW + 1, symbol="BTCUSDT")
    await journal.aclose()
    assert (stats.trades, stats.wins, stats.losses, stats.net_pnl, stats.profit_factor) == (2, 1, 1, Decimal(2), 3.0)
    assert (late.trades, late.net_pnl) == (1, Decimal(-1))


async def test_the_reader_cannot_write(tmp_path: Path) -> None:
    journal = SqlJournal(tmp_path / "j", LiveClock())
    await journal.start(NOW)
    async with JournalReader(tmp_path / "j") as reader:
        with pytest.raises(JournalError, match="readonly"):
            await reader._fetch(metadata.tables["engine_state"].delete())
    await journal.aclose()


async def test_a_missing_journal_is_named(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="no journal at"):
        async with JournalReader(tmp_path / "none"):
            pass
    assert not database.exists(tmp_path / "none")


async def test_a_file_without_our_tables_is_an_error(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "j")) as connection:
        connection.execute("CREATE TABLE x (y)")
    async with JournalReader(tmp_path / "j") as reader:
        with pytest.raises(JournalError, match="no such table"):
            await reader.rows("trades")


async def test_migrations_lead_to_exactly_the_schema_in_the_code(tmp_path: Path) -> None:
    journal = SqlJournal(tmp_path / "j", LiveClock())
    await journal.start(NOW)
    await journal.aclose()
    with closing(sqlite3.connect(tmp_path / "j")) as connection:
        for table in metadata.sorted_tables:
            found = {row[1]: (row[2], bool(row[3])) for row in connection.execute(f"PRAGMA table_info({table.name})")}
            told = {
                column.name: (column.type.compile(sqlite.dialect()), not column.nullable) for column in table.columns
            }
            assert found == told, table.name
            indexes = {
                row[1] for row in connection.execute(f"PRAGMA index_list({table.name})") if not row[1].startswith("sq")
            }
            assert indexes == {index.name for index in table.indexes}, table.name
