"""One attached client as the engine sees it: what it watches and what is still to be sent to it.

Nothing here ever waits for a client except the client's own writer task. What a client has not taken yet is replaced
by what is newer, so a client that does not read costs one set of sections and never the engine's time.
"""

from __future__ import annotations

import asyncio
from collections import deque

import msgspec

from cockpit.domain.time import NS_PER_S
from cockpit.link.sections import Section
from cockpit.ports.clock import Clock
from cockpit.views.frames import Attach


class LinkLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one client may cost (reliability.md S4, S6)."""

    clients: int = 8
    handshake_s: float = 3.0
    commands_per_s: int = 50
    client_frame_bytes: int = 256 * 1024
    pending_bytes: int = 2 * 1024 * 1024
    """A client with more than this waiting is dropped if nothing moves for ``stalled_s``."""
    stalled_s: float = 10.0
    pending_replies: int = 256
    buffer_bytes: int = 64 * 1024
    """What is handed to the transport ahead of time; the smaller, the newer is what a slow client gets."""


class Viewer:
    """The outgoing side of one client."""

    def __init__(self, writer: asyncio.StreamWriter, attach: Attach, clock: Clock, limits: LinkLimits) -> None:
        self.name = attach.client
        self.is_observer = attach.is_observer
        self.watched: frozenset[str] = frozenset()
        self._writer = writer
        self._clock = clock
        self._limits = limits
        self._role: bytes | None = None
        self._replies: deque[bytes] = deque()
        self._dirty: dict[str, Section] = {}
        self._wake = asyncio.Event()
        self._is_closing = False
        self._written = 0
        self._taken = 0
        self._moved_ns = clock.monotonic_ns()
        self._commands: deque[int] = deque()
        writer.transport.set_write_buffer_limits(high=limits.buffer_bytes)

    def put_role(self, raw: bytes) -> None:
        """Tell the newest role; an earlier one that was not sent is dropped."""
        self._role = raw
        self._wake.set()

    def put_reply(self, raw: bytes) -> None:
        """Send a reply; a client that sends commands and never reads the answers is cut off."""
        if len(self._replies) >= self._limits.pending_replies:
            self.abort()
            return
        self._replies.append(raw)
        self._wake.set()

    def put(self, section: Section) -> None:
        """Show a section if this client wants it; replaces its earlier version that was not sent."""
        if section.symbol is None or section.symbol in self.watched:
            self._dirty[section.name] = section
            self._wake.set()

    def drop_symbols(self) -> None:
        """Forget what was to be sent of symbols that are no longer watched."""
        self._dirty = {
            name: section
            for name, section in self._dirty.items()
            if section.symbol is None or section.symbol in self.watched
        }

    async def write_forever(self) -> None:
        """Send what is waiting, roles and replies first; the only place that waits for this client.

        Ends after ``close_when_sent``, when nothing is left to send.

        Raises:
            ConnectionError: the client is gone.
        """
        while True:
            raw = self._next()
            if raw is not None:
                self._written += len(raw)
                self._writer.write(raw)
                await self._writer.drain()
            elif self._is_closing:
                return
            else:
                self._wake.clear()
                await self._wake.wait()

    def close_when_sent(self) -> None:
        """Let ``write_forever`` end after what is waiting now; views that were not sent are dropped."""
        self._dirty.clear()
        self._is_closing = True
        self._wake.set()

    def is_stalled(self) -> bool:
        """True if too much is waiting and none of it has moved for too long."""
        now_ns = self._clock.monotonic_ns()
        buffered = self._writer.transport.get_write_buffer_size()
        taken = self._written - buffered
        if taken > self._taken or self._pending_bytes(buffered) <= self._limits.pending_bytes:
            self._moved_ns = now_ns
        self._taken = taken
        return now_ns - self._moved_ns > self._limits.stalled_s * NS_PER_S

    def may_command(self) -> bool:
        """Count one command; False above the rate."""
        now_ns = self._clock.monotonic_ns()
        while self._commands and now_ns - self._commands[0] >= NS_PER_S:
            self._commands.popleft()
        if len(self._commands) >= self._limits.commands_per_s:
            return False
        self._commands.append(now_ns)
        return True

    def abort(self) -> None:
        """Cut the connection at once, without sending what is waiting."""
        self._writer.transport.abort()

    def _next(self) -> bytes | None:
        if self._role is not None:
            raw, self._role = self._role, None
            return raw
        if self._replies:
            return self._replies.popleft()
        if self._dirty:
            name = next(iter(self._dirty))
            return self._dirty.pop(name).raw
        return None

    def _pending_bytes(self, buffered: int) -> int:
        return buffered + sum(map(len, self._replies)) + sum(len(section.raw) for section in self._dirty.values())
