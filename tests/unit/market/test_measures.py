"""Measures against numbers worked out by hand."""

from __future__ import annotations

import pytest

from cockpit.domain.enums import BookSide
from cockpit.market import measures

BIDS = ([100.0, 99.0, 98.0], [1.0, 2.0, 3.0])
ASKS = ([101.0, 102.0, 103.0], [3.0, 4.0, 5.0])


def test_touch_measures_of_one_book() -> None:
    assert measures.mid(100.0, 101.0) == 100.5
    assert measures.spread(100.0, 101.0) == 1.0
    assert measures.spread_bps(100.0, 101.0) == pytest.approx(99.50248756)
    assert measures.microprice(100.0, 1.0, 101.0, 3.0) == 100.25


def test_microprice_leans_to_the_side_that_gives_way() -> None:
    assert measures.microprice(100.0, 9.0, 101.0, 1.0) > 100.5


def test_imbalance_counts_the_best_levels_only() -> None:
    assert measures.imbalance(BIDS[1], ASKS[1], 1) == -0.5
    assert measures.imbalance(BIDS[1], ASKS[1], 3) == pytest.approx(-1 / 3)


def test_imbalance_of_two_empty_sides_is_not_defined() -> None:
    assert measures.imbalance([], [], 5) is None
    assert measures.imbalance_within(([], []), ASKS, 100.0) is None


def test_depth_within_takes_levels_up_to_the_distance() -> None:
    assert measures.depth_within(*ASKS, 100.0, 200.0) == 7.0
    assert measures.depth_within(*BIDS, 100.0, 50.0) == 1.0
    assert measures.depth_within(*ASKS, 100.0, 50.0) == 0
    assert measures.depth_within(*ASKS, 100.0, 1000.0) == 12.0


def test_imbalance_within_a_range_of_the_mid() -> None:
    assert measures.imbalance_within(BIDS, ASKS, 60.0) == -0.5


def test_buckets_round_bids_down_and_asks_up() -> None:
    assert measures.depth_by_bucket(BookSide.BID, *BIDS, 2.0) == [(100.0, 1.0), (98.0, 5.0)]
    assert measures.depth_by_bucket(BookSide.ASK, *ASKS, 2.0) == [(102.0, 7.0), (104.0, 5.0)]


def test_price_on_the_edge_of_a_bucket_stays_on_it_despite_binary_floats() -> None:
    assert measures.bucket_of(BookSide.BID, 0.3, 0.1) == 3
    assert measures.bucket_of(BookSide.ASK, 0.3, 0.1) == 3
    assert measures.bucket_of(BookSide.ASK, 28145.2, 0.1) == 281452
