"""What the price does next: episodes around walls, each a short list of legs.

A leg leads the fair price to a target within a time, with a noise, a trading tempo and a rate at which trades eat the
wall it leans on. Episodes: a wall breaks and the price runs; it breaks and fails; it is half eaten and holds; the price
bounces off a quiet wall; the bounce fails; the wall is pulled. Chances lean with the trend of the symbol and against
its distance from the anchor, so that the price stays in a band for hours. No order book here.
"""

from __future__ import annotations

import math
from collections import deque
from random import Random

import msgspec

from cockpit.simex.synthetic.walls import Wall, Walls

BAND = 0.012
"""Distance from the anchor, as a fraction, at which the chances are clearly turned."""


class Leg(msgspec.Struct):
    """One stretch of the fair price."""

    target: float
    """Where to, in ticks."""
    seconds: float
    """Until when, counted from the start of the leg."""
    noise: float = 1.0
    """Multiple of the symbol's usual noise."""
    tempo: float = 1.0
    """Multiple of the symbol's usual trading rate."""
    eat_lots_per_s: float = 0.0
    """Rate at which trades eat a wall the price leans on; 0 leaves it (nearly) untouched."""
    leans_on: Wall | None = None
    """The leg ends early when this wall is gone."""
    pulls: Wall | None = None
    """A wall taken back when the leg starts."""
    force: bool = False
    """Any wall in the way is eaten quickly."""


