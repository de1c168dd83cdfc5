"""The named tasks of the engine: started, watched, started again or mourned, and ended in order. No task's own work.

A task is ``starting`` until its first sign of life (``beat``), then ``running``. When its coroutine ends, for whatever
reason, it is ``restarting`` (after a growing pause) or ``dead``, with the reason, and stays in ``lights``: a dead task
is never invisible. The end of an essential task ends the engine; starting again is the recovery (crash-only).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from enum import StrEnum
from typing import Any

import msgspec

from cockpit.domain.errors import CockpitError, InvariantViolation
from cockpit.domain.time import NS_PER_S, ms_from_nanos
from cockpit.ports.clock import Clock

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
CALM_AFTER_S = 60.0
"""A task that ran this long starts over with the shortest pause."""
STOP_DEADLINE_S = 10.0
STOPPED = "stopped"
"""Detail of a task that ended because it was told to."""

TaskBody = Callable[[], Coroutine[Any, Any, None]]


class TaskState(StrEnum):
    """Where a task is in its life."""

    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"
    DEAD = "dead"


class TaskStatus(msgspec.Struct, frozen=True, gc=False):
    """One task as it stands."""

    name: str
    state: TaskState
    detail: str
    """Why it is not running, or why it was last started again."""
    restarts: int
    age_ms: int
    """Since its last sign of life."""


class EssentialTaskEnded(CockpitError):
    """A task without which the engine must not go on has ended. The message names it and the reason."""


class _Task:
    """One task and its story. State only."""

    def __init__(self, name: str, body: TaskBody, *, restart: bool, essential: bool, now_ns: int) -> None:
        self.name = name
        self.body = body
        self.restart = restart
        self.essential = essential
        self.state = TaskState.STARTING
        self.detail = ""
        self.restarts = 0
        self.beat_ns = now_ns
        self.handle: asyncio.Task[None] | None = None


class Supervisor:
    """Runs the engine's tasks on one event loop."""

    def __init__(self, clock: Clock, on_event: Callable[[TaskStatus], None] = lambda _status: None) -> None:
        """``on_event`` is told every change of a task's state, at once and synchronously."""
        self._clock = clock
        self._on_event = on_event
        self._tasks: dict[str, _Task] = {}
        self._over = asyncio.Event()
        self._failure: EssentialTaskEnded | None = None
        self._is_stopping = False

    def start(self, name: str, body: TaskBody, *, restart: bool = False, essential: bool = False) -> None:
        """Start a task on the running loop.

        Args:
            name: unique; what the operator sees.
            body: makes the task's coroutine, anew at each start.
            restart: start it again whenever it ends.
            essential: its end for any reason ends the engine.

        Raises:
            ValueError: the name is taken, or both policies are asked for.
        """
        if name in self._tasks or (restart and essential):
            raise ValueError(f"task {name!r}: the name is taken, or both restart and essential are set")
        task = _Task(name, body, restart=restart, essential=essential, now_ns=self._clock.monotonic_ns())
        self._tasks[name] = task
        task.handle = asyncio.create_task(self._keep(task), name=name)

    def beat(self, name: str) -> None:
        """A task shows that it lives. Cheap: call it for every message."""
        task = self._tasks[name]
        task.beat_ns = self._clock.monotonic_ns()
        if task.state is TaskState.STARTING:
            self._enter(task, TaskState.RUNNING, task.detail)

    @property
    def lights(self) -> list[TaskStatus]:
        """All tasks ever started, in the order of their start, dead ones included."""
        return [self._status(task) for task in self._tasks.values()]

    @property
    def failure(self) -> EssentialTaskEnded | None:
        """Why ``wait`` raises; None while nothing essential has failed."""
        return self._failure

    def request_stop(self) -> None:
        """Let ``wait`` return."""
        self._over.set()

    async def wait(self) -> None:
        """Until ``request_stop``.

        Raises:
            EssentialTaskEnded: an essential task has ended, or any task found the engine contradicting itself.
        """
        await self._over.wait()
        if self._failure is not None:
            raise self._failure

    def abandon(self) -> list[asyncio.Task[None]]:
        """Cancel every task and wait for none; returns those that were running."""
        running = [task.handle for task in self._tasks.values() if task.handle is not None and not task.handle.done()]
        for handle in running:
            handle.cancel()
        return running

    async def stop(self, deadline_s: float = STOP_DEADLINE_S) -> list[str]:
        """End all tasks, the youngest first; each gets a fair share of the time that is left. Not for use in a task.

        Returns:
            The names of the tasks that did not end in time. The caller must then leave without them (``os._exit``);
            nothing is lost by that, since starting again is the only recovery there is.
        """
        self._is_stopping = True
        self._over.set()
        stubborn: list[str] = []
        living = [task for task in reversed(self._tasks.values()) if task.handle is not None]
        end_ns = self._clock.monotonic_ns() + round(deadline_s * NS_PER_S)
        for count, task in enumerate(living):
            left_s = max(0, end_ns - self._clock.monotonic_ns()) / NS_PER_S
            if not await _ended(task.handle, left_s / (len(living) - count)):
                stubborn.append(task.name)
            if task.state is not TaskState.DEAD:
                self._enter(task, TaskState.DEAD, "did not stop" if task.name in stubborn else STOPPED)
        return stubborn

    async def _keep(self, task: _Task) -> None:
        """Run a task's body until its policy says that this is the end."""
        pause_s = FIRST_PAUSE_S
        while True:
            started_ns = self._clock.monotonic_ns()
            reason, error = await _run_body(task.body)
            if not task.restart or isinstance(error, InvariantViolation):
                self._bury(task, reason, error)
                return
            if self._clock.monotonic_ns() - started_ns >= CALM_AFTER_S * NS_PER_S:
                pause_s = FIRST_PAUSE_S
            task.restarts += 1
            self._enter(task, TaskState.RESTARTING, reason)
            await self._clock.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            self._enter(task, TaskState.STARTING, reason)

    def _bury(self, task: _Task, reason: str, error: Exception | None) -> None:
        self._enter(task, TaskState.DEAD, reason)
        if (task.essential or isinstance(error, InvariantViolation)) and self._failure is None:
            self._failure = EssentialTaskEnded(f"task {task.name}: {reason}")
            self._failure.__cause__ = error
            self._over.set()

    def _enter(self, task: _Task, state: TaskState, detail: str) -> None:
        task.state, task.detail = state, detail
        self._on_event(self._status(task))

    def _status(self, task: _Task) -> TaskStatus:
        age_ms = ms_from_nanos(self._clock.monotonic_ns() - task.beat_ns)
        return TaskStatus(task.name, task.state, task.detail, task.restarts, age_ms)


async def _run_body(body: TaskBody) -> tuple[str, Exception | None]:
    """Run once; why it ended, in words, and the error if there was one."""
    try:
        await body()
    except asyncio.CancelledError:
        current = asyncio.current_task()
        if current is not None and current.cancelling():
            raise
        return "cancelled from inside", None
    except Exception as error:  # noqa: BLE001 - the supervisor is one of the two places that catch everything
        return f"{type(error).__name__}: {error}", error
    return "ended by itself", None


async def _ended(handle: asyncio.Task[None] | None, timeout_s: float) -> bool:
    """Cancel a task and wait for its end; False if it goes on regardless."""
    if handle is None:
        return True
    handle.cancel()
    done, _pending = await asyncio.wait([handle], timeout=timeout_s)
    return bool(done)
