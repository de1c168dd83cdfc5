"""Signals raised, live, snoozed, dropped and expired."""

from __future__ import annotations

import pytest

from cockpit.detectors.config import ActivityConfig, DensityConfig, DetectorsConfig
from cockpit.domain.enums import BookSide, Environment, OrderRole, Side, SignalKind
from cockpit.domain.ids import SignalId, client_order_id
from cockpit.domain.market import Ticker, TouchHeartbeat
from cockpit.domain.time import NS_PER_MS, NS_PER_S
from cockpit.signals.base import SignalExpired
from cockpit.signals.config import BounceConfig, SignalsConfig
from cockpit.signals.pipeline import signal_id
from tests.support.market_script import START_MS, MarketScript

ASK_WALL = 1000.2
"""Second ask of the usual book."""


def with_ask_wall(signals: SignalsConfig | None = None) -> MarketScript:
    script = MarketScript(signals=signals)
    script.book(100, asks=[(ASK_WALL, 100.0)])
    script.quiet(1_000)
    return script


def break_wall(script: MarketScript, at_ms: int, traded: float = 60.0, levels: int = 2) -> None:
    """Take the best ``levels`` asks away; ``traded`` of the wall is printed. The mid ends beyond the wall."""
    script.trade(at_ms - 5, Side.BUY, ASK_WALL, traded)
    script.book(at_ms, asks=[(round(1000.1 + i * 0.1, 1), 0.0) for i in range(levels)])
    script.book(at_ms + 10, bids=[(1000.2, 5.0), (1000.1, 20.0)])


def test_broken_ask_wall_raises_a_long_breakout() -> None:
    script = with_ask_wall()
    break_wall(script, 1_100)
    (raised,) = script.raised()
    signal = raised.signal
    assert (signal.kind, signal.direction, signal.wall.side) == (SignalKind.BREAKOUT, Side.BUY, BookSide.ASK)
    assert signal.wall.eaten_ratio == 0.6
    assert signal.entry_reference == script.state.mid == 1000.25
    assert signal.stop_price == pytest.approx(1000.25 * 0.999)
    assert (signal.priority, signal.is_priority_warming) == (2.0, True)
    assert all(gate.passed for gate in signal.gates)
    assert signal.raised_event_ns == (START_MS + 1_110) * NS_PER_MS
    assert signal.expires_event_ns - signal.raised_event_ns == 45 * NS_PER_S
    assert script.pipeline.live == [signal]


def test_pulled_wall_raises_nothing() -> None:
    script = with_ask_wall()
    break_wall(script, 1_100, traded=20.0)
    script.quiet(9_000)
    assert script.raised() == []


def test_print_that_comes_after_the_book_still_makes_the_breakout() -> None:
    script = with_ask_wall()
    break_wall(script, 1_100, traded=20.0)
    script.trade(1_090, Side.BUY, ASK_WALL, 20.0)
    (raised,) = script.raised()
    assert raised.signal.wall.traded == 40.0


def test_price_that_comes_beyond_later_counts_while_the_wall_is_remembered() -> None:
    for wait_ms, expected in ((8_000, 1), (12_000, 0)):
        script = with_ask_wall()
        script.trade(1_095, Side.BUY, ASK_WALL, 60.0)
        script.book(1_100, asks=[(1000.1, 0.0), (ASK_WALL, 0.0)])
        script.quiet(wait_ms)
        assert script.raised() == []
        script.book(wait_ms + 10, bids=[(1000.2, 5.0), (1000.1, 20.0)])
        assert len(script.raised()) == expected


def test_trend_against_it_holds_a_breakout_back() -> None:
    script = with_ask_wall()
    script.apply(Ticker("XUSDT", 0, 0, change_24h=-0.03))
    break_wall(script, 1_100)
    assert script.raised() == []
    assert [gate.state for gate in script.pipeline.trend_gates(Side.BUY)] == ["fail", "ok"]
    script.apply(Ticker("XUSDT", 0, 0, change_24h=-0.03, is_change_since_start=True))
    script.quiet(1_300)
    assert len(script.raised()) == 1


def test_one_breakout_per_wall_and_cooldown_for_the_symbol() -> None:
    script = with_ask_wall()
    script.book(1_010, asks=[(1000.4, 100.0)])
    script.quiet(2_000)
    break_wall(script, 2_100)
    script.trade(2_995, Side.BUY, 1000.4, 80.0)
    script.book(3_000, asks=[(1000.3, 0.0), (1000.4, 0.0)])
    script.book(3_010, bids=[(1000.4, 50.0)])
    script.quiet(12_000)
    assert len(script.raised()) == 1


