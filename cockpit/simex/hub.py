"""Who listens to what: connections and their subscriptions. Frames are texts here; what they say is made elsewhere.

One connection has one outgoing queue, so frames leave a socket in exactly the order in which they were published.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import MutableMapping
from typing import Any

from starlette.websockets import WebSocket

from cockpit.simex.faults import SocketFaults

QUEUE_LIMIT = 20_000
"""Frames a slow reader may be behind before the exchange drops it."""


TRANSPORT = "simex.transport"
"""Key of the ASGI scope under which the server leaves the transport of a request or socket."""


def transport_of(scope: MutableMapping[str, Any]) -> asyncio.Transport:
    """The transport behind an ASGI scope; needed to break a line the way a network does."""
    transport: asyncio.Transport = scope[TRANSPORT]
    return transport


class Connection:
    """One client socket."""

    _numbers = itertools.count(1)

    def __init__(self, socket: WebSocket, channel: str, faults: SocketFaults) -> None:
        self.number = next(self._numbers)
        self.conn_id = f"simex-{self.number:06d}"
        self.channel = channel
        self.topics: set[str] = set()
        self.is_authenticated = False
        self._socket = socket
        self._faults = faults
        self._queue: deque[str] = deque()
        self._wake = asyncio.Event()
        self._is_frozen = False
        self.closing: tuple[int, str] | None = None

    def send(self, frame: str) -> None:
        """Queue a frame; a fault may drop, repeat or damage it. A reader too far behind is closed."""
        for passed in self._faults.frames(self.channel, frame):
            delay_s = self._faults.delay_s(self.channel, passed)
            if delay_s > 0:
                asyncio.get_running_loop().call_later(delay_s, self._put, passed)
            else:
                self._put(passed)

    def _put(self, frame: str) -> None:
        if self._is_frozen:
            return
        self._queue.append(frame)
        if len(self._queue) > QUEUE_LIMIT:
            self.reset()
        self._wake.set()

    def send_later(self, delay_s: float, frame: str) -> None:
        """Queue a frame after ``delay_s``."""
        asyncio.get_running_loop().call_later(delay_s, self.send, frame)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """End the connection with a close frame."""
        self.closing = self.closing or (code, reason)
        self._wake.set()

    def reset(self) -> None:
        """End the connection without a close frame, as a broken line does."""
        transport_of(self._socket.scope).abort()
        self.close(1006, "")

    def freeze(self) -> None:
        """Stop reading and writing while the line stays up: a half-open connection."""
        transport_of(self._socket.scope).pause_reading()
        self._is_frozen = True

    async def write(self) -> None:
        """Send queued frames until the connection is closed by us."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self.closing is not None:
                if self.closing[0] != 1006:
                    await self._socket.close(*self.closing)
                return
            while self._queue and self.closing is None:
                await self._socket.send_text(self._queue.popleft())


class Hub:
    """Subscriptions of the connections of one channel."""

    def __init__(self) -> None:
        self.connections: set[Connection] = set()
        self._listeners: dict[str, dict[Connection, None]] = {}

    def add(self, connection: Connection) -> None:
        """A client came."""
        self.connections.add(connection)

    def remove(self, connection: Connection) -> None:
        """A client left."""
        self.connections.discard(connection)
        for topic in tuple(connection.topics):
            self.unsubscribe(connection, topic)

    def subscribe(self, connection: Connection, topic: str) -> None:
        """Frames of ``topic`` go to ``connection`` from now on."""
        connection.topics.add(topic)
        self._listeners.setdefault(topic, {})[connection] = None

    def unsubscribe(self, connection: Connection, topic: str) -> None:
        """Frames of ``topic`` go to ``connection`` no longer."""
        connection.topics.discard(topic)
        listeners = self._listeners.get(topic)
        if listeners is not None:
            listeners.pop(connection, None)
            if not listeners:
                del self._listeners[topic]

    def is_wanted(self, topic: str) -> bool:
        """True if somebody is subscribed to ``topic``."""
        return topic in self._listeners

    def publish(self, topic: str, frame: str) -> None:
        """Send a frame to everybody subscribed to ``topic``."""
        for connection in tuple(self._listeners.get(topic, ())):
            connection.send(frame)

    def close_all(self, code: int = 1000, reason: str = "") -> None:
        """Close every connection with a close frame."""
        for connection in tuple(self.connections):
            connection.close(code, reason)

    def reset_all(self) -> None:
        """Break every connection without a close frame."""
        for connection in tuple(self.connections):
            connection.reset()

    def freeze_all(self) -> None:
        """Leave every connection half open."""
        for connection in self.connections:
            connection.freeze()

    def send_all(self, frame: str) -> None:
        """Send one raw frame to every connection."""
        for connection in self.connections:
            connection.send(frame)
