"""Public frames to market events. No sockets: live streams and replays decode with the same object.

Theory of operation. A frame's kind is read from the bytes of its topic, which Bybit writes first; a frame with another
key order is decoded once more, for its topic alone. One typed decode then checks and converts the whole message: the
exchange's number texts become floats, levels become the tuples that the book keeps, and NaN, infinite, negative, null
or empty numbers fail. ``tickers`` is a merged topic: the decoder holds the last state of each symbol and a delta
without a snapshot before it is dropped, because the missing fields would be invented otherwise (bybit-v5.md 10.3).
"""

from __future__ import annotations

import math
import re

import msgspec
from msgspec import UNSET

from cockpit.adapters.bybit import wire
from cockpit.domain.errors import RemoteProtocolError
from cockpit.domain.events import MarketEnded
from cockpit.domain.market import BookDelta, BookSnapshot, MarketEvent, Ticker, TouchHeartbeat, Trade, Trades
from cockpit.domain.time import NS_PER_MS

_USUAL_START = b'{"topic":"'
_TOPIC = re.compile(rb'"topic"\s*:\s*"[A-Za-z0-9]+(?:\.[A-Za-z0-9]+)*?\.([A-Z0-9-]{1,40})"')
_DIGITS = b"0123456789"

_book_frame = msgspec.json.Decoder(wire.WireBookFrame, strict=False)
_trade_frame = msgspec.json.Decoder(wire.WireTradeFrame, strict=False)
_ticker_frame = msgspec.json.Decoder(wire.WireTickerFrame, strict=False)
_topic_only = msgspec.json.Decoder(wire.WireTopic)

_PRICES = ("last_price", "mark_price", "index_price")


def symbol_of(raw: bytes) -> str:
    """The symbol in the topic of a frame, which may be truncated; "" if there is none."""
    found = _TOPIC.search(raw, 0, 2048)
    return "" if found is None else found[1].decode("ascii")


class PublicDecoder:
    """Decodes the frames of one public stream (or of one recording) in their order."""

    def __init__(self) -> None:
        self._tickers: dict[str, dict[str, float | bool | int | None]] = {}
        self._is_ended = False

    def restart(self) -> None:
        """Forget what was merged: a new connection starts with snapshots and says again whether the market ended."""
        self._tickers.clear()
        self._is_ended = False

    def decode(self, raw: bytes, ts_recv: int) -> MarketEvent | MarketEnded | None:
        """One frame as a domain event, stamped with ``ts_recv`` (ns).

        Returns None for frames that say nothing about the market (acks, pongs, topics we do not use, a ticker delta
        before its snapshot).

        Raises:
            RemoteProtocolError: the frame is not what bybit-v5.md sections 9 and 10 describe.
        """
        try:
            if raw[:10] == _USUAL_START:
                return self._routed(raw, raw[10:32], ts_recv)
            return self._routed(raw, _topic_only.decode(raw).topic.encode(), ts_recv)
        except (*wire.UNREADABLE, _BadFrame) as error:
            raise RemoteProtocolError(str(error), symbol_of(raw)) from error

    def _routed(self, raw: bytes, topic: bytes, ts_recv: int) -> MarketEvent | MarketEnded | None:
        """Decode by kind; ``topic`` begins with the topic and may go on beyond it."""
        if topic[:10] == b"orderbook.":
            if topic[10:12] == b"1.":
                return _touch(raw, ts_recv)
            # orderbook.rpi and orderbook.full have other levels and are no book of ours.
            return _book(raw, ts_recv) if topic[10:11] in _DIGITS else None
        if topic[:12] == b"publicTrade.":
            return _trades(raw, ts_recv)
        if topic[:8] == b"tickers.":
            return self._ticker(raw, ts_recv)
        _topic_only.decode(raw)
        return None

    def _ticker(self, raw: bytes, ts_recv: int) -> Ticker | MarketEnded | None:
        frame = _ticker_frame.decode(raw)
        data = frame.data
        if data.ended and not self._is_ended:
            self._is_ended = True
            return MarketEnded(ts_recv)
        if frame.type == "snapshot":
            self._tickers[data.symbol] = {}
        elif data.symbol not in self._tickers:
            return None
        state = self._tickers[data.symbol]
        state.update(_told(data))
        return Ticker(data.symbol, frame.ts * NS_PER_MS, ts_recv, **state)  # type: ignore[arg-type]


class _BadFrame(ValueError):
    """A frame that the typed decode let pass and that is wrong nevertheless."""


def _book(raw: bytes, ts_recv: int) -> BookSnapshot | BookDelta:
    frame = _book_frame.decode(raw)
    data = frame.data
    kind = BookDelta if frame.type == "delta" else BookSnapshot
    return kind(data.s, (frame.cts or frame.ts) * NS_PER_MS, ts_recv, data.u, data.seq, data.b, data.a)


def _touch(raw: bytes, ts_recv: int) -> TouchHeartbeat:
    frame = _book_frame.decode(raw)
    if frame.type != "snapshot":
        raise _BadFrame("orderbook.1 has snapshots only")
    data = frame.data
    bid = data.b[0][0] if data.b else 0.0
    ask = data.a[0][0] if data.a else 0.0
    return TouchHeartbeat(data.s, (frame.cts or frame.ts) * NS_PER_MS, ts_recv, data.u, data.seq, bid, ask)


def _trades(raw: bytes, ts_recv: int) -> Trades | None:
    frame = _trade_frame.decode(raw)
    if not frame.data:
        return None
    trades = [Trade(t.time * NS_PER_MS, t.side, t.price, t.size, t.trade_id, t.is_block) for t in frame.data]
    return Trades(frame.data[0].symbol, frame.ts * NS_PER_MS, ts_recv, trades)


def _told(data: wire.WireTicker) -> dict[str, float | bool | int | None]:
    """The fields that this message tells, in domain names; "" becomes None (not applicable)."""
    told: dict[str, float | bool | int | None] = {}
    for name in _PRICES:
        text = getattr(data, name)
        if text is not UNSET:
            told[name] = _price(text, name)
    if data.price24h_pcnt is not UNSET:
        told["change_24h"] = _number(data.price24h_pcnt, "price24hPcnt")
    if data.turnover24h is not UNSET:
        told["turnover_24h"] = _number(data.turnover24h, "turnover24h")
    if data.funding_rate is not UNSET:
        told["funding_rate"] = _number(data.funding_rate, "fundingRate")
    if data.next_funding_time is not UNSET:
        ms = _number(data.next_funding_time, "nextFundingTime")
        told["next_funding_ns"] = int(ms) * NS_PER_MS if ms else None
    if data.change24h_since_start is not UNSET:
        told["is_change_since_start"] = data.change24h_since_start
    return told


def _number(text: str | float, name: str) -> float | None:
    if text == "":
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise _BadFrame(f"{name} is {text!r}") from error
    if not math.isfinite(value):
        raise _BadFrame(f"{name} is {text!r}")
    return value


def _price(text: str | float, name: str) -> float | None:
    """A price; 0 means none (contracts before their launch)."""
    value = _number(text, name)
    if value is not None and value < 0:
        raise _BadFrame(f"{name} is {text!r}")
    return value or None
