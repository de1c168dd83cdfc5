import pytest

from cockpit.ui.format import ASCII, BLOCKS, PriceScale, bar, bar_left, clock, spark, thousands
from cockpit.views.numbers import age, signed, size5, size6


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.033, "0.033"), (0.9996, "1.00"), (2.1, "2.10"), (9.996, "10.0"), (11.3, "11.3"), (99.96, "100"),
        (412.4, "412"), (999.6, "1.00k"), (1_250, "1.25k"), (9_996, "10.0k"), (45_678, "45.7k"), (999_960, "1.00m"),
        (27_800_000, "27.80m"), (1_230_000_000, "1.23b"),
    ],
)  # fmt: skip
def test_sizes_take_at_most_six_characters(value: float, text: str) -> None:
    assert size6(value) == text
    assert len(text) <= 6


@pytest.mark.parametrize("value", [0.4, 8.25, 99.9, 12_345, 123_456, 999_900, 12_345_678, 2_000_000_000])
def test_short_sizes_take_at_most_five_characters(value: float) -> None:
    assert len(size5(value)) <= 5


@pytest.mark.parametrize(("value", "text"), [(0.36, "+0.36"), (-1.47, "-1.47"), (155, "+155"), (-1234, "-1.23k")])
def test_changes_carry_their_sign(value: float, text: str) -> None:
    assert signed(value) == text


@pytest.mark.parametrize(("digits", "text"), [("67428.5", "67 428.5"), ("-1234567", "-1 234 567"), ("0.125", "0.125")])
def test_thousands_stand_apart(digits: str, text: str) -> None:
    assert thousands(digits) == text


@pytest.mark.parametrize(
    ("tick", "group", "ticks", "text"),
    [("0.10", 10, 674_280, "67 428"), ("0.10", 1, 674_285, "67 428.5"), ("0.01", 5, 351_185, "3 511.85"),
     ("0.00001", 1, 12_520, "0.12520"), ("0.5", 10, 4, "2")],
)  # fmt: skip
def test_a_price_shows_only_the_digits_that_its_rows_step_needs(tick: str, group: int, ticks: int, text: str) -> None:
    assert PriceScale(tick, group).text(ticks) == text


@pytest.mark.parametrize(("seconds", "text"), [(31, "31s"), (63, "1m03"), (35_040, "9h44"), (190_000, "2d04")])
def test_ages_take_at_most_five_characters(seconds: float, text: str) -> None:
    assert age(seconds) == text


def test_the_clock_is_utc() -> None:
    assert clock(1_790_000_000_000) == "14:13:20"


def test_a_bar_grows_in_eighths_and_never_leaves_its_cells() -> None:
    assert bar(50, 100, 10, BLOCKS) == "█████"
    assert bar(0.1, 100, 10, BLOCKS) == "▏"
    assert bar(1_000, 100, 10, BLOCKS) == "█" * 10
    assert bar(0, 100, 10, BLOCKS) == ""
    assert bar(50, 100, 10, ASCII) == "====="


def test_a_left_bar_grows_from_its_right_edge() -> None:
    assert bar_left(55, 100, 10, BLOCKS) == "▐█████"
    assert bar_left(50, 100, 10, ASCII) == "====="


def test_a_sparkline_is_exactly_as_wide_as_asked_and_shows_the_shape() -> None:
    assert spark([0, 1, 2, 3, 4, 5, 6, 7], 8, BLOCKS) == "▁▂▃▄▅▆▇█"
    assert spark([5, 5], 4, BLOCKS) == "  ▁▁"
    assert spark([], 4, BLOCKS) == "    "
    assert spark([1, 2], 3, ASCII).isascii()
