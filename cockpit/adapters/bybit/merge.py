"""One queue for what both streams say, in receive order. Account events are never dropped."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from typing import get_args

from cockpit.adapters.bybit.session import StreamEvent
from cockpit.domain.market import MarketEvent

_MARKET = frozenset(get_args(MarketEvent))


class EventQueue:
    """Events from the streams to the engine, in one loop.

    A reader that does not keep up must not read old markets: when more than ``max_backlog`` market events wait, all of
    them are dropped and ``put`` says so; the public stream then starts anew with fresh snapshots.
    """

    def __init__(self, max_backlog: int) -> None:
        self._max = max_backlog
        self._events: deque[StreamEvent] = deque()
        self._market_waiting = 0
        self._wake = asyncio.Event()
        self._is_closed = False
        self._failure: BaseException | None = None

    def put(self, events: Iterable[StreamEvent]) -> bool:
        """Queue events; False if market events had to be dropped."""
        for event in events:
            self._events.append(event)
            self._market_waiting += type(event) in _MARKET
        self._wake.set()
        if self._market_waiting <= self._max:
            return True
        self._events = deque(event for event in self._events if type(event) not in _MARKET)
        self._market_waiting = 0
        return False

    def close(self, failure: BaseException | None = None) -> None:
        """No more events; the reader gets ``failure`` after those that wait."""
        self._is_closed = True
        self._failure = self._failure or failure
        self._wake.set()

    async def read(self) -> AsyncIterator[StreamEvent]:
        """The events in order, until ``close``."""
        while True:
            while self._events:
                event = self._events.popleft()
                self._market_waiting -= type(event) in _MARKET
                yield event
            if self._is_closed:
                break
            self._wake.clear()
            await self._wake.wait()
        if self._failure is not None:
            raise self._failure
