"""MarketState: the event clock and what moves it."""

from __future__ import annotations

from cockpit.domain.enums import Side
from cockpit.domain.market import BookDelta, BookSnapshot, Ticker, TouchHeartbeat, Trade, Trades
from cockpit.market.state import MarketState
from cockpit.market.tape import ONE_MINUTE_NS


def snapshot(ts_event: int, u: int = 1) -> BookSnapshot:
    return BookSnapshot("X", ts_event, ts_event, u, 0, [(99.0, 1.0)], [(101.0, 1.0)])


def trades(ts_event: int) -> Trades:
    return Trades("X", ts_event + 5, ts_event, [Trade(ts_event, Side.BUY, 101.0, 1.0, "1")])


def test_book_and_trades_move_the_event_clock_forward_only() -> None:
    state = MarketState("X")
    state.apply(snapshot(1_000))
    state.apply(trades(3_000))
    state.apply(BookDelta("X", 2_000, 0, 2, 0, [], []))
    assert state.last_event_ns == 3_000


def test_heartbeats_and_tickers_do_not_move_the_event_clock() -> None:
    state = MarketState("X")
    state.apply(snapshot(1_000))
    state.apply(TouchHeartbeat("X", 9_000, 9_000, 1, 0, 99.0, 101.0))
    ticker = Ticker("X", 9_000, 9_000, mark_price=100.0)
    state.apply(ticker)
    assert state.last_event_ns == 1_000
    assert state.ticker is ticker


def test_trades_before_the_first_book_are_not_counted() -> None:
    state = MarketState("X")
    state.apply(trades(500))
    state.apply(snapshot(1_000))
    assert state.tape.window(ONE_MINUTE_NS).count == 0


def test_mid_and_median_spread_follow_the_valid_book() -> None:
    state = MarketState("X")
    assert state.mid is None
    assert state.spread_median is None
    state.apply(snapshot(1_000))
    assert (state.mid, state.spread_median, state.extrema.high) == (100.0, 2.0, 100.0)
    state.apply(BookDelta("X", 2_000, 0, 9, 0, [], []))
    assert state.mid is None
    assert not state.book.is_valid
