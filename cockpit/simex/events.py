"""What a market source tells the exchange. Records only; prices and sizes come as ints and as the text to send."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

Level = tuple[int, int, str, str]
"""(price in ticks, size in lots, price text, size text); size 0 removes the level."""


class BookChange(msgspec.Struct, frozen=True):
    """New absolute sizes of some levels, or the whole book."""

    symbol: str
    is_snapshot: bool
    bids: list[Level]
    asks: list[Level]
    seq: int
    ts_ms: int
    cts_ms: int
    recorded_depth: int | None = None
    """Depth of the recorded topic that this change repeats unaltered; None for a synthetic book."""
    update_id: int = 0
    """``u`` of the source, for sources that have one."""


class TradeRow(msgspec.Struct, frozen=True):
    """One public trade, as the exchange sees it (``row`` is what the socket sends)."""

    ticks: int
    lots: int
    is_taker_buy: bool
    row: dict[str, Any]


class TradeBatch(msgspec.Struct, frozen=True):
    """The trades of one frame, in match order."""

    symbol: str
    ts_ms: int
    trades: list[TradeRow]


class TickerChange(msgspec.Struct, frozen=True):
    """New values of some ticker fields (Bybit's names and texts)."""

    symbol: str
    fields: dict[str, Any]
    ts_ms: int
    cs: int
    is_snapshot: bool = False


class MarketSink(Protocol):
    """Who hears a market source. Calls come in market order."""

    def on_book(self, change: BookChange) -> None:
        """A book changed."""
        ...

    def on_trades(self, batch: TradeBatch) -> None:
        """Public trades happened."""
        ...

    def on_ticker(self, change: TickerChange) -> None:
        """Ticker fields changed."""
        ...

    async def wait_for_audience(self) -> None:
        """Return when the first client has subscribed to an order book."""
        ...

    def on_started(self) -> None:
        """The first frame is about to come (again, after a loss)."""
        ...

    def on_ended(self) -> None:
        """The source has no more frames; it will not speak again."""
        ...

    def on_lost(self) -> None:
        """The way to the source broke; books are stale until new snapshots come."""
        ...
