"""The density detector: finds the walls of one symbol and follows each from birth to end. It raises no signal.

Theory of operation. A full scan on a slow rhythm finds the levels that may be walls; one that is still there, never
smaller, ``confirm_ms`` later and passes the criteria becomes a wall (``new``). From then on every delta is compared
with the walls, and the wall's ledger splits every change; crossing a mark is told as ``eaten`` or ``pulled``. A wall
ends when its level is deleted, hardly anything is left, it stands out no longer, it leaves the visible window (nobody
knows what becomes of it), or the book is lost. ``gone`` is told when its last decrease is explained. Ended walls are
remembered for ``recent_s``.

All times are the symbol's event clock, and rhythms are anchored at its first book: a constant shift of every stamp
changes nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from cockpit.detectors.config import DensityConfig
from cockpit.detectors.erosion import quanta
from cockpit.detectors.side import SideWalls
from cockpit.detectors.tracked import TrackedWall
from cockpit.detectors.wall import EndReason, Wall, WallEvent, WallEventKind
from cockpit.domain.enums import BookSide, Side
from cockpit.domain.ids import WallId
from cockpit.domain.market import BookDelta, BookSnapshot, Level, MarketEvent, Trade, Trades
from cockpit.domain.time import NS_PER_MS, NS_PER_S, nanos_from_s
from cockpit.market.book import BookLadder
from cockpit.market.measures import touch_tolerance
from cockpit.market.rolling import Cadence
from cockpit.market.state import MarketState

__all__ = ["DensityDetector", "Wall", "WallEvent"]

_FADE_NS = NS_PER_S
"""Rhythm at which walls are asked whether they still stand out."""

_FIGURES_NS = 5 * NS_PER_S
"""Rhythm at which the median bucket is sampled and the walls' figures are taken again."""

_SETTLE_NS = 250 * NS_PER_MS
"""Rhythm at which decreases and prints that have waited too long are explained."""


