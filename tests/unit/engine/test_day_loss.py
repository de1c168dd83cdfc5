"""The loss of the exchange's day: by our books, by equity, by the log; what is none; what the day begins with."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from cockpit.domain.commands import ResumeEntries
from cockpit.domain.events import HostHealth
from cockpit.domain.time import NS_PER_S
from cockpit.engine.effects import RequestReports
from cockpit.engine.state import DAY_NS
from tests.support.core_fixtures import NOON_NS, Bench
from tests.support.core_scenes import bounce, long
from tests.unit.engine.test_ledger import reasons

MIDNIGHT_MS = NOON_NS // DAY_NS * DAY_NS // 1_000_000


def at(hour: int) -> int:
    """Exchange time of an hour of today, ms."""
    return MIDNIGHT_MS + hour * 3_600_000


def settled(bench: Bench) -> Bench:
    """Started, and everything read that the day's loss is made of, the log once more when it has settled."""
    bench.start()
    bench.wait(10)
    return bench


def lost(bench: Bench, usdt: str, **fields: Any) -> None:
    """A loss of the morning, as the exchange's log tells it."""
    bench.account.equity += Decimal(usdt)
    bench.ledger.append(bench.row("TRADE", "morning", cash_flow=Decimal(usdt), ts_ms=at(9), **fields))


