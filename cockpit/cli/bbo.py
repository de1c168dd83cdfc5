"""Best bid and offer of a recording as CSV, in the exchange's own number texts. Only for ``cockpit replay --bbo``.

The books are the engine's own (``market.book``); the texts are looked up beside them, because books hold floats.
"""

from __future__ import annotations

import csv
from typing import TextIO

import msgspec

from cockpit.cli.csv_cells import cell
from cockpit.domain.errors import RemoteProtocolError
from cockpit.domain.market import BookDelta, BookSnapshot, Level, TouchHeartbeat
from cockpit.domain.time import ms_from_nanos
from cockpit.market.book import OrderBook

COLUMNS = ("symbol", "seq", "ts_ms", "bid", "bid_sz", "ask", "ask_sz")

_TextLevel = tuple[str, str]
_NO_LEVEL: _TextLevel = ("", "")


class _TextBook(msgspec.Struct, gc=False):
    b: list[_TextLevel] = []
    a: list[_TextLevel] = []


class _TextFrame(msgspec.Struct, gc=False):
    """A book frame with its numbers as text."""

    topic: str
    data: _TextBook


_decode_text = msgspec.json.Decoder(_TextFrame).decode


class _TopicBook:
    """The book of one topic and the texts of its levels."""

    def __init__(self, symbol: str) -> None:
        self.book = OrderBook(symbol)
        self._bids: dict[float, _TextLevel] = {}
        self._asks: dict[float, _TextLevel] = {}

    def apply(self, event: BookSnapshot | BookDelta, texts: _TextBook) -> None:
        """Apply one frame to the book and to the texts."""
        if isinstance(event, BookSnapshot):
            self._bids.clear()
            self._asks.clear()
        self.book.apply(event)
        _remember(self._bids, event.bids, texts.b)
        _remember(self._asks, event.asks, texts.a)

    def touch(self) -> tuple[str, str, str, str]:
        """Best bid, its size, best ask, its size, as the exchange wrote them; "" where there is none."""
        bid, ask = self.book.best_bid, self.book.best_ask
        return (
            *(self._bids[bid[0]] if bid is not None else _NO_LEVEL),
            *(self._asks[ask[0]] if ask is not None else _NO_LEVEL),
        )


class BboTable:
    """Writes one row after every order-book frame. A symbol recorded at two depths has two books, as it had then."""

    def __init__(self, out: TextIO) -> None:
        self._write = csv.writer(out, lineterminator="\n").writerow
        self._write(COLUMNS)
        self._books: dict[str, _TopicBook] = {}

    def add(self, event: object, raw: bytes) -> None:
        """Take the event that was decoded from ``raw``; events that are no order-book frame have no row.

        Raises:
            RemoteProtocolError: the frame's levels are no texts.
        """
        if not isinstance(event, BookSnapshot | BookDelta | TouchHeartbeat):
            return
        try:
            frame = _decode_text(raw)
        except msgspec.MsgspecError as error:
            raise RemoteProtocolError(str(error)) from error
        touch = self._touch(event, frame)
        self._write((cell(event.symbol), event.seq, ms_from_nanos(event.ts_event), *touch))

    def _touch(self, event: BookSnapshot | BookDelta | TouchHeartbeat, frame: _TextFrame) -> tuple[str, ...]:
        if isinstance(event, TouchHeartbeat):
            return (*(frame.data.b or [_NO_LEVEL])[0], *(frame.data.a or [_NO_LEVEL])[0])
        book = self._books.get(frame.topic)
        if book is None:
            book = self._books[frame.topic] = _TopicBook(event.symbol)
        book.apply(event, frame.data)
        return book.touch()


def _remember(known: dict[float, _TextLevel], levels: list[Level], texts: list[_TextLevel]) -> None:
    for (price, size), text in zip(levels, texts, strict=True):
        if size:
            known[price] = text
        else:
            known.pop(price, None)
