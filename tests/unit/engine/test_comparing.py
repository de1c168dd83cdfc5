"""How often our view is compared with the account (P8), and how soon what only a read shows is told (P18)."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest

from cockpit.domain.enums import Side, StreamName
from cockpit.domain.events import StreamLost, StreamUp
from cockpit.domain.time import NS_PER_S
from cockpit.engine.effects import Noted, ReconnectStream, RequestReports
from cockpit.engine.projection.trading import positions_view
from tests.support.core_fixtures import AAA, BBB, Bench
from tests.support.core_scenes import long

SETTLED_S = 20
"""Longer than ``settling_s``."""


def pauses_s(bench: Bench, seconds: float) -> set[float]:
    """The pauses between the reads of the account that are asked for in the next ``seconds``, to the second."""
    before = len(bench.asked(RequestReports))
    bench.wait(seconds)
    asked = bench.asked(RequestReports)[max(0, before - 1) :]
    assert len(asked) > seconds / 12
    return {round((later.after_ns - earlier.after_ns) / NS_PER_S) for earlier, later in pairwise(asked)}


def test_p8_with_nothing_open_the_account_is_read_every_10_s_rounded_up_to_the_tick() -> None:
    bench = Bench().start()
    bench.wait(SETTLED_S)
    assert pauses_s(bench, 120) <= {10, 11}


def test_p8_with_a_position_of_ours_the_account_is_read_every_3_s_rounded_up_to_the_tick() -> None:
    bench = long(Bench().start())
    bench.wait(SETTLED_S)
    assert pauses_s(bench, 60) <= {3, 4}


def test_p8_a_foreign_position_alone_is_no_reason_to_read_more_often() -> None:
    bench = Bench(symbols=(AAA, BBB)).start()
    bench.position(BBB, "-2", "100", "105")
    bench.wait(SETTLED_S)
    assert pauses_s(bench, 60) <= {10, 11}


def test_p8_after_the_private_stream_has_come_back_the_account_is_read_every_3_s_for_15_s() -> None:
    bench = Bench().start()
    bench.wait(SETTLED_S)
    bench.feed(StreamLost(StreamName.PRIVATE, "closed", bench.now_ns))
    bench.feed(StreamUp(StreamName.PRIVATE, bench.now_ns))
    assert pauses_s(bench, 15) - {0} <= {1, 2, 3, 4}
    bench.wait(5)
    assert pauses_s(bench, 60) <= {10, 11}


@pytest.mark.parametrize("after_s", range(11))
def test_p8_an_execution_that_only_a_read_shows_has_the_stream_connected_anew_within_15_s(after_s: int) -> None:
    """Which takes the stream down, and with it entries, whatever the moment between two reads in which it was lost."""
    bench = Bench().start()
    bench.wait(SETTLED_S + after_s)
    bench.execution(BBB, Side.BUY, "100", "1")
    bench.wait(15)
    assert bench.asked(ReconnectStream) == [ReconnectStream(StreamName.PRIVATE, "it lost an execution")]


@pytest.mark.parametrize("after_s", range(11))
def test_p18_a_foreign_position_that_nothing_pushes_is_told_within_11_s(after_s: int) -> None:
    bench = Bench(symbols=(AAA, BBB)).start()
    bench.wait(SETTLED_S + after_s)
    bench.position(BBB, "-2", "100", "105")
    bench.wait(11)
    assert told(bench) == [BBB]
    assert bench.core.state.positions.unclaimed[BBB].qty == Decimal(2)


def told(bench: Bench) -> list[str]:
    return [note.symbol for note in bench.told(Noted) if note.event == "foreign_position"]


def test_p18_a_foreign_position_that_is_pushed_is_shown_at_once_and_told_by_the_next_read() -> None:
    """A push may come before the execution that makes it ours: only a read says that nobody of ours opened it."""
    bench = Bench(symbols=(AAA, BBB)).start()
    bench.wait(SETTLED_S)
    bench.push(bench.position(BBB, "-2", "100", "105"))
    assert [(row.symbol, row.is_foreign) for row in positions_view(bench.core, bench.now_ns, []).rows] == [(BBB, True)]
    bench.wait(11)
    assert told(bench) == [BBB]
