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
from cockpit.risk.checks import (
    AccountFacts,
    Check,
    MarketFacts,
    OrderFacts,
    account_checks,
    market_checks,
    order_checks,
)
from cockpit.risk.gate import RiskApproved, RiskRefused, review
from cockpit.risk.limits import RiskLimits

NOW = 10_000 * NS_PER_S
S = NS_PER_S
LIMITS = RiskLimits()
ACCOUNT = AccountFacts(
    now_ns=NOW,
    state="READY",
    lock_reasons=(),
    is_market_ended=False,
    open_positions=0,
    unknown_intents=0,
    reconciled_ns=NOW,
    differences=(),
    naked=(),
    private_answered_ns=NOW,
    entries_last_minute=0,
    day_pnl_usdt=Decimal(0),
    day_r_usdt=Decimal(10),
    balance_ns=NOW,
    equity=Decimal(10_000),
    margin_used=Decimal(0),
    host_ns=NOW,
    loop_lag_ms=1.0,
    disk_free_mb=10_000.0,
    is_lock_held=True,
    clock_uncertainty_ms=20.0,
    clock_read_ns=NOW,
    commit_ms=1.0,
    committed_ns=NOW,
    room_percent=100.0,
    room_route="all routes",
    room_ns=NOW,
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
    mark_ns=NOW,
    reference=100.0,
    status="Trading",
    rules_read_at=NOW,
    mode_read_ns=NOW,
    has_position=False,
    has_in_flight=False,
    last_entry_ns=None,
)
ORDER = OrderFacts(
    now_ns=NOW,
    expires_ns=NOW + 10 * S,
    approved_by="anna",
    margin_usdt=Decimal(100),
    notional_usdt=Decimal(1_000),
    margin_used=Decimal(0),
    equity=Decimal(10_000),
    limit_price=Decimal("100.05"),
    mark=Decimal(100),
    mark_ns=NOW,
)
ORDER_ONLY = {"expires_ns", "approved_by", "margin_usdt", "notional_usdt", "limit_price"}


def failed(**changes: Any) -> list[str]:
    """Names of the rules that fail with these facts; every other fact is fine."""
    return [check.name for check in judged(**changes) if not check.passed]


def judged(**changes: Any) -> list[Check]:
    """Every gate's verdict with these facts; every other fact is fine."""
    order = {name: value for name, value in changes.items() if name in ORDER_ONLY}
    account = {name: value for name, value in changes.items() if name in AccountFacts.__struct_fields__}
    market = {name: value for name, value in changes.items() if name in MarketFacts.__struct_fields__}
    assert len(account) + len(market) + len(order) == len(changes)
    checks = [
        *account_checks(msgspec.structs.replace(ACCOUNT, **account), LIMITS),
        *market_checks(msgspec.structs.replace(MARKET, **market), LIMITS, NOW),
        *order_checks(msgspec.structs.replace(ORDER, **order), LIMITS),
    ]
    assert all(check.value and check.threshold for check in checks)
    assert len({check.name for check in checks}) == len(checks)
    return checks


