"""A scripted market of one symbol for tests of walls and signals: say what happens, read what was told."""

from __future__ import annotations

from cockpit.detectors.bank import DetectorBank
from cockpit.detectors.config import DetectorsConfig
from cockpit.detectors.wall import Wall, WallEvent
from cockpit.domain.enums import BookSide, Side
from cockpit.domain.market import BookDelta, BookSnapshot, Level, MarketEvent, Trade, Trades
from cockpit.domain.time import NS_PER_MS
from cockpit.market.state import MarketState
from cockpit.signals.base import SignalExpired, SignalRaised
from cockpit.signals.config import SignalsConfig
from cockpit.signals.pipeline import SignalPipeline

START_MS = 1_000_000


class MarketScript:
    """Twenty levels of 10 a side around 1000.00 with tick 0.1; times are milliseconds since the first book."""

    def __init__(
        self,
        detectors: DetectorsConfig | None = None,
        signals: SignalsConfig | None = None,
        start_ms: int = START_MS,
        symbol: str = "XUSDT",
    ) -> None:
        self.symbol = symbol
        self.state = MarketState(symbol)
        self.bank = DetectorBank(symbol, detectors or DetectorsConfig())
        self.pipeline = SignalPipeline(symbol, signals or SignalsConfig())
        self.wall_events: list[WallEvent] = []
        self.signal_events: list[SignalRaised | SignalExpired] = []
        self._start_ms = start_ms
        self._u = 0
        self.now_ms = 0
        self.snapshot()

    def snapshot(self, extra_bids: list[Level] | None = None, extra_asks: list[Level] | None = None) -> None:
        """The usual book, with some levels replaced."""
        bids = {round(999.9 - i * 0.1, 1): 10.0 for i in range(20)} | dict(extra_bids or [])
        asks = {round(1000.1 + i * 0.1, 1): 10.0 for i in range(20)} | dict(extra_asks or [])
        self._u = 1_000
        self.apply(BookSnapshot(self.symbol, self._ns(), 0, self._u, 0, list(bids.items()), list(asks.items())))

    def book(self, at_ms: int, bids: list[Level] | None = None, asks: list[Level] | None = None) -> None:
        """A delta at ``at_ms``."""
        self.now_ms = at_ms
        self._u += 1
        self.apply(BookDelta(self.symbol, self._ns(), 0, self._u, 0, bids or [], asks or []))

    def gap(self, at_ms: int) -> None:
        """A delta with a wrong update id."""
        self.now_ms = at_ms
        self.apply(BookDelta(self.symbol, self._ns(), 0, self._u + 5, 0, [], []))

    def trade(self, at_ms: int, side: Side, price: float, size: float, is_block: bool = False) -> None:
        """One print; does not move the script's own time."""
        ts_event = (self._start_ms + at_ms) * NS_PER_MS
        self.apply(Trades(self.symbol, ts_event, 0, [Trade(ts_event, side, price, size, "t", is_block)]))

    def quiet(self, until_ms: int, step_ms: int = 100) -> None:
        """Empty deltas up to ``until_ms``: time passes and nothing changes."""
        for at_ms in range(self.now_ms + step_ms, until_ms + 1, step_ms):
            self.book(at_ms)

    def apply(self, event: MarketEvent) -> None:
        """Any event, through state, bank and pipeline."""
        self.state.apply(event)
        told = self.bank.update(self.state, event)
        self.wall_events.extend(told)
        self.signal_events.extend(self.pipeline.update(self.state, self.bank, event, told))

    def told(self) -> list[str]:
        """Kinds of the wall events so far."""
        return [event.kind for event in self.wall_events]

    @property
    def wall(self) -> Wall:
        """The only standing wall."""
        (wall,) = self.bank.walls
        return wall

    @property
    def last(self) -> Wall:
        """The wall of the last wall event."""
        return self.wall_events[-1].wall

    def raised(self) -> list[SignalRaised]:
        """Signals raised so far."""
        return [event for event in self.signal_events if isinstance(event, SignalRaised)]

    def expired(self) -> list[SignalExpired]:
        """Signals expired so far."""
        return [event for event in self.signal_events if isinstance(event, SignalExpired)]

    def _ns(self) -> int:
        return (self._start_ms + self.now_ms) * NS_PER_MS


def price_of(side: BookSide, levels: int) -> float:
    """Price of level number ``levels`` (0 is the best) of the usual book."""
    return round(999.9 - levels * 0.1, 1) if side is BookSide.BID else round(1000.1 + levels * 0.1, 1)
