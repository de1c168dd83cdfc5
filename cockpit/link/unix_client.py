"""The screen's side of the attach socket."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Sequence
from itertools import count
from pathlib import Path

from cockpit.domain.commands import Command
from cockpit.domain.errors import RemoteProtocolError
from cockpit.link import wire
from cockpit.link.client import LinkEvent, LinkRefused
from cockpit.link.inbox import Inbox
from cockpit.views.frames import (
    SCHEMA,
    Attach,
    Bye,
    ClientFrame,
    CommandFrame,
    CommandReply,
    Hello,
    Refused,
    Role,
    Watch,
)

HANDSHAKE_S = 3.0


class NoEngine(ConnectionError):
    """Nobody listens on the engine's socket."""


async def attach(path: Path, client_name: str, observer: bool = False) -> UnixClient:
    """Attach to the engine that listens at ``path``.

    Args:
        path: the engine's socket.
        client_name: who is there, shown to the other viewers and written to the journal.
        observer: never send a command.

    Raises:
        NoEngine: nobody listens there.
        LinkRefused: the engine refused, in its own words, or does not answer as an engine does.
    """
    try:
        reader, writer = await asyncio.open_unix_connection(os.fspath(path))
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise NoEngine(f"no engine listens at {path}") from error
    try:
        async with asyncio.timeout(HANDSHAKE_S):
            hello, role = await _shake_hands(reader, writer, client_name, observer)
    except TimeoutError as error:
        writer.transport.abort()
        raise LinkRefused("the engine does not answer: look at its log, or stop it with cockpit stop") from error
    except BaseException:
        writer.transport.abort()
        raise
    return UnixClient(reader, writer, hello, role)


async def _shake_hands(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, client_name: str, observer: bool
) -> tuple[Hello, Role]:
    try:
        first = await wire.read_body(reader)
        writer.write(wire.pack(Attach(schema=SCHEMA, client=client_name, is_observer=observer)))
        verdict = wire.engine_frame(await wire.read_body(reader))
        if isinstance(verdict, Refused):
            raise LinkRefused(verdict.reason)
        hello = wire.engine_frame(first)
    except RemoteProtocolError as error:
        raise LinkRefused(f"the engine is of another version: {error}") from error
    except LinkRefused:
        raise
    except ConnectionError as error:
        raise LinkRefused("the engine closed the connection without a word") from error
    if not isinstance(hello, Hello) or not isinstance(verdict, Role):
        raise LinkRefused("the engine is of another version: stop it with cockpit stop")
    return hello, verdict


class UnixClient:
    """One attachment (implements ``client.EngineClient``)."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, hello: Hello, role: Role) -> None:
        """Use ``attach``."""
        self._reader = reader
        self._writer = writer
        self._hello = hello
        self._inbox = Inbox()
        self._inbox.put(role)
        self._answers: dict[str, asyncio.Future[CommandReply]] = {}
        self._origin = secrets.token_hex(4)
        self._numbers = count(1)
        self._reading = asyncio.create_task(self._read(), name="engine link")

    @property
    def hello(self) -> Hello:
        """What the engine said of itself."""
        return self._hello

    def events(self) -> AsyncIterator[LinkEvent]:
        """Views and roles, only the newest of each section; ends when the engine is gone."""
        return self._inbox.events()

    async def watch(self, symbols: Sequence[str]) -> None:
        """Ask for book and flow of these symbols (1 to 4).

        Raises:
            ConnectionError: the engine went away.
        """
        await self._write(Watch(list(symbols)))

    async def send(self, command: Command, seen: str = "") -> CommandReply:
        """Send a command and wait for the verdict.

        Raises:
            ConnectionError: the engine went away; whether the command arrived is unknown.
        """
        command_id = f"{self._origin}-{next(self._numbers)}"
        answer: asyncio.Future[CommandReply] = asyncio.get_running_loop().create_future()
        self._answers[command_id] = answer
        try:
            await self._write(
                CommandFrame(command_id=command_id, instance=self._hello.instance, command=command, seen=seen)
            )
            return await answer
        finally:
            self._answers.pop(command_id, None)

    async def aclose(self) -> None:
        """Detach."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        self._writer.transport.abort()

    async def _write(self, frame: ClientFrame) -> None:
        if self._reading.done():
            raise ConnectionResetError("the engine is gone")
        self._writer.write(wire.pack(frame))
        await self._writer.drain()

    async def _read(self) -> None:
        try:
            while True:
                match wire.engine_frame(await wire.read_body(self._reader)):
                    case CommandReply() as reply:
                        answer = self._answers.get(reply.command_id)
                        if answer is not None and not answer.done():
                            answer.set_result(reply)
                    case Hello() | Refused():
                        raise RemoteProtocolError("a handshake frame after the handshake")
                    case event:
                        self._inbox.put(event)
        except ConnectionError:
            pass
        except RemoteProtocolError as error:
            self._inbox.put(Bye(f"the engine sent what this screen does not understand: {error}"))
        finally:
            self._lost()

    def _lost(self) -> None:
        self._inbox.close()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(ConnectionResetError("the engine went away before it answered"))
