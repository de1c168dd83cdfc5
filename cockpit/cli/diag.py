"""``cockpit diag``: what the detectors see in one symbol, and the state of its book. Looks only; sends nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec

from cockpit.cli.narration import say, tell, tell_json
from cockpit.cli.observation import Observation, observe
from cockpit.cli.options import ENVIRONMENTS, absolute_market, config_option, data_dir_option, settings_from
from cockpit.domain.enums import BookSide
from cockpit.domain.time import NS_PER_S, ms_from_nanos
from cockpit.market import measures

DEPTH_BPS = (5.0, 10.0, 25.0, 50.0)


@click.group()
def diag() -> None:
    """Diagnostics of levels and order books."""


def _options(command: Callable[..., None]) -> Callable[..., None]:
    """What both diagnostics take."""
    for option in (
        data_dir_option,
        config_option,
        click.option("--market", metavar="SOURCE", help="recording:PATH looks into a recording instead."),
        click.option("--env", type=ENVIRONMENTS, help="Whose market. Default: sim."),
        click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout."),
        click.option("--minutes", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True),
        click.option("--preset", help="Set of parameters."),
        click.option("--symbol", required=True, help="The symbol to look at."),
    ):
        command = option(command)
    return command


@diag.command()
@_options
def levels(as_json: bool, **asked: Any) -> None:
    """Walls of a symbol: those that stand now, and what became of the others."""
    seen = _observe(**asked)
    told = {
        "kind": "levels",
        "symbol": seen.symbol,
        "ts_ms": ms_from_nanos(seen.state.market.last_event_ns),
        "events": dict(seen.wall_events),
        "signals": dict(seen.signals),
        "walls": [_wall(wall, seen.state.market.mid) for wall in seen.state.bank.walls],
    }
    tell_json(told) if as_json else tell(_levels_text(told))


@diag.command()
@_options
def l2(as_json: bool, **asked: Any) -> None:
    """The order book of a symbol: touch, depth, balance, and how well its stream did."""
    seen = _observe(**asked)
    told = {"kind": "l2", "symbol": seen.symbol} | _book(seen)
    tell_json(told) if as_json else tell(_lines(told))


def _observe(
    symbol: str,
    preset: str | None,
    minutes: float,
    env: str | None,
    market: str | None,
    config_path: Path | None,
    data_dir: Path | None,
) -> Observation:
    flags = {"venue.environment": env, "venue.market": absolute_market(market), "preset.name": preset}
    settings = settings_from(config_path, flags).settings
    seen = observe(settings, symbol.upper(), minutes, config_path, data_dir)
    if not seen.state.market.book.is_valid:
        say(f"the book of {seen.symbol} is not valid: {seen.state.market.book.invalid_reason}")
    return seen


def _wall(wall: Any, mid: float | None) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(wall)
    fields["distance_percent"] = None if not mid else abs(wall.price - mid) / mid * 100
    fields["eaten_ratio"], fields["pulled_ratio"] = wall.eaten_ratio, wall.pulled_ratio
    return fields


def _book(seen: Observation) -> dict[str, Any]:
    market = seen.state.market
    bid, ask = market.book.best_bid, market.book.best_ask
    told: dict[str, Any] = {
        "ts_ms": ms_from_nanos(market.last_event_ns),
        "state": market.book.invalid_reason or "valid",
        "frames": seen.frames,
        "frames_per_s": seen.frames / seen.seconds if seen.seconds else None,
        "gaps": seen.gaps,
        "latency_ms": _median_ms(list(seen.state.md_latency_ns)),
        "levels": [len(market.book.bids()[0]), len(market.book.asks()[0])],
    }
    if bid is None or ask is None:
        return told
    bids, asks = market.book.bids(), market.book.asks()
    middle = measures.mid(bid[0], ask[0])
    return told | {
        "bid": bid,
        "ask": ask,
        "mid": middle,
        "spread_bps": measures.spread_bps(bid[0], ask[0]),
        "microprice": measures.microprice(*bid, *ask),
        "imbalance_5": measures.imbalance(bids[1], asks[1], 5),
        "imbalance_10": measures.imbalance(bids[1], asks[1], 10),
        "depth": {
            f"{reach:g} bps": [
                measures.depth_within(*bids, middle, reach),
                measures.depth_within(*asks, middle, reach),
            ]
            for reach in DEPTH_BPS
        },
    }


def _median_ms(values: list[int]) -> int | None:
    return ms_from_nanos(sorted(values)[len(values) // 2]) if values else None


def _levels_text(told: dict[str, Any]) -> str:
    lines = [_lines({name: told[name] for name in ("symbol", "events", "signals")})]
    if not told["walls"]:
        lines.append("no wall stands")
    for wall in told["walls"]:
        age_s = told["ts_ms"] / 1000 - wall["first_seen_ns"] / NS_PER_S
        lines.append(
            f"{'bid' if wall['side'] == BookSide.BID else 'ask'} {wall['price']:<12g}"
            f"{wall['distance_percent'] or 0:6.3f} %  {wall['notional_usdt']:>12,.0f} USDT  "
            f"x{wall['relative_strength']:<6.1f} eaten {wall['eaten_ratio']:4.0%} pulled {wall['pulled_ratio']:4.0%} "
            f"{wall['code']}  {age_s:6.0f} s  touches {wall['touches']}  {', '.join(wall['criteria'])}"
        )
    return "\n".join(lines)


def _lines(told: dict[str, Any]) -> str:
    return "\n".join(f"{name:<14}{_shown(value)}" for name, value in told.items())


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.8g}"
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_shown(each)}" for name, each in value.items()) or "none"
    if isinstance(value, list | tuple):
        return " / ".join(_shown(each) for each in value)
    return "n/a" if value is None else str(value)
