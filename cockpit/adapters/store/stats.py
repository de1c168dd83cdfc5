"""Statistics of closed trades. Pure arithmetic on money; no reading, no printing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from cockpit.domain.time import NS_PER_S

_ZERO = Decimal(0)


class ClosedTrade(msgspec.Struct, frozen=True):
    """What the statistics need of one trade."""

    closed_ns: int
    net_pnl: Decimal
    """After fees, USDT."""
    fees: Decimal
    r_multiple: float | None


class DayStats(msgspec.Struct, frozen=True, kw_only=True):
    """Trades closed on one UTC day."""

    day: str
    """ISO date."""
    trades: int
    wins: int
    net_pnl: Decimal


class TradeStats(msgspec.Struct, frozen=True, kw_only=True):
    """How the closed trades went. A figure that cannot be told (no loss, no trade) is None."""

    trades: int
    wins: int
    losses: int
    """A trade that ended at exactly zero is neither."""
    win_rate: float | None
    """Wins as a fraction of all trades."""
    net_pnl: Decimal
    fees: Decimal
    average_win: Decimal | None
    average_loss: Decimal | None
    profit_factor: float | None
    """Sum of the wins by the sum of the losses."""
    expectancy_r: float | None
    """Mean result in multiples of the risk taken, of the trades that had a stop."""
    max_drawdown: Decimal
    """Deepest fall of the summed net profit below its earlier peak (or below zero), USDT, >= 0."""
    days: list[DayStats]


def trade_stats(trades: Sequence[ClosedTrade]) -> TradeStats:
    """Statistics of ``trades`` in any order; they are taken by closing time."""
    ordered = sorted(trades, key=lambda trade: trade.closed_ns)
    wins = [trade.net_pnl for trade in ordered if trade.net_pnl > 0]
    losses = [trade.net_pnl for trade in ordered if trade.net_pnl < 0]
    results = [trade.r_multiple for trade in ordered if trade.r_multiple is not None]
    return TradeStats(
        trades=len(ordered),
        wins=len(wins),
        losses=len(losses),
        win_rate=len(wins) / len(ordered) if ordered else None,
        net_pnl=sum((trade.net_pnl for trade in ordered), _ZERO),
        fees=sum((trade.fees for trade in ordered), _ZERO),
        average_win=sum(wins, _ZERO) / len(wins) if wins else None,
        average_loss=sum(losses, _ZERO) / len(losses) if losses else None,
        profit_factor=float(sum(wins, _ZERO) / -sum(losses, _ZERO)) if losses else None,
        expectancy_r=sum(results) / len(results) if results else None,
        max_drawdown=_max_drawdown(ordered),
        days=_by_day(ordered),
    )


def _max_drawdown(ordered: Sequence[ClosedTrade]) -> Decimal:
    total = peak = deepest = _ZERO
    for trade in ordered:
        total += trade.net_pnl
        peak = max(peak, total)
        deepest = max(deepest, peak - total)
    return deepest


def _by_day(ordered: Sequence[ClosedTrade]) -> list[DayStats]:
    days: dict[str, list[Decimal]] = {}
    for trade in ordered:
        day = datetime.fromtimestamp(trade.closed_ns // NS_PER_S, UTC).date().isoformat()
        days.setdefault(day, []).append(trade.net_pnl)
    return [
        DayStats(day=day, trades=len(pnls), wins=sum(pnl > 0 for pnl in pnls), net_pnl=sum(pnls, _ZERO))
        for day, pnls in days.items()
    ]
