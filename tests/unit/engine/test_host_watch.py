"""What the engine measures of its machine: steps of the wall clock, sleeps, and a loop that something blocks."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from cockpit.adapters.system.clock import LiveClock
from cockpit.domain.enums import Side
from cockpit.domain.time import NS_PER_MS, NS_PER_S, ClockReading
from cockpit.engine.clock import ManualClock
from cockpit.engine.commit_times import CommitTimes
from cockpit.engine.host_watch import LAG_PROBE_S, STEP_NS, HostWatch
from cockpit.engine.projection import ShellFigures
from cockpit.ports.clock import Clock
from tests.support.core_fixtures import Bench, healthy
from tests.support.core_scenes import breakout

HOUR_S = 3600.0
HOUR_NS = 3600 * NS_PER_S


class Exchange:
    """Tells its clock, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.offset_ns = 0

    async def server_clock(self) -> ClockReading:
        self.asked += 1
        return ClockReading(self.offset_ns, 5_000_000)


def watch(clock: Clock, exchange: Any) -> HostWatch:
    return HostWatch(clock, exchange, CommitTimes(clock), ShellFigures(environment_word="SIM", source="synthetic"))


async def probed(clock: ManualClock, host: HostWatch, meanwhile: Any = None) -> int:
    """One probe of a machine that is neither late nor asleep, but for what happens ``meanwhile``."""
    probe = asyncio.create_task(host.probe())
    await asyncio.sleep(0)
    if meanwhile is not None:
        meanwhile()
    await clock.advance(LAG_PROBE_S)
    return await probe


@pytest.mark.parametrize("step_s", [HOUR_S, -HOUR_S, 0.3, -0.3])
async def test_f094_a_step_of_the_wall_clock_has_the_offset_measured_at_once_and_keeps_it_until_then(
    step_s: float,
) -> None:
    clock, exchange = ManualClock(50_000 * NS_PER_S), Exchange()
    exchange.offset_ns = -2 * HOUR_NS  # the engine began with a clock that is two hours ahead
    host = watch(clock, exchange)
    reading = asyncio.create_task(host.read_clock())
    await probed(clock, host)
    told = host.report(0)
    assert (told.clock_offset_ns, told.clock_uncertainty_ns) == (-2 * HOUR_NS, 5_000_000)
    exchange.offset_ns += 7
    await probed(clock, host, lambda: clock.step_wall(step_s))
    told = host.report(0)
    assert (told.clock_offset_ns, told.clock_uncertainty_ns, told.clock_read_ns) == (-2 * HOUR_NS, None, None)
    await asyncio.wait_for(reading, 5)  # it waits for the step and not for its minute
    again = asyncio.create_task(host.read_clock())
    await probed(clock, host)
    assert (exchange.asked, host.report(0).clock_offset_ns) == (2, exchange.offset_ns)
    again.cancel()


async def test_f094_a_wall_clock_that_is_only_slewed_keeps_its_offset() -> None:
    clock, exchange = ManualClock(50_000 * NS_PER_S), Exchange()
    host = watch(clock, exchange)
    reading = asyncio.create_task(host.read_clock())
    await probed(clock, host, lambda: clock.step_wall(STEP_NS / NS_PER_S))
    assert host.report(0).clock_offset_ns == 0
    assert not reading.done()
    reading.cancel()


async def test_f094_an_answer_that_a_step_overtook_is_not_believed() -> None:
    clock, exchange = ManualClock(50_000 * NS_PER_S), Exchange()
    host, answer = watch(clock, exchange), asyncio.Event()

    async def late() -> ClockReading:
        await answer.wait()
        return ClockReading(7, 1)

    exchange.server_clock = late  # type: ignore[method-assign]
    reading = asyncio.create_task(host.read_clock())
    await probed(clock, host, lambda: clock.step_wall(HOUR_S))
    answer.set()
    await asyncio.wait_for(reading, 5)
    assert host.report(0).clock_offset_ns is None


async def test_f095_a_machine_that_slept_tells_how_long_whichever_clock_stood_still() -> None:
    clock = ManualClock(50_000 * NS_PER_S)
    host = watch(clock, Exchange())
    assert await probed(clock, host) == 0
    suspended_ns = await probed(clock, host, lambda: clock.step_wall(600))
    assert host.report(suspended_ns).slept_ns == 600 * NS_PER_S
    probe = asyncio.create_task(host.probe())
    await asyncio.sleep(0)
    clock.set(clock.now_ns() + 30 * NS_PER_S)  # a stopped process finds both clocks ahead
    assert await probe == pytest.approx(30 * NS_PER_S, abs=NS_PER_S)


@pytest.mark.parametrize("blocked_ms", [350, pytest.param(3_000, marks=pytest.mark.soak)])
async def test_f103_a_call_that_blocks_the_loop_is_measured_and_keeps_entries_off(blocked_ms: int) -> None:
    """The loop is really blocked; only that it was blocked for at least so long is asserted."""
    host = watch(LiveClock(), Exchange())
    probe = asyncio.create_task(host.probe())
    await asyncio.sleep(0)
    time.sleep(LAG_PROBE_S + blocked_ms / 1000)  # noqa: ASYNC251 - the fault
    await probe
    told = host.report(0)
    assert told.loop_lag_ns >= (blocked_ms - 10) * NS_PER_MS
    bench = Bench().start()
    breakout(bench, Side.BUY)
    bench.feed(healthy(bench.now_ns, loop_lag_ns=told.loop_lag_ns))
    assert "loop lag" in bench.approve()
    assert bench.sent == []
