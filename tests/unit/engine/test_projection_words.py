"""Figures of a wall as ladder, panel and map show them."""

import pytest

from cockpit.detectors.wall import Wall
from cockpit.domain.enums import BookSide
from cockpit.domain.ids import WallId
from cockpit.engine.projection.words import fate_percent, number


@pytest.mark.parametrize(
    ("code", "traded", "pulled", "percent"),
    [("C", 8.1, 0.3, 81), ("P", 0.3, 8.8, 88), ("?", 0.6, 0.0, 6), ("R", 10.9, 0.0, 100), ("P", 0.0, 25.0, 100)],
)
def test_the_percentage_is_of_what_the_letter_says_and_never_above_all(code, traded, pulled, percent) -> None:
    wall = Wall(
        wall_id=WallId("w"), symbol="BTCUSDT", side=BookSide.BID, price=1.0, first_seen_ns=0, initial=10.0, peak=10.0,
        current=1.0, traded=traded, pulled=pulled, refilled=0.0, pending=0.0, touches=0, notional_usdt=1.0,
        side_percent=1.0, relative_strength=1.0, median_multiple=1.0, criteria=(), is_cluster=False, code=code,
    )  # fmt: skip
    assert fate_percent(wall) == percent


@pytest.mark.parametrize(("value", "text"), [(1.21e-12, "0"), (-3e-13, "0"), (0.0481, "0.0481"), (95.13, "95.1")])
def test_a_measured_value_has_three_digits_and_no_noise(value: float, text: str) -> None:
    assert number(value) == text
