"""The one thread that writes. It knows neither databases nor tables.

Theory of operation. A job is a plain function that does a whole transaction. It runs from begin to commit without a
turn of the event loop between its statements, so it holds the file's write lock as long as the disk needs and no
longer. Urgent jobs (an order waits for them) pass all jobs that have not begun; within each kind the order is kept. A
job that was handed over runs, even if its caller was cancelled meanwhile.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

ResultT = TypeVar("ResultT")


class WriterThread:
    """Runs jobs one after the other in a thread of its own, until it is closed."""

    def __init__(self, name: str) -> None:
        self._urgent: deque[Callable[[], None]] = deque()
        self._others: deque[Callable[[], None]] = deque()
        self._bell: SimpleQueue[bool] = SimpleQueue()
        """True for each job, then one False for the end."""
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    async def run(self, job: Callable[[], ResultT], *, urgent: bool = False) -> ResultT:
        """The result of ``job``, run in the thread. Raises whatever it raised."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[ResultT] = loop.create_future()
        (self._urgent if urgent else self._others).append(partial(_run, job, loop, future))
        self._bell.put(True)
        return await future

    async def aclose(self) -> None:
        """Run what waits and end the thread. Nothing may be asked of it afterwards."""
        self._bell.put(False)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        while self._bell.get():
            (self._urgent or self._others).popleft()()


def _run(job: Callable[[], ResultT], loop: asyncio.AbstractEventLoop, future: asyncio.Future[ResultT]) -> None:
    """Run a job in the thread and hand what came of it to the loop; a closed loop has nobody who waits."""
    try:
        tell = partial(_set_result, future, job())
    except BaseException as error:  # noqa: BLE001  # handed to the caller, not swallowed
        tell = partial(_set_error, future, error)
    try:
        loop.call_soon_threadsafe(tell)
    except RuntimeError:
        return


def _set_result(future: asyncio.Future[ResultT], result: ResultT) -> None:
    if not future.done():
        future.set_result(result)


def _set_error(future: asyncio.Future[ResultT], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
