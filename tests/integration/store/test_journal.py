"""The journal on a real SQLite file: what is written, what a start reads, what happens when the disk misbehaves."""

from __future__ import annotations

import asyncio
import re
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection

from cockpit.adapters.store import database, schema
from cockpit.adapters.store.config import JournalConfig
from cockpit.adapters.store.epoch_file import write_epoch
from cockpit.adapters.store.journal import SqlJournal
from cockpit.adapters.store.migrate import migration_config
from cockpit.adapters.store.reader import JournalReader
from cockpit.adapters.system.clock import LiveClock
from cockpit.domain.enums import ExecType, OrderRole, OrderStatus, OrderType, Severity, Side, TimeInForce
from cockpit.domain.errors import ConfigError, JournalError
from cockpit.domain.ids import ClientOrderId, SignalId
from cockpit.domain.instrument import Lots, Ticks
from cockpit.domain.orders import OrderRequest
from cockpit.domain.positions import FillReport
from cockpit.domain.time import Nanos
from cockpit.ports.journal import (
    REBUILT_FLAG,
    BookSnapshotRow,
    DensityRow,
    IntentState,
    Journal,
    MarketStatRow,
    OperatorActionRow,
    SignalRow,
    SystemEventRow,
    TradeRow,
)

DAY = 86_400 * 10**9
NOW = 20_000 * DAY + 10 * 3600 * 10**9


def request(number: int = 1, **changes: Any) -> OrderRequest:
    fields: dict[str, Any] = {
        "client_id": ClientOrderId(f"cs1-s{number}-e1"),
        "symbol": "BTCUSDT",
        "side": Side.BUY,
        "role": OrderRole.ENTRY,
        "order_type": OrderType.LIMIT,
        "time_in_force": TimeInForce.IOC,
        "lots": Lots(7),
        "price": Ticks(650_001),
        "stop_loss": Ticks(649_000),
        "signal_id": SignalId(f"s{number}"),
        "created_ns": NOW,
    }
    return OrderRequest(**(fields | changes))


def fill(number: int = 1, **changes: Any) -> FillReport:
    fields: dict[str, Any] = {
        "exec_id": f"x{number}",
        "symbol": "BTCUSDT",
        "order_id": "o1",
        "client_id": "cs1-s1-e1",
        "side": Side.BUY,
        "exec_type": ExecType.TRADE,
        "price": Decimal("65000.10"),
        "qty": Decimal("0.007"),
        "fee": Decimal("0.00000000123456789"),
        "ts_event": NOW,
    }
    return FillReport(**(fields | changes))


def trade(number: int = 1, **changes: Any) -> TradeRow:
    fields: dict[str, Any] = {
        "trade_id": f"s{number}",
        "symbol": "BTCUSDT",
        "kind": "breakout",
        "direction": "Buy",
        "opened_ns": NOW,
        "qty": Decimal("0.007"),
        "entry_price": Decimal("65000.10"),
        "initial_stop": Decimal("64900"),
        "risk_usdt": Decimal("0.7007"),
        "parameters": {"risk": {"risk_pct": "0.10"}},
    }
    return TradeRow(**(fields | changes))


def density(ts_ns: int = NOW, **changes: Any) -> DensityRow:
    fields: dict[str, Any] = {
        "wall_id": "w1",
        "event": "new",
        "symbol": "BTCUSDT",
        "side": "ask",
        "price": 65_010.5,
        "initial_size": 12.0,
        "peak_size": 13.5,
        "current_size": 12.0,
        "traded": 0.0,
        "pulled": 0.0,
        "refilled": 0.0,
        "touches": 2,
        "notional_usdt": 780_126.0,
        "side_percent": 11.0,
        "relative_strength": 4.5,
        "is_cluster": False,
        "first_seen_ns": ts_ns,
        "ended_ns": None,
        "ts_ns": ts_ns,
    }
    return DensityRow(**(fields | changes))


