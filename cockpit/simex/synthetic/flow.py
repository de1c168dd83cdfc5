"""The order flow of one synthetic symbol: each step moves the fair price, trades, and renews the book.

Deterministic: virtual time and one seeded generator; the same seed gives the same steps. The book is int ticks and int
lots, never crossed, with at least ``MIN_LEVELS`` levels a side. Stamps and texts are made elsewhere.
"""

from __future__ import annotations

import math
from random import Random

import msgspec

from cockpit.domain.enums import Side
from cockpit.matching.book import BookSide
from cockpit.simex.synthetic.script import Leg, Script
from cockpit.simex.synthetic.specs import SymbolSpec
from cockpit.simex.synthetic.walls import Wall, Walls

MIN_LEVELS = 240
MAX_LEVELS = 300
TREND_WEIGHT = 1.75
"""How much more rests on the side that supports the trend."""


class Print(msgspec.Struct, frozen=True):
    """One public trade of the flow."""

    side: Side
    ticks: int
    lots: int


class Step(msgspec.Struct):
    """What one step changed: absolute lots per level (0 removed) and the trades in match order."""

    bids: dict[int, int]
    asks: dict[int, int]
    prints: list[Print]


class SymbolFlow:
    """One symbol's endless flow."""

    def __init__(self, spec: SymbolSpec, rng: Random, *, trend: int) -> None:
        self._spec = spec
        self._rng = rng
        self._trend = trend
        self.now_s = 0.0
        self.next_s = 0.0
        """Virtual time of the next step."""
        self.fair = float(spec.start_price / spec.instrument.tick_size) + 0.5
        self._tick_usdt = float(spec.instrument.tick_size) * float(spec.instrument.qty_step)
        self._near = max(1.0, self.fair * 0.0020 / 65)
        self._sigma = self.fair * 0.00005
        self.bids = BookSide(is_bid=True)
        self.asks = BookSide(is_bid=False)
        self.walls = Walls(rng)
        lots = max(1, int(spec.wall_usdt / self._value(1, self.fair)))
        self.script = Script(rng, self.walls, anchor=self.fair, trend=trend, wall_lots=lots)
        self._step = Step({}, {}, [])
        self._jumped = False
        self._fill(self.bids)
        self._fill(self.asks)
        for is_bid in (True, False):
            self._place_plain_wall(is_bid=is_bid)

    def next_step(self) -> Step:
        """Advance virtual time by one step and return what changed."""
        rng = self._rng
        dt, self.now_s = self.next_s - self.now_s, self.next_s
        self.next_s += rng.uniform(0.6, 1.4) / self._spec.steps_per_s
        self._step = Step({}, {}, [])
        if self._jumped:
            self._clear_passed()
            self._jumped = False
        leg = self.script.advance(self.now_s, self.fair)
        self._tend_walls(leg)
        self._move(leg, dt)
        self._trade_noise(leg, dt)
        self._requote(leg)
        for _ in range(rng.choice((1, 2, 3, 4))):
            self._churn(self.bids if rng.random() < 0.5 else self.asks)
        self._fill(self.bids)
        self._fill(self.asks)
        return self._step

    def jump(self, factor: float) -> None:
        """Move the fair price without trades: everything it passes is withdrawn, and the script starts over there."""
        self.fair *= factor
        self.script.restart(self.fair)
        self._jumped = True

    def _clear_passed(self) -> None:
        """Withdraw what the fair price jumped over."""
        for side, sign in ((self.bids, 1), (self.asks, -1)):
            while side.best is not None and (side.best - self.fair) * sign >= 0:
                wall = self.walls.at(is_bid=side.is_bid, ticks=side.best)
                if wall is not None:
                    self.walls.remove(wall)
                self._set(side, side.best, 0)
        self._fill(self.bids)
        self._fill(self.asks)

    def _move(self, leg: Leg, dt: float) -> None:
        drift = self.script.pull_per_s(self.now_s, self.fair) * dt
        goal = self.fair + drift + self._sigma * leg.noise * math.sqrt(dt) * self._rng.gauss(0.0, 1.0)
        if leg.leans_on is not None and leg.eat_lots_per_s > 0:
            goal = max(goal, leg.target) if not leg.leans_on.is_bid else min(goal, leg.target)
        side = self.asks if goal > self.fair else self.bids
        sign = -1 if side.is_bid else 1
        while side.best is not None and (goal - side.best) * sign >= 0:
            best = side.best
            wall = self.walls.at(is_bid=side.is_bid, ticks=best)
            if wall is not None and not self._eat(side, wall, leg, dt):
                goal = best - sign * 0.5
                break
            if wall is None:
                self._consume(side, best)
        self.fair = goal

    def _consume(self, side: BookSide, ticks: int) -> None:
        """The price moves through an ordinary level: part of it trades, the rest is withdrawn."""
        traded = int(side.lots[ticks] * self._rng.uniform(-0.8, 0.9))
        if traded > 0:
            self._print(side, ticks, traded)
        self._set(side, ticks, 0)

    def _eat(self, side: BookSide, wall: Wall, leg: Leg, dt: float) -> bool:
        """Trade against a wall for one step; True if it is gone."""
        rate = leg.eat_lots_per_s
        if rate == 0:
            rate = wall.full_lots / (2.0 if leg.force else 250.0)
        left = side.lots.get(wall.ticks, 0)
        traded = min(left, max(1, int(rate * dt * self._rng.expovariate(1.0))))
        first = int(traded * self._rng.uniform(0.3, 1.0))
        for lots in (first, traded - first):
            if lots:
                self._print(side, wall.ticks, lots)
        left -= traded
        if left == 0:
            left = self.walls.refill(wall)
        self._set(side, wall.ticks, left)
        if left == 0:
            self.walls.remove(wall)
        return left == 0

    def _trade_noise(self, leg: Leg, dt: float) -> None:
        """Small market orders at the touch."""
        rng = self._rng
        expected = self._spec.steps_per_s * 0.13 * leg.tempo * dt
        while rng.random() < expected:
            expected -= 1
            side = self.asks if rng.random() < 0.5 + 0.06 * self._trend else self.bids
            best = side.best
            if best is None:
                return
            left = side.lots[best]
            share = 0.02 if self.walls.at(is_bid=side.is_bid, ticks=best) else 0.5
            lots = min(left - 1, max(1, int(left * share * rng.random() ** 2)))
            if lots > 0:
                self._print(side, best, lots)
                self._set(side, best, left - lots)

    def _requote(self, leg: Leg) -> None:
        """Makers close the gap between the touch and the fair price."""
        rng = self._rng
        for side in (self.bids, self.asks):
            if rng.random() < 0.35:
                continue
            offset = 0.5 + rng.expovariate(0.8) if self._near > 2 else rng.choice((0.3, 0.5, 0.9))
            ticks = math.floor(self.fair - offset) if side.is_bid else math.ceil(self.fair + offset)
            is_in_front = leg.leans_on is not None and leg.leans_on.is_bid == side.is_bid
            if is_in_front or (side.best is not None and (ticks - side.best) * (1 if side.is_bid else -1) <= 0):
                continue
            self._set(side, ticks, self._lots(side, ticks))

    def _churn(self, side: BookSide) -> None:
        """One maker changes its mind somewhere in the book, mostly near the touch."""
        rng = self._rng
        index = min(int(rng.expovariate(0.04)), len(side) - 2)
        ticks, behind = side.at(index), side.at(index + 1)
        gap = abs(behind - ticks)
        ideal = self._spacing(abs(ticks - self.fair))
        is_wall = self.walls.at(is_bid=side.is_bid, ticks=ticks) is not None
        if gap > 1 and gap > ideal * rng.uniform(0.8, 1.6):
            middle = min(ticks, behind) + rng.randint(1, gap - 1)
            self._set(side, middle, self._lots(side, middle))
        elif not is_wall and index > 0 and gap < ideal * rng.uniform(0.2, 0.9):
            self._set(side, ticks, 0)
        elif not is_wall:
            self._set(side, ticks, self._lots(side, ticks))

    def _fill(self, side: BookSide) -> None:
        """Keep the number of levels within bounds at the far end."""
        sign = -1 if side.is_bid else 1
        while len(side) < MIN_LEVELS:
            start = side.farthest if side.farthest is not None else round(self.fair - sign * 0.5)
            step = max(1, round(self._spacing(abs(start - self.fair)) * self._rng.uniform(0.5, 1.5)))
            ticks = start + sign * step
            if ticks <= 0:
                return
            self._set(side, ticks, self._lots(side, ticks))
        while len(side) > MAX_LEVELS and side.farthest is not None:
            wall = self.walls.at(is_bid=side.is_bid, ticks=side.farthest)
            if wall is not None:
                self.walls.remove(wall)
            self._set(side, side.farthest, 0)

    def _tend_walls(self, leg: Leg) -> None:
        """Show new walls, take back those whose time is over, and now and then place one nobody scripted."""
        rng = self._rng
        if leg.pulls is not None:
            self._withdraw(leg.pulls)
            leg.pulls = None
        for wall in self.walls.leaving(self.now_s, self.fair, self._near * 12):
            self._withdraw(wall)
        is_bid = rng.random() < 0.5
        if rng.random() < 0.1 / self._spec.steps_per_s and self.walls.count(is_bid=is_bid) < 2:
            self._place_plain_wall(is_bid=is_bid)
        for wall in self.walls.by_ticks.values():
            side = self.bids if wall.is_bid else self.asks
            sign = -1 if wall.is_bid else 1
            is_ahead = (wall.ticks - self.fair) * sign > 0
            if is_ahead and side.lots.get(wall.ticks, 0) < wall.full_lots // 50:
                self._set(side, wall.ticks, wall.full_lots)

    def _place_plain_wall(self, *, is_bid: bool) -> None:
        rng = self._rng
        sign = -1 if is_bid else 1
        distance = max(8.0, self.fair * rng.uniform(0.0020, 0.0060))
        ticks = round(self.fair + sign * distance)
        lots = int(self._spec.wall_usdt * rng.lognormvariate(0.1, 0.35) / self._value(1, ticks))
        life_s = rng.uniform(2, 6) if rng.random() < 0.15 else rng.lognormvariate(3.7, 0.7)
        wall = Wall(is_bid, ticks, lots, 0, self.now_s + life_s, is_shy=rng.random() < 0.5, is_scripted=False)
        self.walls.place(wall)

    def _withdraw(self, wall: Wall) -> None:
        """The owner takes the wall back; an ordinary size stays."""
        if self.walls.at(is_bid=wall.is_bid, ticks=wall.ticks) is not wall:
            return
        self.walls.remove(wall)
        side = self.bids if wall.is_bid else self.asks
        if wall.ticks in side.lots:
            self._set(side, wall.ticks, self._lots(side, wall.ticks))

    def _print(self, side: BookSide, ticks: int, lots: int) -> None:
        self._step.prints.append(Print(Side.SELL if side.is_bid else Side.BUY, ticks, lots))

    def _set(self, side: BookSide, ticks: int, lots: int) -> None:
        if side.lots.get(ticks, 0) == lots:
            return
        side.set(ticks, lots)
        (self._step.bids if side.is_bid else self._step.asks)[ticks] = lots

    def _spacing(self, distance: float) -> float:
        """Typical gap in ticks between levels ``distance`` ticks from the fair price."""
        return max(1.0, min(self._near, 1.0 + distance / 4) + 0.01 * distance)

    def _lots(self, side: BookSide, ticks: int) -> int:
        """Size of an ordinary level: small at the touch, heavier on the side of the trend."""
        distance = abs(ticks - self.fair) / (self._near * 40)
        mean = self._spec.level_usdt * (0.5 + min(0.9, distance))
        if side.is_bid == (self._trend > 0):
            mean *= TREND_WEIGHT
        value = mean * min(2.2, self._rng.lognormvariate(-0.15, 0.55))
        return max(1, int(value / self._value(1, ticks)))

    def _value(self, lots: int, ticks: float) -> float:
        """Value of ``lots`` at ``ticks`` in USDT."""
        return lots * ticks * self._tick_usdt
