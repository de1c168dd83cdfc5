"""Statistics of closed trades against numbers worked out by hand."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from cockpit.adapters.store.stats import ClosedTrade, DayStats, trade_stats

DAY = 86_400 * 10**9


def closed(at: int, net: str, r: float | None = None) -> ClosedTrade:
    return ClosedTrade(at, Decimal(net), Decimal("0.1"), r)


def test_no_trade_tells_nothing_and_invents_nothing() -> None:
    stats = trade_stats([])
    assert (stats.trades, stats.net_pnl, stats.max_drawdown, stats.days) == (0, 0, 0, [])
    assert stats.win_rate is stats.profit_factor is stats.expectancy_r is stats.average_loss is None


def test_figures_of_a_small_history() -> None:
    stats = trade_stats(
        [closed(3, "-3", -1.0), closed(1, "4", 2.0), closed(4, "0"), closed(DAY + 5, "-4", -1.0), closed(2, "2", 1.0)]
    )
    assert (stats.trades, stats.wins, stats.losses, stats.win_rate) == (5, 2, 2, 0.4)
    assert (stats.net_pnl, stats.fees) == (Decimal(-1), Decimal("0.5"))
    assert (stats.average_win, stats.average_loss) == (Decimal(3), Decimal("-3.5"))
    assert stats.profit_factor == 6 / 7
    assert stats.expectancy_r == 0.25
    assert stats.max_drawdown == Decimal(7), "from the peak at 6 down to -1"
    assert stats.days == [
        DayStats(day="1970-01-01", trades=4, wins=2, net_pnl=Decimal(3)),
        DayStats(day="1970-01-02", trades=1, wins=0, net_pnl=Decimal(-4)),
    ]


def test_a_history_that_only_falls_has_its_whole_loss_as_drawdown() -> None:
    assert trade_stats([closed(1, "-1"), closed(2, "-2")]).max_drawdown == Decimal(3)


@given(st.lists(st.tuples(st.integers(0, 10 * DAY), st.decimals(-1000, 1000, places=2))))
def test_days_sum_up_to_the_whole(trades: list[tuple[int, Decimal]]) -> None:
    stats = trade_stats([ClosedTrade(at, net, Decimal(0), None) for at, net in trades])
    assert sum(day.trades for day in stats.days) == stats.trades
    assert sum((day.net_pnl for day in stats.days), Decimal(0)) == stats.net_pnl
    assert [day.day for day in stats.days] == sorted(day.day for day in stats.days)
    assert stats.max_drawdown >= max(Decimal(0), -stats.net_pnl)
