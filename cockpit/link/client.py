"""What a screen needs of an engine, wherever that engine runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from cockpit.domain.commands import Command
from cockpit.views.frames import Bye, CommandReply, Hello, Role, ViewFrame

LinkEvent = Role | ViewFrame | Bye
"""What the engine tells without being asked."""


class LinkRefused(ConnectionError):
    """The engine refused this client, in words for the operator."""


class EngineClient(Protocol):
    """One attachment to one engine."""

    @property
    def hello(self) -> Hello:
        """What the engine said of itself when it was attached to."""
        ...

    def events(self) -> AsyncIterator[LinkEvent]:
        """Views and roles as they come; only the newest of each section. Ends when the engine is gone."""
        ...

    async def watch(self, symbols: Sequence[str]) -> None:
        """Ask for book and flow of these symbols (1 to 4)."""
        ...

    async def send(self, command: Command, seen: str = "") -> CommandReply:
        """Send a command and wait for the verdict.

        Raises:
            ConnectionError: the engine went away; whether the command arrived is unknown.
        """
        ...

    async def aclose(self) -> None:
        """Detach. The engine goes on."""
        ...
