"""Walls under random markets: the identity on what the outside sees, and no influence of the clock's origin."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cockpit.detectors.config import DensityConfig, DetectorsConfig
from cockpit.detectors.wall import WallEvent
from cockpit.domain.enums import BookSide, Side
from cockpit.domain.time import NS_PER_MS
from tests.support.market_script import START_MS, MarketScript, price_of

CONFIG = DetectorsConfig(density=DensityConfig(confirm_ms=0, recent_s=2.0))


def random_market(seed: int, start_ms: int = START_MS) -> MarketScript:
    numbers = random.Random(seed)
    script = MarketScript(CONFIG, start_ms=start_ms)
    at_ms = 0
    for _ in range(150):
        at_ms += numbers.choice([5, 20, 100, 400])
        side = numbers.choice(list(BookSide))
        price = price_of(side, numbers.choice([1, 1, 2, 3, 8, 19]))
        size = numbers.choice([0.0, 1.0, 10.0, 60.5, 120.0, 200.25])
        if numbers.random() < 0.4:
            script.trade(at_ms - numbers.choice([0, 0, 30]), side.taker, price, numbers.choice([1.5, 20.0, 90.0]))
        elif numbers.random() < 0.02:
            script.gap(at_ms)
            script.snapshot()
        elif numbers.random() < 0.02:
            last = script.state.book.ladder(BookSide.BID).prices[-1]
            script.book(at_ms, bids=[(1000.0, 1.0), (last, 0.0)])
            script.book(at_ms + 1, bids=[(1000.0, 0.0), (last, 110.0)])
        else:
            script.book(at_ms, **{"bids" if side is BookSide.BID else "asks": [(price, size)]})
    script.quiet(at_ms + 2_000)
    return script


def unshifted(event: WallEvent, start_ms: int) -> WallEvent:
    shift = start_ms * NS_PER_MS
    wall = msgspec.structs.replace(
        event.wall,
        first_seen_ns=event.wall.first_seen_ns - shift,
        ended_ns=None if event.wall.ended_ns is None else event.wall.ended_ns - shift,
    )
    return WallEvent(event.kind, wall, event.ts_event - shift)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_every_wall_ever_told_obeys_the_identity(seed: int) -> None:
    script = random_market(seed)
    for event in script.wall_events:
        wall = event.wall
        balance = wall.initial + wall.refilled - wall.traded - wall.pulled - wall.pending
        assert balance == pytest.approx(wall.current, abs=1e-7)
        assert min(wall.initial, wall.current, wall.traded, wall.pulled, wall.refilled, wall.pending) >= 0.0
    for wall_id in {event.wall.wall_id for event in script.wall_events}:
        kinds = [event.kind for event in script.wall_events if event.wall.wall_id == wall_id]
        assert kinds[0] == "new"
        assert kinds.count("new") == 1
        assert kinds.count("gone") <= 1
        assert "gone" not in kinds[:-1]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 10**12))
def test_a_constant_shift_of_every_stamp_changes_nothing(seed: int, start_ms: int) -> None:
    here, there = random_market(seed), random_market(seed, start_ms)
    assert [unshifted(event, START_MS) for event in here.wall_events] == [
        unshifted(event, start_ms) for event in there.wall_events
    ]


def test_random_markets_do_make_walls_of_every_fate() -> None:
    told = [event for seed in range(20) for event in random_market(seed).wall_events]
    assert {event.kind for event in told} == {"new", "eaten", "pulled", "gone"}
    assert {event.wall.end_reason for event in told} >= {"removed", "faded", "book lost", "out of view", "exhausted"}
    assert any(event.wall.traded > 0 and event.wall.side is BookSide.BID for event in told)
    assert Side.SELL is BookSide.BID.taker
