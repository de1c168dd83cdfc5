"""The queue between streams and engine, and when to connect again."""

from __future__ import annotations

from random import Random

import pytest

from cockpit.adapters.bybit.backoff import WINDOW_NS, ConnectBudget, backoff_s
from cockpit.adapters.bybit.config import StreamLimits
from cockpit.adapters.bybit.merge import EventQueue
from cockpit.domain.enums import StreamName
from cockpit.domain.events import AccountPush, StreamUp
from cockpit.domain.market import BookDelta

UP = StreamUp(StreamName.PUBLIC, 1)
PUSH = AccountPush([], 2)


def delta(update: int) -> BookDelta:
    return BookDelta("A", 0, 0, update, update, [], [])


async def test_events_come_out_in_the_order_in_which_they_went_in() -> None:
    queue = EventQueue(10)
    assert queue.put([UP, delta(1), PUSH, delta(2)])
    queue.close()
    assert [event async for event in queue.read()] == [UP, delta(1), PUSH, delta(2)]


async def test_f102_overflow_drops_market_events_alone_and_says_so() -> None:
    queue = EventQueue(2)
    assert queue.put([UP, delta(1), PUSH, delta(2)])
    assert not queue.put([delta(3)])
    assert queue.put([delta(4)])
    queue.close()
    assert [event async for event in queue.read()] == [UP, PUSH, delta(4)]


async def test_any_number_of_account_events_waits() -> None:
    queue = EventQueue(1)
    assert all(queue.put([PUSH]) for _ in range(50))
    queue.close()
    assert len([event async for event in queue.read()]) == 50


async def test_failure_reaches_the_reader_after_what_waits() -> None:
    queue = EventQueue(1)
    queue.put([UP])
    queue.close(ValueError("broken"))
    reader = queue.read()
    assert await anext(reader) == UP
    with pytest.raises(ValueError, match="broken"):
        await anext(reader)


def test_budget_is_twenty_connects_in_five_minutes() -> None:
    budget = ConnectBudget(20)
    assert [budget.take(now) for now in range(20)] == [0] * 20
    assert budget.take(20) == WINDOW_NS - 20
    assert budget.take(WINDOW_NS) == 0
    assert budget.take(WINDOW_NS) == 1


def test_backoff_starts_at_once_doubles_and_is_bounded() -> None:
    limits = StreamLimits()
    assert backoff_s(0, limits, Random(1)) == 0
    for failures in range(1, 200):
        bound = min(30.0, 0.5 * 2 ** (failures - 1))
        waits = [backoff_s(failures, limits, Random(seed)) for seed in range(20)]
        assert all(0 <= wait <= bound for wait in waits)
        assert max(waits) > bound / 2
