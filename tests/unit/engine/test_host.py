"""The machine under the engine: entries need it well, and after a sleep nothing known is fresh."""

from __future__ import annotations

from decimal import Decimal

from cockpit.domain.enums import Side
from cockpit.domain.events import HostHealth
from cockpit.engine.clock import ManualClock
from cockpit.engine.commit_times import CommitTimes
from cockpit.engine.effects import Noted, SetFlag, SignalDecided
from tests.support.core_fixtures import Bench, healthy
from tests.support.core_scenes import breakout


def report(bench: Bench, **changes: int | None) -> HostHealth:
    return healthy(bench.now_ns, **changes)


def test_a_late_loop_and_a_full_disk_keep_entries_out_with_their_numbers() -> None:
    bench = Bench().start()
    breakout(bench, Side.BUY)
    bench.feed(report(bench, loop_lag_ns=400_000_000))
    assert "loop lag 400 ms (needs <= 250 ms)" in bench.approve()
    bench.feed(report(bench, disk_free_bytes=150_000_000))
    assert "disk 150 MB (needs >= 200 MB)" in bench.approve()
    bench.feed(report(bench))
    assert bench.approve() == ""


async def test_slow_commits_close_their_gate_and_it_opens_by_itself_a_minute_after_the_last() -> None:
    bench = breakout(Bench().start(), Side.BUY)
    clock = ManualClock()
    commits = CommitTimes(clock)

    async def commit(ms: int) -> None:
        async with commits.measured():
            await clock.advance(ms / 1_000)
        bench.feed(report(bench, commit_p99_ns=commits.p99_ns))

    for _ in range(20):
        await commit(2)
        await clock.advance(1)
    await commit(300)
    assert closed(bench) == set(), "one slow commit among many is no trend"
    await commit(120)
    assert closed(bench) == {"commit"}
    assert "commit 120 ms (needs <= 50 ms)" in bench.approve()
    for _ in range(12):
        assert closed(bench) == {"commit"}, "it stays closed while both are of the last minute"
        await clock.advance(4.5)
        await commit(2)
    await clock.advance(6)
    await commit(2)
    assert closed(bench) == set()
    assert bench.approve() == ""


def closed(bench: Bench) -> set[str]:
    return {check.name for check in bench.core.signals.gates.of_account() if not check.passed}


def test_f088_a_disk_that_fills_up_is_told_below_a_gibibyte_once_and_again_after_it_was_well() -> None:
    bench = Bench().start()
    for free in (1 << 30, (1 << 30) - 1, 900_000_000, 2 << 30, None, 900_000_000):
        bench.feed(report(bench, disk_free_bytes=free))
    told = [output.text for output in bench.told(Noted) if output.event == "disk"]
    assert [text.partition(";")[0] for text in told] == [
        "1074 MB are free on the journal's disk",
        "900 MB are free on the journal's disk",
    ]


def test_f095_after_a_sleep_signals_are_gone_books_wait_and_the_account_is_read_anew() -> None:
    bench = Bench().start()
    breakout(bench, Side.BUY)
    bench.is_reading = False
    bench.feed(report(bench, slept_ns=30_000_000_000))
    assert [o.reason for o in bench.told(SignalDecided) if o.state == "expired"] == ["the machine was away"]
    assert "account" in bench.core.state.locks
    assert not any(symbol.market.book.is_valid for symbol in bench.core.state.symbols.values())
    assert "sleep" in bench.notes()


def test_f093_a_clock_that_is_off_is_told_once() -> None:
    bench = Bench().start()
    for _ in range(3):
        bench.feed(report(bench, clock_offset_ns=-1_200_000_000))
    told = [output.text for output in bench.told(Noted) if output.event == "clock"]
    assert told == ["the engine's clock is +1.20 s off the exchange's; requests are corrected"]


def test_a_loss_that_only_the_equity_shows_locks_the_day() -> None:
    bench = Bench().start()
    start = bench.core.state.day.start_equity
    assert start is not None
    assert any(effect.name == "day_start" for effect in bench.asked(SetFlag))
    bench.account.equity = start * Decimal("0.99")
    bench.read()
    bench.wait(2)  # wallet and transaction log are read once more: it could be a withdrawal, whose row comes later
    assert set(bench.core.state.locks) == {"day loss check"}
    bench.wait(6)
    assert "day loss" in bench.core.state.locks
