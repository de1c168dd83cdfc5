"""A wall while it is followed: ledger, touches and the marks already told. Mutable; ``Wall`` is its frozen picture."""

from __future__ import annotations

from math import inf
from typing import Literal

from cockpit.detectors.config import DensityConfig
from cockpit.detectors.criteria import Strength
from cockpit.detectors.erosion import QUANTA, ErosionLedger
from cockpit.detectors.wall import EndReason, Wall
from cockpit.domain.enums import BookSide
from cockpit.domain.ids import WallId
from cockpit.domain.market import Level
from cockpit.domain.time import NS_PER_MS, nanos_from_s


class TrackedWall:
    """One wall from the book in which it appeared until its last decrease is explained."""

    __slots__ = (
        "_eaten_steps",
        "_pulled_steps",
        "_young_ns",
        "criteria",
        "end_reason",
        "ended_ns",
        "exhausted_at",
        "first_seen_ns",
        "is_touching",
        "is_unsettled",
        "ledger",
        "measured_ns",
        "peak",
        "price",
        "side",
        "strength",
        "symbol",
        "touches",
        "wall_id",
    )

    def __init__(
        self,
        wall_id: WallId,
        symbol: str,
        side: BookSide,
        level: Level,
        seen_ns: tuple[int, int],
        config: DensityConfig,
    ) -> None:
        self.wall_id = wall_id
        self.symbol = symbol
        self.side = side
        self.price = level[0]
        self.first_seen_ns, self.measured_ns = seen_ns
        """When the level was first large, and the time of the book that gave its initial size."""
        self.criteria: tuple[str, ...] = ()
        """Criteria it passed when it became a wall."""
        self.strength = Strength(0.0, 0.0, 0.0, False)
        """How it stood out at the last look."""
        self.ledger = ErosionLedger(level[1], config.match_window_ms * NS_PER_MS)
        self.peak = self.ledger.initial
        self.exhausted_at = round(config.exhausted_ratio * self.ledger.initial)
        """Quanta at or below which hardly anything is left."""
        self.touches = 0
        self.is_touching = False
        self.is_unsettled = False
        """True while the ledger waits for prints or decreases."""
        self.ended_ns: int | None = None
        self.end_reason: EndReason = ""
        self._young_ns = nanos_from_s(config.young_s)
        self._eaten_steps = _steps(config.eaten_marks, self.ledger.initial)
        self._pulled_steps = _steps(config.pulled_marks, self.ledger.initial)

    @property
    def standing(self) -> float:
        """Size as it would be if no more had been traded than was refilled: being eaten makes no lesser wall."""
        ledger = self.ledger
        return (ledger.current + max(0, ledger.traded - ledger.refilled)) / QUANTA

    @property
    def eaten_ratio(self) -> float:
        """Traded share of the initial size."""
        return self.ledger.traded / self.ledger.initial

    @property
    def lost_ratio(self) -> float:
        """Share of the initial size that went away, traded or not, refills not counted against it."""
        ledger = self.ledger
        return (ledger.traded + ledger.pulled + ledger.pending) / ledger.initial

    @property
    def shrunk_ratio(self) -> float:
        """(initial - current) / initial, whatever took it."""
        return (self.ledger.initial - self.ledger.current) / self.ledger.initial

    def resize(self, ts_event: int, size: float) -> None:
        """The book shows another size."""
        self.ledger.set_size(ts_event, size)
        self.peak = max(self.peak, self.ledger.current)

    @property
    def has_marks(self) -> bool:
        """True if a mark was crossed that has not been taken."""
        return self.ledger.traded >= self._eaten_steps[-1] or self.ledger.pulled >= self._pulled_steps[-1]

    def take_marks(self) -> list[Literal["eaten", "pulled"]]:
        """The marks crossed since the last call; several at once count as one of each kind."""
        found: list[Literal["eaten", "pulled"]] = []
        if _pop_reached(self._eaten_steps, self.ledger.traded):
            found.append("eaten")
        if _pop_reached(self._pulled_steps, self.ledger.pulled):
            found.append("pulled")
        return found

    def picture(self, now_ns: int) -> Wall:
        """The wall as it stands."""
        ledger, strength = self.ledger, self.strength
        current = ledger.current / QUANTA
        return Wall(
            wall_id=self.wall_id,
            symbol=self.symbol,
            side=self.side,
            price=self.price,
            first_seen_ns=self.first_seen_ns,
            initial=ledger.initial / QUANTA,
            peak=self.peak / QUANTA,
            current=current,
            traded=ledger.traded / QUANTA,
            pulled=ledger.pulled / QUANTA,
            refilled=ledger.refilled / QUANTA,
            pending=ledger.pending / QUANTA,
            touches=self.touches,
            notional_usdt=self.price * current,
            side_percent=strength.side_percent,
            relative_strength=strength.relative,
            median_multiple=strength.median_multiple,
            criteria=self.criteria,
            is_cluster=strength.is_cluster,
            code=self._code(now_ns),
            ended_ns=self.ended_ns,
            end_reason=self.end_reason,
        )

    def _code(self, now_ns: int) -> Literal["C", "P", "R", "?"]:
        ledger = self.ledger
        most = max(ledger.traded, ledger.pulled, ledger.refilled)
        is_young = self.ended_ns is None and now_ns - self.first_seen_ns < self._young_ns
        if is_young or most == 0:
            return "?"
        if most == ledger.traded:
            return "C"
        return "P" if most == ledger.pulled else "R"


def _steps(marks: tuple[float, ...], initial: int) -> list[float]:
    """Marks in quanta, the next one last; the first one is never reached."""
    return [inf, *(mark * initial for mark in reversed(marks))]


def _pop_reached(steps: list[float], value: int) -> bool:
    """Drop the steps that ``value`` has reached; True if there were any."""
    is_reached = value >= steps[-1]
    while value >= steps[-1]:
        steps.pop()
    return is_reached