def signal_row(**changes: Any) -> SignalRow:
    fields: dict[str, Any] = {
        "signal_id": "s1",
        "symbol": "BTCUSDT",
        "kind": "breakout",
        "direction": "Buy",
        "wall_id": "w1",
        "wall_price": 65_010.5,
        "priority": 2.0,
        "state": "raised",
        "raised_event_ns": NOW,
        "ts_ns": NOW,
    }
    return SignalRow(**(fields | changes))


def snapshot(ts_ns: int = NOW) -> BookSnapshotRow:
    return BookSnapshotRow(symbol="X", bids=[(1.0, 2.0)], asks=[(1.5, 3.0)], mid=1.25, spread_bps=4000.0, ts_ns=ts_ns)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.sqlite"


@pytest.fixture
async def journal(path: Path) -> AsyncIterator[SqlJournal]:
    journal = SqlJournal(path, LiveClock())
    await journal.start(NOW)
    yield journal
    await journal.aclose()


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


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


async def restarted(path: Path, now_ns: int = NOW) -> Any:
    journal: Journal = SqlJournal(path, LiveClock())
    try:
        return await journal.start(now_ns)
    finally:
        await journal.aclose()


async def test_a_first_start_is_empty_and_counts_one(path: Path) -> None:
    recovery = await restarted(path)
    assert recovery.epoch == 1
    assert recovery.open_intents == recovery.open_trades == recovery.seen_exec_ids == []
    assert (recovery.last_fill_ms, recovery.day_realised, recovery.settings) == (0, Decimal(0), {})


async def test_every_start_raises_the_epoch(path: Path) -> None:
    assert [(await restarted(path)).epoch for _ in range(3)] == [1, 2, 3]


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


async def test_an_intent_is_readable_by_others_when_the_call_returns(journal: SqlJournal, path: Path) -> None:
    durable = await journal.append_intent(request(), NOW + 5)
    assert (durable.request, durable.journaled_ns) == (request(), NOW + 5)
    found = rows(path, "SELECT client_id, lots, price, stop_loss, status, journaled_ns FROM intents")
    assert found == [("cs1-s1-e1", 7, 650_001, 649_000, "intent", NOW + 5)]


async def test_a_link_id_can_be_used_once_only(journal: SqlJournal) -> None:
    await journal.append_intent(request(), NOW)
    with pytest.raises(JournalError, match="client_id"):
        await journal.append_intent(request(lots=Lots(8)), NOW)
    await journal.append_intent(request(2), NOW)


@pytest.mark.parametrize("made", [request(), request(price=None, stop_loss=None, signal_id=None, reduce_only=True)])
async def test_an_open_intent_comes_back_exactly_as_it_was_written(path: Path, made: OrderRequest) -> None:
    journal = SqlJournal(path, LiveClock())
    await journal.start(NOW)
    await journal.append_intent(made, NOW)
    state = IntentState(client_id=made.client_id, status=OrderStatus.UNKNOWN, order_id="o9", sent_ns=NOW + 1, ts_ns=NOW)
    await journal.append([state])
    await journal.aclose()
    (found,) = (await restarted(path)).open_intents
    assert found.request == made
    assert (found.status, found.order_id, found.sent_ns) == ("unknown", "o9", NOW + 1)


async def test_ended_intents_are_not_open(path: Path) -> None:
    journal = SqlJournal(path, LiveClock())
    await journal.start(NOW)
    for number, status in enumerate(OrderStatus):
        await journal.append_intent(request(number), NOW)
        await journal.append([IntentState(client_id=f"cs1-s{number}-e1", status=status, ts_ns=NOW)])
    await journal.aclose()
    states = {found.status for found in (await restarted(path)).open_intents}
    assert states == {"intent", "sent", "unknown", "New", "PartiallyFilled", "Untriggered", "Triggered"}


