"""The five criteria and their combiner."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from cockpit.detectors.config import DensityConfig
from cockpit.detectors.criteria import (
    Criteria,
    SideBaseline,
    bucket_multiple,
    bucket_totals,
    cluster,
    smallest_step,
)
from cockpit.domain.enums import BookSide
from cockpit.domain.market import Level
from cockpit.market.book import BookLadder


def ladder_of(side: BookSide, levels: list[Level]) -> BookLadder:
    ladder = BookLadder(-1.0 if side is BookSide.BID else 1.0)
    assert ladder.apply(levels) == ""
    return ladder


def asks(*sizes: float, start: float = 100.0, step: float = 0.1) -> BookLadder:
    return ladder_of(BookSide.ASK, [(round(start + i * step, 4), size) for i, size in enumerate(sizes)])


def usual_of(
    ladder: BookLadder, side: BookSide = BookSide.ASK, median: float = 0.0, bucket: float = 0.0
) -> SideBaseline:
    total = sum(ladder.sizes)
    return SideBaseline(side, total, total / len(ladder.sizes), median, bucket)


def names(
    config: DensityConfig, ladder: BookLadder, at: int, scale: float = 1.0, **usual: float
) -> tuple[str, ...] | None:
    return Criteria(config).passed(ladder, at, ladder.sizes[at], usual_of(ladder, **usual), scale)  # type: ignore[arg-type]


def test_all_three_criteria_of_the_default_make_a_wall() -> None:
    ladder = asks(100, 100, 600, 100, 100)
    assert names(DensityConfig(), ladder, 2) == ("abs_usd", "side_percent", "neighbours")


def test_notional_counts_in_quote_currency() -> None:
    ladder = asks(10, 10, 499, 10, 10)
    assert names(DensityConfig(), ladder, 2) is None
    assert names(DensityConfig(), asks(10, 10, 500, 10, 10), 2) is not None


def test_neighbours_are_taken_on_both_sides_without_the_level_itself() -> None:
    config = DensityConfig(criteria=("neighbours",), neighbours_n=1, neighbours_x=3.0)
    ladder = asks(900, 10, 60, 30, 900)
    assert Criteria(config).strength(ladder, 2, SideBaseline(BookSide.ASK)).relative == 3.0
    assert Criteria(config).passed(ladder, 2, 60.0, SideBaseline(BookSide.ASK)) == ("neighbours",)


def test_next_to_nothing_is_no_wall() -> None:
    assert names(DensityConfig(criteria=("neighbours",)), asks(1, 30, 1, 1, 1, 1, 1, 1000, 1000), 1) is None


def test_side_percent_is_a_share_of_the_visible_side() -> None:
    config = DensityConfig(criteria=("side_percent",), side_percent=50.0)
    assert names(config, asks(100, 99), 1) is None
    assert names(config, asks(100, 100), 1) == ("side_percent",)


def test_median_bucket_needs_a_median_and_the_largest_level_of_the_bucket() -> None:
    config = DensityConfig(criteria=("median_bucket",), k_density=2.5)
    ladder = asks(50, 60, 5, 5, start=100.1)
    assert names(config, ladder, 1) is None
    assert names(config, ladder, 1, median=44.0, bucket=0.2) == ("median_bucket",)
    assert names(config, ladder, 0, median=44.0, bucket=0.2) is None
    assert names(config, ladder, 1, median=44.1, bucket=0.2) is None


def test_cluster_is_several_comparable_levels_within_reach() -> None:
    ladder = asks(1, 30, 40, 25, 1)
    assert cluster(ladder, 2, 40.0, 0.2) == (3, 95.0)
    assert cluster(ladder, 1, 30.0, 0.2) == (1, 30.0), "only the largest level stands for its cluster"
    assert cluster(ladder, 2, 40.0, 0.01) == (1, 40.0)
    config = DensityConfig(criteria=("cluster",), cluster_range_pct=0.2, abs_usd=9_500.0)
    assert names(config, ladder, 2) == ("cluster",)
    assert names(DensityConfig(criteria=("cluster",), cluster_range_pct=0.2, abs_usd=9_600.0), ladder, 2) is None


@pytest.mark.parametrize(("combine", "is_wall"), [("all", False), ("any", True), ("n_of", True)])
def test_combiner_says_how_many_criteria_are_needed(combine: str, is_wall: bool) -> None:
    config = DensityConfig(combine=combine, n_of=2, abs_usd=1e9)  # type: ignore[arg-type]
    passed = names(config, asks(100, 100, 600, 100, 100), 2)
    assert passed == (("side_percent", "neighbours") if is_wall else None)


def test_scale_relaxes_every_threshold() -> None:
    ladder = asks(100, 100, 260, 100, 100)
    assert names(DensityConfig(), ladder, 2) is None
    assert names(DensityConfig(), ladder, 2, scale=0.5) is not None


@pytest.mark.parametrize("combine", ["all", "any", "n_of"])
def test_no_level_below_the_floor_is_a_wall(combine: str) -> None:
    config = DensityConfig(
        criteria=("abs_usd", "neighbours", "side_percent", "median_bucket", "cluster"),
        combine=combine,  # type: ignore[arg-type]
        n_of=3,
        abs_usd=3_000.0,
        cluster_range_pct=0.2,
    )
    ladder = asks(5, 80, 3, 31, 30, 1, 1, 200, 2, 110)
    usual = usual_of(ladder, median=10.0, bucket=0.2)
    criteria = Criteria(config)
    floor = criteria.size_floor(ladder, usual)
    walls = [at for at, size in enumerate(ladder.sizes) if criteria.passed(ladder, at, size, usual) is not None]
    assert walls
    assert all(ladder.sizes[at] >= floor for at in walls)


def test_bucket_totals_group_bids_down_and_asks_up() -> None:
    bids = ladder_of(BookSide.BID, [(100.0, 1.0), (99.0, 2.0), (98.0, 3.0), (97.0, 4.0)])
    offers = ladder_of(BookSide.ASK, [(101.0, 3.0), (102.0, 4.0), (103.0, 5.0)])
    assert bucket_totals(bids, 2.0) == [1.0, 5.0, 4.0]
    assert bucket_totals(offers, 2.0) == [7.0, 5.0]
    usual = SideBaseline(BookSide.BID, median_bucket=2.0, bucket=2.0)
    assert bucket_multiple(bids, 2, 3.0, usual) == (2.5, True)
    assert bucket_multiple(bids, 1, 2.0, usual) == (2.5, False)


def test_buckets_are_not_split_by_binary_floats() -> None:
    ladder = asks(*[1.0] * 30, start=28145.1)
    assert bucket_totals(ladder, smallest_step(ladder) * 10) == [10.0, 10.0, 10.0]


def test_smallest_step_is_the_tick() -> None:
    assert smallest_step(asks(1, 1, 1, start=28145.1)) == 0.1
    assert smallest_step(ladder_of(BookSide.BID, [(0.01731, 1.0), (0.0173, 1.0), (0.01728, 1.0)])) == 0.00001


@pytest.mark.parametrize(
    "wrong",
    [
        {"criteria": ()},
        {"criteria": ("abs_usd", "abs_usd")},
        {"combine": "n_of", "n_of": 4},
        {"eaten_marks": (0.75, 0.3)},
        {"unknown": 1},
    ],
)
def test_wrong_parameters_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        DensityConfig.model_validate(wrong)
