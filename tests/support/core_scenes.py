"""Scenes on the bench: a real bounce, a real breakout, an open position."""

from __future__ import annotations

from cockpit.domain.enums import Side
from tests.support.core_fixtures import AAA, Bench

WALL_BELOW, WALL_ABOVE = 9_997, 10_003


def bounce(bench: Bench, side: Side = Side.BUY, symbol: str = AAA) -> Bench:
    """A wall three ticks from the mid stands for ten seconds without being traded at."""
    bench.markets[symbol].wall(WALL_BELOW if side is Side.BUY else WALL_ABOVE)
    bench.wait(11)
    return bench


def breakout(bench: Bench, side: Side = Side.BUY, symbol: str = AAA) -> Bench:
    """A wall three ticks from the mid is eaten to half by trades, then removed, and the price walks beyond it."""
    market = bench.markets[symbol]
    wall = WALL_ABOVE if side is Side.BUY else WALL_BELOW
    market.ticker(change_24h=0.01 * side.sign)
    market.tilt(side)
    market.wall(wall, 1500.0)
    bench.wait(2)
    for left in (1200.0, 900.0, 600.0):
        market.trade(side, wall, 300.0)
        market.wall(wall, left)
        bench.wait(0.25)
    market.wall(wall, 0.0)
    bench.wait(0.25)
    market.move(wall + side.sign)
    bench.wait(1)
    return bench


def long(bench: Bench, symbol: str = AAA) -> Bench:
    """An open long of ours out of a bounce, its stop confirmed."""
    return _position(bounce(bench, Side.BUY, symbol))


def short(bench: Bench, symbol: str = AAA) -> Bench:
    """An open short of ours out of a bounce, its stop confirmed."""
    return _position(bounce(bench, Side.SELL, symbol))


def _position(bench: Bench) -> Bench:
    assert bench.approve() == ""
    bench.filled(bench.sent[-1], "100.02" if bench.sent[-1].side is Side.BUY else "99.98")
    return bench
