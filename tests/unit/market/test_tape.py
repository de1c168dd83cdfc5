"""Rolling windows of the tape by event time."""

from __future__ import annotations

import pytest

from cockpit.domain.enums import Side
from cockpit.domain.market import Trade
from cockpit.domain.time import NS_PER_S
from cockpit.market.tape import FIVE_MINUTES_NS, ONE_MINUTE_NS, TEN_SECONDS_NS, TradeTape


def trade(second: float, side: Side, size: float, price: float = 100.0, is_block: bool = False) -> Trade:
    return Trade(round(second * NS_PER_S), side, price, size, "t", is_block)


def feed(tape: TradeTape, *trades: Trade) -> None:
    for one in trades:
        tape.add([one])
        tape.advance(one.ts_event)


def test_windows_count_and_sum_by_side() -> None:
    tape = TradeTape()
    feed(tape, trade(1, Side.BUY, 2.0), trade(2, Side.SELL, 0.5), trade(3, Side.BUY, 1.0))
    window = tape.window(TEN_SECONDS_NS)
    assert (window.count, window.buy, window.sell) == (3, 3.0, 0.5)
    assert (window.delta, window.buy_sell_ratio) == (2.5, 6.0)
    assert window.per_second == pytest.approx(0.3)
    assert window.per_minute == pytest.approx(18.0)


def test_trades_leave_a_window_when_they_are_as_old_as_it() -> None:
    tape = TradeTape()
    feed(tape, trade(1, Side.BUY, 2.0), trade(5, Side.SELL, 1.0))
    tape.advance(11 * NS_PER_S)
    assert tape.window(TEN_SECONDS_NS).count == 1
    assert tape.window(ONE_MINUTE_NS).count == 2


def test_empty_window_holds_exactly_nothing() -> None:
    tape = TradeTape()
    feed(tape, trade(1, Side.BUY, 0.1), trade(1, Side.BUY, 0.2), trade(1, Side.BUY, 0.7))
    tape.advance(20 * NS_PER_S)
    assert (tape.window(TEN_SECONDS_NS).buy, tape.window(TEN_SECONDS_NS).buy_sell_ratio) == (0.0, None)


def test_block_trades_are_no_part_of_the_tape() -> None:
    tape = TradeTape()
    feed(tape, trade(1, Side.BUY, 5.0, is_block=True))
    assert tape.window(ONE_MINUTE_NS).count == 0
    assert tape.last_price is None


def test_volume_of_a_side_in_any_window() -> None:
    tape = TradeTape()
    feed(tape, trade(1, Side.BUY, 2.0), trade(3, Side.SELL, 0.5), trade(4, Side.BUY, 1.0))
    assert tape.volume(Side.BUY, 2 * NS_PER_S) == 1.0
    assert tape.volume(None, 2 * NS_PER_S) == 1.5
    assert tape.volume(Side.SELL, ONE_MINUTE_NS) == 0.5


def test_speed_needs_a_trade_from_before_the_window() -> None:
    tape = TradeTape()
    feed(tape, trade(1, Side.BUY, 1.0, price=100.0), trade(10, Side.BUY, 1.0, price=103.0))
    assert tape.speed() is None
    tape.advance(11 * NS_PER_S)
    assert tape.speed() == pytest.approx(0.3)


def test_best_speed_looks_in_one_direction_since_a_time() -> None:
    tape = TradeTape()
    for second in range(60):
        price = 100.0 + second if second < 30 else 130.0 - 2 * (second - 30)
        feed(tape, trade(second + 1, Side.BUY, 1.0, price=price))
    assert tape.best_speed(Side.BUY, 0) == pytest.approx(1.0)
    assert tape.best_speed(Side.SELL, 0) == pytest.approx(2.0)
    assert tape.best_speed(Side.BUY, 50 * NS_PER_S) == pytest.approx(-2.0)
    assert tape.best_speed(Side.BUY, 100 * NS_PER_S) is None


def test_warming_ends_when_the_tape_has_run_for_the_window() -> None:
    tape = TradeTape()
    assert tape.is_warming(TEN_SECONDS_NS)
    tape.advance(5 * NS_PER_S)
    tape.advance(14 * NS_PER_S)
    assert tape.is_warming(TEN_SECONDS_NS)
    tape.advance(15 * NS_PER_S)
    assert not tape.is_warming(TEN_SECONDS_NS)


def test_long_run_equals_a_fresh_count_and_memory_stays_bounded() -> None:
    tape = TradeTape()
    trades = [trade(i * 0.05, Side.BUY if i % 3 else Side.SELL, float(i % 7 + 1)) for i in range(1, 30_000)]
    for one in trades:
        tape.add([one])
        tape.advance(one.ts_event)
    cutoff = trades[-1].ts_event - FIVE_MINUTES_NS
    inside = [one for one in trades if one.ts_event > cutoff]
    window = tape.window(FIVE_MINUTES_NS)
    assert window.count == len(inside)
    assert window.buy == sum(one.size for one in inside if one.side is Side.BUY)
    assert tape.volume(Side.SELL, FIVE_MINUTES_NS) == window.sell
    assert len(tape._stamps) < 12_000
