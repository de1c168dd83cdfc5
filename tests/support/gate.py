"""A TCP gate before a server on this machine: a second address of it that can be shut or left unanswered."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit


class Gate:
    """One address. Open at first."""

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target)
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.StreamWriter] = set()
        self._is_mute = False
        self.connections = 0
        self.url = ""
        """Its address once it is open."""

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def shut(self) -> None:
        """Refuse every connection and break those that are there."""
        assert self._server is not None
        self._server.close()
        self._break()

    def mute(self) -> None:
        """Take connections and never answer; those that are there break."""
        self._is_mute = True
        self._break()

    def _break(self) -> None:
        for line in self._lines:
            line.transport.abort()
        self._lines.clear()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._lines.add(writer)
        if self._is_mute:
            return
        there, back = await asyncio.open_connection(self._target.hostname, self._target.port)
        self._lines.add(back)
        await asyncio.gather(_copy(reader, back), _copy(there, writer))


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while chunk := await source.read(65_536):
            target.write(chunk)
            await target.drain()
    with contextlib.suppress(ConnectionError):
        target.close()


@contextlib.asynccontextmanager
async def gate_before(target: str) -> AsyncIterator[Gate]:
    """An open gate before ``target``."""
    gate = Gate(target)
    await gate.open()
    try:
        yield gate
    finally:
        await gate.shut()
