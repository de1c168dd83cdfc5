from __future__ import annotations

import asyncio

from cockpit.engine.clock import ManualClock


async def test_sleepers_wake_in_order_each_at_its_own_time() -> None:
    clock = ManualClock(start_ns=1_000)
    seen: list[tuple[str, int]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        seen.append((name, clock.monotonic_ns()))

    tasks = [asyncio.create_task(sleeper("late", 2.0)), asyncio.create_task(sleeper("early", 0.5))]
    await clock.advance(3.0)
    await asyncio.gather(*tasks)
    assert seen == [("early", 500_000_000), ("late", 2_000_000_000)]
    assert clock.now_ns() == 3_000_001_000


async def test_step_of_the_wall_clock_wakes_nobody_and_moves_neither_stamps_nor_spans() -> None:
    clock = ManualClock()
    task = asyncio.create_task(clock.sleep(10.0))
    await asyncio.sleep(0)
    clock.step_wall(3600.0)
    assert (clock.now_ns(), clock.monotonic_ns()) == (0, 0)
    assert not task.done()
    clock.step_wall(-7200.0)
    assert (clock.now_ns(), clock.wall_ns()) == (0, -3600 * 10**9)
    task.cancel()


async def test_jump_goes_to_the_next_deadline_and_says_when_nobody_sleeps() -> None:
    clock = ManualClock()
    cancelled = asyncio.create_task(clock.sleep(1.0))
    task = asyncio.create_task(clock.sleep(7.0))
    await asyncio.sleep(0)
    cancelled.cancel()
    assert await clock.jump()
    assert clock.monotonic_ns() == 7_000_000_000
    await task
    assert not await clock.jump()


def test_time_of_a_recording_never_runs_backwards() -> None:
    clock = ManualClock(start_ns=100)
    clock.set(250)
    clock.set(200)
    assert clock.now_ns() == 250
