"""What the journal keeps of signals and walls: in which order, beside earlier engines, and across a migration."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from cockpit.adapters.store import schema
from cockpit.adapters.store.journal import SqlJournal
from cockpit.adapters.store.migrate import migration_config
from cockpit.adapters.store.reader import JournalReader
from cockpit.adapters.system.clock import LiveClock
from cockpit.ports.journal import DensityRow, SignalRow
from tests.support.program import environment

NOW = 20_000 * 86_400 * 10**9
START = """
import asyncio, sys
from cockpit.adapters.store.journal import SqlJournal
from cockpit.adapters.system.clock import LiveClock

async def main():
    journal = SqlJournal(sys.argv[1], LiveClock())
    await journal.start(0)
    await journal.aclose()

asyncio.run(main())
print("alembic" in sys.modules)
"""


def signal(signal_id: str, raised_event_ns: int, state: str = "raised", symbol: str = "BTCUSDT") -> SignalRow:
    return SignalRow(
        signal_id=signal_id,
        symbol=symbol,
        kind="bounce",
        direction="Buy",
        wall_id=f"{symbol}-1",
        wall_price=1.5,
        priority=1.0,
        state=state,
        raised_event_ns=raised_event_ns,
        ts_ns=NOW,
    )


def wall(wall_id: str, ts_ns: int) -> DensityRow:
    return DensityRow(
        wall_id=wall_id,
        event="new",
        symbol=wall_id.partition("-")[0],
        side="bid",
        price=1.5,
        initial_size=1.0,
        peak_size=1.0,
        current_size=1.0,
        traded=0.0,
        pulled=0.0,
        refilled=0.0,
        touches=0,
        notional_usdt=1.5,
        side_percent=1.0,
        relative_strength=1.0,
        is_cluster=False,
        first_seen_ns=ts_ns,
        ended_ns=None,
        ts_ns=ts_ns,
    )


async def history(path: Path, name: str, limit: int = 100) -> list[tuple[str, int]]:
    keys = {"signals": ("signal_id", "raised_event_ns"), "walls": ("wall_id", "ts_ns")}[name]
    async with JournalReader(path) as reader:
        return [(row[keys[0]], row[keys[1]]) for row in await reader.rows(name, limit=limit)]


async def test_walls_and_signals_come_in_the_order_in_which_they_were_decided(tmp_path: Path) -> None:
    path = tmp_path / "j"
    journal = SqlJournal(path, LiveClock())
    await journal.start(NOW)
    await journal.append([wall("BTCUSDT-1", NOW + 300), wall("DOGEUSDT-1", NOW - 152), wall("BTCUSDT-2", NOW + 300)])
    await journal.append([signal("xb1", NOW + 300), signal("od1", NOW - 152, symbol="DOGEUSDT")])
    await journal.append([signal("xb1", NOW + 300, "expired")])
    await journal.aclose()
    assert await history(path, "walls") == [
        ("BTCUSDT-1", NOW + 300),
        ("DOGEUSDT-1", NOW - 152),
        ("BTCUSDT-2", NOW + 300),
    ]
    assert await history(path, "walls", limit=2) == [("DOGEUSDT-1", NOW - 152), ("BTCUSDT-2", NOW + 300)]
    assert await history(path, "signals") == [("xb1", NOW + 300), ("od1", NOW - 152)]


async def test_signals_of_an_earlier_engine_stay_although_each_engine_counts_from_one(tmp_path: Path) -> None:
    path = tmp_path / "j"
    for raised_ns in (NOW, NOW + 60):
        journal = SqlJournal(path, LiveClock())
        await journal.start(raised_ns)
        await journal.append([signal("xb1", raised_ns)])
        await journal.append([signal("xb1", raised_ns, "expired")])
        await journal.aclose()
    async with JournalReader(path) as reader:
        rows = await reader.rows("signals")
    assert [(row["raised_event_ns"], row["state"]) for row in rows] == [(NOW, "expired"), (NOW + 60, "expired")]


def test_the_last_migration_is_the_one_that_the_tables_name() -> None:
    assert ScriptDirectory.from_config(migration_config()).get_current_head() == schema.REVISION


def test_a_start_on_a_journal_of_this_version_needs_no_migration(tmp_path: Path) -> None:
    for expected in (True, False):
        start = [sys.executable, "-c", START, str(tmp_path / "j")]
        done = subprocess.run(start, capture_output=True, text=True, env=environment(), check=True)
        assert done.stdout.split() == [str(expected)]


async def test_signals_written_before_they_were_numbered_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "j"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = migration_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
    columns = "signal_id, symbol, kind, direction, wall_id, wall_price, priority, state, reason, gates, ticket"
    with closing(sqlite3.connect(path)) as old, old:
        for signal_id, raised_ns in (("xb2", 20), ("xb1", 10)):
            values = (signal_id, "BTCUSDT", "bounce", "Buy", "w", 1.5, 1.0, "expired", "ttl", "[]", "{}", raised_ns, 0)
            marks = ", ".join("?" * len(values))
            old.execute(f"INSERT INTO signals ({columns}, raised_event_ns, ts_ns) VALUES ({marks})", values)
    journal = SqlJournal(path, LiveClock())
    await journal.start(NOW)
    await journal.append([signal("xb1", NOW)])
    await journal.aclose()
    assert await history(path, "signals") == [("xb1", 10), ("xb2", 20), ("xb1", NOW)]
