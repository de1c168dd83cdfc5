"""The rebuilt top of book against the exchange's own best bid and offer."""

from __future__ import annotations

import csv
import gzip

import pytest

from cockpit.domain.market import BookDelta, BookSnapshot
from cockpit.market.book import OrderBook
from tests.support.decoded import recorded_events
from tests.support.recorded import recorded

pytestmark = pytest.mark.recorded


@pytest.mark.parametrize("folder", ["nexousdt-24h", "btcusdt-perp-2023"])
def test_rebuilt_top_of_book_equals_the_oracle_at_every_common_seq(folder: str) -> None:
    with gzip.open(recorded(f"{folder}/oracle_bbo.csv.gz"), "rt") as text:
        oracle = {int(row[0]): tuple(map(float, row[1:])) for row in list(csv.reader(text))[1:]}
    book = OrderBook(folder)
    compared = 0
    for event in recorded_events(f"{folder}/frames.jsonl.gz"):
        if not isinstance(event, BookSnapshot | BookDelta):
            continue
        assert book.apply(event), book.invalid_reason
        if event.seq in oracle:
            assert book.best_bid is not None
            assert book.best_ask is not None
            assert (*book.best_bid, *book.best_ask) == oracle[event.seq]
            compared += 1
    assert compared > 9_000


@pytest.mark.parametrize(
    ("path", "levels"), [("bybit-linear-2026-08/frames_ob200.jsonl.gz", 200), ("alts-2021/frames.jsonl.gz", None)]
)
def test_recorded_books_never_break_and_keep_their_levels(path: str, levels: int | None) -> None:
    books: dict[str, OrderBook] = {}
    for event in recorded_events(path):
        if isinstance(event, BookSnapshot | BookDelta):
            book = books.setdefault(event.symbol, OrderBook(event.symbol))
            assert book.apply(event), book.invalid_reason
            if levels is not None:
                assert len(book.bids()[0]) == len(book.asks()[0]) == levels
    assert len(books) == 4
