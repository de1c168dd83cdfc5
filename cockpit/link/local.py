"""An engine link without a socket, for tests and demos: the same conflation and the same promises in one process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from itertools import count

from cockpit.domain.commands import Command
from cockpit.link.client import LinkEvent
from cockpit.link.inbox import Inbox
from cockpit.link.sections import Section, Sections
from cockpit.views.frames import Bye, CommandFrame, CommandReply, Hello, Role
from cockpit.views.model import View

OnCommand = Callable[[CommandFrame, str], Awaitable[CommandReply]]


class LocalClient:
    """The screen's end (implements ``client.EngineClient``)."""

    def __init__(self, hello: Hello, on_command: OnCommand, name: str) -> None:
        self.watched: frozenset[str] = frozenset()
        self.inbox = Inbox()
        self.sections = Sections()
        self._hello = hello
        self._on_command = on_command
        self._name = name
        self._numbers = count(1)
        self._is_closed = False

    @property
    def hello(self) -> Hello:
        """What the engine said of itself."""
        return self._hello

    def events(self) -> AsyncIterator[LinkEvent]:
        """Views and roles, only the newest of each section."""
        return self.inbox.events()

    async def watch(self, symbols: Sequence[str]) -> None:
        """Ask for book and flow of these symbols."""
        added = frozenset(symbols) - self.watched
        self.watched = frozenset(symbols)
        self.sections.keep_symbols(self.watched)
        for section in self.sections.shown_to(added):
            if section.symbol is not None:
                self.show(section)

    async def send(self, command: Command, seen: str = "") -> CommandReply:
        """Have a command judged.

        Raises:
            ConnectionError: the link was closed.
        """
        if self._is_closed:
            raise ConnectionResetError("the engine is gone")
        command_id = f"{self._name}-{next(self._numbers)}"
        frame = CommandFrame(command_id=command_id, instance=self._hello.instance, command=command, seen=seen)
        return await self._on_command(frame, self._name)

    def show(self, section: Section) -> None:
        """Take a section that the engine changed."""
        if section.symbol is None or section.symbol in self.watched:
            self.inbox.put(section.frame)

    async def aclose(self) -> None:
        """Detach."""
        self._is_closed = True
        self.inbox.close()


class LocalServer:
    """The engine's end, for one client."""

    def __init__(self, client: LocalClient) -> None:
        self._client = client
        client.inbox.put(Role(True, "local", 1))

    @property
    def watched(self) -> frozenset[str]:
        """Symbols whose book and flow the client shows."""
        return self._client.watched

    @property
    def viewers(self) -> int:
        """One: the client."""
        return 1

    @property
    def operators(self) -> int:
        """One: the client."""
        return 1

    def publish(self, views: Iterable[View]) -> None:
        """Show these views; a section equal to its last one is not sent again."""
        for section in self._client.sections.changed(views):
            self._client.show(section)

    async def aclose(self, reason: str) -> None:
        """Say goodbye."""
        self._client.inbox.put(Bye(reason))
        await self._client.aclose()


def local_pair(hello: Hello, on_command: OnCommand, name: str = "local") -> tuple[LocalServer, LocalClient]:
    """Both ends of a link in one process. Needs a running event loop."""
    client = LocalClient(hello, on_command, name)
    return LocalServer(client), client
