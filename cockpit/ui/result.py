"""How a screen ended, for whoever started it."""

from __future__ import annotations

from typing import Literal

import msgspec

QuitKind = Literal["quit_leave_protected", "quit_flatten"]


class ScreenResult(msgspec.Struct, frozen=True):
    """Why the screen ended."""

    kind: Literal["detached", "quit_leave_protected", "quit_flatten", "engine_gone", "hung_up", "failed"]
    detail: str = ""
    """The engine's last word, or the error of a failed screen."""
    by_operator: bool = False
    """With ``engine_gone``: the operator left; there is no wish to attach again."""
    positions: tuple[str, ...] = ()
    """With ``engine_gone``: the positions that the engine last told of, in words."""
