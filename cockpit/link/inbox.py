"""What a client has not looked at yet: the newest role, the newest view of each section, and the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from cockpit.link.client import LinkEvent
from cockpit.views.frames import Bye, Role, ViewFrame


class Inbox:
    """Conflates as the engine does, so that a screen that was frozen shows the present and not its past."""

    def __init__(self) -> None:
        self._role: Role | None = None
        self._views: dict[str, ViewFrame] = {}
        self._bye: Bye | None = None
        self._is_closed = False
        self._wake = asyncio.Event()

    def put(self, event: LinkEvent) -> None:
        """Take what the engine said; replaces what it said before of the same thing."""
        match event:
            case Role():
                self._role = event
            case ViewFrame():
                self._views[event.section] = event
            case Bye():
                self._bye = event
        self._wake.set()

    def close(self) -> None:
        """Nothing comes any more; ``events`` ends after what is here."""
        self._is_closed = True
        self._wake.set()

    async def events(self) -> AsyncIterator[LinkEvent]:
        """Everything put, until closed. For one reader."""
        while True:
            event = self._next()
            if event is not None:
                yield event
            elif self._is_closed:
                return
            else:
                self._wake.clear()
                await self._wake.wait()

    def _next(self) -> LinkEvent | None:
        event: LinkEvent | None = None
        if self._role is not None:
            event, self._role = self._role, None
        elif self._views:
            event = self._views.pop(next(iter(self._views)))
        elif self._bye is not None:
            event, self._bye = self._bye, None
        return event