async def test_f005_an_entry_that_was_judged_dead_is_told_as_such(path: Path) -> None:
    journal = SqlJournal(path, LiveClock())
    await journal.start(NOW)
    for number, status in enumerate(OrderStatus):
        await journal.append_intent(request(number), NOW)
        await journal.append([IntentState(client_id=f"cs1-s{number}-e1", status=status, ts_ns=NOW)])
    await journal.aclose()
    recovery = await restarted(path)
    dead = list(OrderStatus).index(OrderStatus.DEAD)
    assert [entry.client_id for entry in recovery.dead_entries] == [f"cs1-s{dead}-e1"]


async def test_a_later_state_without_order_id_does_not_erase_the_known_one(journal: SqlJournal, path: Path) -> None:
    await journal.append_intent(request(), NOW)
    await journal.append(
        [
            IntentState(client_id="cs1-s1-e1", status="sent", order_id="o1", sent_ns=5, answered_ns=6, ts_ns=7),
            IntentState(client_id="cs1-s1-e1", status="Cancelled", reason="IOC", ts_ns=8),
        ]
    )
    found = rows(path, "SELECT status, order_id, sent_ns, answered_ns, reason, updated_ns FROM intents")
    assert found == [("Cancelled", "o1", 5, 6, "IOC", 8)]


async def test_a_state_of_an_unknown_intent_is_kept_as_an_event(journal: SqlJournal, path: Path) -> None:
    await journal.append([IntentState(client_id="cs1-lost-e1", status="Filled", order_id="o1", ts_ns=8)])
    ((kind, text),) = rows(path, "SELECT type, text FROM system_events")
    assert kind == "intent_not_in_journal"
    assert "cs1-lost-e1" in text


async def test_money_is_stored_exactly(path: Path) -> None:
    journal = SqlJournal(path, LiveClock())
    await journal.start(NOW)
    net = Decimal("-123456789012345678.00000000000000000001")
    opened = trade(net_pnl=net, fees=Decimal("1E-9"))
    await journal.append([opened, fill()])
    await journal.aclose()
    assert rows(path, "SELECT net_pnl, fees FROM trades") == [(f"{net:f}", "0.000000001")]
    assert rows(path, "SELECT fee FROM executions") == [("0.00000000123456789",)]
    assert (await restarted(path)).open_trades == [opened]


async def test_a_trade_is_one_row_from_entry_to_exit(path: Path) -> None:
    journal = SqlJournal(path, LiveClock())
    await journal.start(NOW)
    await journal.append([trade(1), trade(2), trade(1, closed_ns=NOW + 9, exit_reason="stop", r_multiple=-1.02)])
    await journal.aclose()
    found = rows(path, "SELECT trade_id, exit_reason, r_multiple FROM trades ORDER BY trade_id")
    assert found == [("s1", "stop", -1.02), ("s2", "", None)]
    assert (await restarted(path)).open_trades == [trade(2)]


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


async def test_executions_of_an_open_trade_come_back_at_the_next_start(path: Path) -> None:
    journal = SqlJournal(path, LiveClock())
    await journal.start(NOW)
    made = [fill(1, ts_recv=NOW), fill(2, ts_recv=NOW + 5)]
    await journal.append([*made, fill(3, symbol="ETHUSDT", ts_recv=NOW), trade(1, first_exec_id="x1")])
    await journal.aclose()
    assert (await restarted(path)).open_fills == made


async def test_executions_of_an_open_trade_are_those_booked_since_its_first_whenever_they_were_received(
    path: Path,
) -> None:
    journal = SqlJournal(path, LiveClock())
    await journal.start(NOW)
    earlier, made = fill(9, ts_recv=NOW + 7), [fill(1, ts_recv=NOW), fill(2, ts_recv=NOW - 5)]
    await journal.append([earlier, *made, trade(1, first_exec_id="x1")])
    await journal.aclose()
    assert (await restarted(path)).open_fills == made