def test_nothing_fails_when_everything_is_fine() -> None:
    assert failed() == []


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"lock_reasons": ("paused",)}, "state"),
        ({"state": "LOCKED"}, "state"),
        ({"state": "RECONCILING", "lock_reasons": ("reading",)}, "state"),
        ({"is_market_ended": True}, "market"),
        ({"open_positions": 10}, "positions"),
        ({"unknown_intents": 1}, "unknown orders"),
        ({"reconciled_ns": None}, "reconciled"),
        ({"reconciled_ns": NOW - 31 * S}, "reconciled"),
        ({"differences": ("BTCUSDT",)}, "books agree"),
        ({"naked": ("BTCUSDT",)}, "missing stops"),
        ({"private_answered_ns": None}, "private stream"),
        ({"private_answered_ns": NOW - 10 * S - 1}, "private stream"),
        ({"margin_used": Decimal(500)}, "exposure used"),
        ({"room_percent": None}, "request room"),
        ({"room_percent": 29.9}, "request room"),
        ({"room_ns": None}, "request room"),
        ({"room_ns": NOW - 5 * S - 1}, "request room"),
        ({"clock_uncertainty_ms": None}, "clock"),
        ({"clock_uncertainty_ms": 500.1}, "clock"),
        ({"clock_read_ns": None}, "clock"),
        ({"clock_read_ns": NOW - 180 * S - 1}, "clock"),
        ({"disk_free_mb": None}, "disk"),
        ({"disk_free_mb": 199.9}, "disk"),
        ({"commit_ms": None}, "commit"),
        ({"commit_ms": 50.1}, "commit"),
        ({"committed_ns": None}, "commit"),
        ({"committed_ns": NOW - 30 * S - 1}, "commit"),
        ({"loop_lag_ms": None}, "loop lag"),
        ({"loop_lag_ms": 250.1}, "loop lag"),
        ({"is_lock_held": False}, "process lock"),
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
        ({"mark_ns": None}, "mid to mark"),
        ({"mark_ns": NOW - 60 * S - 1}, "mid to mark"),
        ({"reference": 100.16}, "drift"),
        ({"reference": 99.84}, "drift"),
        ({"status": "Settling"}, "instrument"),
        ({"status": ""}, "instrument"),
        ({"rules_read_at": None}, "rules age"),
        ({"rules_read_at": NOW - 3_600 * S - 1}, "rules age"),
        ({"mode_read_ns": None}, "position mode"),
        ({"has_leverage": False}, "leverage"),
        ({"has_position": True}, "one position"),
        ({"has_in_flight": True}, "in flight"),
        ({"last_entry_ns": NOW - 2 * NS_PER_S}, "duplicate"),
        ({"approved_by": ""}, "approval"),
        ({"expires_ns": NOW - 1}, "approval"),
        ({"margin_usdt": Decimal("500.01")}, "exposure"),
        ({"notional_usdt": Decimal("100000.01")}, "order value"),
        ({"limit_price": Decimal("101.0001")}, "price to mark"),
        ({"limit_price": Decimal("98.9999")}, "price to mark"),
        ({"limit_price": Decimal("104.99")}, "price to mark"),
    ],
)
def test_one_bad_fact_fails_its_own_rule_and_no_other(facts: dict[str, Any], name: str) -> None:
    assert failed(**facts) == [name]


@pytest.mark.parametrize(
    "facts",
    [
        {"open_positions": 9},
        {"reconciled_ns": NOW - 30 * S},
        {"private_answered_ns": NOW - 10 * S},
        {"margin_used": Decimal("499.99")},
        {"room_percent": 30.0},
        {"room_ns": NOW - 5 * S},
        {"clock_uncertainty_ms": 500.0},
        {"clock_read_ns": NOW - 180 * S},
        {"disk_free_mb": 200.0},
        {"commit_ms": 50.0},
        {"committed_ns": NOW - 30 * S},
        {"loop_lag_ms": 250.0},
        {"mark_ns": NOW - 60 * S},
        {"rules_read_at": NOW - 3_600 * S},
        {"expires_ns": NOW},
        {"margin_usdt": Decimal(500)},
        {"notional_usdt": Decimal(100_000)},
        {"limit_price": Decimal(101)},
        {"limit_price": Decimal(99)},
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


def test_a_machine_that_is_silent_closes_everything_it_is_the_evidence_for() -> None:
    for silence in (None, NOW - 5 * S - 1):
        assert failed(host_ns=silence) == ["disk", "commit", "loop lag", "process lock"]


def test_gates_tell_the_age_of_their_evidence() -> None:
    then = NOW - 3 * S
    aged = judged(reconciled_ns=then, private_answered_ns=then, host_ns=then, mark_ns=then, rules_read_at=then)
    ages = {check.name: check.age_s for check in aged}
    assert {name for name, age in ages.items() if age == 3.0} == {
        "reconciled", "private stream", "disk", "loop lag", "process lock", "mid to mark", "instrument", "rules age",
    }  # fmt: skip
    assert ages["state"] is None


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize(
    "fact", ["spread_bps", "mark", "reference", "mid", "loop_lag_ms", "commit_ms", "clock_uncertainty_ms"]
)
def test_a_number_that_is_none_never_passes(fact: str, value: float) -> None:
    assert failed(**{fact: value}) != []


@pytest.mark.parametrize(
    "facts",
    [
        {"mark": None},
        {"mark": Decimal("NaN")},
        {"mark": Decimal("Infinity")},
        {"mark": Decimal(0)},
        {"mark_ns": None},
        {"mark_ns": NOW - 60 * S - 1},
    ],
)
def test_p14_without_a_mark_price_of_now_no_limit_is_near_it(facts: dict[str, Any]) -> None:
    checks = order_checks(msgspec.structs.replace(ORDER, **facts), LIMITS)
    assert [(check.name, check.value) for check in checks if not check.passed] == [("price to mark", "no data")]


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
