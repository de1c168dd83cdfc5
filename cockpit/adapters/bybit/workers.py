"""Blocking calls in a few threads, each call under one deadline. Knows nothing of Bybit.

Theory of operation. A pool has a fixed number of slots. A call takes a slot, an idle worker (or a new one), and waits
for the result up to its deadline. The deadline covers the whole call, because a socket timeout does not: a reply that
drips one byte a second never times out. A worker that misses the deadline is abandoned: its slot is free at once, a new
worker replaces it, and it ends by itself when its call returns. The number of abandoned workers is bounded; beyond it a
call is refused before anything is sent. Threads are daemons, so a stuck call never keeps the process alive. A machine
without memory for another thread refuses a call too; a pool that must not depend on that starts its threads at once.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar

from cockpit.domain.errors import OutcomeUnknown, VenueUnavailable

ClientT = TypeVar("ClientT")
ResultT = TypeVar("ResultT")

MAX_ABANDONED = 32


class _Worker(Generic[ClientT]):
    """One thread with its own client; ends on the first None in its queue."""

    def __init__(self, name: str, make_client: Callable[[], ClientT]) -> None:
        self.jobs: SimpleQueue[Callable[[ClientT], None] | None] = SimpleQueue()
        self._make_client = make_client
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def _work(self) -> None:
        client = self._make_client()
        while (job := self.jobs.get()) is not None:
            job(client)


class CallPool(Generic[ClientT]):
    """Slots for blocking calls.

    Args:
        name: name of the threads.
        slots: calls at the same time.
        make_client: makes the client of a new worker, in its thread.
        is_reserved: a worker for every slot is there from the start.
    """

    def __init__(self, name: str, slots: int, make_client: Callable[[], ClientT], *, is_reserved: bool = False) -> None:
        self._name = name
        self._slots = asyncio.Semaphore(slots)
        self._make_client = make_client
        self._idle: list[_Worker[ClientT]] = []
        self._abandoned = 0
        self._is_closed = False
        if is_reserved:
            self._idle += [_Worker(name, make_client) for _ in range(slots)]

    async def run(self, call: Callable[[ClientT], ResultT], deadline_s: float) -> ResultT:
        """The result of ``call``, run in a worker thread.

        Raises:
            VenueUnavailable: the call was not started.
            OutcomeUnknown: the call has not returned in time, or the caller was cancelled.
            Exception: whatever the call raised.
        """
        try:
            async with asyncio.timeout(deadline_s):
                await self._slots.acquire()
        except TimeoutError:
            raise VenueUnavailable(f"no free call in {deadline_s:g} s; nothing was sent") from None
        try:
            return await self._run_in_worker(call, deadline_s)
        finally:
            self._slots.release()

    def close(self) -> None:
        """End the idle workers; running ones end after their call."""
        self._is_closed = True
        for worker in self._idle:
            worker.jobs.put(None)
        self._idle.clear()

    async def _run_in_worker(self, call: Callable[[ClientT], ResultT], deadline_s: float) -> ResultT:
        if self._is_closed:
            raise VenueUnavailable("the connection to the exchange is closed; nothing was sent")
        if self._abandoned >= MAX_ABANDONED:
            raise VenueUnavailable(f"{self._abandoned} calls hang; nothing was sent")
        worker = self._idle.pop() if self._idle else self._new_worker()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[ResultT] = loop.create_future()
        worker.jobs.put(lambda client: _forward(call, client, loop, future))
        try:
            async with asyncio.timeout(deadline_s):
                # The shield keeps the future alive to tell when an abandoned worker is done.
                result = await asyncio.shield(future)
        except TimeoutError:
            self._abandon(worker, future)
            raise OutcomeUnknown(f"no answer in {deadline_s:g} s") from None
        except asyncio.CancelledError:
            self._abandon(worker, future)
            raise
        except BaseException:
            self._rest(worker)
            raise
        self._rest(worker)
        return result

    def _new_worker(self) -> _Worker[ClientT]:
        try:
            return _Worker(self._name, self._make_client)
        except RuntimeError as error:
            raise VenueUnavailable(f"this machine starts no thread ({error}); nothing was sent") from error

    def _rest(self, worker: _Worker[ClientT]) -> None:
        if self._is_closed:
            worker.jobs.put(None)
        else:
            self._idle.append(worker)

    def _abandon(self, worker: _Worker[ClientT], future: asyncio.Future[ResultT]) -> None:
        self._abandoned += 1
        worker.jobs.put(None)
        future.add_done_callback(self._abandoned_done)

    def _abandoned_done(self, future: asyncio.Future[ResultT]) -> None:
        self._abandoned -= 1
        if not future.cancelled():
            future.exception()  # the late answer is of no use; asking marks it as seen


def _forward(
    call: Callable[[ClientT], ResultT],
    client: ClientT,
    loop: asyncio.AbstractEventLoop,
    future: asyncio.Future[ResultT],
) -> None:
    """Run in the worker: hand result or exception over to the loop; a closed loop has nobody waiting."""
    result: ResultT
    error: BaseException | None = None
    try:
        result = call(client)
    except BaseException as raised:  # noqa: BLE001  # handed to the caller, not swallowed
        error = raised
    try:
        if error is None:
            loop.call_soon_threadsafe(_set_result, future, result)
        else:
            loop.call_soon_threadsafe(_set_error, future, error)
    except RuntimeError:
        return


def _set_result(future: asyncio.Future[ResultT], result: ResultT) -> None:
    if not future.done():
        future.set_result(result)


def _set_error(future: asyncio.Future[ResultT], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
