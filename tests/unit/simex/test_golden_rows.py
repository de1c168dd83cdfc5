"""Our rows carry every field of the golden messages, with the same JSON type."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cockpit.domain.enums import OrderType, Side
from cockpit.matching.account import Account, Ledger
from cockpit.matching.core import Matching
from cockpit.matching.market_view import MarketView
from cockpit.matching.records import NewOrder
from cockpit.simex.rows import execution_row, order_row, position_row, pushed_position_row, wallet_row
from cockpit.simex.rules import SymbolRules, entry_of
from tests.unit.matching.market import SYMBOL, instrument

GOLDEN = Path(__file__).parents[2] / "data" / "bybit"
LOOSE = {"closedSize", "orderLinkId", "seq"}
"""Fields whose golden value is a special case; ``seq`` comes as number and as text."""


@pytest.fixture
def account() -> Account:
    view = MarketView(instrument())
    view.book.replace([(999, 5000)], [(1001, 5000)])
    view.last, view.mark = 1000, Decimal(100)
    account = Account(Ledger(account_id="g", wallet=Decimal(10_000)), {SYMBOL: view}, Decimal(10))
    order = NewOrder(
        symbol=SYMBOL, side=Side.BUY, order_type=OrderType.MARKET, qty=Decimal(1), stop_loss=Decimal(95), link_id="g-1"
    )
    Matching(account).create(order, 1_700_000_000_000)
    return account


def rows_of(name: str) -> list[dict[str, Any]]:
    message = json.loads((GOLDEN / f"{name}.json").read_bytes())
    rows = message["data"] if "data" in message else message["result"]["list"]
    return [row for row in rows if row.get("category", "linear") == "linear"]


def assert_has(ours: dict[str, Any], golden: dict[str, Any]) -> None:
    ours = msgspec.json.decode(msgspec.json.encode(ours))
    missing = set(golden) - set(ours)
    assert not missing
    for name in set(golden) - LOOSE:
        assert type(ours[name]) is type(golden[name]), name


@pytest.mark.parametrize("name", ["private_order", "rest_order_realtime"])
def test_orders(account: Account, name: str) -> None:
    rules = SymbolRules(instrument())
    for order in account.ledger.orders.values():
        for golden in rows_of(name):
            assert_has(order_row(order, rules), golden)


def test_executions(account: Account) -> None:
    for golden in rows_of("private_execution"):
        assert_has(execution_row(account.ledger.executions[0], SymbolRules(instrument())), golden)


def test_positions(account: Account) -> None:
    rules = SymbolRules(instrument())
    for golden in rows_of("rest_position_list"):
        assert_has(position_row(account, SYMBOL, rules), golden)
    for golden in rows_of("private_position"):
        assert_has(pushed_position_row(account, SYMBOL, rules), golden)


@pytest.mark.parametrize("name", ["private_wallet", "rest_wallet_isolated"])
def test_wallets(account: Account, name: str) -> None:
    for golden in rows_of(name):
        ours = wallet_row(account)
        assert_has(ours, golden)
        assert_has(ours["coin"][0], next(coin for coin in golden["coin"] if coin["coin"] == "USDT"))


def test_instruments() -> None:
    golden = rows_of("rest_instruments")[0]
    ours = entry_of(instrument())
    assert_has(ours, golden)
    for group in ("priceFilter", "lotSizeFilter", "leverageFilter"):
        assert_has(ours[group], golden[group])
