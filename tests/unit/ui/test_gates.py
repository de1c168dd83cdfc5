"""A gate in a narrow row: what is wrong is never cut for what is needed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.ui.safe import cells
from cockpit.ui.widgets.look import gate_words
from cockpit.views.model import GateView


@pytest.mark.parametrize(
    ("name", "value", "threshold", "row"),
    [
        ("commit", "119 ms", "<= 50 ms", "commit        119 ms <= 50 ms "),
        ("missing stops", "BTCUSDT", "none", "missing sto~ BTCUSDT none     "),
        ("books agree", "BTCUSDT, ETHUSDT", "yes", "books agree BTCUSDT, ETHUSDT  "),
    ],
)
def test_a_value_that_is_too_long_takes_the_place_of_the_threshold(
    name: str, value: str, threshold: str, row: str
) -> None:
    assert "".join(gate_words(GateView(name, value, threshold, "fail"), 30, 10)) == row


@pytest.mark.parametrize(
    ("name", "value", "threshold", "row"),
    [
        ("drift", "0.174 %", "<= 0.15 %", "drift       0.174 % <= 0.15 %"),
        ("counter-density", "0.31 %", "<= 0.40 %", "counter-den~ 0.31 % <= 0.40 %"),
        ("wall eroded", "no data", ">= 65 % of the first", "wall eroded no data          "),
    ],
)
def test_a_threshold_is_shown_whole_or_not_at_all(name: str, value: str, threshold: str, row: str) -> None:
    assert "".join(gate_words(GateView(name, value, threshold, "fail"), 29, 9)) == row


@given(st.text(max_size=30), st.text(max_size=60), st.text(max_size=30), st.integers(20, 70))
def test_a_gate_takes_exactly_its_width(name: str, value: str, threshold: str, width: int) -> None:
    assert sum(cells(part) for part in gate_words(GateView(name, value, threshold, "fail"), width, 10)) == width
