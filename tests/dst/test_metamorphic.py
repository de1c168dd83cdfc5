"""Pairs of runs that must not differ at the exchange: with and without screens, commands delivered once or twice."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from tests.dst.plan import draw
from tests.dst.schedule import run_schedule

SEEDS = range(700, 740)
WATCHED_SEEDS = range(700, 712)
"""Views ten times a second make a schedule slow."""


@cache
def arrivals(seed: int, **changes: Any) -> list[str]:
    """What reaches the exchange in the schedule of a seed, changed; the schedule must break no invariant."""
    result = run_schedule(replace(draw(seed), **changes))
    assert result.violations == []
    return result.arrivals


def untimed(requests: list[str]) -> list[str]:
    """Without their times: each delivery is a row of the journal, and a request waits for the rows before it."""
    return [request.partition(" ")[2] for request in requests]


@pytest.mark.parametrize("screens", [1, 5])
def test_i18_the_exchange_sees_the_same_however_many_screens_look_on(screens: int) -> None:
    requests = 0
    for seed in WATCHED_SEEDS:
        alone = arrivals(seed)
        assert arrivals(seed, screens=screens) == alone, f"seed {seed}"
        requests += len(alone)
    assert requests > 15


@pytest.mark.parametrize("deliveries", [2, 3])
def test_i21_a_command_that_is_delivered_again_does_nothing_more(deliveries: int) -> None:
    requests = 0
    for seed in SEEDS:
        once = untimed(arrivals(seed))
        assert untimed(arrivals(seed, deliveries=deliveries)) == once, f"seed {seed}"
        requests += len(once)
    assert requests > 50


def test_a_different_schedule_sends_something_else() -> None:
    assert arrivals(700) != arrivals(701)
