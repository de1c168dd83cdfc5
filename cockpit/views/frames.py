"""Frames between engine and screen. MessagePack, each behind a 4-byte big-endian length.

The engine speaks first with ``Hello``. A screen with another ``SCHEMA`` is refused in words and closed.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from cockpit.domain.commands import Command
from cockpit.views.model import View

SCHEMA = 2
"""Raised whenever a view or frame changes its fields."""

MAX_FRAME = 1 << 20
"""Longest frame in bytes that either side accepts."""


class Hello(msgspec.Struct, frozen=True, kw_only=True, tag="hello"):
    """First frame of the engine."""

    schema: int
    engine_version: str
    instance: str
    """Changes at each engine start; commands carry it back."""
    environment: str
    source: str
    symbols: list[str]
    preset: str
    pid: int


class Attach(msgspec.Struct, frozen=True, kw_only=True, tag="attach", forbid_unknown_fields=True):
    """First frame of a screen."""

    schema: int
    client: Annotated[str, msgspec.Meta(max_length=120)]
    """Who is there, for the journal and the other viewers: "user@host tty"."""
    is_observer: bool = False
    """An observer can never send a command."""


class Role(msgspec.Struct, frozen=True, tag="role"):
    """Whether this client may send commands. One client is the controller; the newest non-observer takes over."""

    is_controller: bool
    controller: str
    viewers: int


class Watch(msgspec.Struct, frozen=True, tag="watch", forbid_unknown_fields=True):
    """The symbols whose book and flow the client shows (1 to 4)."""

    symbols: Annotated[list[str], msgspec.Meta(min_length=1, max_length=4)]


class ViewFrame(msgspec.Struct, frozen=True, tag="view"):
    """The newest state of one section."""

    section: str
    version: int
    view: View


class CommandFrame(msgspec.Struct, frozen=True, kw_only=True, tag="command", forbid_unknown_fields=True):
    """A command of the operator."""

    command_id: Annotated[str, msgspec.Meta(max_length=64)]
    instance: str
    command: Command
    seen: Annotated[str, msgspec.Meta(max_length=4000)] = ""
    """What stood on screen, in words."""


class CommandReply(msgspec.Struct, frozen=True, tag="reply"):
    """The engine's verdict on a command; its effect is seen in the next views."""

    command_id: str
    accepted: bool
    reason: str


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The engine will not talk to this client and says why; the connection closes."""

    reason: str


class Bye(msgspec.Struct, frozen=True, tag="bye"):
    """The engine ends."""

    reason: str


EngineFrame = Hello | Role | ViewFrame | CommandReply | Refused | Bye
ClientFrame = Attach | Watch | CommandFrame
