"""The queue before a journal that cannot be written: it keeps what is money and gives up what is not."""

from __future__ import annotations

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
