"""Walls of the synthetic book: where they stand, how long, what is hidden behind them. No prices move here."""

from __future__ import annotations

from random import Random

import msgspec


class Wall(msgspec.Struct):
    """One large resting order."""

    is_bid: bool
    ticks: int
    full_lots: int
    """Displayed size when it was placed."""
    hidden_lots: int
    """Iceberg reserve that refills the display."""
    until_s: float
    """Virtual time at which its owner takes it back."""
    is_shy: bool
    """Taken back as soon as the price comes near."""
    is_scripted: bool
    """Part of the running episode: only the script removes it."""


class Walls:
    """The standing walls of one symbol."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.by_ticks: dict[tuple[bool, int], Wall] = {}

    def place(self, wall: Wall) -> None:
        """Put a wall; one at the same price is replaced."""
        self.by_ticks[wall.is_bid, wall.ticks] = wall

    def at(self, *, is_bid: bool, ticks: int) -> Wall | None:
        """The wall at a price."""
        return self.by_ticks.get((is_bid, ticks))

    def remove(self, wall: Wall) -> None:
        """Forget a wall that was eaten or taken back."""
        self.by_ticks.pop((wall.is_bid, wall.ticks), None)

    def count(self, *, is_bid: bool) -> int:
        """How many walls stand on a side."""
        return sum(1 for side, _ in self.by_ticks if side == is_bid)

    def leaving(self, now_s: float, fair: float, near_ticks: float) -> list[Wall]:
        """Unscripted walls taken back now: their time is over, or they are shy and the price is near."""
        gone = []
        for wall in self.by_ticks.values():
            if wall.is_scripted:
                continue
            is_near = wall.is_shy and abs(wall.ticks - fair) < near_ticks
            if now_s >= wall.until_s or is_near:
                gone.append(wall)
        return gone

    def refill(self, wall: Wall) -> int:
        """Lots that an iceberg shows again after its display was eaten; 0 if nothing is left."""
        shown = min(wall.hidden_lots, int(wall.full_lots * self._rng.uniform(0.6, 1.0)))
        wall.hidden_lots -= shown
        return shown
