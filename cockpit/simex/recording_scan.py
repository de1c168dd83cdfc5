"""What a recording holds, found by reading it once: symbols, depths, tick and lot, how late its frames were.

Rules come from ``instruments_info_linear.json`` beside the file where it lists the symbol, else from the numbers in
the file themselves, marked as inferred.
"""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from cockpit.adapters.recording.reader import read_frames
from cockpit.domain.errors import ConfigError
from cockpit.domain.instrument import Instrument
from cockpit.domain.time import NS_PER_MS
from cockpit.simex.rules import SymbolRules, entry_of, instrument_of
from cockpit.simex.wire_frames import decode_book, decode_frame, decode_rows, depth_of

INSTRUMENTS_FILE = "instruments_info_linear.json"


class SymbolContent:
    """What the recording says about one symbol."""

    def __init__(self) -> None:
        self.depths: set[int] = set()
        self.has_tickers = False
        self.first_price: str | None = None
        self._prices: set[str] = set()
        self._sizes: set[str] = set()

    def note(self, price: str, size: str) -> None:
        """Take one price and size text into account."""
        self._prices.add(price)
        self._sizes.add(size)
        self.first_price = self.first_price or price

    def instrument(self, symbol: str) -> Instrument:
        """Rules inferred from the texts: the largest steps of which all prices and sizes are multiples."""
        tick, step = common_step(self._prices), common_step(self._sizes)
        price = Decimal(self.first_price or "1")
        most = (Decimal(2_000_000) / price / step).to_integral_value() * step
        return Instrument(
            symbol=symbol,
            tick_size=tick,
            qty_step=step,
            min_qty=step,
            max_qty=max(most, step * 1000),
            max_market_qty=max(most, step * 1000),
            min_notional=Decimal(5),
            max_leverage=Decimal(50),
            is_inferred=True,
        )


class RecordingContent:
    """Everything a feed has to know before it plays a recording."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.symbols: dict[str, SymbolContent] = {}
        self.first_ns: int | None = None
        """Receive time of the first frame that is played."""
        self.least_lag_ms = 0
        """Smallest receive time minus exchange time; the freshest frame."""
        self._scan()
        if not any(content.depths for content in self.symbols.values()):
            raise ConfigError(f"{path}: no order book frames in this recording")

    def rules(self) -> dict[str, SymbolRules]:
        """Rules per symbol with an order book."""
        known = _listed(self.path.parent / INSTRUMENTS_FILE)
        return {symbol: _rules(symbol, known, content) for symbol, content in self.symbols.items() if content.depths}

    def _scan(self) -> None:
        least: int | None = None
        for record in read_frames(self.path):
            if record.direction != "recv":
                continue
            try:
                frame = decode_frame(record.raw)
            except msgspec.MsgspecError:
                continue
            if not frame.topic.startswith(("orderbook.", "publicTrade.", "tickers.")):
                continue
            lag_ms = record.ts_recv // NS_PER_MS - frame.ts
            least = lag_ms if least is None else min(least, lag_ms)
            if self.first_ns is None:
                self.first_ns = record.ts_recv
            self._note(frame.topic, frame.data)
        self.least_lag_ms = least or 0

    def _note(self, topic: str, data: msgspec.Raw) -> None:
        content = self.symbols.setdefault(topic.rpartition(".")[2], SymbolContent())
        depth = depth_of(topic)
        if depth is not None:
            content.depths.add(depth)
            part = decode_book(data)
            for price, size in (*part.b, *part.a):
                content.note(price, size)
        elif topic.startswith("publicTrade."):
            for row in decode_rows(data):
                content.note(row["p"], row["v"])
        else:
            content.has_tickers = True


def common_step(texts: set[str]) -> Decimal:
    """The largest step of which every number in ``texts`` is a multiple; 1 if all are 0."""
    decimals = max((len(text.partition(".")[2].rstrip("0")) for text in texts), default=0)
    unit = 10**decimals
    step = math.gcd(*(int(Decimal(text) * unit) for text in texts))
    return Decimal(step or unit).scaleb(-decimals)


def _listed(path: Path) -> dict[str, dict[str, Any]]:
    """Entries of an instruments-info reply by symbol; empty if there is no such file."""
    if not path.exists():
        return {}
    try:
        reply = msgspec.json.decode(path.read_bytes())
        return {entry["symbol"]: entry for entry in reply["result"]["list"]}
    except (msgspec.MsgspecError, KeyError, TypeError) as error:
        raise ConfigError(f"{path}: not an instruments-info reply ({error!r})") from error


def _rules(symbol: str, known: dict[str, dict[str, Any]], content: SymbolContent) -> SymbolRules:
    entry = known.get(symbol)
    if entry is not None:
        return SymbolRules(instrument_of(entry), entry)
    instrument = content.instrument(symbol)
    return SymbolRules(instrument, {**entry_of(instrument), "isInferred": True})
