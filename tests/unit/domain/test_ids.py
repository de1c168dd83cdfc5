"""Link ids: what goes in comes out, and what does not fit is refused before it is sent."""

from __future__ import annotations

import pytest

from cockpit.domain.enums import Environment, OrderRole
from cockpit.domain.ids import client_order_id, epoch_of, is_own, origin_of, role_of


@pytest.mark.parametrize("environment", list(Environment))
@pytest.mark.parametrize("role", list(OrderRole))
def test_a_link_id_tells_its_origin_role_and_epoch(environment: Environment, role: OrderRole) -> None:
    name = client_order_id(environment, 29_000_001, "xe5d252zzzzz", role, 999)
    assert len(name) <= 36
    assert (origin_of(name), role_of(name), epoch_of(name)) == ("xe5d252zzzzz", role, 29_000_001)
    assert is_own(name)


@pytest.mark.parametrize("origin", ["", "a-b", "a_b", "é", "x" * 30])
def test_an_origin_that_does_not_fit_is_refused(origin: str) -> None:
    with pytest.raises(ValueError, match="link id"):
        client_order_id(Environment.LIVE, 1, origin, OrderRole.ENTRY, 1)


@pytest.mark.parametrize(
    "foreign", ["", "cs1", "cs1-a-e", "cs1-a-e1 ", "xs1-a-e1", "cs1-a-z1", "cs1-a-e1-", "CS1-a-e1"]
)
def test_a_foreign_link_id_tells_nothing(foreign: str) -> None:
    assert not is_own(foreign)
    assert (origin_of(foreign), role_of(foreign), epoch_of(foreign)) == (None, None, None)


def test_ids_of_different_orders_differ() -> None:
    parts = [
        (environment, epoch, origin, role, attempt)
        for environment in Environment
        for epoch in (1, 11)
        for origin in ("a", "a1")
        for role in OrderRole
        for attempt in (1, 11)
    ]
    assert len({client_order_id(*each) for each in parts}) == len(parts)
