"""Public frames of another exchange process (recorded or upstream) turned into market events.

Levels keep their text; ticks and lots are made beside it. Times are shifted by a constant, nothing else is altered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from cockpit.simex.events import BookChange, Level, TickerChange, TradeBatch, TradeRow
from cockpit.simex.rules import SymbolRules


class BookPart(msgspec.Struct, gc=False):
    """``data`` of an order book frame."""

    s: str
    b: list[tuple[str, str]] = []
    a: list[tuple[str, str]] = []
    u: int = 0
    seq: int = 0


class WireFrame(msgspec.Struct, gc=False):
    """Any public push; answers to requests have no topic."""

    topic: str = ""
    type: str = ""
    ts: int = 0
    cts: int | None = None
    cs: int = 0
    data: msgspec.Raw = msgspec.Raw()


decode_frame = msgspec.json.Decoder(WireFrame).decode
decode_book = msgspec.json.Decoder(BookPart).decode
decode_rows = msgspec.json.Decoder(list[dict[str, Any]]).decode
decode_fields = msgspec.json.Decoder(dict[str, Any]).decode


def depth_of(topic: str) -> int | None:
    """Depth of an ``orderbook.N.SYMBOL`` topic, None for other topics."""
    kind, _, rest = topic.partition(".")
    depth = rest.partition(".")[0]
    return int(depth) if kind == "orderbook" and depth.isdecimal() else None


class FrameReader:
    """Turns frames of known symbols into events.

    Args:
        rules: rules per symbol.
        shift_ms: added to every time stamp.
    """

    def __init__(self, rules: Mapping[str, SymbolRules], shift_ms: int) -> None:
        self._shift_ms = shift_ms
        self._scales = {symbol: _Scale(rule) for symbol, rule in rules.items()}

    def event(self, raw: bytes) -> BookChange | TradeBatch | TickerChange | None:
        """The event of one frame, None for answers, other topics and unlisted symbols.

        Raises:
            msgspec.MsgspecError: the frame is not JSON or not of the known shape.
        """
        frame = decode_frame(raw)
        kind, _, rest = frame.topic.partition(".")
        symbol = rest.rpartition(".")[2]
        scale = self._scales.get(symbol)
        if scale is None:
            return None
        if kind == "orderbook":
            return self._book(frame, scale)
        if kind == "publicTrade":
            return self._trades(frame, symbol, scale)
        if kind == "tickers":
            return self._ticker(frame, symbol)
        return None

    def _book(self, frame: WireFrame, scale: _Scale) -> BookChange:
        part = decode_book(frame.data)
        ts_ms = frame.ts + self._shift_ms
        cts_ms = ts_ms if frame.cts is None else frame.cts + self._shift_ms
        bids, asks = scale.levels(part.b), scale.levels(part.a)
        is_snapshot = frame.type == "snapshot"
        return BookChange(part.s, is_snapshot, bids, asks, part.seq, ts_ms, cts_ms, depth_of(frame.topic), part.u)

    def _trades(self, frame: WireFrame, symbol: str, scale: _Scale) -> TradeBatch:
        trades = []
        for row in decode_rows(frame.data):
            row["T"] += self._shift_ms
            trades.append(TradeRow(scale.ticks(row["p"]), scale.lots(row["v"]), row["S"] == "Buy", row))
        return TradeBatch(symbol, frame.ts + self._shift_ms, trades)

    def _ticker(self, frame: WireFrame, symbol: str) -> TickerChange:
        fields = decode_fields(frame.data)
        fields.pop("symbol", None)
        funding = fields.get("nextFundingTime")
        if isinstance(funding, str) and funding.isdecimal():
            fields["nextFundingTime"] = str(int(funding) + self._shift_ms)
        return TickerChange(symbol, fields, frame.ts + self._shift_ms, frame.cs, frame.type == "snapshot")


class _Scale:
    """Texts to ticks and lots of one symbol. Market texts lie on the grid, so rounding is exact."""

    def __init__(self, rules: SymbolRules) -> None:
        self._tick = float(rules.instrument.tick_size)
        self._step = float(rules.instrument.qty_step)

    def ticks(self, price: str) -> int:
        """Ticks of a price text."""
        return round(float(price) / self._tick)

    def lots(self, size: str) -> int:
        """Lots of a size text; a size below one step still counts as one lot."""
        value = float(size)
        return max(1, round(value / self._step)) if value > 0 else 0

    def levels(self, rows: list[tuple[str, str]]) -> list[Level]:
        """Levels of an order book side."""
        return [(self.ticks(price), self.lots(size), price, size) for price, size in rows]
