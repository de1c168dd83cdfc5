"""The queue before a journal that cannot be written: it keeps what is money and gives up what is not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from cockpit.domain.enums import Severity
from cockpit.domain.errors import JournalError
from cockpit.engine import journal_writer
from cockpit.engine.journal_writer import JournalWriter
from cockpit.ports.journal import BookSnapshotRow, JournalRow, SystemEventRow


class Still:
    """A clock whose sleeps are over at once."""

    def now_ns(self) -> int:
        return 0

    def monotonic_ns(self) -> int:
        return 0

    async def sleep(self, seconds: float) -> None:
        return


class Stubborn:
    """A journal that takes nothing until it is mended."""

    def __init__(self) -> None:
        self.is_broken = True
        self.rows: list[JournalRow] = []
        self.flags: list[tuple[str, str]] = []

    async def set_flag(self, name: str, value: str) -> None:
        is_broken = self.is_broken
        await asyncio.sleep(0)
        if is_broken:
            raise JournalError("disk full")
        self.flags.append((name, value))

    async def append(self, rows: Sequence[JournalRow]) -> None:
        if self.is_broken:
            raise JournalError("disk full")
        self.rows += rows


def snapshot(number: int) -> BookSnapshotRow:
    return BookSnapshotRow(symbol="A", bids=[], asks=[], mid=1.0, spread_bps=1.0, ts_ns=number)


async def test_i017_what_waits_is_bounded_and_money_is_never_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_writer, "MOST_WAITING", 20)
    journal, health = Stubborn(), []
    writer = JournalWriter(journal, Still(), lambda told: health.append(told.is_ok))  # type: ignore[arg-type]
    money = [SystemEventRow(type="order", severity=Severity.INFO, text=str(n), ts_ns=n) for n in range(15)]
    for number, row in enumerate(money):
        writer.put([row, snapshot(number)])
        await writer.write(1.0)
    assert len(writer._rows) <= 20
    journal.is_broken = False
    await writer.write(1.0)
    assert [row for row in journal.rows if isinstance(row, SystemEventRow)] == money
    assert len(journal.rows) < 2 * len(money)
    assert health[-1] is True


async def test_flags_are_tried_once_they_are_on_disk() -> None:
    journal = Stubborn()
    journal.is_broken = False
    writer = JournalWriter(journal, Still(), lambda _told: None)  # type: ignore[arg-type]
    writing = [asyncio.create_task(writer.set_flag(name, "1")) for name in ("flatten", "paused")]
    await writer.flags_tried(5.0)
    assert journal.flags == [("flatten", "1"), ("paused", "1")]
    await asyncio.gather(*writing)
    await writer.flags_tried(5.0)


async def test_a_flag_that_fails_is_tried_again_and_nobody_waits_for_it_longer_than_the_first_time() -> None:
    journal, health = Stubborn(), []
    writer = JournalWriter(journal, Still(), lambda told: health.append(told.is_ok))  # type: ignore[arg-type]
    writing = asyncio.create_task(writer.set_flag("flatten", "1"))
    await writer.flags_tried(5.0)
    assert (health[0], journal.flags, writing.done()) == (False, [], False)
    journal.is_broken = False
    await writing
    assert (journal.flags, health[-1]) == ([("flatten", "1")], True)


async def test_f088_flag_that_finds_room_on_a_full_disk_does_not_say_that_rows_can_be_written() -> None:
    journal, health = Stubborn(), []
    writer = JournalWriter(journal, Still(), lambda told: health.append(told.is_ok))  # type: ignore[arg-type]
    writer.put([snapshot(1)])
    await writer.write(1.0)
    journal.append, append = _full, journal.append  # type: ignore[method-assign]
    journal.is_broken = False
    await writer.set_flag("flatten", "1")
    await writer.write(1.0)
    assert (journal.flags, set(health)) == ([("flatten", "1")], {False})
    journal.append = append  # type: ignore[method-assign]
    await writer.write(1.0)
    assert health[-1] is True


async def test_f088_rows_that_find_room_on_a_full_disk_do_not_say_that_a_flag_is_on_it() -> None:
    journal, health = Stubborn(), []
    writer = JournalWriter(journal, Still(), lambda told: health.append(told.is_ok))  # type: ignore[arg-type]
    journal.append = _taken  # type: ignore[method-assign]
    writing = asyncio.create_task(writer.set_flag("paused", "1"))
    await writer.flags_tried(5.0)
    writer.put([snapshot(1)])
    await writer.write(1.0)
    assert set(health) == {False}
    journal.is_broken = False
    await writing
    assert health[-1] is True


async def _full(_rows: Sequence[JournalRow]) -> None:
    raise JournalError("disk full")


async def _taken(_rows: Sequence[JournalRow]) -> None:
    return


async def test_an_older_value_that_succeeds_late_does_not_take_a_newer_one_with_it() -> None:
    journal = Stubborn()
    journal.is_broken = False
    writer = JournalWriter(journal, Still(), lambda _told: None)  # type: ignore[arg-type]
    older = asyncio.create_task(writer.set_flag("flatten", "1"))
    await asyncio.sleep(0)  # it is on its way
    journal.is_broken = True
    newer = asyncio.create_task(writer.set_flag("flatten", ""))
    await older
    await writer.flags_tried(5.0)
    journal.is_broken = False
    await newer
    assert journal.flags == [("flatten", "1"), ("flatten", "")]


class Paced(Stubborn):
    """A journal whose writes end when they are let go."""

    def __init__(self) -> None:
        super().__init__()
        self.is_broken = False
        self.begun = asyncio.Event()
        self.gate = asyncio.Event()

    async def append(self, rows: Sequence[JournalRow]) -> None:
        self.begun.set()
        await self.gate.wait()
        await super().append(rows)


async def test_what_was_put_is_written_when_the_wait_for_it_ends() -> None:
    journal = Paced()
    writer = JournalWriter(journal, Still(), lambda _told: None)  # type: ignore[arg-type]
    await writer.written(5.0)  # nothing waits
    writer.put([snapshot(1)])
    writing = asyncio.create_task(writer.write(1.0))
    await journal.begun.wait()
    writer.put([snapshot(2)])
    waiting = asyncio.create_task(writer.written(5.0))
    await asyncio.sleep(0)
    journal.gate.set()
    await writing
    assert (len(journal.rows), waiting.done()) == (1, False)
    await writer.write(1.0)
    await waiting
    assert len(journal.rows) == 2


async def test_a_wait_for_rows_ends_with_the_failure_of_their_write() -> None:
    journal = Stubborn()
    writer = JournalWriter(journal, Still(), lambda _told: None)  # type: ignore[arg-type]
    writer.put([snapshot(1)])
    waiting = asyncio.create_task(writer.written(5.0))
    await asyncio.sleep(0)
    await writer.write(1.0)
    with pytest.raises(JournalError, match="disk full"):
        await waiting
    with pytest.raises(JournalError, match="nothing was written within"):
        await writer.written(0.01)
    journal.is_broken = False
    await writer.write(1.0)
    assert len(journal.rows) == 1
