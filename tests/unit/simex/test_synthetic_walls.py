"""The synthetic market offers what the product trades: visible walls, breaks with the trend, failures."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest

from cockpit.adapters.system.clock import LiveClock
from cockpit.matching.book import BookSide
from cockpit.simex.config import DEFAULT_SYMBOLS
from cockpit.simex.feed_synthetic import SyntheticFeed, SyntheticSymbol

SEEDS = range(1, 4)
DEPTH = 50


def symbols_of(seed: int) -> list[SyntheticSymbol]:
    return SyntheticFeed(DEFAULT_SYMBOLS, seed, 1.0, LiveClock()).symbols


def walls_in(side: BookSide, unit_usdt: float) -> list[int]:
    """Levels of the visible side that are walls by S2's three criteria; ``unit_usdt`` is one lot times one tick."""
    visible = side.top(DEPTH)
    total = sum(side.lots[ticks] for ticks in visible)
    found = []
    for index, ticks in enumerate(visible):
        around = visible[max(0, index - 5) : index] + visible[index + 1 : index + 6]
        usual = sum(side.lots[other] for other in around) / len(around)
        lots = side.lots[ticks]
        if lots * ticks * unit_usdt >= 50_000 and lots >= 3 * usual and lots >= 0.05 * total:
            found.append(ticks)
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_a_wall_is_visible_within_five_seconds(seed: int) -> None:
    seen = 0
    for symbol in symbols_of(seed):
        instrument = symbol.rules.instrument
        unit = float(instrument.tick_size * instrument.qty_step)
        while symbol.flow.now_s < 5:
            symbol.flow.next_step()
        seen += bool(walls_in(symbol.flow.bids, unit) or walls_in(symbol.flow.asks, unit))
    assert seen >= 3


@pytest.mark.parametrize("seed", SEEDS)
def test_a_wall_is_eaten_and_broken_with_the_trend_within_a_minute(seed: int) -> None:
    assert sum(breaks_with_trend(symbol, until_s=60) for symbol in symbols_of(seed)) >= 1


def breaks_with_trend(symbol: SyntheticSymbol, *, until_s: float) -> int:
    """Walls of which trades took at least 30 % and beyond which the middle then went by several ticks."""
    flow, broken = symbol.flow, 0
    shown: Counter[tuple[bool, int]] = Counter()
    eaten: Counter[tuple[bool, int]] = Counter()
    while flow.now_s < until_s:
        for key, wall in flow.walls.by_ticks.items():
            shown[key] = max(shown[key], wall.full_lots)
        for fill in flow.next_step().prints:
            eaten[fill.side == "Sell", fill.ticks] += fill.lots
        for key in [key for key in eaten if shown[key] and eaten[key] >= 0.3 * shown[key]]:
            is_bid, ticks = key
            beyond = (ticks - flow.fair) if is_bid else (flow.fair - ticks)
            if beyond >= 4:
                broken += is_bid != (flow.script.trend > 0)
                del eaten[key]
    return broken


def test_moves_after_breaks_go_both_ways() -> None:
    """Over ten minutes the price neither runs away nor stands still."""
    for symbol in symbols_of(3)[6:]:
        start = symbol.flow.fair
        low = high = start
        while symbol.flow.now_s < 600:
            symbol.flow.next_step()
            low, high = min(low, symbol.flow.fair), max(high, symbol.flow.fair)
        assert 0.004 < (high - low) / start < 0.06


def test_derived_symbols_follow_the_same_rules() -> None:
    names = tuple(f"COIN{number}USDT" for number in range(40))
    feed = SyntheticFeed(names, 1, 1.0, LiveClock())
    for symbol in feed.symbols:
        instrument = symbol.rules.instrument
        price = instrument.price(round(symbol.flow.fair))
        assert Decimal("1e-6") < instrument.tick_size / price < Decimal("0.002")
        assert instrument.min_qty * price < 100
        for _ in range(100):
            symbol.flow.next_step()
        assert symbol.flow.bids.best is not None
        assert symbol.flow.asks.best is not None
        assert symbol.flow.bids.best < symbol.flow.asks.best
