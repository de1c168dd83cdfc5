"""Leaving a position: each rule on a real market, the breakeven move, and when no rule may act."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cockpit.domain.commands import ClosePosition
from cockpit.domain.enums import OrderRole, Side, StreamName
from cockpit.domain.events import Outcome, StreamLost
from cockpit.execution.config import ExecutionConfig, ExitsConfig
from tests.support.core_fixtures import AAA, Bench
from tests.support.core_scenes import breakout, long, short

OFF = {
    "breakeven_at_pct": 0,
    "take_profit_r": 0,
    "time_stop_breakout_s": 0,
    "time_stop_bounce_s": 0,
    "bounce_exit_eaten_pct": 0,
    "slowdown_factor": 0,
    "counter_flow_factor": 0,
    "counter_density": False,
    "known_level": False,
}


def only(**rules: object) -> Bench:
    """A bench on which only the given exit rules are on."""
    return Bench(execution=ExecutionConfig(exits=ExitsConfig(**(OFF | rules)))).start()


def reasons(bench: Bench) -> list[str]:
    """Why positions were closed, in order."""
    desk = bench.core.sending
    return [desk.reason_of(order.client_id) for order in bench.sent if order.role is not OrderRole.ENTRY]


@pytest.mark.parametrize(("scene", "mid"), [(long, 10_108), (short, 9_889)])
def test_take_profit_closes_at_its_multiple_of_the_stop_distance(scene, mid: int) -> None:
    bench = scene(only(take_profit_r=3.0))
    sign = bench.sent[0].side.sign
    bench.markets[AAA].move(mid - 2 * sign)
    bench.wait(1)
    assert reasons(bench) == []
    bench.markets[AAA].move(mid)
    bench.wait(1)
    assert reasons(bench) == ["take_profit"]
    assert bench.sent[1].side is bench.sent[0].side.opposite


def test_time_stop_closes_a_bounce_even_when_no_market_speaks() -> None:
    bench = long(only(time_stop_bounce_s=60))
    bench.wait(55, market=False)
    assert reasons(bench) == []
    bench.wait(7, market=False)
    assert reasons(bench) == ["time_stop"]


def test_a_time_stop_is_not_told_as_a_stop_that_fired() -> None:
    bench = long(only(time_stop_bounce_s=60))
    bench.wait(62)
    bench.closed(bench.sent[1], "100")
    closed = [output.trade for output in bench.outputs if type(output).__name__ == "PositionClosed"]
    assert (closed[0].exit_reason, closed[0].stop_loss_triggered) == ("time_stop", False)


def test_an_eaten_wall_takes_its_bounce_with_it() -> None:
    bench = long(only(bounce_exit_eaten_pct=65))
    market = bench.markets[AAA]
    market.trade(Side.SELL, 9_997, 900.0)
    market.wall(9_997, 600.0)
    bench.wait(1)
    assert reasons(bench) == []
    market.trade(Side.SELL, 9_997, 100.0)
    market.wall(9_997, 500.0)
    bench.wait(1)
    assert reasons(bench) == ["wall_eroded"]


def in_profit(bench: Bench, steps: int = 14) -> Bench:
    """A long whose price has walked up for as many seconds, far into profit; trades print on the way."""
    long(bench)
    market = bench.markets[AAA]
    for _ in range(steps):
        market.move(market.mid + 3)
        market.trade(Side.BUY, market.mid + 1, 1.0)
        bench.wait(1)
    return bench


def test_a_slowdown_in_profit_closes() -> None:
    bench = in_profit(only(slowdown_factor=3.0))
    assert reasons(bench) == []
    market = bench.markets[AAA]
    for _ in range(12):
        market.trade(Side.BUY, market.mid + 1, 1.0)
        bench.wait(1)
    assert reasons(bench) == ["slowdown"]


def test_opposite_flow_in_profit_closes() -> None:
    bench = in_profit(only(counter_flow_factor=3.0))
    assert reasons(bench) == []
    bench.markets[AAA].trade(Side.SELL, bench.markets[AAA].mid - 1, 40.0)
    bench.wait(1)
    assert reasons(bench) == ["counter_flow"]


def test_opposite_flow_without_profit_does_not_close() -> None:
    bench = long(only(counter_flow_factor=3.0))
    bench.markets[AAA].trade(Side.SELL, 9_999, 40.0)
    bench.wait(1)
    assert reasons(bench) == []


def test_a_new_wall_ahead_in_profit_closes_and_an_old_one_does_not() -> None:
    bench = only(counter_density=True, take_profit_r=3.0)
    bench.markets[AAA].wall(10_016)
    in_profit(bench, steps=4)
    bench.markets[AAA].move(10_014)
    bench.wait(2)
    assert reasons(bench) == []
    other = in_profit(only(counter_density=True, take_profit_r=3.0), steps=14)
    other.markets[AAA].wall(other.markets[AAA].mid + 6)
    other.wait(2)
    assert reasons(other) == ["counter_density"]


def test_a_known_level_ahead_in_profit_closes() -> None:
    bench = only(known_level=True)
    market = bench.markets[AAA]
    market.move(10_030)
    bench.wait(1)
    market.move(10_000)
    long(bench)
    market.move(10_020)
    bench.wait(1)
    assert reasons(bench) == []
    market.move(10_027)
    bench.wait(1)
    assert reasons(bench) == ["known_level"]


# ----------------------------------------------------------------------------------------------------------- breakeven


@pytest.mark.parametrize(("scene", "mid", "stop"), [(long, 10_055, 10_014), (short, 9_945, 9_987)])
def test_the_stop_moves_to_breakeven_once_in_profit_and_only_once(scene, mid: int, stop: int) -> None:
    bench = scene(only(breakeven_at_pct=0.5))
    bench.markets[AAA].move(mid)
    bench.wait(1)
    assert [request.stop_loss for request in bench.stops] == [stop]
    bench.answer_stop()
    held = bench.account.positions[AAA]
    qty = held.qty if held.side is Side.BUY else -held.qty
    bench.push(bench.position(AAA, str(qty), str(held.entry_price), f"{stop / 100:.2f}"))
    bench.wait(20)
    assert len(bench.stops) == 1


def test_a_refused_breakeven_is_tried_again_with_pauses() -> None:
    bench = long(only(breakeven_at_pct=0.5))
    bench.markets[AAA].move(10_055)
    for _ in range(48):
        if bench.core.state.positions.open[AAA].stop_in_flight:
            bench.answer_stop(Outcome.NO, code=10001, reason="no")
        bench.wait(0.25)
    assert 2 <= len(bench.stops) <= 4
    assert len(bench.sent) == 1


def test_a_stop_that_is_better_already_is_left_alone() -> None:
    bench = long(only(breakeven_at_pct=0.5))
    bench.push(bench.position(AAA, "25", "100.02", "100.30"))
    bench.markets[AAA].move(10_055)
    bench.wait(5)
    assert bench.stops == []


# ----------------------------------------------------------------------------------------------- once, and not at all


def test_a_refused_close_is_repeated_with_pauses_not_with_the_market() -> None:
    bench = long(only(time_stop_bounce_s=60))
    bench.wait(60)
    for _ in range(60):
        bench.wait(0.25)
        last = bench.sent[-1]
        if bench.core.state.orders.get(last.client_id).is_in_flight:
            bench.answer(last, Outcome.NO, code=110007, reason="no")
    assert 3 <= len(reasons(bench)) <= 7
    assert set(reasons(bench)) == {"time_stop"}


def test_a_half_close_by_hand_does_not_keep_the_rules_from_the_rest() -> None:
    bench = long(only(time_stop_bounce_s=60))
    bench.order(ClosePosition(AAA, 50))
    close = bench.sent[1]
    bench.answer(close)
    bench.push(bench.order_report(close, "Filled", "12.5"), bench.fill(close, "100", "12.5"))
    bench.push(bench.position(AAA, "12.5", "100.02", "99.67"))
    bench.wait(61)
    assert reasons(bench) == ["operator", "time_stop"]


def test_no_market_rule_acts_on_a_price_that_is_not_known_any_more() -> None:
    bench = long(only(take_profit_r=3.0))
    bench.markets[AAA].move(10_106)
    bench.feed(StreamLost(StreamName.PUBLIC, "silent", bench.now_ns))
    bench.markets[AAA].trade(Side.BUY, 10_110, 1.0)
    bench.wait(2, market=False)
    assert reasons(bench) == []


def test_a_foreign_position_is_left_to_its_owner() -> None:
    bench = only(take_profit_r=0.1, time_stop_breakout_s=1, time_stop_bounce_s=1)
    bench.push(bench.execution(AAA, Side.BUY, "90", "3"), bench.position(AAA, "3", "90"))
    bench.wait(10)
    assert bench.sent == []
    assert bench.stops == []


def test_a_breakout_has_its_own_time() -> None:
    bench = breakout(only(time_stop_bounce_s=10, time_stop_breakout_s=100))
    assert bench.approve() == ""
    bench.filled(bench.sent[0], "100.05")
    bench.wait(50)
    assert reasons(bench) == []
    bench.wait(52)
    assert reasons(bench) == ["time_stop"]


def test_the_screen_sees_every_rule_with_value_and_threshold() -> None:
    bench = long(Bench().start())
    bench.wait(1)
    checks = {check.name: check for check in bench.core.exits.checks(AAA)}
    assert set(checks) == {
        "wall eroded", "take-profit", "time-stop", "slowdown", "counter-density", "counter flow", "known level",
    }  # fmt: skip
    assert all(check.value and check.threshold for check in checks.values())
    assert Decimal(checks["take-profit"].threshold.split()[1]) == 3
