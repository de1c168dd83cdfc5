"""Link ids: what goes in comes out, and what does not fit is refused before it is sent."""

from __future__ import annotations

import pytest

from cockpit.domain.enums import Environment, OrderRole
from cockpit.domain.ids import Maker, client_order_id, is_own, maker_of, origin_of, role_of


@pytest.mark.parametrize("environment", list(Environment))
@pytest.mark.parametrize("role", list(OrderRole))
def test_a_link_id_tells_its_origin_and_role(environment: Environment, role: OrderRole) -> None:
    name = client_order_id(environment, 29_000_001, "xe5d252zzzzz", role, 999, "k7q")
    assert len(name) <= 36
    assert (origin_of(name), role_of(name)) == ("xe5d252zzzzz", role)
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
    assert (origin_of(foreign), role_of(foreign)) == (None, None)
    assert maker_of(foreign, 1, "k7q") is Maker.NO_COCKPIT


def test_ids_of_different_orders_differ() -> None:
    parts = [
        (environment, epoch, origin, role, attempt, folder)
        for environment in Environment
        for epoch in (1, 11)
        for origin in ("a", "a1")
        for role in OrderRole
        for attempt in (1, 11)
        for folder in ("", "k7q", "k7r")
    ]
    assert len({client_order_id(*each) for each in parts}) == len(parts)


@pytest.mark.parametrize(
    ("name", "maker"),
    [
        ("cs4k7q-a-e1", Maker.THIS_START),
        ("cs3k7q-a-e1", Maker.EARLIER_START),
        ("cs3-a-e1", Maker.EARLIER_START),
        ("cs0-Xab-f1", Maker.COMMAND),
        ("cs4-a-e1", Maker.ANOTHER_ENGINE),
        ("cs5k7q-a-e1", Maker.ANOTHER_ENGINE),
        ("cs3k7r-a-e1", Maker.ANOTHER_ENGINE),
        ("cs4k7r-a-f1", Maker.ANOTHER_ENGINE),
        ("by hand", Maker.NO_COCKPIT),
    ],
)
def test_a_link_id_tells_an_engine_who_made_it(name: str, maker: Maker) -> None:
    assert maker_of(name, 4, "k7q") is maker


@pytest.mark.parametrize("folder", ["7kq", "k7", "K7q", "k7qq"])
def test_a_mark_that_could_be_read_as_a_number_is_refused(folder: str) -> None:
    with pytest.raises(ValueError, match="link id"):
        client_order_id(Environment.LIVE, 1, "a", OrderRole.ENTRY, 1, folder)
