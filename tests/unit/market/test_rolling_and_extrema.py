"""Rolling statistics, cadence and extrema."""

from __future__ import annotations

import random
import statistics

import pytest

from cockpit.domain.time import NS_PER_S
from cockpit.market.extrema import Extrema
from cockpit.market.rolling import Cadence, RollingMedian, RollingStats


def test_cadence_is_anchored_at_its_first_stamp() -> None:
    answers = {}
    for shift in (0, 7, 123_456_789):
        cadence = Cadence(100)
        answers[shift] = [cadence.is_due(shift + at) for at in (3, 50, 102, 103, 150, 480, 502, 503)]
    assert answers[0] == [True, False, False, True, False, True, False, True]
    assert answers[7] == answers[123_456_789] == answers[0]


def test_rolling_median_keeps_the_last_values_only() -> None:
    median = RollingMedian(3)
    assert median.value is None
    for value in (9.0, 1.0, 2.0, 3.0, 3.0):
        median.add(value)
    assert median.value == 3.0


def test_rolling_stats_equal_a_fresh_computation() -> None:
    numbers = random.Random(1)
    stats = RollingStats(50)
    values = [(at, numbers.uniform(-5, 5)) for at in range(500)]
    for at, value in values:
        stats.add(at, value)
    inside = [value for at, value in values if at > 499 - 50]
    assert stats.count == 50
    assert stats.mean == pytest.approx(statistics.fmean(inside))
    assert stats.deviation == pytest.approx(statistics.pstdev(inside))


def test_z_score_of_a_constant_series_is_zero() -> None:
    stats = RollingStats(10)
    for at in range(5):
        stats.add(at, 0.1)
    assert stats.z_score(0.1) == 0.0


def test_extrema_forget_what_is_older_than_the_window() -> None:
    extrema = Extrema(600 * NS_PER_S)
    extrema.update(0, 200.0)
    for second in range(10, 1_000, 10):
        extrema.update(second * NS_PER_S, 100.0 + second % 70)
    assert extrema.high == 160.0
    assert extrema.low == 100.0


def test_extrema_are_warming_until_the_window_is_full() -> None:
    extrema = Extrema(600 * NS_PER_S)
    assert extrema.is_warming
    extrema.update(5 * NS_PER_S, 1.0)
    extrema.update(604 * NS_PER_S, 2.0)
    assert extrema.is_warming
    extrema.update(605 * NS_PER_S, 2.0)
    assert not extrema.is_warming


def test_known_levels_hold_high_low_and_swings() -> None:
    extrema = Extrema(14_400 * NS_PER_S)
    for minute in range(60):
        price = 100.0 + (5.0 if minute == 20 else 0.0) - (4.0 if minute == 40 else 0.0) + minute * 0.01
        extrema.update(minute * 60 * NS_PER_S, price)
    assert set(extrema.known_levels()) == {105.2, 96.4}
    extrema.update(3_601 * NS_PER_S, 110.0)
    assert extrema.known_levels() == (96.4, 105.2, 110.0)
