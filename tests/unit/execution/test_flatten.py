"""The flatten state: what it does next, and when it may say flat. The desk around it: tests/unit/engine."""

from __future__ import annotations

from decimal import Decimal

from cockpit.domain.time import NS_PER_S
from cockpit.execution.flatten import (
    DUST_RETRY_S,
    CancelConditional,
    CancelOrdersOf,
    CloseNow,
    Flatten,
    FlattenState,
    ReadAccount,
)

S = NS_PER_S
ONE = Decimal(1)


def running() -> Flatten:
    flatten = Flatten(order_ttl_s=3.0)
    assert flatten.start(0)
    return flatten


def test_nothing_happens_before_it_is_started() -> None:
    flatten = Flatten(3.0)
    assert flatten.step(0, {"A": ONE}, {"A"}) == []
    flatten.on_read(10**12, set(), 0)
    assert flatten.state is FlattenState.OFF


def test_orders_are_cancelled_first_then_positions_closed_then_the_account_read() -> None:
    steps = running().step(0, {"B": ONE, "A": ONE, "Z": Decimal(0)}, {"D", "C"})
    assert steps == [CancelOrdersOf("C"), CancelOrdersOf("D"), CloseNow("A", 1), CloseNow("B", 1), ReadAccount()]


def test_attempts_are_repeated_after_one_two_and_up_to_five_seconds() -> None:
    flatten = running()
    at = [t / 2 for t in range(60) if CloseNow in map(type, flatten.step(t * S // 2, {"A": ONE}, set()))]
    assert at == [0, 1, 3, 6, 10, 15, 20, 25]
    assert flatten.progress["A"].attempts == 8


def test_two_zero_reads_end_it_the_second_when_nothing_sent_can_live() -> None:
    flatten = running()
    flatten.step(0, {"A": ONE}, set())
    flatten.on_read(1 * S, set(), 0)
    flatten.on_read(4 * S, set(), 0)
    assert flatten.state is FlattenState.RUNNING
    flatten.on_read(4 * S + 1, set(), 0)
    assert flatten.state is FlattenState.FLAT


def test_a_read_from_before_the_last_request_does_not_count() -> None:
    flatten = running()
    flatten.step(10 * S, {"A": ONE}, set())
    flatten.on_read(9 * S, set(), 0)
    flatten.on_read(20 * S, set(), 0)
    assert flatten.state is FlattenState.RUNNING


def test_a_position_an_order_or_a_request_on_its_way_starts_the_count_again() -> None:
    for positions, left in (({"A"}, 0), (set(), 1)):
        flatten = running()
        flatten.on_read(1 * S, set(), 0)
        flatten.on_read(5 * S, positions, left)
        flatten.on_read(6 * S, set(), 0)
        assert flatten.state is FlattenState.RUNNING
        flatten.on_read(7 * S, set(), 0)
        assert flatten.state is FlattenState.FLAT


def test_a_position_that_comes_back_is_closed_again() -> None:
    flatten = running()
    flatten.step(0, {"A": ONE}, set())
    flatten.on_read(1 * S, set(), 0)
    assert flatten.progress["A"].is_flat
    assert CloseNow("A", 2) in flatten.step(2 * S, {"A": ONE}, set())
    assert not flatten.progress["A"].is_flat
    flatten.on_read(5 * S, set(), 0)
    assert flatten.state is FlattenState.RUNNING


def test_it_can_be_started_again_only_when_it_has_ended() -> None:
    flatten = running()
    assert not flatten.start(1)
    flatten.on_read(1 * S, set(), 0)
    flatten.on_read(9 * S, set(), 0)
    assert flatten.state is FlattenState.FLAT
    assert flatten.start(20 * S)
    assert flatten.step(20 * S, {"A": ONE}, set())[0] == CloseNow("A", 1)


def test_answers_are_shown_with_the_symbol() -> None:
    flatten = running()
    flatten.step(0, {"A": ONE}, set())
    flatten.on_answer("A", "acknowledged", 12)
    flatten.on_answer("A", "no: busy", None)
    flatten.on_answer("B", "acknowledged", 1)
    assert (flatten.progress["A"].detail, flatten.progress["A"].acked_ms) == ("no: busy", 12)
    assert set(flatten.progress) == {"A"}


def closes(flatten: Flatten, seconds: int) -> list[CloseNow]:
    steps = [step for t in range(seconds * 2) for step in flatten.step(t * S // 2, {"A": ONE}, set())]
    return [step for step in steps if isinstance(step, CloseNow)]


def test_f044_closes_left_unfilled_three_times_may_pay_more_each_time_up_to_the_limit() -> None:
    flatten = Flatten(order_ttl_s=3.0, most_slippage_pct=5.0)
    flatten.start(0)
    paid = []
    for t in range(100):
        for step in flatten.step(t * S, {"A": ONE}, set()):
            if isinstance(step, CloseNow):
                paid.append(step.slippage_pct)
                flatten.on_unfilled("A")
    assert paid[:8] == [None, None, None, 1, 2, 4, 5, 5]
    assert all(close.slippage_pct is None for close in closes(running(), 60))


def test_f050_what_is_too_small_is_tried_each_minute_and_shown_until_it_is_gone() -> None:
    flatten = running()
    for _ in range(2):
        flatten.step(0, {"A": ONE}, set())
        assert not flatten.on_too_small("A")
    flatten.on_read(1 * S, {"A"}, 0)
    assert flatten.state is FlattenState.RUNNING
    assert flatten.on_too_small("A")
    flatten.on_read(2 * S, {"A"}, 0)
    assert flatten.state is FlattenState.DUST
    assert flatten.is_running
    assert flatten.progress["A"].left == ONE
    assert len(closes(flatten, round(DUST_RETRY_S) * 2)) <= 3
    late = round(DUST_RETRY_S) * 3 * S
    flatten.on_read(late, set(), 0)
    flatten.on_read(late + 5 * S, set(), 0)
    assert flatten.state is FlattenState.FLAT


def test_f050_dust_beside_a_position_that_can_be_closed_is_no_end() -> None:
    flatten = running()
    flatten.step(0, {"A": ONE, "B": ONE}, set())
    for _ in range(3):
        flatten.on_too_small("A")
    flatten.on_read(1 * S, {"A", "B"}, 0)
    assert flatten.state is FlattenState.RUNNING
    flatten.on_read(2 * S, {"A"}, 1)
    assert flatten.state is FlattenState.RUNNING


def test_f052_conditional_orders_are_cancelled_one_by_one_again_and_again() -> None:
    flatten = running()
    assert flatten.step(0, {}, set(), {"7": "A"})[0] == CancelConditional("A", "7")
    assert CancelConditional("A", "7") not in flatten.step(S // 2, {}, set(), {"7": "A"})
    assert CancelConditional("A", "7") in flatten.step(2 * S, {}, set(), {"7": "A"})
