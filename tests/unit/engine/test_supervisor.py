from __future__ import annotations

import asyncio

import pytest

from cockpit.domain.errors import InvariantViolation
from cockpit.engine.clock import ManualClock
from cockpit.engine.supervisor import EssentialTaskEnded, Supervisor, TaskBody, TaskState, TaskStatus


async def forever() -> None:
    await asyncio.Event().wait()


async def fails() -> None:
    raise RuntimeError("socket gone")


async def ends() -> None:
    return


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def light(supervisor: Supervisor, name: str) -> TaskStatus:
    return next(status for status in supervisor.lights if status.name == name)


async def test_task_is_starting_until_its_first_sign_of_life() -> None:
    supervisor = Supervisor(ManualClock())
    supervisor.start("streams", forever)
    await settle()
    assert light(supervisor, "streams").state is TaskState.STARTING
    supervisor.beat("streams")
    assert light(supervisor, "streams").state is TaskState.RUNNING
    assert await supervisor.stop() == []


async def test_light_shows_the_age_of_the_last_sign_of_life() -> None:
    clock = ManualClock()
    supervisor = Supervisor(clock)
    supervisor.start("detection", forever)
    supervisor.beat("detection")
    await clock.advance(2.5)
    assert light(supervisor, "detection").age_ms == 2500
    await supervisor.stop()


async def test_failing_task_is_started_again_after_growing_pauses() -> None:
    clock = ManualClock()
    events: list[TaskStatus] = []
    supervisor = Supervisor(clock, events.append)
    supervisor.start("streams", fails, restart=True)
    await clock.advance(0.4)
    assert light(supervisor, "streams").state is TaskState.RESTARTING
    assert light(supervisor, "streams").detail == "RuntimeError: socket gone"
    await clock.advance(0.1)
    assert light(supervisor, "streams").restarts == 2
    await clock.advance(0.9)
    assert light(supervisor, "streams").restarts == 2
    await clock.advance(0.1)
    assert light(supervisor, "streams").restarts == 3
    assert [event.state for event in events[:3]] == [TaskState.RESTARTING, TaskState.STARTING, TaskState.RESTARTING]
    await supervisor.stop()


async def test_pause_is_short_again_after_a_calm_minute() -> None:
    clock = ManualClock()
    runs = 0

    async def body() -> None:
        nonlocal runs
        runs += 1
        if runs == 4:
            await clock.sleep(60.0)
        raise RuntimeError("lost")

    supervisor = Supervisor(clock)
    supervisor.start("streams", body, restart=True)
    await clock.advance(0.5 + 1.0 + 2.0)
    assert runs == 4
    await clock.advance(60.0 + 0.5)
    assert runs == 5
    await supervisor.stop()


async def test_dead_task_stays_visible_with_its_reason() -> None:
    supervisor = Supervisor(ManualClock())
    supervisor.start("recorder", fails)
    supervisor.start("other", forever)
    await settle()
    assert light(supervisor, "recorder") == TaskStatus("recorder", TaskState.DEAD, "RuntimeError: socket gone", 0, 0)
    await supervisor.stop()
    assert light(supervisor, "recorder").detail == "RuntimeError: socket gone"


@pytest.mark.parametrize(("body", "words"), [(fails, "RuntimeError: socket gone"), (ends, "ended by itself")])
async def test_f104_end_of_an_essential_task_for_any_reason_ends_the_engine(body: TaskBody, words: str) -> None:
    supervisor = Supervisor(ManualClock())
    supervisor.start("execution", body, essential=True)
    supervisor.start("streams", forever, restart=True)
    with pytest.raises(EssentialTaskEnded, match=f"execution: {words}"):
        await supervisor.wait()
    await supervisor.stop()


async def test_cancellation_from_inside_a_task_counts_as_its_end() -> None:
    async def cancels_itself() -> None:
        raise asyncio.CancelledError

    supervisor = Supervisor(ManualClock())
    supervisor.start("execution", cancels_itself, essential=True)
    with pytest.raises(EssentialTaskEnded, match="cancelled from inside"):
        await supervisor.wait()


async def test_engine_that_contradicts_itself_ends_even_in_a_restartable_task() -> None:
    async def contradicts() -> None:
        raise InvariantViolation("two positions in one symbol")

    supervisor = Supervisor(ManualClock())
    supervisor.start("detection", contradicts, restart=True)
    with pytest.raises(EssentialTaskEnded, match="two positions"):
        await supervisor.wait()


async def test_stop_ends_the_youngest_task_first() -> None:
    order: list[str] = []

    def body(name: str) -> TaskBody:
        async def run() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                order.append(name)

        return run

    supervisor = Supervisor(ManualClock())
    for name in ("journal", "execution", "streams"):
        supervisor.start(name, body(name))
    await settle()
    assert await supervisor.stop() == []
    assert order == ["streams", "execution", "journal"]
    assert {status.state for status in supervisor.lights} == {TaskState.DEAD}


async def test_f105_stubborn_task_is_named_and_does_not_keep_the_others_from_ending() -> None:
    release = asyncio.Event()
    closed: list[str] = []

    async def stubborn() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    async def journal() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            closed.append("journal")

    supervisor = Supervisor(ManualClock())
    supervisor.start("journal", journal)
    supervisor.start("streams", stubborn)
    await settle()
    assert await supervisor.stop(deadline_s=0.05) == ["streams"]
    assert closed == ["journal"]
    assert light(supervisor, "streams").detail == "did not stop"
    release.set()
    await settle()


async def test_name_can_be_used_once() -> None:
    supervisor = Supervisor(ManualClock())
    supervisor.start("streams", forever)
    with pytest.raises(ValueError, match="taken"):
        supervisor.start("streams", forever)
    await supervisor.stop()


async def test_asking_for_the_end_lets_wait_return() -> None:
    supervisor = Supervisor(ManualClock())
    supervisor.start("streams", forever)
    supervisor.request_stop()
    await supervisor.wait()
    await supervisor.stop()


async def test_abandoned_tasks_end_without_being_started_again() -> None:
    supervisor = Supervisor(ManualClock())
    supervisor.start("streams", forever, essential=True)
    supervisor.start("snapshots", forever, restart=True)
    await settle()
    running = supervisor.abandon()
    await settle()
    assert [task.cancelled() for task in running] == [True, True]
    assert supervisor.failure is None
