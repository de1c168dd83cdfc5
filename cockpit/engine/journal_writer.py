"""Brings rows and flags to the journal, in order and as often as it takes. The runner's, and without decisions."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any

from cockpit.domain.errors import JournalError
from cockpit.domain.events import JournalHealth
from cockpit.domain.time import NS_PER_S
from cockpit.engine.commit_times import CommitTimes
from cockpit.ports.clock import Clock
from cockpit.ports.journal import BookSnapshotRow, DensityRow, Journal, JournalRow, MarketStatRow

RETRY_S = 1.0
MOST_WAITING = 50_000
"""Beyond it observations of the market give way: rows of money are few, and the machine's memory is not endless."""
_OBSERVATIONS = (DensityRow, BookSnapshotRow, MarketStatRow)
PROVE_AFTER_NS = 5 * NS_PER_S
"""A journal that had nothing to write for so long shows that it still can: entries need fresh evidence."""
ALIVE_FLAG = "alive_ns"
_ROWS = ""
"""Stands for the rows among the names of flags."""
_log = logging.getLogger(__name__)


class JournalWriter:
    """The queue before the journal. Nothing of money in it is lost while the process lives."""

    def __init__(self, journal: Journal, clock: Clock, emit: Callable[[JournalHealth], Any]) -> None:
        """``emit`` is told when the journal stops taking rows, and when it takes them again."""
        self._journal = journal
        self._clock = clock
        self._emit = emit
        self._rows: list[JournalRow] = []
        self._flags: dict[str, str] = {}
        """Flags that are not on disk yet, by name."""
        self._untried = 0
        self._all_tried = asyncio.Event()
        self._all_tried.set()
        self._failing: set[str] = set()
        """What the journal did not take at the last try: ``_ROWS``, or a flag by its name."""
        self.commits = CommitTimes(clock)
        """Durable commits; who writes to the journal by other ways measures there too."""
        self._ready = asyncio.Event()
        self._is_writing = False
        self._waiters: list[asyncio.Future[None]] = []
        """Who waits for the end of the write that goes on, or of the next one."""

    def put(self, rows: Iterable[JournalRow]) -> None:
        """Take rows to be written; never waits."""
        before = len(self._rows)
        self._rows += rows
        if len(self._rows) > before:
            self._ready.set()

    def set_flag(self, name: str, value: str) -> Coroutine[Any, Any, None]:
        """Take a durable flag; the coroutine writes it, as often as it takes, unless a newer value of it is taken."""
        self._flags[name] = value
        self._untried += 1
        self._all_tried.clear()
        return self._write_flag(name, value)

    async def flags_tried(self, timeout_s: float) -> None:
        """Wait until each flag has been tried once: it is on disk, or its failure has been told. Gives up silently."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._all_tried.wait()

    async def _write_flag(self, name: str, value: str) -> None:
        await self._try_flag(name, value)
        self._untried -= 1
        if self._untried == 0:
            self._all_tried.set()
        while self._flags.get(name) == value:
            await self._clock.sleep(RETRY_S)
            await self._try_flag(name, value)

    async def _try_flag(self, name: str, value: str) -> None:
        if self._flags.get(name) != value:
            return
        try:
            async with self.commits.measured():
                await self._journal.set_flag(name, value)
        except JournalError as error:
            if name in self._flags:  # else a newer value of it is on disk
                self._failed(name, error)
            return
        if self._flags.get(name) == value:
            del self._flags[name]
        self._succeeded(name)

    async def written(self, timeout_s: float) -> None:
        """Wait until the rows that were put are on disk.

        Raises:
            JournalError: a write failed, or it lasts longer than ``timeout_s``; the rows are kept and tried again.
        """
        try:
            async with asyncio.timeout(timeout_s):
                for _ in range(self._is_writing + bool(self._rows)):
                    self._waiters.append(asyncio.get_running_loop().create_future())
                    await self._waiters[-1]
        except TimeoutError:
            raise JournalError(f"nothing was written within {timeout_s:g} s") from None

    async def write(self, timeout_s: float) -> None:
        """Wait for rows, at most ``timeout_s``, and write what has gathered; what cannot be written is kept."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._ready.wait()
        except TimeoutError:
            await self._prove()
            return
        self._ready.clear()
        rows, self._rows = self._rows, []
        self._is_writing = True
        try:
            async with self.commits.measured():
                await self._journal.append(rows)
        except JournalError as error:
            self._rows = self._bounded(rows + self._rows)
            self._end_write(error)
            self._failed(_ROWS, error)
            await self._clock.sleep(RETRY_S)
            self._ready.set()
            return
        self._end_write(None)
        self._succeeded(_ROWS)

    def _end_write(self, error: JournalError | None) -> None:
        self._is_writing = False
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if waiter.done():
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)

    @staticmethod
    def _bounded(rows: list[JournalRow]) -> list[JournalRow]:
        """The rows, without observations of the market if they are too many (reliability.md I17)."""
        if len(rows) <= MOST_WAITING:
            return rows
        kept: list[JournalRow] = [row for row in rows if not isinstance(row, _OBSERVATIONS)]
        _log.error("the journal cannot be written: %d observations of the market are given up", len(rows) - len(kept))
        return kept

    async def _prove(self) -> None:
        """An idle journal writes a flag now and then."""
        now_ns, last_ns = self._clock.now_ns(), self.commits.last_ns
        if last_ns is not None and 0 <= now_ns - last_ns < PROVE_AFTER_NS:
            return
        try:
            async with self.commits.measured():
                await self._journal.set_flag(ALIVE_FLAG, str(now_ns))
        except JournalError as error:
            self._failed(_ROWS, error)
        else:
            self._succeeded(_ROWS)

    async def drain(self) -> None:
        """The last rows of an engine that ends."""
        try:
            await self._journal.append(self._rows)
        except JournalError as error:
            _log.error("%d journal rows could not be written: %s", len(self._rows), error)

    def _succeeded(self, what: str) -> None:
        """A full disk may have room for one thing and not for another: it is well when it takes what it refused."""
        if what in self._failing:
            self._failing.remove(what)
            if not self._failing:
                self._emit(JournalHealth(True, "", self._clock.now_ns()))

    def _failed(self, what: str, error: JournalError) -> None:
        self._failing.add(what)
        self._emit(JournalHealth(False, str(error), self._clock.now_ns()))
