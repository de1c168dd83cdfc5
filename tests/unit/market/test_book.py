"""OrderBook through its public door: sequence, snapshots, broken books."""

from __future__ import annotations

from math import inf, nan

import pytest

from cockpit.domain.enums import BookSide
from cockpit.domain.market import BookDelta, BookSnapshot, Level
from cockpit.market.book import OrderBook

BIDS: list[Level] = [(100.0, 1.0), (99.0, 2.0), (98.0, 3.0)]
ASKS: list[Level] = [(101.0, 1.5), (102.0, 2.5), (103.0, 3.5)]


def snapshot(u: int = 10, bids: list[Level] | None = None, asks: list[Level] | None = None) -> BookSnapshot:
    return BookSnapshot("X", 1_000, 0, u, 0, BIDS if bids is None else bids, ASKS if asks is None else asks)


def delta(u: int, bids: list[Level] | None = None, asks: list[Level] | None = None) -> BookDelta:
    return BookDelta("X", 2_000, 0, u, 0, bids or [], asks or [])


@pytest.fixture
def book() -> OrderBook:
    book = OrderBook("X")
    assert book.apply(snapshot())
    return book


def test_snapshot_gives_both_sides_best_first(book: OrderBook) -> None:
    assert book.bids() == ([100.0, 99.0, 98.0], [1.0, 2.0, 3.0])
    assert book.asks() == ([101.0, 102.0, 103.0], [1.5, 2.5, 3.5])
    assert (book.best_bid, book.best_ask) == ((100.0, 1.0), (101.0, 1.5))
    assert book.is_valid


def test_delta_sets_inserts_and_deletes_levels(book: OrderBook) -> None:
    assert book.apply(delta(11, bids=[(99.0, 5.0), (99.5, 1.0), (98.0, 0.0)], asks=[(101.0, 0.0)]))
    assert book.bids() == ([100.0, 99.5, 99.0], [1.0, 1.0, 5.0])
    assert book.best_ask == (102.0, 2.5)
    assert (book.update_id, book.ts_event) == (11, 2_000)


def test_size_at_tells_a_level_and_zero_for_none(book: OrderBook) -> None:
    assert book.size_at(BookSide.BID, 99.0) == 2.0
    assert book.size_at(BookSide.ASK, 103.0) == 3.5
    assert book.size_at(BookSide.ASK, 99.0) == 0.0


def test_delete_of_absent_level_is_ignored(book: OrderBook) -> None:
    assert book.apply(delta(11, bids=[(97.5, 0.0)], asks=[(110.0, 0.0)]))
    assert book.bids()[0] == [100.0, 99.0, 98.0]


@pytest.mark.parametrize("u", [10, 12, 9, 1])
def test_wrong_update_id_makes_the_book_invalid_and_says_so(book: OrderBook, u: int) -> None:
    assert not book.apply(delta(u))
    assert not book.is_valid
    assert book.invalid_reason == f"update id {u} after 10"


def test_invalid_book_shows_no_levels_and_drops_deltas_until_a_snapshot(book: OrderBook) -> None:
    book.apply(delta(20))
    assert not book.apply(delta(11, bids=[(100.0, 9.0)]))
    assert book.best_bid is None
    assert book.best_ask is None
    assert book.apply(snapshot(u=21))
    assert book.apply(delta(22, bids=[(100.0, 9.0)]))
    assert book.best_bid == (100.0, 9.0)


def test_delta_before_the_first_snapshot_is_dropped() -> None:
    book = OrderBook("X")
    assert not book.apply(delta(1))
    assert book.invalid_reason == "no snapshot yet"


def test_snapshot_in_mid_stream_replaces_the_whole_book(book: OrderBook) -> None:
    book.apply(delta(11))
    assert book.apply(snapshot(u=500, bids=[(50.0, 1.0)], asks=[(51.0, 1.0)]))
    assert book.bids() == ([50.0], [1.0])
    assert book.apply(delta(501))


def test_snapshot_with_update_id_one_restarts_the_sequence(book: OrderBook) -> None:
    assert book.apply(snapshot(u=1))
    assert book.updates_since_snapshot == 0
    assert book.apply(delta(2))
    assert book.updates_since_snapshot == 1


@pytest.mark.parametrize("bid", [101.0, 101.5])
def test_crossed_or_locked_book_is_invalid(book: OrderBook, bid: float) -> None:
    assert not book.apply(delta(11, bids=[(bid, 1.0)]))
    assert book.invalid_reason == f"crossed: bid {bid} >= ask 101.0"


def test_book_crossed_only_inside_one_delta_stays_valid(book: OrderBook) -> None:
    assert book.apply(delta(11, bids=[(101.0, 1.0)], asks=[(101.0, 0.0)]))
    assert book.best_bid == (101.0, 1.0)


@pytest.mark.parametrize("size", [-1.0, nan, inf])
def test_size_that_is_no_size_breaks_the_book(book: OrderBook, size: float) -> None:
    assert not book.apply(delta(11, asks=[(102.0, size)]))
    assert "is no size" in book.invalid_reason


@pytest.mark.parametrize("price", [0.0, -1.0, nan, inf])
def test_price_that_is_no_price_breaks_the_book(book: OrderBook, price: float) -> None:
    assert not book.apply(delta(11, bids=[(price, 1.0)]))
    assert "is no price" in book.invalid_reason


def test_crossed_snapshot_is_invalid_until_the_next_one(book: OrderBook) -> None:
    assert not book.apply(snapshot(u=11, bids=[(105.0, 1.0)]))
    assert book.apply(snapshot(u=12))


def test_side_may_be_empty(book: OrderBook) -> None:
    assert book.apply(snapshot(u=11, asks=[]))
    assert book.best_ask is None
    assert book.best_bid == (100.0, 1.0)


def test_level_behind_a_full_window_is_beyond_it(book: OrderBook) -> None:
    book.apply(delta(11, bids=[(100.5, 1.0), (98.0, 0.0)]))
    assert book.ladder(BookSide.BID).is_beyond_window(98.0)
    assert not book.ladder(BookSide.BID).is_beyond_window(99.5)


def test_level_behind_a_window_that_is_not_full_was_really_deleted(book: OrderBook) -> None:
    book.apply(delta(11, bids=[(98.0, 0.0)]))
    assert not book.ladder(BookSide.BID).is_beyond_window(98.0)
