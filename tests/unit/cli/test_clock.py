"""The machine's clock, as the engine reads it."""

from __future__ import annotations

import time

import pytest

from cockpit.adapters.system.clock import LiveClock
from cockpit.domain.time import NS_PER_S

HOUR_NS = 3_600 * NS_PER_S


def test_the_clock_begins_with_the_wall_clock() -> None:
    before_ns = time.time_ns()
    clock = LiveClock()
    assert before_ns <= clock.now_ns() <= time.time_ns()


@pytest.mark.parametrize("step_ns", [HOUR_NS, -HOUR_NS])
def test_f094_a_wall_clock_that_is_set_moves_no_stamp_and_can_be_noticed(
    step_ns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, true_ns = LiveClock(), time.time_ns
    before_ns = clock.now_ns()
    monkeypatch.setattr(time, "time_ns", lambda: true_ns() + step_ns)
    assert 0 <= clock.now_ns() - before_ns < NS_PER_S
    assert abs(clock.wall_ns() - clock.now_ns() - step_ns) < NS_PER_S
