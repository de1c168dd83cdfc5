"""Doubles at the engine's end of the attach socket: a Hello, small views, and commands that are written down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from cockpit.adapters.system.clock import LiveClock
from cockpit.link.client import LinkEvent
from cockpit.link.unix_client import UnixClient, attach
from cockpit.link.unix_server import ViewServer
from cockpit.link.viewer import LinkLimits
from cockpit.views.frames import SCHEMA, CommandFrame, CommandReply, Hello, Role, ViewFrame
from cockpit.views.model import BookView, FlowView, HeaderView, LogLine, LogView

HELLO = Hello(
    schema=SCHEMA,
    engine_version="0.1.0",
    instance="epoch-7",
    environment="sim",
    source="synthetic",
    symbols=["BTCUSDT", "ETHUSDT", "SOLUSDT"],
    preset="plotnost",
    pid=1,
)


class Desk:
    """Takes every command and says yes."""

    def __init__(self) -> None:
        self.taken: list[tuple[CommandFrame, str]] = []

    async def judge(self, frame: CommandFrame, operator: str) -> CommandReply:
        """The engine's judgement."""
        self.taken.append((frame, operator))
        return CommandReply(frame.command_id, True, "")


def header(now_ms: int) -> HeaderView:
    """A header that differs by its time."""
    return HeaderView(environment="SIM", source="synthetic", now_ms=now_ms)


def book(symbol: str, size: float, levels: int = 1) -> BookView:
    """A book that differs by its size."""
    side = [(100 + at, size) for at in range(levels)]
    return BookView(symbol=symbol, tick_size="0.1", price_decimals=1, qty_decimals=3, bids=side, asks=side)


def flow(symbol: str, tpm: str) -> FlowView:
    """A flow that differs by its rate."""
    return FlowView(symbol=symbol, tpm_10s=tpm)


def bulky_log(number: int, size: int) -> LogView:
    """A log of ``size`` bytes and a little more."""
    return LogView([LogLine(number, "12:00:00", "info", "", "x" * size)])


@asynccontextmanager
async def serving(
    path: Path, desk: Desk | None = None, limits: LinkLimits | None = None, hello: Hello = HELLO
) -> AsyncIterator[ViewServer]:
    """A server that listens at ``path``."""
    server = ViewServer(path, hello, (desk or Desk()).judge, LiveClock(), limits)
    await server.start()
    try:
        yield server
    finally:
        await server.aclose("test over")


@asynccontextmanager
async def attached(path: Path, name: str = "anna", observer: bool = False) -> AsyncIterator[UnixClient]:
    """A client on ``path``."""
    client = await attach(path, name, observer)
    try:
        yield client
    finally:
        await client.aclose()


class Screen:
    """What a client has been shown so far."""

    def __init__(self, client: UnixClient) -> None:
        self.events: list[LinkEvent] = []
        self.is_over = False
        self._task = asyncio.create_task(self._follow(client))

    async def _follow(self, client: UnixClient) -> None:
        async for event in client.events():
            self.events.append(event)
        self.is_over = True

    @property
    def role(self) -> Role | None:
        """The newest role."""
        return next((event for event in reversed(self.events) if isinstance(event, Role)), None)

    def versions(self, section: str) -> list[int]:
        """Versions of a section in the order they came."""
        return [event.version for event in self.events if isinstance(event, ViewFrame) and event.section == section]

    def view(self, section: str) -> object:
        """The newest view of a section."""
        frames = (event for event in reversed(self.events) if isinstance(event, ViewFrame))
        return next((event.view for event in frames if event.section == section), None)


async def until(condition: Callable[[], object], what: str = "condition", deadline_s: float = 10.0) -> None:
    """Wait until ``condition`` holds; fail after the deadline."""
    async with asyncio.timeout(deadline_s):
        while not condition():  # noqa: ASYNC110 - the test polls what has no event
            await asyncio.sleep(0.005)
    assert condition(), what
