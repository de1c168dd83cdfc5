"""Private frames and REST answers against the golden messages of ``tests/data/bybit`` and collected ones."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cockpit.adapters.bybit import parse
from cockpit.adapters.bybit import wire_private as wire
from cockpit.adapters.bybit.private import decode_private
from cockpit.domain.account import AccountInfo, BalanceReport
from cockpit.domain.enums import ExecType, OrderStatus, OrderType, Side
from cockpit.domain.errors import RemoteProtocolError
from cockpit.domain.instrument import Instrument
from cockpit.domain.orders import OrderReport
from cockpit.domain.positions import FillReport, PositionReport
from tests.support.recorded import recorded

GOLDEN = Path(__file__).parents[1] / "data" / "bybit"
NOW = 1_785_000_100_050_000_000


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_bytes())


def reports(name: str) -> list[Any]:
    push = decode_private((GOLDEN / f"{name}.json").read_bytes(), NOW)
    assert push is not None
    assert push.ts_recv == NOW
    return push.reports


def test_order_push_keeps_linear_orders_in_order() -> None:
    entry, stop = reports("private_order")
    assert entry == OrderReport(
        symbol="SOLUSDT",
        order_id="3f0c7c1e-0001",
        client_id="cs7-b12-e1",
        side=Side.BUY,
        status=OrderStatus.PARTIALLY_FILLED,
        order_type=OrderType.LIMIT,
        qty=Decimal("12.0"),
        filled_qty=Decimal("10.0"),
        price=Decimal("151.300"),
        avg_price=Decimal("151.255"),
        stop_loss=Decimal("150.100"),
        reject_reason="EC_NoError",
        create_type="CreateByUser",
        created_ms=1785000100004,
        updated_ms=1785000100018,
        ts_recv=NOW,
    )
    assert (stop.status, stop.stop_order_type) == (OrderStatus.UNTRIGGERED, "StopLoss")
    assert (stop.trigger_price, stop.reduce_only, stop.price) == (Decimal("150.100"), True, None)


def test_execution_push_tells_trades_from_funding_and_adl() -> None:
    trade, funding, adl = reports("private_execution")
    assert trade == FillReport(
        exec_id="e-7001",
        symbol="SOLUSDT",
        order_id="3f0c7c1e-0001",
        client_id="cs7-b12-e1",
        side=Side.BUY,
        exec_type=ExecType.TRADE,
        price=Decimal("151.255"),
        qty=Decimal("10.0"),
        fee=Decimal("0.83190250"),
        create_type="CreateByUser",
        ts_event=1785000100016_000_000,
        ts_recv=NOW,
        seq=88200901,
    )
    assert (funding.exec_type, funding.fee, funding.seq) == (ExecType.FUNDING, Decimal("-0.01512550"), 88999001)
    assert (adl.exec_type, adl.closed_qty, adl.is_maker) == (ExecType.ADL, Decimal("4.0"), True)


def test_position_push_of_an_open_and_a_flat_position() -> None:
    long, flat = reports("private_position")
    assert long == PositionReport(
        symbol="SOLUSDT",
        side=Side.BUY,
        qty=Decimal("10.0"),
        entry_price=Decimal("151.255"),
        mark_price=Decimal("151.250"),
        stop_loss=Decimal("150.100"),
        leverage=Decimal(5),
        adl_rank=2,
        seq=88200901,
        updated_ms=1785000100018,
        ts_recv=NOW,
    )
    assert (flat.side, flat.qty, flat.entry_price, flat.seq) == (None, 0, 0, -1)


def test_wallet_push_under_cross_margin() -> None:
    assert reports("private_wallet") == [
        BalanceReport(
            equity=Decimal("9998.50"),
            wallet_balance=Decimal("9998.55"),
            available=Decimal("9695.40"),
            initial_margin=Decimal("364.3"),
            ts_recv=NOW,
        )
    ]


def test_wallet_under_isolated_margin_leaves_what_is_not_bound() -> None:
    [row] = golden("rest_wallet_isolated")["result"]["list"]
    report = parse.balance_report(msgspec.convert(row, wire.WireWallet), NOW)
    assert report is not None
    assert report.available == Decimal(1000 - 100 - 20 - 5 - 10)


def test_wallet_push_without_our_coin_tells_nothing() -> None:
    frame = golden("private_wallet")
    frame["data"][0]["coin"].pop()
    assert decode_private(json.dumps(frame).encode(), NOW) is None


@pytest.mark.parametrize("name", ["private_auth_ok", "private_auth_refused", "private_pong"])
def test_answers_are_no_account_pushes(name: str) -> None:
    assert decode_private((GOLDEN / f"{name}.json").read_bytes(), NOW) is None


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("private_order", "qty", ""),
        ("private_order", "qty", "many"),
        ("private_order", "qty", "-1"),
        ("private_order", "cumExecQty", "NaN"),
        ("private_order", "orderStatus", "Paused"),
        ("private_order", "side", ""),
        ("private_order", "updatedTime", "1e999999999"),
        ("private_order", "symbol", None),
        ("private_execution", "execQty", None),
        ("private_execution", "execPrice", ""),
        ("private_execution", "execId", ""),
        ("private_execution", "execFee", "x"),
        ("private_position", "size", ""),
        ("private_position", "size", "-3"),
        ("private_position", "entryPrice", ""),
        ("private_position", "side", "Long"),
    ],
)
def test_a_money_field_that_cannot_be_read_refuses_the_message(name: str, path: str, value: Any) -> None:
    frame = golden(name)
    frame["data"][0][path] = value
    with pytest.raises(RemoteProtocolError):
        decode_private(json.dumps(frame).encode(), NOW)


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("private_order", "createType", "CreateByWizard"),
        ("private_order", "cancelType", None),
        ("private_order", "price", None),
        ("private_order", "qty", 12.0),
        ("private_order", "unheardOf", {"a": [1]}),
        ("private_execution", "execType", "MoonTrade"),
        ("private_execution", "orderLinkId", None),
        ("private_position", "isReduceOnly", None),
        ("private_position", "liqPrice", None),
    ],
)
def test_unknown_words_and_missing_trimmings_do_not_matter(name: str, path: str, value: Any) -> None:
    frame = golden(name)
    frame["data"][0][path] = value
    assert decode_private(json.dumps(frame).encode(), NOW)


def test_instrument_rules() -> None:
    [row] = golden("rest_instruments")["result"]["list"]
    assert parse.instrument(msgspec.convert(row, wire.WireInstrument)) == Instrument(
        symbol="SOLUSDT",
        tick_size=Decimal("0.010"),
        qty_step=Decimal("0.1"),
        min_qty=Decimal("0.1"),
        max_qty=Decimal("79770.0"),
        max_market_qty=Decimal("7880.0"),
        min_notional=Decimal(5),
        max_leverage=Decimal("100.00"),
    )


def account(**changes: Any) -> AccountInfo:
    key = golden("rest_query_api")["result"] | changes
    mode = golden("rest_account_info")["result"]
    return parse.account_info(msgspec.convert(key, wire.WireKey), msgspec.convert(mode, wire.WireAccount))


def test_account_of_a_trading_key() -> None:
    assert account() == AccountInfo(
        uid="4711",
        margin_mode="REGULAR_MARGIN",
        can_trade=True,
        can_withdraw=False,
        ips=("203.0.113.7",),
        days_to_expiry=83,
        rights=("ContractTrade.Order", "ContractTrade.Position"),
    )


def test_key_that_is_bound_to_addresses_does_not_expire() -> None:
    assert account(deadlineDay=-2).days_to_expiry is None
    assert account(deadlineDay=0).days_to_expiry == 0


def test_every_granted_right_is_told_whatever_its_group() -> None:
    rights = account(permissions={"New": ["X"], "FiatP2P": [], "Spot": None, "Wallet": ["Withdraw"]}).rights
    assert rights == ("New.X", "Wallet.Withdraw")


@pytest.mark.parametrize(
    ("changes", "can_trade", "can_withdraw"),
    [
        ({"readOnly": 1}, False, False),
        ({"permissions": {"ContractTrade": ["Order"]}}, False, False),
        ({"permissions": {}}, False, False),
        ({"permissions": {"ContractTrade": ["Order", "Position"], "Wallet": ["Withdraw"]}}, True, True),
        ({"permissions": {"ContractTrade": None, "Wallet": ["AccountTransfer"]}}, False, False),
    ],
)
def test_rights_of_a_key(changes: dict[str, Any], can_trade: bool, can_withdraw: bool) -> None:
    info = account(**changes)
    assert (info.can_trade, info.can_withdraw) == (can_trade, can_withdraw)


@pytest.mark.recorded
def test_all_800_instruments_of_the_real_answer_are_read() -> None:
    answer = json.loads(recorded("bybit-linear-2026-08/instruments_info_linear.json").read_bytes())
    rules = [parse.instrument(msgspec.convert(row, wire.WireInstrument)) for row in answer["result"]["list"]]
    assert len(rules) == 800
    btc = next(rule for rule in rules if rule.symbol == "BTCUSDT")
    assert (btc.tick_size, btc.qty_step) == (Decimal("0.10"), Decimal("0.001"))


@pytest.mark.recorded
def test_collected_private_frames_are_understood() -> None:
    folder = recorded("fixtures/rest-ws-json")
    kinds = {"order": OrderReport, "execution": FillReport, "position": PositionReport, "wallet": BalanceReport}
    seen = dict.fromkeys(kinds, 0)
    for path in sorted(folder.glob("ws_account_*.json")):
        frame = json.loads(path.read_bytes())
        topic = frame.get("topic", "").partition(".")[0] if isinstance(frame, dict) else ""
        push = decode_private(path.read_bytes(), NOW)
        if push is None:
            continue
        assert all(isinstance(report, kinds[topic]) for report in push.reports)
        seen[topic] += 1
    assert all(count >= 2 for count in seen.values())


@pytest.mark.recorded
@pytest.mark.parametrize(
    ("pattern", "kind", "told"),
    [
        ("http_get_orders_*", wire.WireOrder, parse.order_report),
        ("http_get_executions*", wire.WireFill, parse.fill_report),
        ("http_get_positions*", wire.WirePosition, parse.position_report),
        ("http_get_wallet*", wire.WireWallet, parse.balance_report),
    ],
)
def test_collected_rest_rows_are_understood(pattern: str, kind: Any, told: Any) -> None:
    paths = sorted(recorded("fixtures/rest-ws-json").glob(f"{pattern}.json"))
    rows = [
        row
        for answer in (json.loads(path.read_bytes()) for path in paths)
        for row in answer["result"]["list"]
        if "result" in answer
    ]
    assert rows
    for row in rows:
        assert told(msgspec.convert(row, kind, strict=False), NOW) is not None