def test_a_journal_that_was_deleted_does_not_forget_the_day_s_loss() -> None:
    bench = Bench()
    lost(bench, "-30.5")
    settled(bench)
    day = bench.core.state.day
    assert (day.start_equity, day.r_usdt) == (Decimal(10_000), Decimal(10))
    assert "day loss limit of 3 R reached" in reasons(bench)
    assert bench.flags["day_loss_lock"] == str(NOON_NS // DAY_NS)
    assert "holds until the exchange's next day" in bench.order(ResumeEntries())


def test_a_loss_that_was_made_good_after_the_limit_was_reached_still_counts() -> None:
    bench = Bench()
    lost(bench, "-30.5")
    bench.account.equity += 20
    bench.ledger.append(bench.row("TRADE", "noon", cash_flow=Decimal(20), ts_ms=at(11)))
    settled(bench)
    assert "day loss limit of 3 R reached" in reasons(bench)


def test_deposits_hide_no_loss_and_withdrawals_are_none() -> None:
    bench = Bench()
    lost(bench, "-30.5")
    bench.account.equity += 500
    transfer = {"category": "", "symbol": "", "ts_ms": at(10)}
    bench.ledger.append(bench.row("TRANSFER_IN", cash_flow=Decimal(500), **transfer))
    settled(bench)
    assert "day loss limit" in reasons(bench)
    other = Bench()
    other.account.equity -= 500
    other.ledger.append(other.row("TRANSFER_OUT", cash_flow=Decimal(-500), **transfer))
    settled(other)
    assert reasons(other) == ""


def test_a_withdrawal_while_running_is_looked_up_before_it_is_called_a_loss() -> None:
    bench = Bench().start()
    bench.account.equity -= 500
    bench.ledger.append(bench.row("TRANSFER_OUT", category="", symbol="", cash_flow=Decimal(-500)))
    bench.push(bench.account.balance())
    bench.wait(5)
    assert reasons(bench) == ""
    assert "day_loss" not in bench.notes()


def test_a_wallet_push_from_before_a_deposit_is_no_loss_however_late_it_comes() -> None:
    bench = Bench().start()
    before = bench.account.balance()
    bench.account.equity += 500
    bench.ledger.append(bench.row("TRANSFER_IN", category="", symbol="", cash_flow=Decimal(500)))
    bench.wait(70)
    bench.is_reading = False
    for _ in range(4):
        bench.push(before)
        bench.wait(1)
        bench.read_ledger()
    assert "day_loss" not in bench.notes()
    assert "the transaction log is being read" in reasons(bench)
    bench.is_reading = True
    bench.wait(2)
    assert reasons(bench) == ""


def test_equity_that_nothing_explains_is_a_loss_once_the_log_was_read() -> None:
    bench = Bench().start()
    bench.is_reading = False
    bench.account.equity -= 40
    bench.push(bench.account.balance())
    bench.wait(2)
    assert "the transaction log is being read" in reasons(bench)
    assert "day_loss" not in bench.notes()
    bench.is_reading = True
    bench.wait(8)
    assert "day loss limit of 3 R reached" in reasons(bench)


@pytest.mark.parametrize("late_s", [3, 5])
def test_a_withdrawal_whose_row_comes_seconds_after_the_wallet_told_it_is_no_loss(late_s: int) -> None:
    bench = Bench().start()
    bench.wait(65)
    bench.account.equity -= 1_000
    row = bench.row("TRANSFER_OUT", category="", symbol="", cash_flow=Decimal(-1_000))
    bench.push(bench.account.balance())
    bench.wait(late_s)
    assert "the transaction log is being read" in reasons(bench)
    bench.ledger.append(row)
    bench.wait(30)
    assert "day_loss" not in bench.notes()
    assert reasons(bench) == ""


def test_equity_that_was_read_low_is_a_loss_although_it_recovers_before_the_log_can_tell() -> None:
    bench = Bench().start()
    bench.account.equity -= 40
    bench.push(bench.account.balance())
    bench.wait(2)
    bench.account.equity += 30
    bench.push(bench.account.balance())
    bench.read()
    bench.wait(8)
    assert "day loss limit of 3 R reached" in reasons(bench)


def test_a_lasting_loss_locks_although_the_account_is_read_more_often_than_the_log_needs() -> None:
    bench = long(Bench().start())
    bench.account.equity -= 40
    for _ in range(10):
        bench.read()
        bench.wait(1)
    assert "day loss limit of 3 R reached" in reasons(bench)


def new_day(bench: Bench, seconds: float) -> Bench:
    """An engine whose exchange's day began so long ago, and whose account answers nothing since."""
    bench.is_reading = False
    bench.now_ns = (NOON_NS // DAY_NS + 1) * DAY_NS
    bench.wait(seconds)
    return bench


def test_a_wallet_push_from_before_a_withdrawal_does_not_begin_the_day() -> None:
    bench = new_day(Bench().start(), 0.1)
    before = bench.account.balance()
    bench.account.equity -= 1_000
    bench.ledger.append(bench.row("TRANSFER_OUT", category="", symbol="", cash_flow=Decimal(-1_000)))
    bench.wait(2)
    bench.push(before)
    assert bench.core.state.day.start_equity is None
    bench.is_reading = True
    bench.wait(2)
    bench.push(bench.account.balance())
    bench.wait(120)
    assert bench.core.state.day.start_equity == Decimal(9_000)
    assert "day_loss" not in bench.notes()


def test_a_read_of_the_wallet_that_was_asked_for_yesterday_does_not_begin_the_day() -> None:
    bench = new_day(Bench().start(), 2)
    midnight_ns = (NOON_NS // DAY_NS + 1) * DAY_NS
    bench.read(requested_ns=midnight_ns - NS_PER_S)
    assert bench.core.state.day.start_equity is None
    bench.read(requested_ns=midnight_ns + NS_PER_S)
    day = bench.core.state.day
    assert (day.start_equity, day.start_ms) == (Decimal(10_000), (midnight_ns + NS_PER_S) // 1_000_000)


def test_no_entry_is_made_on_a_new_day_before_the_wallet_was_read_on_it() -> None:
    midnight_ns = (NOON_NS // DAY_NS + 1) * DAY_NS
    bench = Bench(start_ns=midnight_ns - 15 * NS_PER_S).start()
    bounce(bench)
    bench.is_reading = False
    bench.wait((midnight_ns - bench.now_ns) / NS_PER_S + 2)
    bench.push(bench.account.balance())
    assert bench.approve() == "day loss no data (needs > -3 R)"
    bench.is_reading = True
    bench.wait(12)
    assert bench.core.state.day.start_equity == Decimal(10_000)
    assert bench.approve() == ""


def test_the_day_is_the_exchange_s_whatever_this_machine_s_clock_says() -> None:
    bench = Bench()
    lost(bench, "-31")
    settled(bench)
    bench.now_ns += DAY_NS
    bench.feed(
        HostHealth(loop_lag_ns=0, disk_free_bytes=None, clock_offset_ns=-DAY_NS, slept_ns=0, ts_recv=bench.now_ns)
    )
    assert "next day" in bench.order(ResumeEntries())


def test_a_wallet_that_is_younger_than_an_empty_log_is_not_what_the_day_began_with() -> None:
    bench = Bench()
    bench.is_reading = False
    bench.start()
    bench.read()
    bench.wait(2)
    asked_ns = bench.now_ns
    bench.account.equity += 1_000
    bench.wait(1)
    bench.push(bench.account.balance())
    bench.read_ledger(requested_ns=asked_ns)
    assert bench.core.state.day.start_equity is None
    bench.ledger.append(
        bench.row("TRANSFER_IN", category="", symbol="", cash_flow=Decimal(1_000), ts_ms=asked_ns // 1_000_000)
    )
    bench.is_reading = True
    bench.wait(8)
    assert bench.core.state.day.start_equity == Decimal(10_000)
    assert reasons(bench) == ""


def test_the_read_that_makes_sure_of_a_loss_asks_by_the_exchange_s_clock() -> None:
    """By ours, which began two hours ahead, it would ask for what happens in two hours."""
    bench = settled(Bench())
    ahead_ns = 2 * 3_600 * NS_PER_S
    host = HostHealth(loop_lag_ns=0, disk_free_bytes=None, clock_offset_ns=-ahead_ns, slept_ns=0, ts_recv=bench.now_ns)
    bench.feed(host)
    before = len(bench.asked(RequestReports))
    bench.account.equity -= 31
    bench.push(bench.account.balance())
    bench.wait(3, reporting=False)
    first = bench.asked(RequestReports)[before]
    assert first.fills_since_ms * 1_000_000 < bench.now_ns - ahead_ns
