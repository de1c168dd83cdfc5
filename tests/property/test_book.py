"""OrderBook against a naive dict of levels."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cockpit.domain.enums import BookSide
from cockpit.domain.market import BookDelta, BookSnapshot, Level
from cockpit.market.book import OrderBook

bid_levels = st.lists(st.tuples(st.integers(1, 40).map(float), st.integers(0, 5).map(float)), max_size=8)
ask_levels = st.lists(st.tuples(st.integers(41, 80).map(float), st.integers(0, 5).map(float)), max_size=8)


@given(st.lists(st.tuples(bid_levels, ask_levels, st.booleans()), max_size=30))
def test_book_equals_a_naive_dict_of_levels(messages: list[tuple[list[Level], list[Level], bool]]) -> None:
    book = OrderBook("X")
    book.apply(BookSnapshot("X", 0, 0, 1, 0, [], []))
    naive: dict[BookSide, dict[float, float]] = {BookSide.BID: {}, BookSide.ASK: {}}
    for u, (bids, asks, is_snapshot) in enumerate(messages, start=2):
        if is_snapshot:
            naive = {BookSide.BID: {}, BookSide.ASK: {}}
        for side, levels in ((BookSide.BID, bids), (BookSide.ASK, asks)):
            naive[side].update(levels)
            naive[side] = {price: size for price, size in naive[side].items() if size}
        kind = BookSnapshot if is_snapshot else BookDelta
        assert book.apply(kind("X", u, 0, u, 0, bids, asks))
        assert list(zip(*book.bids(), strict=True)) == sorted(naive[BookSide.BID].items(), reverse=True)
        assert list(zip(*book.asks(), strict=True)) == sorted(naive[BookSide.ASK].items())
