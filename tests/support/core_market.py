"""A small book that a test moves by hand: twenty even levels a side, and walls where the test puts them."""

from __future__ import annotations

from typing import Any, Protocol

from cockpit.domain.enums import Side
from cockpit.domain.market import BookDelta, BookSnapshot, Level, Ticker, TouchHeartbeat, Trade, Trades
from cockpit.domain.time import NS_PER_MS

LEVELS = 20
WIRE_NS = 5 * NS_PER_MS
"""Age of a frame when it arrives."""


class Core(Protocol):
    now_ns: int

    def feed(self, event: Any) -> Any: ...


class Market:
    """One symbol. Prices are in ticks of 0.01; the spread is two ticks."""

    def __init__(self, symbol: str, bench: Core) -> None:
        self.symbol = symbol
        self.bench = bench
        self.mid = 10_000
        self.sizes = (55.0, 50.0)
        """Size of an ordinary bid and ask."""
        self.mark: float | None = None
        """A mark price that stays where it is; None: it is the mid."""
        self.walls: dict[int, float] = {}
        """Size by price in ticks; below the mid a bid, above it an ask."""
        self._update_id = 0
        self._shown: tuple[dict[int, float], dict[int, float]] = ({}, {})

    def open(self) -> None:
        """Snapshot, two deltas and a ticker: a market that entries are allowed on."""
        self.snapshot()
        self.repeat()
        self.repeat()
        self.ticker()

    def snapshot(self) -> None:
        self._shown = self._levels()
        self._update_id += 1
        bids, asks = (_sorted(side) for side in self._shown)
        self.bench.feed(
            BookSnapshot(self.symbol, self._event_ns, self.bench.now_ns, self._update_id, self._update_id, bids, asks)
        )

    def ticker(self, change_24h: float | None = 0.01) -> None:
        price = self.mid / 100 if self.mark is None else self.mark
        self.bench.feed(
            Ticker(
                self.symbol,
                self._event_ns,
                self.bench.now_ns,
                last_price=price,
                mark_price=price,
                change_24h=change_24h,
            )
        )

    def repeat(self) -> None:
        """A frame without news: the best bid once more."""
        best = max(self._shown[0])
        self._delta([(best / 100, self._shown[0][best])], [])

    def show(self) -> None:
        """Send what has changed since the last frame."""
        new = self._levels()
        changes = [
            [(price / 100, after.get(price, 0.0)) for price in sorted(before.keys() | after.keys())
             if before.get(price) != after.get(price)]
            for before, after in zip(self._shown, new, strict=True)
        ]  # fmt: skip
        self._shown = new
        self._delta(*changes)

    def move(self, mid: int) -> None:
        """Move the whole book to another mid; the mark price follows."""
        self.mid = mid
        self.show()
        self.ticker()

    def pin_mark(self, mark: float) -> None:
        self.mark = mark
        self.ticker()

    def wall(self, price: int, size: float = 1500.0) -> None:
        """Put a wall at a price (0 takes it away)."""
        self.walls[price] = size
        self.walls = {at: resting for at, resting in self.walls.items() if resting}
        self.show()

    def tilt(self, side: Side) -> None:
        """Let the side that ``side`` takes from be the thinner one."""
        self.sizes = (55.0, 50.0) if side is Side.BUY else (50.0, 55.0)
        self.show()

    def trade(self, side: Side, price: int, size: float) -> None:
        trade = Trade(self._event_ns, side, price / 100, size, f"t{self._update_id}")
        self.bench.feed(Trades(self.symbol, self._event_ns, self.bench.now_ns, [trade]))

    def heartbeat(self) -> None:
        bid, ask = max(self._shown[0]) / 100, min(self._shown[1]) / 100
        self.bench.feed(TouchHeartbeat(self.symbol, self._event_ns, self.bench.now_ns, 1, 1, bid, ask))

    def lose_a_frame(self) -> None:
        """The next frame does not follow on the last one."""
        self._update_id += 5
        self.repeat()

    def restart(self) -> None:
        """The exchange's service restarts: a snapshot with update id 1."""
        self._update_id = 0
        self.snapshot()

    def _levels(self) -> tuple[dict[int, float], dict[int, float]]:
        bids = {self.mid - 1 - n: self.sizes[0] for n in range(LEVELS)}
        asks = {self.mid + 1 + n: self.sizes[1] for n in range(LEVELS)}
        bids |= {price: size for price, size in self.walls.items() if price < self.mid}
        asks |= {price: size for price, size in self.walls.items() if price > self.mid}
        return bids, asks

    def _delta(self, bids: list[Level], asks: list[Level]) -> None:
        self._update_id += 1
        self.bench.feed(
            BookDelta(self.symbol, self._event_ns, self.bench.now_ns, self._update_id, self._update_id, bids, asks)
        )

    @property
    def _event_ns(self) -> int:
        return self.bench.now_ns - WIRE_NS


def _sorted(side: dict[int, float]) -> list[Level]:
    return [(price / 100, size) for price, size in side.items()]
