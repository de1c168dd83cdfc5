"""Our own request limits: half for ordinary calls, the rest for flatten, and what a refusal for the rate does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.adapters.bybit.budget import PER_SECOND, TOTAL, TOTAL_LIMIT, OverBudget, RequestBudget
from cockpit.domain.time import NS_PER_MS, NS_PER_S

CREATE, LIST, UNCOUNTED = "/v5/order/create", "/v5/position/list", "/v5/market/time"


def sent(budget: RequestBudget, route: str, now_ns: int, *, is_flatten: bool = False) -> int:
    """How many requests leave at one instant."""
    for count in range(10_000):
        try:
            budget.take(route, now_ns, is_flatten=is_flatten)
        except OverBudget:
            return count
    return 10_000


@pytest.mark.parametrize("route", sorted(PER_SECOND))
def test_ordinary_calls_keep_to_half_of_every_published_limit(route: str) -> None:
    assert sent(RequestBudget(0.5), route, 0) == max(1, PER_SECOND[route] // 2)


def test_flatten_has_what_ordinary_calls_left_and_makes_them_wait() -> None:
    budget = RequestBudget(0.5)
    assert sent(budget, CREATE, 0) == 5
    assert sent(budget, CREATE, 0, is_flatten=True) == 5
    budget = RequestBudget(0.5)
    assert sent(budget, CREATE, 0, is_flatten=True) == 10
    assert sent(budget, CREATE, 0) == 0


def test_all_routes_together_keep_to_half_of_what_an_address_may() -> None:
    budget = RequestBudget(0.5)
    assert sent(budget, UNCOUNTED, 0) == TOTAL_LIMIT // 2
    assert sent(budget, LIST, 0) == 0
    assert sent(budget, LIST, 0, is_flatten=True) == 50


def test_who_is_over_the_limit_is_told_how_long_to_wait() -> None:
    budget = RequestBudget(0.5)
    for at_ms in range(0, 500, 100):
        budget.take(CREATE, at_ms * NS_PER_MS)
    with pytest.raises(OverBudget, match=CREATE) as full:
        budget.take(CREATE, 500 * NS_PER_MS)
    later = 500 * NS_PER_MS + full.value.wait_ns
    with pytest.raises(OverBudget):
        budget.take(CREATE, later - 1)
    budget.take(CREATE, later)


@given(st.lists(st.tuples(st.integers(0, 300), st.booleans()), max_size=200), st.sampled_from([CREATE, LIST]))
def test_no_second_holds_more_than_published_nor_more_ordinary_ones_than_our_share(
    steps: list[tuple[int, bool]], route: str
) -> None:
    budget, now_ms, left = RequestBudget(0.5), 0, []
    for pause_ms, is_flatten in steps:
        now_ms += pause_ms
        try:
            budget.take(route, now_ms * NS_PER_MS, is_flatten=is_flatten)
        except OverBudget:
            continue
        left.append((now_ms, is_flatten))
    for start, _ in left:
        window = [flatten for at, flatten in left if start <= at < start + 1_000]
        assert len(window) <= PER_SECOND[route]
        assert window.count(False) <= PER_SECOND[route] // 2


def test_a_refusal_closes_the_route_until_its_reset_and_longer_each_time() -> None:
    budget = RequestBudget(0.5)
    budget.refused(CREATE, 0, 400 * NS_PER_MS, is_everything=False)
    assert sent(budget, CREATE, NS_PER_S - 1) == 0
    assert sent(budget, LIST, 0) == 25
    assert sent(budget, CREATE, NS_PER_S) == 5
    budget.refused(CREATE, 2 * NS_PER_S, 0, is_everything=False)
    assert sent(budget, CREATE, 4 * NS_PER_S - 1) == 0
    assert sent(budget, CREATE, 4 * NS_PER_S) == 5


def test_a_reset_that_lies_in_the_past_or_far_away_is_no_sleep() -> None:
    budget = RequestBudget(0.5)
    budget.refused(CREATE, 0, -5 * NS_PER_S, is_everything=False)
    assert sent(budget, CREATE, NS_PER_S) == 5
    budget.refused(LIST, 0, 3_600 * NS_PER_S, is_everything=False)
    assert sent(budget, LIST, 30 * NS_PER_S) == 25


def test_flatten_waits_a_second_at_most_after_a_refusal() -> None:
    budget = RequestBudget(0.5)
    for _ in range(6):
        budget.refused(CREATE, 0, 20 * NS_PER_S, is_everything=False)
    assert sent(budget, CREATE, NS_PER_S) == 0
    assert sent(budget, CREATE, NS_PER_S, is_flatten=True) == 10


def test_a_refusal_of_the_address_closes_every_route() -> None:
    budget = RequestBudget(0.5)
    budget.refused(CREATE, 0, 0, is_everything=True)
    assert sent(budget, LIST, 0) == 0
    assert budget.room(0).route == TOTAL


def test_the_room_is_that_of_the_fullest_route() -> None:
    budget = RequestBudget(0.5)
    assert budget.room(0).percent == 100.0
    for _ in range(4):
        budget.take(CREATE, 0)
    assert (budget.room(0).percent, budget.room(0).route) == (20.0, CREATE)
    assert budget.room(2 * NS_PER_S).percent > 98
    budget.refused(LIST, 2 * NS_PER_S, 0, is_everything=False)
    assert (budget.room(2 * NS_PER_S).percent, budget.room(2 * NS_PER_S).route) == (0.0, LIST)
