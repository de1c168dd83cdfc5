"""What the outside sees of a wall: a frozen picture of it, and the events of its life."""

from __future__ import annotations

from typing import Literal

import msgspec

from cockpit.domain.enums import BookSide
from cockpit.domain.ids import WallId

WallEventKind = Literal["new", "eaten", "pulled", "gone"]

EndReason = Literal["", "removed", "exhausted", "faded", "out of view", "book lost"]
"""Why a wall ended: its level was deleted; hardly anything is left; it no longer stands out; the level left the visible
window (its fate is unknown); the book became invalid."""


class Wall(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A wall at one moment. Sizes in base currency; initial + refilled - traded - pulled - pending == current."""

    wall_id: WallId
    symbol: str
    side: BookSide
    price: float
    first_seen_ns: int
    """Event time of the book in which it appeared."""
    initial: float
    peak: float
    current: float
    traded: float
    """Size that prints at this price and side took out of it."""
    pulled: float
    """Size that went away without a print."""
    refilled: float
    """Size added after birth, seen or proven by prints that left no mark."""
    pending: float
    """Decrease that still waits for its prints; after the match window it is pulled."""
    touches: int
    """Times the price came within touching distance."""
    notional_usdt: float
    """Current size times price, quote currency."""
    side_percent: float
    """Share of the visible side's total, percent, at the last look."""
    relative_strength: float
    """Multiple of the mean of the neighbouring levels, at the last look."""
    median_multiple: float
    """Its bucket in multiples of the side's median bucket, at the last look; 0.0 while there is no median."""
    criteria: tuple[str, ...]
    """Criteria it passed when it was first seen."""
    is_cluster: bool
    code: Literal["C", "P", "R", "?"]
    """Mostly consumed, pulled or refilled; ``?``: too young, or untouched, to tell."""
    ended_ns: int | None = None
    end_reason: EndReason = ""

    @property
    def eaten_ratio(self) -> float:
        """Traded share of the initial size; above 1 if refills were eaten too."""
        return self.traded / self.initial

    @property
    def pulled_ratio(self) -> float:
        """Pulled share of the initial size."""
        return self.pulled / self.initial

    @property
    def shrunk_ratio(self) -> float:
        """(initial - current) / initial, whatever took it; negative if it has grown."""
        return (self.initial - self.current) / self.initial


class WallEvent(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A step in a wall's life: one ``new``, any number of ``eaten`` and ``pulled`` (a mark was crossed), one ``gone``.

    ``gone`` comes when the last decrease has been explained, up to the match window after ``wall.ended_ns``.
    """

    kind: WallEventKind
    wall: Wall
    ts_event: int
    """The symbol's event clock, ns."""
