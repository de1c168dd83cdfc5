"""The activity index and its drop."""

from __future__ import annotations

import random

import pytest

from cockpit.detectors.activity import ActivityDetector
from cockpit.detectors.config import ActivityConfig
from cockpit.domain.enums import Side
from cockpit.domain.market import Trade
from cockpit.domain.time import NS_PER_S
from cockpit.market.tape import TradeTape


class Flow:
    """A tape fed with a number of equal trades a second."""

    def __init__(self, start_s: int = 0) -> None:
        self.tape = TradeTape()
        self.detector = ActivityDetector(ActivityConfig())
        self._start_s = start_s
        self._second = 0
        self._numbers = random.Random(7)

    def run(self, seconds: int, rate: int, buys: float = 0.5) -> None:
        for _ in range(seconds):
            self._second += 1
            now_ns = (self._start_s + self._second) * NS_PER_S
            for _ in range(rate + self._numbers.choice([-1, 0, 1])):
                side = Side.BUY if self._numbers.random() < buys else Side.SELL
                self.tape.add([Trade(now_ns, side, 100.0, 1.0, "t")])
            self.tape.advance(now_ns)
            self.detector.update(self.tape)


def test_windows_are_reported_as_they_are_on_the_tape() -> None:
    flow = Flow()
    flow.tape.add([Trade(1, Side.BUY, 100.0, 6.0, "a"), Trade(2, Side.SELL, 100.0, 2.0, "b")])
    flow.tape.advance(3)
    flow.detector.update(flow.tape)
    snapshot = flow.detector.snapshot
    assert (snapshot.tpm_10, snapshot.tpm_60, snapshot.tps_10) == (12.0, 2.0, 0.2)
    assert snapshot.vol_delta_10 == snapshot.vol_delta_60 == snapshot.vol_delta_300 == 4.0
    assert snapshot.buy_sell_ratio_60 == 3.0


def test_steady_flow_is_usual_and_a_burst_is_above_it() -> None:
    flow = Flow()
    flow.run(600, rate=5)
    assert flow.detector.snapshot.index == pytest.approx(0.0, abs=4.0)
    flow.run(10, rate=50)
    assert flow.detector.snapshot.index > 5.0


def test_strong_selling_is_activity_too() -> None:
    flow = Flow()
    flow.run(400, rate=10)
    flow.run(60, rate=10, buys=0.0)
    assert flow.detector.snapshot.vol_delta_60 < 0
    assert flow.detector.snapshot.z_delta > 3.0


def test_drop_is_measured_against_the_index_own_mean() -> None:
    flow = Flow()
    flow.run(900, rate=2)
    flow.run(200, rate=20)
    busy = flow.detector.snapshot
    assert not busy.is_dropping
    flow.run(30, rate=2)
    fallen = flow.detector.snapshot
    assert fallen.index_mean > 0.5
    assert fallen.is_dropping
    assert fallen.drop == pytest.approx((fallen.index_mean - fallen.index) / fallen.index_mean)


def test_nothing_can_drop_from_a_usual_level() -> None:
    flow = Flow()
    flow.run(700, rate=5)
    if flow.detector.snapshot.index_mean < 0.5:
        assert flow.detector.snapshot.drop is None
        assert not flow.detector.snapshot.is_dropping


def test_figures_are_marked_while_warming() -> None:
    flow = Flow()
    assert flow.detector.snapshot.is_warming
    flow.run(119, rate=1)
    assert flow.detector.snapshot.is_warming
    flow.run(2, rate=1)
    assert not flow.detector.snapshot.is_warming


def test_a_shift_of_the_clock_changes_no_figure() -> None:
    here, there = Flow(), Flow(start_s=1_000_003)
    for flow in (here, there):
        flow.run(300, rate=3)
    assert here.detector.snapshot.index == there.detector.snapshot.index
    assert here.detector.snapshot.index_mean == there.detector.snapshot.index_mean
