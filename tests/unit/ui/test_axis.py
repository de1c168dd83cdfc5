import pytest

from cockpit.ui.axis import GROUPS, Recentre, bucket, centred, coarser, default_group, finer, follow, grouped, scrolled

RULE = Recentre(edge_percent=25, rows=10)


def test_the_centre_line_stands_between_the_best_prices() -> None:
    axis = centred(100, 101, rows=11, group=1)
    numbers = axis.numbers(axis.line(100, 101))
    assert numbers == [105, 104, 103, 102, 101, None, 100, 99, 98, 97, 96]
    assert (axis.top, axis.bottom) == (105, 96)


@pytest.mark.parametrize(
    ("bid", "ask", "shown"),
    [
        (103, 104, [105, 104, None, 103, 102, 101, 100, 99, 98, 97, 96]),
        (97, 98, [105, 104, 103, 102, 101, 100, 99, 98, None, 97, 96]),
        (98, 104, [105, 104, 103, 102, 101, None, 100, 99, 98, 97, 96]),
        (200, 201, [None, 105, 104, 103, 102, 101, 100, 99, 98, 97, 96]),
        (10, 11, [105, 104, 103, 102, 101, 100, 99, 98, 97, 96, None]),
    ],
    ids=["above", "below", "within a wide spread", "far above", "far below"],
)
def test_the_line_goes_with_the_book_while_the_prices_stand(bid: int, ask: int, shown: list[int | None]) -> None:
    axis = centred(100, 101, rows=11, group=1)
    assert axis.numbers(axis.line(bid, ask)) == shown


@pytest.mark.parametrize("group", GROUPS)
def test_bid_and_ask_never_share_a_row(group: int) -> None:
    for bid in range(1_000, 1_201):
        assert bucket(bid, group, is_bid=True) < bucket(bid + 1, group, is_bid=False)


@pytest.mark.parametrize("group", GROUPS)
def test_grouping_keeps_the_sum_of_sizes(group: int) -> None:
    levels = [(1_000 - step, 1.5 + step) for step in range(200)]
    assert sum(grouped(levels, group, is_bid=True).values()) == pytest.approx(sum(size for _, size in levels))


def test_the_axis_stands_still_while_the_touch_is_near() -> None:
    axis = centred(1_000, 1_001, rows=41, group=1)
    assert follow(axis, 1_005, 1_006, RULE, is_held=False, now=0.0) is axis


def test_ten_rows_away_it_warns_first_and_then_moves() -> None:
    axis = centred(1_000, 1_001, rows=61, group=1)
    warned = follow(axis, 1_010, 1_011, RULE, is_held=False, now=5.0)
    assert warned.flash_since == 5.0
    assert warned.centre == axis.centre
    assert follow(warned, 1_010, 1_011, RULE, is_held=False, now=5.1) is warned
    moved = follow(warned, 1_010, 1_011, RULE, is_held=False, now=5.21)
    assert moved.centre == 1_011
    assert moved.flash_since is None


def test_the_touch_within_a_quarter_of_the_edge_moves_it() -> None:
    axis = centred(1_000, 1_001, rows=19, group=1)
    assert follow(axis, 1_004, 1_005, RULE, is_held=False, now=0.0).flash_since is None
    assert follow(axis, 1_005, 1_006, RULE, is_held=False, now=0.0).flash_since == 0.0


def test_a_warning_ends_when_the_touch_comes_back() -> None:
    axis = centred(1_000, 1_001, rows=19, group=1)
    warned = follow(axis, 1_008, 1_009, RULE, is_held=False, now=0.0)
    assert follow(warned, 1_001, 1_002, RULE, is_held=False, now=0.1).flash_since is None


def test_it_is_frozen_while_the_user_aims() -> None:
    axis = centred(1_000, 1_001, rows=19, group=1)
    assert follow(axis, 1_900, 1_901, RULE, is_held=True, now=9.0) is axis


def test_scrolled_by_hand_it_stays() -> None:
    axis = scrolled(centred(1_000, 1_001, rows=19, group=1), 5)
    assert axis.centre == 1_006
    assert follow(axis, 1_900, 1_901, RULE, is_held=False, now=9.0) is axis


def test_grouping_steps_stop_at_the_ends() -> None:
    assert coarser(1) == 2
    assert coarser(100) == 100
    assert finer(5) == 2
    assert finer(1) == 1


@pytest.mark.parametrize(
    ("tick", "ticks", "group"), [("0.10", 674_285, 10), ("0.01", 351_105, 5), ("0.01", 15_120, 1), ("0.1", 0, 1)]
)
def test_the_first_grouping_is_a_tenth_of_a_basis_point(tick: str, ticks: int, group: int) -> None:
    assert default_group(tick, ticks) == group
