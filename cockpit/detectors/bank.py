"""The detectors of one symbol, fed together. Nothing is detected here."""

from __future__ import annotations

from collections.abc import Sequence

from cockpit.detectors.activity import ActivityDetector, ActivitySnapshot
from cockpit.detectors.config import DetectorsConfig
from cockpit.detectors.density import DensityDetector
from cockpit.detectors.wall import Wall, WallEvent
from cockpit.domain.market import BookDelta, BookSnapshot, MarketEvent, Trades
from cockpit.market.state import MarketState


class DetectorBank:
    """Density and activity of one symbol."""

    def __init__(self, symbol: str, config: DetectorsConfig, epoch: int = 0) -> None:
        """``epoch``: count of engine starts, part of every wall's id; 0 where nothing is kept from run to run."""
        self.density = DensityDetector(symbol, config.density, epoch)
        self._activity = ActivityDetector(config.activity)
        self._mid: float | None = None

    def update(self, state: MarketState, event: MarketEvent) -> list[WallEvent]:
        """What this event changed about the walls. Call it after ``state.apply(event)``.

        Only books and trades drive detectors, and only once the symbol's first book has come: heartbeats and tickers
        differ between sources, decisions must not.
        """
        kind = type(event)
        if not (kind is BookDelta or kind is Trades or kind is BookSnapshot) or not state.last_event_ns:
            return []
        self._mid = state.mid
        self._activity.update(state.tape)
        return self.density.update(state, event)

    @property
    def walls(self) -> Sequence[Wall]:
        """The walls that stand, nearest to the mid first."""
        return self.density.walls(self._mid)

    @property
    def recent_walls(self) -> Sequence[Wall]:
        """The walls that ended a short while ago, oldest first."""
        return self.density.recent_walls()

    @property
    def activity(self) -> ActivitySnapshot:
        """Activity at the last sample."""
        return self._activity.snapshot