class Script:
    """Plays one episode after the other for one symbol."""

    def __init__(self, rng: Random, walls: Walls, *, anchor: float, trend: int, wall_lots: int) -> None:
        self._rng = rng
        self._walls = walls
        self._anchor = anchor
        self._wall_lots = wall_lots
        self.trend = trend
        self.leg = Leg(target=anchor, seconds=0.0)
        self._legs: deque[Leg] = deque()
        self._leg_end_s = 0.0
        self._is_first = True

    def advance(self, now_s: float, fair: float) -> Leg:
        """The leg that holds at ``now_s``; starts the next leg or episode when the last one is over."""
        leaning = self.leg.leans_on
        is_over = now_s >= self._leg_end_s or (
            leaning is not None and self._walls.at(is_bid=leaning.is_bid, ticks=leaning.ticks) is not leaning
        )
        if is_over:
            if not self._legs:
                self._plan(now_s, fair)
            self.leg = self._legs.popleft()
            self._leg_end_s = now_s + self.leg.seconds
        return self.leg

    def restart(self, anchor: float) -> None:
        """Forget the running episode; the band lies around ``anchor`` from now on."""
        self._anchor = anchor
        self._legs.clear()
        self._leg_end_s = 0.0

    def pull_per_s(self, now_s: float, fair: float) -> float:
        """Drift in ticks per second that brings the price to the target in time."""
        return (self.leg.target - fair) / max(self._leg_end_s - now_s, 0.3)

    def _plan(self, now_s: float, fair: float) -> None:
        rng = self._rng
        away = math.log(fair / self._anchor) / BAND
        self._release_scripted(now_s)
        is_first, self._is_first = self._is_first, False
        if not is_first:
            back = fair - (fair - self._anchor) * rng.uniform(0.1, 0.35)
            self._legs.append(Leg(target=back, seconds=rng.uniform(3.0, 9.0), noise=0.8, tempo=0.6))
        up = self.trend if rng.random() < (0.95 if is_first else 0.75) else -self.trend
        if abs(away) > 1.2 and rng.random() < min(1.0, abs(away) - 0.8):
            up = -int(math.copysign(1, away))
        wins = rng.random() < min(0.9, max(0.1, 0.48 - 0.25 * up * away))
        start = self._legs[-1].target if self._legs else fair
        kind = rng.random() * (0.7 if is_first else 1.0)
        if kind < 0.58:
            self._breakout(now_s, start, up, wins=wins)
        elif kind < 0.66:
            self._held(now_s, start, up)
        elif kind < 0.92:
            self._bounce(now_s, start, up, wins=wins)
        else:
            self._pulled(now_s, start, up)

    def _breakout(self, now_s: float, start: float, up: int, *, wins: bool) -> None:
        """The wall in direction ``up`` is eaten; the price runs on, or comes back."""
        rng = self._rng
        wall = self._wall(now_s, start, up, distance=rng.uniform(0.0006, 0.0018))
        self._approach(wall, up, gap=0.6)
        self._legs.append(self._press(wall, up, share=1.3))
        beyond = wall.ticks + up * self._ticks(start, rng.uniform(0.0007, 0.0013), least=5)
        self._legs.append(Leg(target=beyond, seconds=rng.uniform(2.5, 7.0), noise=0.6, tempo=4.0, force=True))
        if wins:
            self._run(beyond, up, start)
        else:
            self._legs.append(Leg(target=beyond, seconds=rng.uniform(3.0, 10.0), noise=1.0, tempo=1.5))
            back = beyond - up * self._ticks(start, rng.uniform(0.0028, 0.0055), least=12)
            self._legs.append(Leg(target=back, seconds=rng.uniform(10.0, 34.0), noise=1.2, tempo=2.0, force=True))

    def _run(self, begin: float, up: int, start: float) -> None:
        """A move of 0.25 to 0.8 % in two pushes with a pause between them."""
        rng = self._rng
        size = self._ticks(start, rng.uniform(0.0025, 0.0080), least=14)
        first = rng.uniform(0.4, 0.7)
        middle = begin + up * size * first
        end = begin + up * size
        self._legs.append(Leg(target=middle, seconds=rng.uniform(8, 26), noise=1.2, tempo=2.5, force=True))
        pause = middle - up * size * rng.uniform(0.05, 0.2)
        self._legs.append(Leg(target=pause, seconds=rng.uniform(4, 11), noise=1.0, tempo=1.0))
        self._legs.append(Leg(target=end, seconds=rng.uniform(8, 30), noise=1.2, tempo=2.0, force=True))

    def _held(self, now_s: float, start: float, up: int) -> None:
        """The wall loses 35 to 70 % to trades and holds; the price turns away."""
        rng = self._rng
        wall = self._wall(now_s, start, up, distance=rng.uniform(0.0006, 0.0015))
        self._approach(wall, up, gap=0.6)
        self._legs.append(self._press(wall, up, share=rng.uniform(0.35, 0.7)))
        back = wall.ticks - up * self._ticks(start, rng.uniform(0.002, 0.0045), least=10)
        self._legs.append(Leg(target=back, seconds=rng.uniform(12, 34), noise=1.1, tempo=1.3))

    def _bounce(self, now_s: float, start: float, up: int, *, wins: bool) -> None:
        """The price comes quietly close to the wall on the other side, and turns towards ``up`` or falls through."""
        rng = self._rng
        down = -up
        wall = self._wall(now_s, start, down, distance=rng.uniform(0.0010, 0.0022))
        touch = wall.ticks - down * rng.uniform(1.6, max(2.6, min(12.0, start * 0.00002)))
        self._legs.append(Leg(target=touch, seconds=rng.uniform(7, 16), noise=0.5, tempo=0.35))
        self._legs.append(Leg(target=touch, seconds=rng.uniform(4, 9), noise=0.12, tempo=0.25))
        size = self._ticks(start, rng.uniform(0.0025, 0.0060), least=12)
        if wins:
            self._legs.append(
                Leg(target=touch + up * size, seconds=rng.uniform(15, 42), noise=1.1, tempo=1.5, force=True)
            )
            return
        if rng.random() < 0.5:
            self._approach(wall, down, gap=0.6)
            self._legs.append(self._press(wall, down, share=1.3))
        end = wall.ticks + down * size
        self._legs.append(Leg(target=end, seconds=rng.uniform(12, 34), noise=1.2, tempo=2.5, pulls=wall, force=True))

    def _pulled(self, now_s: float, start: float, up: int) -> None:
        """The wall is taken back without a trade just before the price reaches it."""
        rng = self._rng
        wall = self._wall(now_s, start, up, distance=rng.uniform(0.0008, 0.0018))
        self._approach(wall, up, gap=self._ticks(start, 0.0002, least=2))
        end = wall.ticks + up * self._ticks(start, rng.uniform(-0.0010, 0.0025), least=4)
        self._legs.append(Leg(target=end, seconds=rng.uniform(8, 25), tempo=1.2, pulls=wall))

    def _approach(self, wall: Wall, up: int, *, gap: float) -> None:
        rng = self._rng
        self._legs.append(Leg(target=wall.ticks - up * gap, seconds=rng.uniform(4, 11), noise=0.9, tempo=1.0))

    def _press(self, wall: Wall, up: int, *, share: float) -> Leg:
        """Trades eat ``share`` of display and reserve within a few seconds."""
        seconds = self._rng.uniform(3.5, 9.0)
        rate = (wall.full_lots + wall.hidden_lots) * share / seconds
        return Leg(wall.ticks + up * 0.5, seconds, noise=0.5, tempo=3.0, eat_lots_per_s=rate, leans_on=wall)

    def _wall(self, now_s: float, start: float, up: int, *, distance: float) -> Wall:
        rng = self._rng
        ticks = round(start) + up * math.ceil(self._ticks(start, distance, least=6))
        lots = int(self._wall_lots * rng.lognormvariate(0.0, 0.3))
        hidden = int(lots * rng.uniform(0.5, 1.5)) if rng.random() < 0.2 else 0
        wall = Wall(up < 0, ticks, lots, hidden, now_s + 600, is_shy=False, is_scripted=True)
        self._walls.place(wall)
        return wall

    def _release_scripted(self, now_s: float) -> None:
        """Walls of the finished episode become ordinary ones: some stay for minutes."""
        for wall in self._walls.by_ticks.values():
            if wall.is_scripted:
                wall.is_scripted = False
                wall.until_s = now_s + self._rng.lognormvariate(3.2, 0.8)

    @staticmethod
    def _ticks(start: float, fraction: float, *, least: float) -> float:
        """A distance in ticks, not smaller in size than ``least``."""
        return math.copysign(max(abs(start * fraction), least), fraction)
