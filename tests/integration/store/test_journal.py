"""The journal: what is written, what a start reads of it, what is deleted when it is old."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from cockpit.adapters.store.config import JournalConfig
from cockpit.adapters.store.journal import SqlJournal
from cockpit.adapters.system.clock import LiveClock
from cockpit.domain.enums import ExecType, OrderStatus, Severity
from cockpit.domain.errors import JournalError
from cockpit.domain.instrument import Lots
from cockpit.domain.orders import OrderRequest
from cockpit.domain.time import Nanos
from cockpit.ports.journal import (
    IntentState,
    MarketStatRow,
    OperatorActionRow,
    SystemEventRow,
)
from tests.support.journal_rows import DAY, NOW, density, fill, request, restarted, rows, signal_row, snapshot, trade


async def test_a_first_start_is_empty_and_counts_one(path: Path) -> None:
    recovery = await restarted(path)
    assert recovery.epoch == 1
    assert recovery.open_intents == recovery.open_trades == recovery.seen_exec_ids == []
    assert (recovery.last_fill_ms, recovery.day_realised, recovery.settings) == (0, Decimal(0), {})


async def test_every_start_raises_the_epoch(path: Path) -> None:
    assert [(await restarted(path)).epoch for _ in range(3)] == [1, 2, 3]


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


async def test_entries_are_told_from_a_day_before_the_oldest_open_trade_on(path: Path) -> None:
    journal = SqlJournal(path, LiveClock())
    await journal.start(NOW)
    for number, days in enumerate((6, 4, 3, 0)):
        await journal.append_intent(request(number, created_ns=NOW - days * DAY), NOW)
    await journal.append([trade(opened_ns=NOW - 3 * DAY + 1)])
    await journal.aclose()
    assert [entry.client_id for entry in (await restarted(path)).entries] == ["cs1-s2-e1", "cs1-s3-e1"]


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
        super().__init__()
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


async def test_writing_to_a_closed_journal_is_an_error(path: Path) -> None:
    journal = SqlJournal(path, LiveClock())
    with pytest.raises(JournalError, match="not open"):
        await journal.append_intent(request(), NOW)
    await journal.aclose()
