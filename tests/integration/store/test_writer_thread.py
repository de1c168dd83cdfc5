"""The journal's thread: what waits is done in order, what an order waits for comes first, nothing is forgotten."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from cockpit.adapters.store.writer_thread import WriterThread

DEADLINE_S = 10


@pytest.fixture
async def thread() -> AsyncIterator[WriterThread]:
    thread = WriterThread("test-writer")
    yield thread
    await thread.aclose()


class Disk:
    """A slow disk: what was written, and a first write that takes until it is released."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self._released = threading.Event()

    def write_slowly(self) -> None:
        self._released.wait(DEADLINE_S)
        self.written.append("slow")

    def release(self) -> None:
        self._released.set()

    async def write(self, thread: WriterThread, name: str, *, urgent: bool = False) -> None:
        await thread.run(lambda: self.written.append(name), urgent=urgent)


async def begun(*tasks: asyncio.Task[None]) -> None:
    await asyncio.sleep(0)
    assert not any(task.done() for task in tasks)


async def test_what_an_order_waits_for_passes_what_has_not_begun(thread: WriterThread) -> None:
    disk = Disk()
    tasks = [
        asyncio.create_task(thread.run(disk.write_slowly)),
        asyncio.create_task(disk.write(thread, "rows")),
        asyncio.create_task(disk.write(thread, "more rows")),
        asyncio.create_task(disk.write(thread, "intent", urgent=True)),
        asyncio.create_task(disk.write(thread, "second intent", urgent=True)),
    ]
    await begun(*tasks)
    disk.release()
    await asyncio.gather(*tasks)
    slow_or_intent, *rest = disk.written
    assert [name for name in disk.written if "intent" in name] == ["intent", "second intent"]
    assert rest[-2:] == ["rows", "more rows"]
    assert slow_or_intent in {"slow", "intent"}, "the slow write had begun or not"


async def test_rows_of_a_caller_that_was_cancelled_are_written_all_the_same(thread: WriterThread) -> None:
    disk = Disk()
    slow = asyncio.create_task(thread.run(disk.write_slowly))
    rows = asyncio.create_task(disk.write(thread, "rows"))
    await begun(slow, rows)
    rows.cancel()
    await asyncio.wait([rows])
    disk.release()
    await slow
    await disk.write(thread, "later")
    assert disk.written == ["slow", "rows", "later"]


async def test_closing_does_first_what_waits() -> None:
    thread, disk = WriterThread("test-writer"), Disk()
    disk.release()
    tasks = [asyncio.create_task(disk.write(thread, name)) for name in ("rows", "more rows")]
    await asyncio.sleep(0)
    await thread.aclose()
    assert disk.written == ["rows", "more rows"]
    await asyncio.gather(*tasks)


async def test_an_error_reaches_the_caller_and_the_thread_goes_on(thread: WriterThread) -> None:
    def fail() -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        await thread.run(fail)
    assert await thread.run(lambda: 7) == 7
