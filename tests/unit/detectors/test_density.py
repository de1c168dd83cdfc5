"""The life of a wall, told by the detector."""

from __future__ import annotations

import pytest

from cockpit.detectors.config import DensityConfig, DetectorsConfig
from cockpit.domain.enums import BookSide, Side
from cockpit.domain.market import Ticker, TouchHeartbeat
from cockpit.domain.time import NS_PER_MS
from tests.support.market_script import START_MS, MarketScript

WALL = 999.5
"""Fifth bid of the usual book; 100 of it is 100,000 USD, ten times its neighbours."""


@pytest.fixture
def script() -> MarketScript:
    """A bid wall of 100 stands and is known."""
    script = MarketScript()
    script.book(100, bids=[(WALL, 100.0)])
    script.quiet(1_000)
    assert script.told() == ["new"]
    return script


def test_wall_is_born_with_its_figures(script: MarketScript) -> None:
    wall = script.wall
    assert (wall.wall_id, wall.symbol, wall.side, wall.price) == ("XUSDT-1", "XUSDT", BookSide.BID, WALL)
    assert (wall.initial, wall.peak, wall.current, wall.notional_usdt) == (100.0, 100.0, 100.0, 99_950.0)
    assert wall.side_percent == pytest.approx(100.0 * 100 / 290)
    assert wall.relative_strength == 10.0
    assert wall.criteria == ("abs_usd", "side_percent", "neighbours")
    assert wall.first_seen_ns == (START_MS + 300) * NS_PER_MS, "the first scan after it appeared"
    assert (wall.code, wall.eaten_ratio, wall.ended_ns) == ("?", 0.0, None)


def test_level_that_flickers_is_no_wall() -> None:
    script = MarketScript()
    for at_ms in range(100, 2_000, 200):
        script.book(at_ms, bids=[(WALL, 100.0)])
        script.book(at_ms + 100, bids=[(WALL, 10.0)])
    assert script.told() == []


def test_usual_book_has_no_wall() -> None:
    script = MarketScript()
    script.quiet(3_000)
    assert script.told() == []


def test_eaten_wall_is_told_at_its_marks(script: MarketScript) -> None:
    script.trade(1_090, Side.SELL, WALL, 40.0)
    script.book(1_100, bids=[(WALL, 60.0)])
    assert script.told() == ["new", "eaten"]
    assert (script.wall.traded, script.wall.eaten_ratio, script.wall.pulled) == (40.0, 0.4, 0.0)
    script.book(1_200, bids=[(WALL, 20.0)])
    script.trade(1_195, Side.SELL, WALL, 40.0)
    assert script.told() == ["new", "eaten", "eaten"]


def test_prints_of_the_other_side_or_of_blocks_are_not_credited(script: MarketScript) -> None:
    script.trade(1_090, Side.BUY, WALL, 40.0)
    script.trade(1_090, Side.SELL, WALL, 40.0, is_block=True)
    script.trade(1_090, Side.SELL, 999.6, 40.0)
    script.book(1_100, bids=[(WALL, 60.0)])
    script.quiet(2_000)
    assert (script.wall.traded, script.wall.pulled) == (0.0, 40.0)
    assert script.told() == ["new", "pulled"]


def test_print_that_the_first_size_knew_already_is_not_credited(script: MarketScript) -> None:
    script.trade(450, Side.SELL, WALL, 40.0)
    script.quiet(3_000)
    assert (script.wall.traded, script.wall.refilled) == (0.0, 0.0)


def test_iceberg_is_traded_and_refilled(script: MarketScript) -> None:
    script.trade(1_100, Side.SELL, WALL, 40.0)
    script.quiet(2_000)
    assert (script.wall.traded, script.wall.refilled, script.wall.current) == (40.0, 40.0, 100.0)


def test_deleted_wall_is_gone_when_its_decrease_is_explained(script: MarketScript) -> None:
    script.book(1_100, bids=[(WALL, 0.0)])
    assert script.told() == ["new"]
    assert script.bank.walls == []
    (ended,) = script.bank.recent_walls
    assert (ended.end_reason, ended.pending) == ("removed", 100.0)
    script.trade(1_095, Side.SELL, WALL, 100.0)
    script.quiet(1_400)
    assert script.told() == ["new", "eaten", "gone"]
    assert (script.last.traded, script.last.pending, script.last.code) == (100.0, 0.0, "C")
    assert script.last.ended_ns == (START_MS + 1_100) * NS_PER_MS


def test_pulled_wall_is_told_as_pulled_then_gone(script: MarketScript) -> None:
    script.book(1_100, bids=[(WALL, 0.0)])
    script.quiet(2_000)
    assert script.told() == ["new", "pulled", "gone"]
    assert (script.last.pulled, script.last.code) == (100.0, "P")


def test_print_is_credited_to_the_gone_wall_before_the_new_one(script: MarketScript) -> None:
    script.book(1_100, bids=[(WALL, 0.0)])
    script.book(1_110, bids=[(WALL, 90.0)])
    script.quiet(1_500, step_ms=10)
    assert script.wall.wall_id == "XUSDT-2"
    script.trade(1_505, Side.SELL, WALL, 120.0)
    script.quiet(3_000)
    gone = next(event.wall for event in script.wall_events if event.kind == "gone")
    assert gone.traded == 100.0
    assert (script.wall.traded, script.wall.refilled) == (20.0, 20.0)


