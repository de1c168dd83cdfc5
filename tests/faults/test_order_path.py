"""What an order waits for on its way out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cockpit.domain.commands import ClosePosition
from cockpit.ports.journal import JournalRow, OperatorActionRow
from tests.faults.bench import BTC, Bench


async def test_an_intent_does_not_wait_behind_the_rows_that_tell_of_it(bench: Bench) -> None:
    await bench.enter(BTC)
    assert bench.engine is not None
    journal, writer = bench.engine.journal, bench.engine.runner._writer
    append, append_intent = journal.append, journal.append_intent
    handed: list[str] = []
    at_work: list[bool] = []

    async def noted_rows(rows: Sequence[JournalRow]) -> None:
        handed.extend("rows" for row in rows if isinstance(row, OperatorActionRow))
        at_work.append(True)
        await append(rows)
        at_work.clear()

    async def noted_intent(*arguments: Any) -> Any:
        handed.append("intent")
        return await append_intent(*arguments)

    journal.append, journal.append_intent = noted_rows, noted_intent  # type: ignore[method-assign]
    await bench.until(lambda: not at_work and not writer._rows, "nothing is being written")
    assert (await bench.command(ClosePosition(BTC, 100))).accepted
    await bench.until(lambda: len(handed) == 2, "intent and rows are handed over")
    assert handed == ["intent", "rows"]