class DensityDetector:
    """Walls of one symbol. Feed it every event after the market state has taken it in."""

    def __init__(self, symbol: str, config: DensityConfig, epoch: int = 0) -> None:
        """``epoch``: count of engine starts, part of every id; 0 where nothing is kept from run to run."""
        self.ended: deque[TrackedWall] = deque()
        """Walls that ended within ``recent_s``, oldest first."""
        self.touching: list[TrackedWall] = []
        """Walls that the price touched when it last moved; one of them may have ended since."""
        self._symbol = symbol
        self._config = config
        self._start = f"E{epoch}" if epoch else ""
        lookback = max(1, nanos_from_s(config.lookback_s) // _FIGURES_NS)
        self._bids = SideWalls(BookSide.BID, config, lookback)
        self._asks = SideWalls(BookSide.ASK, config, lookback)
        self._unsettled: list[TrackedWall] = []
        """Walls, standing or ended, with something to explain."""
        self._leaving: list[TrackedWall] = []
        """The ended ones among them."""
        self._events: list[WallEvent] = []
        self._born = 0
        self._now_ns = 0
        self._touched_mid: float | None = None
        self._scan = Cadence(config.scan_ms * NS_PER_MS)
        self._fading = Cadence(_FADE_NS)
        self._figures = Cadence(_FIGURES_NS)
        self._settling = Cadence(_SETTLE_NS)
        self._confirm_ns = config.confirm_ms * NS_PER_MS
        self._recent_ns = nanos_from_s(config.recent_s)

    def update(self, state: MarketState, event: MarketEvent) -> list[WallEvent]:
        """What happened to the walls with this event. Only books and trades count."""
        events: list[WallEvent] = []
        self._events = events
        self._now_ns = state.last_event_ns
        if isinstance(event, Trades):
            for trade in event.trades:
                if not trade.is_block:
                    self._on_trade(trade)
        elif isinstance(event, (BookDelta, BookSnapshot)):
            if state.book.is_valid:
                self._on_book(state, event)
            else:
                self._lose_book()
        if self._now_ns >= self._settling.next_ns and self._settling.is_due(self._now_ns):
            self._settle()
        return events

    def live(self) -> Iterator[TrackedWall]:
        """The walls that stand."""
        yield from self._bids.walls.values()
        yield from self._asks.walls.values()

    def walls(self, mid: float | None) -> list[Wall]:
        """Pictures of the walls that stand, nearest to ``mid`` first."""
        standing = sorted(self.live(), key=lambda wall: (abs(wall.price - (mid or 0.0)), wall.side))
        return [wall.picture(self._now_ns) for wall in standing]

    def recent_walls(self) -> list[Wall]:
        """Pictures of the walls that ended within ``recent_s``, oldest first."""
        return [wall.picture(self._now_ns) for wall in self.ended]

    # ------------------------------------------------------------------------------------------------------ the book

    def _on_book(self, state: MarketState, event: BookDelta | BookSnapshot) -> None:
        bids, asks = state.book.bids_ladder, state.book.asks_ladder
        if isinstance(event, BookDelta):
            self._follow(self._bids, bids, event.bids, event.ts_event)
            self._follow(self._asks, asks, event.asks, event.ts_event)
        else:
            for side, ladder in ((self._bids, bids), (self._asks, asks)):
                followed = [*side.walls, *side.candidates]
                self._follow(side, ladder, [(price, ladder.size_at(price)) for price in followed], event.ts_event)
        if self._now_ns >= self._scan.next_ns and self._scan.is_due(self._now_ns):
            self._scan_book(bids, asks, event.ts_event)
        if state.mid != self._touched_mid:
            self._touch(state)
        if self.ended and (self.ended[0].ended_ns or 0) < self._now_ns - self._recent_ns:
            self._forget()

    def _follow(self, side: SideWalls, ladder: BookLadder, levels: Sequence[Level], ts_event: int) -> None:
        """Follow the walls and candidates among the changed levels; ``ladder`` shows the change already."""
        walls, candidates = side.walls, side.candidates
        if not walls and not candidates:
            return
        for price, size in levels:
            if price in candidates:
                side.changed(price, size)
            elif price in walls:
                self._resize(side, walls[price], ladder, size, ts_event)

    def _resize(self, side: SideWalls, wall: TrackedWall, ladder: BookLadder, size: float, ts_event: int) -> None:
        if size == 0.0 and ladder.is_beyond_window(wall.price):
            self._end(side, wall, "out of view")
            return
        wall.resize(ts_event, size)
        self._note(wall)
        if size == 0.0:
            self._end(side, wall, "removed")
        elif wall.ledger.current <= wall.exhausted_at:
            self._end(side, wall, "exhausted")

    def _scan_book(self, bids: BookLadder, asks: BookLadder, ts_event: int) -> None:
        is_figure_time = self._figures.is_due(self._now_ns)
        is_fade_time = self._fading.is_due(self._now_ns)
        due = self._now_ns - self._confirm_ns
        for side, ladder in ((self._bids, bids), (self._asks, asks)):
            if is_figure_time:
                side.look_at_buckets(ladder)
            side.look(ladder, self._now_ns)
            if is_fade_time:
                self._end_faded(side, ladder)
            if is_figure_time:
                for wall in side.walls.values():
                    wall.strength = side.strength(ladder, wall.price)
            for price, since_ns in list(side.candidates.items()):
                if since_ns <= due:
                    self._promote(side, ladder, price, (since_ns, ts_event))

    def _end_faded(self, side: SideWalls, ladder: BookLadder) -> None:
        """Ask every wall again, with less strict thresholds and as if nothing had been traded out of it."""
        for wall in list(side.walls.values()):
            if side.passed(ladder, wall.price, wall.standing, self._config.keep_ratio) is None:
                self._end(side, wall, "faded")

    def _promote(self, side: SideWalls, ladder: BookLadder, price: float, seen_ns: tuple[int, int]) -> None:
        """Make a wall of a candidate that has lasted, if it is one."""
        size = ladder.size_at(price)
        criteria = side.passed(ladder, price, size)
        if criteria is None:
            return
        self._born += 1
        wall_id = WallId(f"{self._symbol}-{self._born}{self._start}")
        wall = TrackedWall(wall_id, self._symbol, side.side, (price, size), seen_ns, self._config)
        wall.criteria = criteria
        wall.strength = side.strength(ladder, price)
        side.walls[price] = wall
        del side.candidates[price]
        self._touched_mid = None
        self._tell(wall, "new")

    def _touch(self, state: MarketState) -> None:
        """Count a touch when the price comes near; leaving takes twice that distance, so that noise counts once."""
        self._touched_mid = mid = state.mid
        spread = state.spread_median
        if mid is None or spread is None:
            return
        near = touch_tolerance(mid, spread, self._config.touch_pct, self._config.touch_spreads)
        self.touching = []
        for walls in (self._bids.walls, self._asks.walls):
            for price, wall in walls.items():
                distance = abs(mid - price)
                if wall.is_touching:
                    wall.is_touching = distance <= 2.0 * near
                elif distance <= near:
                    wall.is_touching = True
                    wall.touches += 1
                if wall.is_touching:
                    self.touching.append(wall)

    def _forget(self) -> None:
        oldest_ns = self._now_ns - self._recent_ns
        while self.ended and (self.ended[0].ended_ns or 0) < oldest_ns:
            self.ended.popleft()

    def _lose_book(self) -> None:
        """End every wall: what happens while the book is unknown is unknown, so nothing more is explained."""
        for side in (self._bids, self._asks):
            side.candidates.clear()
            for wall in list(side.walls.values()):
                self._end(side, wall, "book lost")
        self._settle()

    # ------------------------------------------------------------------------------------------------------- the tape

    def _on_trade(self, trade: Trade) -> None:
        """Credit one print: first to a wall that has just gone from this price, then to the one that stands there."""
        side = self._asks if trade.side is Side.BUY else self._bids
        price = trade.price
        standing = side.walls.get(price)
        if standing is None and not self._leaving:
            return
        left = quanta(trade.size)
        for wall in self._leaving:
            if wall.price == price and wall.side is side.side:
                left = wall.ledger.explain(trade.ts_event, left)
                self._note(wall)
        if standing is not None and left and trade.ts_event > standing.measured_ns:
            standing.ledger.add_print(trade.ts_event, left)
            self._note(standing)

    # ------------------------------------------------------------------------------------------------- life and events

    def _settle(self) -> None:
        """Explain what has waited too long, and tell the end of the walls that have nothing left to explain."""
        waiting: list[TrackedWall] = []
        for wall in self._unsettled:
            ledger = wall.ledger
            ledger.expire(self._now_ns)
            if wall.has_marks:
                self._tell(wall, *wall.take_marks())
            if ledger.is_settled or wall.end_reason == "book lost":
                wall.is_unsettled = False
                if wall.ended_ns is not None:
                    self._tell(wall, "gone")
            else:
                waiting.append(wall)
        self._unsettled = waiting
        self._leaving = [wall for wall in waiting if wall.ended_ns is not None]

    def _note(self, wall: TrackedWall) -> None:
        """Tell the marks that a change has crossed, and remember what still waits."""
        if wall.has_marks:
            self._tell(wall, *wall.take_marks())
        if not wall.is_unsettled and not wall.ledger.is_settled:
            wall.is_unsettled = True
            self._unsettled.append(wall)

    def _end(self, side: SideWalls, wall: TrackedWall, reason: EndReason) -> None:
        wall.ended_ns = self._now_ns
        wall.end_reason = reason
        del side.walls[wall.price]
        self.ended.append(wall)
        if wall.is_unsettled:
            self._leaving.append(wall)
        else:
            self._tell(wall, "gone")

    def _tell(self, wall: TrackedWall, *kinds: WallEventKind) -> None:
        for kind in kinds:
            self._events.append(WallEvent(kind, wall.picture(self._now_ns), self._now_ns))