def test_wall_is_exhausted_when_hardly_anything_is_left(script: MarketScript) -> None:
    script.trade(1_090, Side.SELL, WALL, 91.0)
    script.book(1_100, bids=[(WALL, 9.0)])
    assert script.bank.walls == []
    script.quiet(1_400)
    assert script.told() == ["new", "eaten", "gone"]
    assert script.last.end_reason == "exhausted"


def test_wall_that_no_longer_stands_out_fades(script: MarketScript) -> None:
    script.book(1_100, bids=[(round(WALL + step, 1), 150.0) for step in (-0.3, -0.2, -0.1, 0.1, 0.2, 0.3)])
    script.quiet(3_000)
    assert "gone" in script.told()
    assert next(event.wall for event in script.wall_events if event.kind == "gone").end_reason == "faded"


def test_traded_size_still_stands_when_a_wall_is_ranked_again(script: MarketScript) -> None:
    for at_ms, left in ((1_100, 75.0), (1_300, 50.0), (1_500, 25.0)):
        script.trade(at_ms - 10, Side.SELL, WALL, 25.0)
        script.book(at_ms, bids=[(WALL, left)])
    script.quiet(4_000)
    assert script.wall.eaten_ratio == 0.75


def test_wall_that_leaves_the_window_is_out_of_view_and_not_pulled() -> None:
    script = MarketScript()
    script.book(100, bids=[(998.0, 100.0)])
    script.quiet(1_000)
    script.book(1_100, bids=[(1000.0, 5.0), (998.0, 0.0)])
    assert script.told() == ["new", "gone"]
    assert (script.last.end_reason, script.last.pulled, script.last.current) == ("out of view", 0.0, 100.0)


def test_lost_book_ends_every_wall_and_explains_nothing_more(script: MarketScript) -> None:
    script.book(1_100, bids=[(WALL, 70.0)])
    script.gap(1_150)
    assert script.told() == ["new", "gone"]
    assert (script.last.end_reason, script.last.pending, script.last.pulled) == ("book lost", 30.0, 0.0)
    script.snapshot(extra_bids=[(WALL, 70.0)])
    script.quiet(2_000)
    assert script.wall.wall_id == "XUSDT-2"


def test_snapshot_in_mid_stream_is_accounted_like_a_delta(script: MarketScript) -> None:
    script.now_ms = 1_100
    script.snapshot(extra_bids=[(WALL, 80.0)])
    script.quiet(2_000)
    assert (script.wall.wall_id, script.wall.current, script.wall.pulled) == ("XUSDT-1", 80.0, 20.0)


def test_touches_count_approaches_and_not_noise(script: MarketScript) -> None:
    assert script.wall.touches == 1, "the tolerance is three spreads of 0.2, the wall is 0.5 from the mid"
    gone = [(round(999.9 - i * 0.1, 1), 0.0) for i in range(3)]
    script.book(1_100, bids=gone)
    script.book(1_200, bids=[(999.9, 1.0)])
    assert script.wall.touches == 1
    script.book(1_300, bids=[(round(1000.1 + i * 0.1, 1), 5.0) for i in range(20)], asks=_asks_up(20))
    assert script.wall.touches == 1
    script.book(1_400, bids=[(round(1000.1 + i * 0.1, 1), 0.0) for i in range(20)], asks=[(1000.1, 5.0)])
    assert script.wall.touches == 2


def _asks_up(count: int) -> list[tuple[float, float]]:
    removed = [(round(1000.1 + i * 0.1, 1), 0.0) for i in range(count)]
    return [*removed, (round(1000.1 + count * 0.1, 1), 5.0)]


def test_walls_are_sorted_by_distance_and_ids_count_up() -> None:
    script = MarketScript()
    script.book(100, bids=[(WALL, 100.0), (998.5, 100.0)], asks=[(1000.3, 90.0)])
    script.quiet(1_000)
    assert [wall.price for wall in script.bank.walls] == [1000.3, WALL, 998.5]
    assert sorted(wall.wall_id for wall in script.bank.walls) == ["XUSDT-1", "XUSDT-2", "XUSDT-3"]


def test_ended_walls_are_forgotten_after_a_while(script: MarketScript) -> None:
    script.book(1_100, bids=[(WALL, 0.0)])
    script.quiet(11_100)
    assert len(script.bank.recent_walls) == 1
    script.quiet(11_200)
    assert script.bank.recent_walls == []


def test_old_untouched_wall_keeps_the_question_mark_and_a_refilled_one_gets_its_letter(script: MarketScript) -> None:
    script.quiet(12_000)
    assert script.wall.code == "?"
    script.book(12_100, bids=[(WALL, 130.0)])
    assert (script.wall.code, script.wall.refilled, script.wall.peak) == ("R", 30.0, 130.0)


def test_heartbeats_and_tickers_drive_nothing(script: MarketScript) -> None:
    far_ns = (START_MS + 99_000) * NS_PER_MS
    script.book(1_100, bids=[(WALL, 60.0)])
    script.apply(TouchHeartbeat("XUSDT", far_ns, far_ns, 1, 0, 999.9, 1000.1))
    script.apply(Ticker("XUSDT", far_ns, far_ns, mark_price=1000.0))
    assert script.wall.pending == 40.0
    assert script.told() == ["new"]


def test_median_bucket_preset_finds_walls_too() -> None:
    config = DetectorsConfig(density=DensityConfig(criteria=("median_bucket",), k_density=2.5, bucket_ticks=3))
    script = MarketScript(config)
    script.book(100, bids=[(WALL, 100.0)])
    script.quiet(1_000)
    assert script.wall.criteria == ("median_bucket",)
    assert script.wall.median_multiple == 4.0