async def test_the_day_counts_trades_closed_since_midnight_utc(path: Path) -> None:
    journal = SqlJournal(path, LiveClock())
    await journal.start(NOW)
    midnight = 20_000 * DAY
    closed = {1: midnight - 1, 2: midnight, 3: NOW}
    await journal.append([trade(n, closed_ns=at, net_pnl=Decimal(10**n)) for n, at in closed.items()])
    await journal.append([trade(4, net_pnl=Decimal(5))])
    await journal.aclose()
    assert (await restarted(path)).day_realised == Decimal(1100)


async def test_a_start_knows_the_newest_sequence_of_each_symbol(path: Path) -> None:
    journal = SqlJournal(path, LiveClock())
    await journal.start(NOW)
    other = fill(3, symbol="ETHUSDT", seq=40)
    funding, old = fill(5, seq=70, exec_type=ExecType.FUNDING), fill(4, symbol="XRPUSDT", ts_event=NOW - 30 * DAY)
    await journal.append([fill(1, seq=9), fill(2, seq=10), other, funding, old])
    await journal.aclose()
    assert (await restarted(path)).last_seqs == {"BTCUSDT": 10, "ETHUSDT": 40}


async def test_an_execution_told_twice_is_booked_once(path: Path) -> None:
    journal = SqlJournal(path, LiveClock())
    await journal.start(NOW)
    await journal.append([fill(1), fill(2, ts_event=NOW + 2_000_000), fill(1, price=Decimal(1))])
    await journal.append([fill(1), fill(3, ts_event=NOW - 30 * DAY)])
    await journal.aclose()
    assert rows(path, "SELECT count(*), min(price) FROM executions WHERE exec_id = 'x1'") == [(1, "65000.10")]
    recovery = await restarted(path)
    assert sorted(recovery.seen_exec_ids) == ["x1", "x2"]
    assert recovery.last_fill_ms == NOW // 10**6 + 2


async def test_signals_that_a_killed_engine_left_undecided_are_ended_by_the_next_start(path: Path) -> None:
    journal = SqlJournal(path, LiveClock())
    await journal.start(NOW)
    await journal.append([signal_row(signal_id="s1"), signal_row(signal_id="s2", state="approved")])
    await journal.aclose()
    await restarted(path, NOW + 5)
    assert rows(path, "SELECT signal_id, state, reason, ts_ns FROM signals ORDER BY signal_id") == [
        ("s1", "expired", "the engine ended before it was decided", NOW + 5),
        ("s2", "approved", "", NOW),
    ]


async def test_every_kind_of_row_can_be_written_in_one_go(journal: SqlJournal, path: Path) -> None:
    await journal.append_intent(request(), NOW)
    raised = signal_row(gates=[{"name": "trend", "ok": True}], ticket={"qty": Decimal("0.007")})
    action = OperatorActionRow(
        command_id="k1",
        operator="tty1",
        action="FlattenAll",
        arguments={},
        accepted=True,
        answer="flattening",
        seen="BTCUSDT long 0.007",
        ts_ns=NOW,
    )
    stat = MarketStatRow(
        symbol="X", last_price=1.0, change_24h=None, turnover_24h=None, tpm=3.0, activity_index=None, walls=1, ts_ns=NOW
    )
    event = SystemEventRow(type="stream", severity=Severity.WARNING, text="lost", details={"n": 1}, ts_ns=NOW)
    await journal.append([trade(), raised, density(), event, action, snapshot(), stat, fill(), density()])
    for table in ("trades", "signals", "system_events", "operator_actions", "orderbook_snapshots", "market_stats"):
        assert rows(path, f"SELECT count(*) FROM {table}") == [(1,)], table
    assert rows(path, "SELECT count(*) FROM densities") == [(2,)]
    assert rows(path, "SELECT gates, ticket FROM signals") == [('[{"name":"trend","ok":true}]', '{"qty":"0.007"}')]


