"""An engine client without an engine: views are pushed by hand or by a scene, commands are kept and answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from cockpit.domain.commands import Command
from cockpit.link.client import LinkEvent
from cockpit.views.frames import SCHEMA, Bye, CommandReply, Hello, Role, ViewFrame
from cockpit.views.model import View, section_of

Answer = Callable[[Command], tuple[bool, str]]


class ScriptedClient:
    """Implements ``cockpit.link.client.EngineClient``."""

    def __init__(self, symbols: Sequence[str] = ("BTCUSDT",), environment: str = "SIM") -> None:
        self._hello = Hello(
            schema=SCHEMA,
            engine_version="0.1",
            instance="one",
            environment=environment,
            source="synthetic",
            symbols=list(symbols),
            preset="plotnost",
            pid=1,
        )
        self._events: asyncio.Queue[LinkEvent | None] = asyncio.Queue()
        self._versions: dict[str, int] = {}
        self.sent: list[tuple[Command, str]] = []
        self.watched: tuple[str, ...] = ()
        self.answer: Answer = lambda _command: (True, "")
        self.is_gone = False
        self.is_closed = False

    @property
    def hello(self) -> Hello:
        return self._hello

    def push(self, *views: View) -> None:
        for view in views:
            section = section_of(view)
            self._versions[section] = self._versions.get(section, 0) + 1
            self._events.put_nowait(ViewFrame(section, self._versions[section], view))

    def role(self, role: Role) -> None:
        self._events.put_nowait(role)

    def end(self, reason: str | None = None) -> None:
        """The engine goes: with a last word, or without one."""
        self.is_gone = True
        if reason is not None:
            self._events.put_nowait(Bye(reason))
        self._events.put_nowait(None)

    async def events(self) -> AsyncIterator[LinkEvent]:
        while (event := await self._events.get()) is not None:
            yield event

    async def watch(self, symbols: Sequence[str]) -> None:
        self.watched = tuple(symbols)

    async def send(self, command: Command, seen: str = "") -> CommandReply:
        if self.is_gone:
            raise ConnectionError("the engine is gone")
        self.sent.append((command, seen))
        accepted, reason = self.answer(command)
        return CommandReply(str(len(self.sent)), accepted, reason)

    async def aclose(self) -> None:
        self.is_closed = True

    @property
    def commands(self) -> list[Command]:
        return [command for command, _ in self.sent]
