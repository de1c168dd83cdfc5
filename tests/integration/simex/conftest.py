"""A running exchange in the test's own loop, and a small client that collects frames."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest
import requests
from websockets.asyncio.client import ClientConnection, connect

from cockpit.simex.config import SimexConfig
from cockpit.simex.server import serving

DEADLINE_S = 15.0


class Client:
    """One socket; keeps every frame in order of arrival."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.frames: list[dict[str, Any]] = []
        self.seen = 0

    async def send(self, frame: dict[str, Any]) -> None:
        await self.socket.send(msgspec.json.encode(frame).decode())

    async def receive(self) -> dict[str, Any]:
        frame = msgspec.json.decode(await asyncio.wait_for(self.socket.recv(), DEADLINE_S))
        self.frames.append(frame)
        return frame

    async def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next frame that ``wanted`` accepts; looks at frames not looked at before, in order."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                while self.seen < len(self.frames):
                    frame = self.frames[self.seen]
                    self.seen += 1
                    if wanted(frame):
                        return frame
                await self.receive()

    async def subscribe(self, *topics: str) -> dict[str, Any]:
        await self.send({"op": "subscribe", "args": list(topics), "req_id": "s"})
        return await self.until(lambda frame: frame.get("op") == "subscribe")


@contextlib.asynccontextmanager
async def client(url: str) -> AsyncIterator[Client]:
    # Nobody answers the goodbye on a line that is half open: waiting longer for it shows nothing.
    options: dict[str, Any] = {"max_size": 2**24, "max_queue": None, "close_timeout": 0.5}
    async with connect(url, proxy=None, compression=None, **options) as socket:
        yield Client(socket)


@pytest.fixture
def open_client() -> Callable[[str], contextlib.AbstractAsyncContextManager[Client]]:
    return client


@pytest.fixture
def exchange() -> Callable[..., contextlib.AbstractAsyncContextManager[dict[str, Any]]]:
    """``exchange(**config)`` is a context with the ready message of a running exchange."""

    def start(**config: Any) -> contextlib.AbstractAsyncContextManager[dict[str, Any]]:
        return serving(SimexConfig.model_validate(config))

    return start


@pytest.fixture
def control() -> Callable[..., Any]:
    """``await control(ready, verb, **body)``: a control request; a body makes it a POST."""

    async def ask(ready: dict[str, Any], verb: str, **body: Any) -> Any:
        return await asyncio.to_thread(_control, f"{ready['control']}/{verb}", body)

    return ask


def _control(url: str, body: dict[str, Any]) -> Any:
    session = requests.Session()
    session.trust_env = False
    with session:
        reply = session.post(url, json=body, timeout=10) if body else session.get(url, timeout=10)
    assert reply.status_code == 200, reply.text
    return reply.json()


@pytest.fixture
def pybit_session() -> Callable[[dict[str, Any]], Any]:
    """``pybit_session(ready)``: pybit's HTTP client, unmodified but for its address."""
    from pybit.unified_trading import HTTP

    def make(ready: dict[str, Any]) -> Any:
        session = HTTP(
            api_key=ready["api_key"], api_secret=ready["api_secret"], timeout=5, max_retries=1, retry_codes={-1}
        )
        session.endpoint = ready["rest"]
        session.client.trust_env = False
        return session

    return make