async def test_rows_are_stored_all_or_none(journal: SqlJournal, path: Path) -> None:
    broken = SystemEventRow(type="x", severity=Severity.INFO, text=None, ts_ns=NOW)  # type: ignore[arg-type]
    with pytest.raises(JournalError):
        await journal.append([trade(), broken])
    assert rows(path, "SELECT count(*) FROM trades") == [(0,)]
    await journal.append([trade()])


async def test_flags_survive_and_are_cleared_by_nothing(path: Path) -> None:
    journal = SqlJournal(path, LiveClock())
    await journal.start(NOW)
    await journal.set_flag("flatten", "1")
    await journal.set_flag("lock", "daily loss")
    await journal.set_flag("flatten", "2")
    await journal.set_flag("lock", "")
    await journal.aclose()
    assert (await restarted(path)).settings == {"flatten": "2"}


async def test_the_count_of_starts_cannot_be_set_as_a_flag(journal: SqlJournal) -> None:
    with pytest.raises(ValueError, match="count of starts"):
        await journal.set_flag("epoch", "0")


async def test_old_snapshots_and_walls_are_deleted_after_their_days(path: Path) -> None:
    journal = SqlJournal(path, LiveClock(), JournalConfig(keep_orderbook_snapshots_days=30, keep_densities_days=60))
    await journal.start(NOW)
    await journal.append([snapshot(NOW - day * DAY) for day in (29, 31, 59, 61)])
    await journal.append([density(NOW - day * DAY) for day in (29, 31, 59, 61)])
    await journal.append([density(NOW - 100 * DAY)] * 4_500)
    assert await journal.prune(NOW) == {"orderbook_snapshots": 3, "densities": 4_501}
    await journal.aclose()
    assert rows(path, "SELECT count(*) FROM densities") == [(3,)]


class DayClock(LiveClock):
    """A clock whose sleepers wait for the test."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.day_is_over = asyncio.Event()
        self.pruned = asyncio.Event()

    def now_ns(self) -> Nanos:
        return Nanos(NOW + 40 * DAY)

    async def sleep(self, seconds: float) -> None:
        self.asked.append(seconds)
        if len(self.asked) == 2:
            self.pruned.set()
        await self.day_is_over.wait()
        self.day_is_over.clear()


async def test_old_records_are_deleted_every_day(path: Path) -> None:
    clock = DayClock()
    journal = SqlJournal(path, clock)
    await journal.start(NOW)
    await journal.append([snapshot(NOW), snapshot(NOW + 39 * DAY)])
    clock.day_is_over.set()
    async with asyncio.timeout(10):
        await clock.pruned.wait()
    assert rows(path, "SELECT ts_ns FROM orderbook_snapshots") == [(NOW + 39 * DAY,)]
    assert clock.asked == [86_400, 86_400]
    await journal.aclose()


async def test_a_cancelled_write_leaves_the_journal_usable(journal: SqlJournal, path: Path) -> None:
    for turns in range(40):
        task = asyncio.create_task(journal.append_intent(request(turns), NOW))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    await journal.append_intent(request(1000), NOW)
    assert rows(path, "SELECT count(*) FROM intents WHERE client_id = 'cs1-s1000-e1'") == [(1,)]


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


async def test_writing_to_a_closed_journal_is_an_error(path: Path) -> None:
    journal = SqlJournal(path, LiveClock())
    with pytest.raises(JournalError, match="not open"):
        await journal.append_intent(request(), NOW)
    await journal.aclose()


CHILD = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_journal import NOW, LiveClock, SqlJournal, request, snapshot, JournalError

async def main():
    journal = SqlJournal(Path(sys.argv[1]), LiveClock())
    await journal.start(NOW)
    for number in range(int(sys.argv[3])):
        try:
            await journal.append_intent(request(number), NOW)
            await journal.append([snapshot()] * 50)
            print("durable", number, flush=True)
        except JournalError as error:
            print("refused", number, error, flush=True)

asyncio.run(main())
"""


def child(path: Path, count: int, **options: Any) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", CHILD, str(path), str(Path(__file__).parent), str(count)]
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
