"""Request budgets, and cursors that come back as they went out."""

from urllib.parse import quote, unquote

import pytest

from cockpit.simex.auth import Refusal
from cockpit.simex.limits import RateLimits
from cockpit.simex.paging import page

CREATE = "/v5/order/create"


def test_budget_is_used_up_and_comes_back_after_a_second() -> None:
    limits = RateLimits()
    left = []
    for now_ms in range(10):
        allowance = limits.take(CREATE, 1000 + now_ms)
        assert allowance is not None
        assert allowance.is_allowed
        left.append(allowance.left)
    assert left == list(range(9, -1, -1))
    refused = limits.take(CREATE, 1500)
    assert refused is not None
    assert not refused.is_allowed
    assert refused.headers()["X-Bapi-Limit-Reset-Timestamp"] == "2000"
    again = limits.take(CREATE, 2000)
    assert again is not None
    assert again.is_allowed


def test_public_routes_have_no_budget() -> None:
    assert RateLimits().take("/v5/market/time", 0) is None


@pytest.mark.parametrize("change", [lambda cursor: cursor, unquote, lambda cursor: quote(cursor, safe="")])
def test_pages_follow_each_other_however_the_cursor_is_encoded(change: object) -> None:
    rows, seen, cursor = list(range(7)), [], ""
    while True:
        chunk, cursor = page(rows, {"cursor": change(cursor), "limit": "3"}, default=5, most=10)  # type: ignore[operator]
        seen += chunk
        if not cursor:
            break
    assert seen == rows


@pytest.mark.parametrize("params", [{"limit": "0"}, {"limit": "11"}, {"limit": "x"}, {"cursor": "page%3Dx"}])
def test_bad_paging_is_a_parameter_error(params: dict[str, str]) -> None:
    with pytest.raises(Refusal) as caught:
        page([1], params, default=5, most=10)
    assert caught.value.code == 10001
