"""Market events, as the core consumes them. Prices and sizes keep the decoder's floats.

A float parsed from the exchange's text equals ``float(text)``, so equal texts are equal keys; the exact tick comes from
``Instrument.nearest_ticks`` where it is needed. No object is made per level: levels are the decoder's own tuples.
"""

from __future__ import annotations

import msgspec

from cockpit.domain.enums import Side

Level = tuple[float, float]
"""(price in quote currency, size in base currency); size 0 in a delta deletes the level."""


class BookSnapshot(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The whole window of a book; replaces what was known (Bybit ``orderbook.N`` type snapshot)."""

    symbol: str
    ts_event: int
    """Matching-engine time (``cts``; ``ts`` where the recording has none), ns."""
    ts_recv: int
    """Local arrival, ns."""
    update_id: int
    """``u``: 1 means a snapshot after a service restart."""
    seq: int
    bids: list[Level]
    asks: list[Level]


class BookDelta(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Absolute sizes of the levels that changed (Bybit ``orderbook.N`` type delta)."""

    symbol: str
    ts_event: int
    ts_recv: int
    update_id: int
    """``u``: exactly one above the previous message of the topic."""
    seq: int
    bids: list[Level]
    asks: list[Level]


class Trade(msgspec.Struct, frozen=True, gc=False):
    """One public trade. ``side`` is the taker's."""

    ts_event: int
    side: Side
    price: float
    size: float
    trade_id: str
    is_block: bool = False
    """Block trades are no part of tape statistics."""


class Trades(msgspec.Struct, frozen=True, tag=True):
    """The trades of one ``publicTrade`` frame, in match order."""

    symbol: str
    ts_event: int
    ts_recv: int
    trades: list[Trade]


class Ticker(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The merged state of a ``tickers`` topic. None means: the source never said it."""

    symbol: str
    ts_event: int
    ts_recv: int
    last_price: float | None = None
    mark_price: float | None = None
    index_price: float | None = None
    change_24h: float | None = None
    """Fraction: 0.0123 is +1.23 %."""
    is_change_since_start: bool = False
    """True if the source measures ``change_24h`` since its own start (a recording without tickers)."""
    turnover_24h: float | None = None
    funding_rate: float | None = None
    next_funding_ns: int | None = None


class TouchHeartbeat(msgspec.Struct, frozen=True, tag=True, gc=False):
    """An ``orderbook.1`` snapshot: proof that the symbol's feed lives (Bybit repeats it every 3 s)."""

    symbol: str
    ts_event: int
    ts_recv: int
    update_id: int
    seq: int
    bid: float
    """0.0 if the side is empty."""
    ask: float
    """0.0 if the side is empty."""


MarketEvent = BookSnapshot | BookDelta | Trades | Ticker | TouchHeartbeat
