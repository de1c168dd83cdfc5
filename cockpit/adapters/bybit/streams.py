"""Sockets for the sessions: connect, read, send, reconnect. What frames mean is decided elsewhere.

Theory of operation. A ``Stream`` keeps one connection alive for ever: wait (backoff, budget), connect, start a new
session, then two tasks: one reads frames into the session and its events into the queue, the other fires the
session's deadlines. The connection ends when the peer closes it or the session says so; ``StreamLost`` is queued and it
starts again. Nothing a peer sends can end the loop; an error of our own does, and ends the engine with it.

All public topics share one connection, so the order of book and trades is the exchange's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from random import Random
from typing import Generic, TypeVar

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from cockpit.adapters.bybit.backoff import ConnectBudget, backoff_s
from cockpit.adapters.bybit.config import StreamLimits
from cockpit.adapters.bybit.merge import EventQueue
from cockpit.adapters.bybit.session import StreamSession
from cockpit.adapters.bybit.tls import client_context
from cockpit.adapters.bybit.trade import TradeSession
from cockpit.domain.enums import StreamName
from cockpit.domain.errors import VenueUnavailable
from cockpit.domain.events import StreamLost
from cockpit.domain.time import NS_PER_S, nanos_from_s
from cockpit.ports.clock import Clock
from cockpit.ports.recorder import FrameSink

_MAX_FRAME_BYTES = 4 * 1024 * 1024
_WATCH_S = 0.25
_DRAIN_S = 0.05
_CLOSE_S = 1.0

# The library logs whole frames at DEBUG, the signed auth request among them.
_library_log = logging.getLogger("cockpit.bybit.websockets")
_library_log.setLevel(logging.WARNING)


class _Connect(connect):
    """A client that follows no redirect: the address was checked, another one was not."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class StreamShell(msgspec.Struct, frozen=True, kw_only=True):
    """What every stream of a venue shares."""

    limits: StreamLimits
    clock: Clock
    rng: Random
    budget: ConnectBudget
    queue: EventQueue
    sink: FrameSink | None = None


SessionT = TypeVar("SessionT", StreamSession, TradeSession)
"""What one connection says and does, without its socket."""


