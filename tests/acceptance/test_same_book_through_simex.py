"""Real frames through the sockets of the simulated exchange and the real adapter give the book that the file gives."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from random import Random

import pytest

from cockpit.adapters.bybit.config import BybitConfig
from cockpit.adapters.bybit.public import PublicDecoder
from cockpit.adapters.bybit.venue import BybitVenue
from cockpit.adapters.system.clock import LiveClock
from cockpit.domain.events import MarketEnded, StreamLost
from cockpit.domain.market import BookDelta, BookSnapshot
from cockpit.market.book import OrderBook
from tests.support.recorded import frames, recorded
from tests.support.simex_process import SimexProcess, simex_process

pytestmark = pytest.mark.recorded

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT")
FOLDER = "bybit-linear-2026-08"
SPEED = 30.0

Picture = tuple[str, int, bool, tuple[tuple[float, float], ...], tuple[tuple[float, float], ...]]
"""(symbol, seq, is valid, bids, asks) after one frame, levels as (price, size), best first."""


class Books:
    """Books of all symbols, and a picture of the changed one after every frame."""

    def __init__(self) -> None:
        self.pictures: list[Picture] = []
        self._books = {symbol: OrderBook(symbol) for symbol in SYMBOLS}

    def take(self, event: object) -> None:
        """Apply a book event; others change nothing."""
        if not isinstance(event, BookSnapshot | BookDelta):
            return
        book = self._books[event.symbol]
        book.apply(event)
        bids, asks = (tuple(zip(*side, strict=True)) for side in (book.bids(), book.asks()))
        self.pictures.append((event.symbol, event.seq, book.is_valid, bids, asks))

    def of(self, symbol: str) -> list[Picture]:
        """The pictures of one symbol in their order."""
        return [picture for picture in self.pictures if picture[0] == symbol]


def books_of_the_file(name: str) -> Books:
    decoder, books = PublicDecoder(), Books()
    for ts_recv, raw in frames(name):
        books.take(decoder.decode(raw, ts_recv))
    return books


async def books_through_sockets(simex: SimexProcess, depth: int) -> Books:
    ready, books = simex.ready, Books()
    addresses = {"rest_url": ready["rest"], "public_url": ready["public"], "private_url": ready["private"]}
    venue = BybitVenue(BybitConfig(**addresses, depth=depth), None, LiveClock(), Random(1))
    try:
        await venue.subscribe(SYMBOLS)
        async with asyncio.timeout(60):
            async for event in venue.events():
                assert not isinstance(event, StreamLost), event
                books.take(event)
                if isinstance(event, MarketEnded):
                    return books
    finally:
        await venue.aclose()
    raise AssertionError("the stream ended before the market")


@pytest.mark.parametrize("depth", [200, 50])
async def test_book_is_the_same_at_every_recorded_update(depth: int) -> None:
    name = f"{FOLDER}/frames_ob{depth}.jsonl.gz"
    truth = books_of_the_file(name)
    with simex_process("--market", f"recording:{recorded(name)}", "--speed", str(SPEED)) as simex:
        seen = await books_through_sockets(simex, depth)
    for symbol in SYMBOLS:
        assert len(truth.of(symbol)) > 200
        assert {picture[2] for picture in truth.of(symbol)} == {True}
        differing = [
            (mine[1], theirs[1])
            for mine, theirs in zip(seen.of(symbol), truth.of(symbol), strict=True)
            if mine != theirs
        ]
        assert differing == [], f"{symbol}: {len(differing)} books differ, the first at seq {differing[:1]}"
        assert {len(side) for picture in seen.of(symbol) for side in picture[3:]} <= {depth}


async def test_derived_shallow_book_is_told_whenever_the_top_of_the_recorded_one_changes() -> None:
    name = f"{FOLDER}/frames_ob200.jsonl.gz"
    truth = books_of_the_file(name)
    with simex_process("--market", f"recording:{recorded(name)}", "--speed", str(SPEED)) as simex:
        seen = await books_through_sockets(simex, 50)
    for symbol in SYMBOLS:
        tops = [(seq, (bids[:50], asks[:50])) for _, seq, _, bids, asks in truth.of(symbol)]
        changed = [tops[0], *(top for before, top in pairwise(tops) if before[1] != top[1])]
        assert [(seq, (bids, asks)) for _, seq, _, bids, asks in seen.of(symbol)] == changed
