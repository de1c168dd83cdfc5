"""Every gate at its threshold, and without data: what is not known does not pass."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from cockpit.domain.enums import Environment, OrderRole, OrderType, Side, TimeInForce
from cockpit.domain.ids import client_order_id
from cockpit.domain.instrument import Lots, Ticks
from cockpit.domain.orders import OrderRequest
from cockpit.domain.time import NS_PER_S
from cockpit.risk.checks import AccountFacts, Check, MarketFacts, account_checks, market_checks
from cockpit.risk.gate import RiskApproved, RiskRefused, review
from cockpit.risk.limits import RiskLimits

NOW = 1_000 * NS_PER_S
ACCOUNT = AccountFacts(
    now_ns=NOW,
    lock_reasons=(),
    is_market_ended=False,
    open_positions=0,
    unknown_intents=0,
    reconciled_ns=NOW,
    entries_last_minute=0,
    day_pnl_usdt=Decimal(0),
    day_r_usdt=Decimal(10),
    equity=Decimal(10_000),
    margin_used=Decimal(0),
    loop_lag_ms=1.0,
    disk_free_mb=None,
)
MARKET = MarketFacts(
    has_leverage=True,
    symbol="X",
    is_book_valid=True,
    book_reason="",
    book_recv_ns=NOW,
    spread_bps=2.0,
    mid=100.0,
    mark=100.0,
    reference=100.0,
    is_tradable=True,
    has_position=False,
    has_in_flight=False,
    last_entry_ns=None,
)


def failed(**changes: Any) -> list[str]:
    """Names of the rules that fail with these facts; every other fact is fine."""
    account = {name: value for name, value in changes.items() if name in AccountFacts.__struct_fields__}
    market = {name: value for name, value in changes.items() if name in MarketFacts.__struct_fields__}
    assert len(account) + len(market) == len(changes)
    checks = [
        *account_checks(msgspec.structs.replace(ACCOUNT, **account), RiskLimits()),
        *market_checks(msgspec.structs.replace(MARKET, **market), RiskLimits(), NOW),
    ]
    assert all(check.value and check.threshold for check in checks)
    return [check.name for check in checks if not check.passed]


def test_nothing_fails_when_everything_is_fine() -> None:
    assert failed() == []


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"lock_reasons": ("paused",)}, "entries"),
        ({"is_market_ended": True}, "market"),
        ({"open_positions": 10}, "positions"),
        ({"unknown_intents": 1}, "unknown orders"),
        ({"reconciled_ns": None}, "reconciled"),
        ({"reconciled_ns": NOW - 31 * NS_PER_S}, "reconciled"),
        ({"entries_last_minute": 10}, "entry rate"),
        ({"day_pnl_usdt": Decimal(-30)}, "day loss"),
        ({"day_r_usdt": Decimal(0)}, "day loss"),
        ({"is_book_valid": False, "book_reason": "crossed"}, "book"),
        ({"book_recv_ns": None}, "book age"),
        ({"book_recv_ns": NOW - 4 * NS_PER_S - 1}, "book age"),
        ({"book_recv_ns": NOW - 1 * NS_PER_S, "book_lag_s": 3.1}, "book age"),
        ({"spread_bps": None}, "spread"),
        ({"spread_bps": 15.01}, "spread"),
        ({"mark": None}, "mid to mark"),
        ({"mark": 101.1}, "mid to mark"),
        ({"mark": 98.9}, "mid to mark"),
        ({"mark": 0.0}, "mid to mark"),
        ({"reference": 100.16}, "drift"),
        ({"reference": 99.84}, "drift"),
        ({"is_tradable": False}, "instrument"),
        ({"has_position": True}, "one position"),
        ({"has_in_flight": True}, "in flight"),
        ({"last_entry_ns": NOW - 2 * NS_PER_S}, "duplicate"),
    ],
)
def test_one_bad_fact_fails_its_own_rule_and_no_other(facts: dict[str, Any], name: str) -> None:
    assert failed(**facts) == [name]


@pytest.mark.parametrize(
    "facts",
    [
        {"open_positions": 9},
        {"reconciled_ns": NOW - 30 * NS_PER_S},
        {"entries_last_minute": 9},
        {"day_pnl_usdt": Decimal("-29.99")},
        {"book_recv_ns": NOW - 4 * NS_PER_S},
        {"spread_bps": 15.0},
        {"mark": 100.9},
        {"reference": 100.14},
        {"last_entry_ns": NOW - 2 * NS_PER_S - 1},
    ],
)
def test_a_fact_at_its_threshold_passes(facts: dict[str, Any]) -> None:
    assert failed(**facts) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("fact", ["spread_bps", "mark", "reference", "mid"])
def test_a_number_that_is_none_never_passes(fact: str, value: float) -> None:
    assert failed(**{fact: value}) != []


def entry(stop: Ticks | None) -> OrderRequest:
    return OrderRequest(
        client_id=client_order_id(Environment.SIM, 1, "a", OrderRole.ENTRY, 1),
        symbol="X",
        side=Side.BUY,
        role=OrderRole.ENTRY,
        order_type=OrderType.LIMIT,
        time_in_force=TimeInForce.IOC,
        lots=Lots(1),
        price=Ticks(100),
        stop_loss=stop,
    )


def test_an_entry_without_a_stop_is_refused_whatever_else_holds() -> None:
    verdict = review(entry(None), [])
    assert isinstance(verdict, RiskRefused)
    assert verdict.text == "stop attached no (needs yes)"


def test_a_refusal_names_every_rule_that_failed_with_its_numbers() -> None:
    verdict = review(
        entry(Ticks(90)), [Check("a", True, "1", "1"), Check("b", False, "2", "< 1"), Check("c", False, "x", "y")]
    )
    assert isinstance(verdict, RiskRefused)
    assert verdict.text == "b 2 (needs < 1); c x (needs y)"


def test_only_the_gate_approves() -> None:
    verdict = review(entry(Ticks(90)), [])
    assert isinstance(verdict, RiskApproved)
    with pytest.raises(TypeError, match="only"):
        RiskApproved(verdict.order, (), object())  # type: ignore[arg-type]