class Stream(Generic[SessionT]):
    """One connection that is kept alive.

    Args:
        name: which stream.
        url: where to connect.
        make_session: a new session for each connection.
        shell: what all streams share.
    """

    def __init__(self, name: StreamName, url: str, make_session: Callable[[], SessionT], shell: StreamShell) -> None:
        self._name = name
        self._url = url
        self._make_session: Callable[[], SessionT] = make_session
        self._shell = shell
        self._is_wanted = asyncio.Event()
        self._is_wanted.set()
        self._session: SessionT | None = None
        self._socket: ClientConnection | None = None
        self._sending = asyncio.Lock()

    def give_up(self, reason: str) -> None:
        """End the connection there is, for a reason that only the engine knows; another one follows."""
        if self._session is not None:
            self._session.give_up(reason)

    async def run(self) -> None:
        """Keep the stream alive until cancelled."""
        failures = 0
        clock = self._shell.clock
        while True:
            await self._is_wanted.wait()
            await self._pause(failures)
            began = clock.monotonic_ns()
            was_ready, reason = await self._one_connection()
            self._shell.queue.put([StreamLost(self._name, reason, clock.now_ns())])
            lasted_ns = clock.monotonic_ns() - began
            is_stable = was_ready and lasted_ns >= nanos_from_s(self._shell.limits.stable_after_s)
            failures = 1 if is_stable else failures + 1

    async def _pause(self, failures: int) -> None:
        shell = self._shell
        await shell.clock.sleep(backoff_s(failures, shell.limits, shell.rng))
        while wait_ns := shell.budget.take(shell.clock.monotonic_ns()):
            await shell.clock.sleep(wait_ns / NS_PER_S)

    async def _one_connection(self) -> tuple[bool, str]:
        """One connection from its beginning to its end: was it ready, and why did it end."""
        try:
            socket = await _Connect(
                self._url,
                compression=None,
                proxy=None,
                open_timeout=self._shell.limits.connect_timeout_s,
                close_timeout=_CLOSE_S,
                max_size=_MAX_FRAME_BYTES,
                max_queue=None,
                logger=_library_log,
                ssl=client_context() if self._url.startswith("wss:") else None,
            )
        except (OSError, TimeoutError, WebSocketException, EOFError) as error:
            return False, f"cannot connect: {type(error).__name__}: {error}"
        session, reason = self._make_session(), "broken off"
        self._session, self._socket = session, socket
        try:
            reason = await self._converse(socket, session)
        finally:
            self._session = self._socket = None
            self._ended(session, reason)
            await _close(socket, is_dead=bool(session.failure))
        return session.is_ready, reason

    def _watched(self, session: SessionT) -> None:
        """Called again and again while a connection lasts."""

    def _ended(self, session: SessionT, reason: str) -> None:
        """A connection is over."""

    async def _converse(self, socket: ClientConnection, session: SessionT) -> str:
        clock = self._shell.clock
        session.open(clock.now_ns(), clock.monotonic_ns())
        async with asyncio.TaskGroup() as group:
            watcher = group.create_task(self._watch(socket, session))
            reason = await self._read(socket, session)
            watcher.cancel()
        return reason

    async def _read(self, socket: ClientConnection, session: SessionT) -> str:
        """Read until the connection ends; returns why it did."""
        shell = self._shell
        clock, queue, sink = shell.clock, shell.queue, shell.sink
        try:
            await self._flush()
            while not session.failure:
                frame = await socket.recv(decode=False)
                ts_recv = clock.now_ns()
                if sink is not None:
                    sink.frame(ts_recv, "recv", frame)
                events = session.receive(frame, ts_recv, clock.monotonic_ns())
                if events and not queue.put(events):
                    session.give_up("the engine does not keep up; market events were dropped")
                if session.has_data_to_send:
                    await self._flush()
        except ConnectionClosed as error:
            return session.failure or f"closed: {error}"
        return session.failure

    async def _watch(self, socket: ClientConnection, session: SessionT) -> None:
        """Fire the session's deadlines; breaks the connection when the session gives up."""
        clock = self._shell.clock
        while True:
            await clock.sleep(_WATCH_S)
            self._watched(session)
            due = None if session.failure else session.next_deadline()
            if due is not None and due <= clock.monotonic_ns():
                # After a stall of this process frames may wait unread; they count before a deadline does.
                await clock.sleep(_DRAIN_S)
                session.on_deadline(clock.monotonic_ns())
                with suppress(ConnectionClosed):
                    await self._flush()
            if session.failure:
                socket.transport.abort()
                return

    async def _flush(self) -> None:
        """Send what the session wants sent, one sender at a time so that the order holds."""
        async with self._sending:
            session, socket, sink = self._session, self._socket, self._shell.sink
            if session is None or socket is None:
                return
            for frame in session.data_to_send():
                if sink is not None and b'"op":"auth"' not in frame:  # it holds the key and a signature
                    sink.frame(self._shell.clock.now_ns(), "send", frame)
                await socket.send(frame, text=True)


class TopicStream(Stream[StreamSession]):
    """A stream of topics: the public and the private one.

    Args:
        name: which stream.
        url: where to connect.
        make_session: a new session for each connection.
        shell: what all streams share.
        topics: wanted from the start; a stream without a wish does not connect.
    """

    def __init__(
        self,
        name: StreamName,
        url: str,
        make_session: Callable[[], StreamSession],
        shell: StreamShell,
        topics: Iterable[str] = (),
    ) -> None:
        def wanting() -> StreamSession:
            session = make_session()
            session.want(self._topics, shell.clock.monotonic_ns())
            return session

        super().__init__(name, url, wanting, shell)
        self._topics = tuple(topics)
        if not self._topics:
            self._is_wanted.clear()

    async def want(self, topics: Iterable[str]) -> None:
        """Want exactly these topics, on this connection and every later one; the first wish opens the connection."""
        self._topics = tuple(topics)
        if self._topics:
            self._is_wanted.set()
        if self._session is not None:
            self._session.want(self._topics, self._shell.clock.monotonic_ns())
            with suppress(ConnectionClosed):
                await self._flush()

    async def resync(self, symbol: str) -> None:
        """Ask for a fresh book of a symbol; raises ``VenueUnavailable`` while there is no connection.

        Without a connection nothing is lost: the next one begins with a snapshot.
        """
        if self._session is None:
            raise VenueUnavailable(f"the {self._name.value} stream is not connected")
        self._session.resync(symbol, self._shell.clock.monotonic_ns())
        with suppress(ConnectionClosed):
            await self._flush()


async def _close(socket: ClientConnection, *, is_dead: bool) -> None:
    """Close a connection; a dead one is cut without the closing handshake, which nobody would answer."""
    if is_dead:
        socket.transport.abort()
    await socket.close()
