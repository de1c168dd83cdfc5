"""The engine's side of the attach socket: many viewers, one controller, and an engine that never waits for any of them.

Theory of operation. ``publish`` is synchronous: it marks changed sections dirty for each client, and the client's own
task sends them when the client reads. The newest client that is not an observer is the controller; only its commands
reach the engine, besides a flatten, which every client that is not an observer may ask for. Everything a client says
is decoded strictly; the first thing that is wrong closes its connection.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from cockpit.domain.commands import ArmFlatten, FlattenAll
from cockpit.domain.errors import CockpitError, RemoteProtocolError
from cockpit.link import wire
from cockpit.link.sections import Sections
from cockpit.link.socket_file import is_same_user, listen
from cockpit.link.viewer import LinkLimits, Viewer
from cockpit.ports.clock import Clock
from cockpit.views.frames import SCHEMA, Attach, Bye, CommandFrame, CommandReply, Hello, Refused, Role, Watch
from cockpit.views.model import View

OnCommand = Callable[[CommandFrame, str], Awaitable[CommandReply]]
"""Judges a command; the text is the operator's name."""

_FAREWELL_S = 1.0
_log = logging.getLogger(__name__)


class ViewServer:
    """Shows views to clients and brings their commands to the engine."""

    def __init__(
        self, path: Path, hello: Hello, on_command: OnCommand, clock: Clock, limits: LinkLimits | None = None
    ) -> None:
        self._path = path
        self._hello = hello
        self._on_command = on_command
        self._clock = clock
        self._limits = limits or LinkLimits()
        self._sections = Sections()
        self._viewers: list[Viewer] = []
        self._connections: set[asyncio.Task[None]] = set()
        self._commands: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen.

        Raises:
            ConfigError, SafetyRefusal: see ``socket_file.listen``.
        """
        self._server = await asyncio.start_unix_server(self._connected, sock=listen(self._path))

    @property
    def watched(self) -> frozenset[str]:
        """Symbols whose book and flow at least one client shows."""
        return frozenset().union(*(viewer.watched for viewer in self._viewers))

    @property
    def viewers(self) -> int:
        """Attached clients, observers included."""
        return len(self._viewers)

    @property
    def operators(self) -> int:
        """Attached clients that may give commands."""
        return sum(not viewer.is_observer for viewer in self._viewers)

    def publish(self, views: Iterable[View]) -> None:
        """Show these views to whoever wants them. Never waits; a section equal to its last one is not sent again."""
        for section in self._sections.changed(views):
            for viewer in self._viewers:
                viewer.put(section)
        for viewer in self._viewers:
            if viewer.is_stalled():
                _log.warning("screen %s takes nothing any more and is dropped", viewer.name)
                viewer.abort()

    async def aclose(self, reason: str) -> None:
        """Say goodbye, give the clients a second to hear it, and remove the socket."""
        if self._server is None:
            return
        self._server.close()
        self._path.unlink(missing_ok=True)
        for viewer in self._viewers:
            viewer.put_reply(wire.pack(Bye(reason)))
            viewer.close_when_sent()
        await _end(self._connections, _FAREWELL_S)
        await _end(self._commands, 0.0)
        self._server = None

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer), name="screen")
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        task.add_done_callback(_tell_failure)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection from its first byte to its last."""
        try:
            attach = await self._admit(reader, writer)
            if attach is not None:
                await self._attached(reader, Viewer(writer, attach, self._clock, self._limits))
        except (ConnectionError, RemoteProtocolError, TimeoutError) as error:
            _log.info("screen gone: %s", error)
        finally:
            await _close(writer)

    async def _admit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Attach | None:
        """Handshake; None if the client was refused."""
        if not is_same_user(writer.get_extra_info("socket")):
            _log.warning("a process of another user tried to attach")
            return None
        writer.write(wire.pack(self._hello))
        async with asyncio.timeout(self._limits.handshake_s):
            body = await wire.read_body(reader, self._limits.client_frame_bytes)
            refusal = self._refusal(wire.schema_of(body))
            if refusal:
                writer.write(wire.pack(Refused(refusal)))
                await writer.drain()
                return None
        attach = wire.client_frame(body)
        if not isinstance(attach, Attach) or not attach.client.isprintable():
            raise RemoteProtocolError("the first frame must be an attach with a printable name")
        return attach

    def _refusal(self, schema: int) -> str:
        if schema != SCHEMA:
            return (
                f"this engine ({self._hello.engine_version}) speaks schema {SCHEMA}, the screen speaks {schema}: "
                "stop the engine with the version that started it (cockpit stop), then run cockpit again"
            )
        if len(self._viewers) >= self._limits.clients:
            return f"{self._limits.clients} screens are attached already: detach one of them (q) and try again"
        return ""

    async def _attached(self, reader: asyncio.StreamReader, viewer: Viewer) -> None:
        self._viewers.append(viewer)
        try:
            self._tell_roles()
            for section in self._sections.shown_to(viewer.watched):
                viewer.put(section)
            writing = asyncio.create_task(viewer.write_forever())
            listening = asyncio.create_task(self._listen(reader, viewer))
            await _first_ended(writing, listening)
        finally:
            self._viewers.remove(viewer)
            if self._viewers:
                self._sections.keep_symbols(self.watched)
            else:
                self._sections.forget()
            self._tell_roles()

    async def _listen(self, reader: asyncio.StreamReader, viewer: Viewer) -> None:
        while True:
            match wire.client_frame(await wire.read_body(reader, self._limits.client_frame_bytes)):
                case Watch(symbols):
                    self._watch(viewer, frozenset(symbols).intersection(self._hello.symbols))
                case CommandFrame() as frame:
                    self._take(viewer, frame)
                case Attach():
                    raise RemoteProtocolError("a second attach on one connection")

    def _watch(self, viewer: Viewer, symbols: frozenset[str]) -> None:
        added = symbols - viewer.watched
        viewer.watched = symbols
        viewer.drop_symbols()
        self._sections.keep_symbols(self.watched)
        for section in self._sections.shown_to(added):
            if section.symbol is not None:
                viewer.put(section)

    def _take(self, viewer: Viewer, frame: CommandFrame) -> None:
        """Refuse a command at the door or let the engine judge it, without keeping the client's next one waiting."""
        refusal = self._command_refusal(viewer, frame)
        if refusal:
            viewer.put_reply(wire.pack(CommandReply(frame.command_id, False, refusal)))
            return
        task = asyncio.create_task(self._judge(viewer, frame), name=f"command {frame.command_id}")
        self._commands.add(task)
        task.add_done_callback(self._commands.discard)
        task.add_done_callback(_tell_failure)

    def _command_refusal(self, viewer: Viewer, frame: CommandFrame) -> str:
        """Why a command is not for the engine, "" if it is. A flatten passes whoever is in control, at any rate."""
        is_flatten = isinstance(frame.command, ArmFlatten | FlattenAll)
        if not viewer.may_command() and not (is_flatten and not viewer.is_observer):
            return f"more than {self._limits.commands_per_s} commands in a second"
        if viewer.is_observer:
            return "this screen only observes: attach without --observe to act"
        if viewer is not self._controller and not is_flatten:
            return f"{self._controller_name} has taken over: detach and attach again to act from here"
        if frame.instance != self._hello.instance:
            return "the engine was started anew since this screen attached: attach again"
        return ""

    async def _judge(self, viewer: Viewer, frame: CommandFrame) -> None:
        unjudged = "the engine failed while judging this: look at positions and orders before repeating it"
        reply = CommandReply(frame.command_id, False, unjudged)
        try:
            reply = await self._on_command(frame, viewer.name)
        except CockpitError as error:
            reply = CommandReply(frame.command_id, False, str(error))
        finally:
            viewer.put_reply(wire.pack(reply))

    @property
    def _controller(self) -> Viewer | None:
        return next((viewer for viewer in reversed(self._viewers) if not viewer.is_observer), None)

    @property
    def _controller_name(self) -> str:
        return self._controller.name if self._controller is not None else ""

    def _tell_roles(self) -> None:
        controller = self._controller
        for viewer in self._viewers:
            viewer.put_role(wire.pack(Role(viewer is controller, self._controller_name, self.viewers)))


async def _first_ended(*tasks: asyncio.Task[None]) -> None:
    """Wait for the first task to end, end the others, and raise what it raised."""
    try:
        done, _pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def _close(writer: asyncio.StreamWriter) -> None:
    """Close a connection; a client that does not take the last bytes within the farewell is cut off."""
    writer.close()
    try:
        async with asyncio.timeout(_FAREWELL_S):
            await writer.wait_closed()
    except (ConnectionError, TimeoutError):
        writer.transport.abort()


async def _end(tasks: set[asyncio.Task[None]], grace_s: float) -> None:
    """Wait for tasks to end by themselves for ``grace_s``, then cancel them."""
    if tasks:
        await asyncio.wait(tasks, timeout=grace_s)
    for task in list(tasks):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _tell_failure(task: asyncio.Task[None]) -> None:
    """A bug in serving a client is told at once instead of when the task is collected."""
    if not task.cancelled() and (error := task.exception()) is not None:
        task.get_loop().call_exception_handler({"message": f"{task.get_name()} failed", "exception": error})
