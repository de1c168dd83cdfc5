"""Servers, a venue between them, and a reader that collects what the venue says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any, TypeVar

import pytest

from cockpit.adapters.bybit.config import BybitConfig, RestLimits, StreamLimits
from cockpit.adapters.bybit.credentials import SecretKey
from cockpit.adapters.bybit.session import StreamEvent
from cockpit.adapters.bybit.venue import BybitVenue
from cockpit.adapters.system.clock import LiveClock
from cockpit.domain.enums import OrderPath, StreamName
from cockpit.domain.events import StreamUp
from cockpit.ports.recorder import FrameSink
from tests.support.scripted_http import ScriptedHttp, scripted_http
from tests.support.scripted_ws import ScriptedStreams, scripted_streams
from tests.support.simex_process import SimexProcess, simex_process

EventT = TypeVar("EventT")

KEY = SecretKey("testkey", "testsecret")
QUICK = StreamLimits(backoff_min_s=0.01, backoff_max_s=0.05, connect_timeout_s=2, connects_per_5min=500)


async def eventually(check: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until ``check`` holds; fails after 15 s."""
    async with asyncio.timeout(15):
        while True:
            holds = check()
            if holds if isinstance(holds, bool) else await holds:
                return
            await asyncio.sleep(0.01)


class Listener:
    """Reads a venue's events in the background and lets a test wait for one."""

    def __init__(self, venue: BybitVenue) -> None:
        self.events: list[StreamEvent] = []
        self.more = asyncio.Condition()
        self._task = asyncio.create_task(self._listen(venue))

    async def _listen(self, venue: BybitVenue) -> None:
        async for event in venue.events():
            async with self.more:
                self.events.append(event)
                self.more.notify_all()

    async def until(
        self, kind: type[EventT], accept: Callable[[EventT], bool] = lambda _: True, after: int = 0
    ) -> EventT:
        """The first event of a kind that ``accept`` takes, at index ``after`` or later; fails after 10 s."""

        def found() -> EventT | None:
            return next((e for e in self.events[after:] if isinstance(e, kind) and accept(e)), None)

        async with asyncio.timeout(10), self.more:
            while (event := found()) is None:
                if self._task.done():
                    self._task.result()
                await self.more.wait()
            return event

    def of(self, kind: type[EventT]) -> list[EventT]:
        """All events of a kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    async def end(self) -> None:
        """The reader ends by itself when the venue is closed."""
        async with asyncio.timeout(5):
            await self._task


@pytest.fixture
async def http() -> AsyncIterator[ScriptedHttp]:
    async with scripted_http() as script:
        yield script


@pytest.fixture
async def streams() -> AsyncIterator[ScriptedStreams]:
    async with scripted_streams() as script:
        yield script


@asynccontextmanager
async def running_venue(
    rest_url: str,
    streams: ScriptedStreams,
    *,
    limits: StreamLimits = QUICK,
    key: SecretKey | None = KEY,
    sink: FrameSink | None = None,
    **rest: Any,
) -> AsyncIterator[tuple[BybitVenue, Listener]]:
    """A venue on the scripted servers, with its events being read."""
    config = BybitConfig(
        rest_url=rest_url,
        public_url=streams.public,
        private_url=streams.private,
        streams=limits,
        rest=RestLimits(**rest),
    )
    venue = BybitVenue(config, key, LiveClock(), Random(7), sink)
    listener = Listener(venue)
    try:
        yield venue, listener
    finally:
        await venue.aclose()
        await listener.end()


def addresses(ready: dict[str, Any]) -> dict[str, Any]:
    """The addresses of a running simex as a configuration names them."""
    return {f"{role}_url": ready[role] for role in ("rest", "public", "private", "trade")}


def _alive() -> None:
    return


@asynccontextmanager
async def simex_venue(
    simex: SimexProcess, symbols: Sequence[str] = (), path: OrderPath = OrderPath.REST
) -> AsyncIterator[tuple[BybitVenue, Listener]]:
    """A venue on a running simex, with rules read, streams up, ``symbols`` subscribed and the way of orders ready."""
    config = BybitConfig(order_path=path, **addresses(simex.ready))
    key = SecretKey(simex.ready["api_key"], simex.ready["api_secret"])
    venue = BybitVenue(config, key, LiveClock(), Random(7))
    listener = Listener(venue)
    keeper = asyncio.create_task(venue.keep_trade_socket(_alive)) if path is OrderPath.SOCKET else None
    try:
        await venue.server_clock()
        await venue.instruments(["BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT"])
        await listener.until(StreamUp, lambda event: event.stream is StreamName.PRIVATE)
        if symbols:
            await venue.subscribe(symbols)
            await listener.until(StreamUp, lambda event: event.stream is StreamName.PUBLIC)
        if keeper is not None:
            await listener.until(StreamUp, lambda event: event.stream is StreamName.TRADE)
        yield venue, listener
    finally:
        if keeper is not None:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
        await venue.aclose()
        await listener.end()


@pytest.fixture(scope="module")
def simex() -> Iterator[SimexProcess]:
    """One exchange for the tests of a module; they use different symbols or clean up."""
    with simex_process("--seed", "3") as process:
        yield process