def test_signal_expires_by_event_time() -> None:
    script = with_ask_wall()
    break_wall(script, 1_100)
    live = script.pipeline.live[0]
    far_ns = (START_MS + 90_000) * NS_PER_MS
    script.apply(TouchHeartbeat("XUSDT", far_ns, far_ns, 1, 0, 999.9, 1000.1))
    script.quiet(46_100)
    assert script.expired() == []
    script.quiet(46_200)
    assert script.expired() == [SignalExpired(live.signal_id, "ttl", script.state.last_event_ns)]
    assert script.pipeline.live == []


def test_snooze_prolongs_and_drop_takes_a_signal_out() -> None:
    script = with_ask_wall()
    break_wall(script, 1_100)
    live = script.pipeline.live[0]
    assert script.pipeline.snooze(live.signal_id, 30 * NS_PER_S)
    script.quiet(60_000)
    assert script.expired() == []
    assert script.pipeline.live[0].expires_event_ns == live.expires_event_ns + 30 * NS_PER_S
    assert script.pipeline.drop(live.signal_id)
    assert not script.pipeline.drop(live.signal_id)
    assert not script.pipeline.snooze(live.signal_id, 1)
    script.quiet(100_000)
    assert script.expired() == []


def test_lost_book_raises_no_breakout() -> None:
    script = with_ask_wall()
    script.trade(1_095, Side.BUY, ASK_WALL, 60.0)
    script.book(1_100, asks=[(ASK_WALL, 40.0)])
    script.gap(1_110)
    script.snapshot(extra_bids=[(1000.3, 50.0)], extra_asks=[(1000.1, 0.0), (1000.2, 0.0), (1000.3, 0.0)])
    script.quiet(5_000)
    assert script.raised() == []


QUIET_DETECTORS = DetectorsConfig(activity=ActivityConfig(warmup_s=0.0), density=DensityConfig())
BID_WALL = 999.8


def with_bid_wall(signals: SignalsConfig | None = None) -> MarketScript:
    """A whole bid wall 0.2 from the mid, 11 s old, in dead trading."""
    script = MarketScript(QUIET_DETECTORS, signals)
    script.book(100, bids=[(BID_WALL, 100.0)])
    script.quiet(11_000)
    return script


def test_touched_wall_that_holds_raises_a_long_bounce_once_a_touch() -> None:
    script = with_bid_wall(SignalsConfig(cooldown_s=0.0))
    (raised,) = script.raised()
    signal = raised.signal
    assert (signal.kind, signal.direction, signal.priority) == (SignalKind.BOUNCE, Side.BUY, 1.0)
    assert signal.stop_price == pytest.approx(BID_WALL * 0.997)
    assert [gate.name for gate in signal.gates] == ["activity", "age", "shrunk", "touch"]
    script.quiet(20_000)
    assert len(script.raised()) == 1


def test_bounce_expires_when_its_wall_goes() -> None:
    script = with_bid_wall()
    script.book(12_000, bids=[(BID_WALL, 0.0)])
    assert [event.reason for event in script.expired()] == ["wall gone"]
    assert script.pipeline.live == []


def test_disabled_kind_raises_nothing() -> None:
    script = with_bid_wall(SignalsConfig(bounce=BounceConfig(is_enabled=False)))
    assert script.raised() == []


def test_ids_fit_into_order_link_ids_and_differ() -> None:
    ids = {
        signal_id(kind, symbol, number)
        for kind in (SignalKind.BREAKOUT, SignalKind.BOUNCE)
        for symbol in ("BTCUSDT", "ETHUSDT", "1000PEPEUSDT")
        for number in (1, 35, 36, 36**5 - 1)
    }
    assert len(ids) == 24
    for text in ids:
        assert len(text) <= 12
        assert isinstance(client_order_id(Environment.LIVE, 999, text, OrderRole.ENTRY, 1), str)
    assert signal_id(SignalKind.BREAKOUT, "BTCUSDT", 1) == SignalId("xbvmitf1")


def test_ids_of_two_engine_starts_differ_and_fit_into_link_ids_even_after_a_lost_journal() -> None:
    numbers, epochs = (1, 36, 36**5 - 1), (1, 2, 35, 36, 30_000_000)
    ids = {signal_id(SignalKind.BOUNCE, "BTCUSDT", number, epoch) for number in numbers for epoch in epochs}
    assert len(ids) == 15
    for text in ids:
        assert isinstance(client_order_id(Environment.LIVE, 30_000_000, text, OrderRole.CLOSE, 99, "k7q"), str)
    assert signal_id(SignalKind.BREAKOUT, "BTCUSDT", 1, 7) == SignalId("xbvmitf1E7")
