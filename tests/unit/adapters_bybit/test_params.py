"""Domain requests in Bybit's words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from cockpit.adapters.bybit import params
from cockpit.domain.enums import OrderRole, OrderType, Side, TimeInForce, TriggerBy
from cockpit.domain.errors import LocalProtocolError
from cockpit.domain.ids import ClientOrderId
from cockpit.domain.instrument import Instrument, Lots, Ticks
from cockpit.domain.orders import CancelRequest, OrderRequest, StopRequest

RULES = Instrument(
    symbol="PEPEUSDT",
    tick_size=Decimal("0.0000001"),
    qty_step=Decimal("100"),
    min_qty=Decimal("100"),
    max_qty=Decimal("1e9"),
    max_market_qty=Decimal("1e8"),
    min_notional=Decimal("5"),
    max_leverage=Decimal("50"),
)
ENTRY = OrderRequest(
    client_id=ClientOrderId("cs1-x1-e1"),
    symbol="PEPEUSDT",
    side=Side.BUY,
    role=OrderRole.ENTRY,
    order_type=OrderType.LIMIT,
    time_in_force=TimeInForce.IOC,
    lots=Lots(12),
    price=Ticks(10),
    stop_loss=Ticks(9),
)


def changed(**fields: Any) -> OrderRequest:
    return msgspec.structs.replace(ENTRY, **fields)


def test_f117_entry_with_attached_stop() -> None:
    assert params.order(ENTRY, RULES) == {
        "category": "linear",
        "symbol": "PEPEUSDT",
        "side": "Buy",
        "orderType": "Limit",
        "timeInForce": "IOC",
        "qty": "1200",
        "price": "0.0000010",
        "positionIdx": 0,
        "orderLinkId": "cs1-x1-e1",
        "tpslMode": "Full",
        "stopLoss": "0.0000009",
        "slTriggerBy": "MarkPrice",
        "slOrderType": "Market",
    }


def test_target_is_said_beside_the_stop() -> None:
    sent = params.order(changed(take_profit=Ticks(20), stop_trigger_by=TriggerBy.LAST), RULES)
    assert (sent["takeProfit"], sent["tpTriggerBy"], sent["slTriggerBy"]) == ("0.0000020", "LastPrice", "LastPrice")


def test_closing_the_whole_position_is_quantity_zero_with_both_flags() -> None:
    close = changed(
        role=OrderRole.CLOSE,
        side=Side.SELL,
        order_type=OrderType.MARKET,
        lots=Lots(0),
        price=None,
        stop_loss=None,
        reduce_only=True,
        close_on_trigger=True,
    )
    sent = params.order(close, RULES)
    assert (sent["qty"], sent["reduceOnly"], sent["closeOnTrigger"]) == ("0", True, True)
    assert "price" not in sent
    assert "stopLoss" not in sent


@pytest.mark.parametrize(
    "request_",
    [
        changed(lots=Lots(0)),
        changed(lots=Lots(0), reduce_only=True, stop_loss=None),
        changed(price=None),
        changed(order_type=OrderType.MARKET),
        changed(reduce_only=True),
        changed(symbol="BTCUSDT"),
        changed(lots=Lots(-1)),
        changed(price=Ticks(-5)),
        changed(stop_loss=Ticks(-1)),
    ],
)
def test_what_the_exchange_would_misread_is_not_sent(request_: OrderRequest) -> None:
    with pytest.raises(LocalProtocolError):
        params.order(request_, RULES)


def test_cancelling_entries_never_names_stops() -> None:
    assert params.cancel_entries("BTCUSDT") == {"category": "linear", "symbol": "BTCUSDT", "orderFilter": "Order"}
    assert params.cancel_all(params.ACTIVE_ORDERS)["orderFilter"] == "Order"
    assert params.cancel_all() == {"category": "linear", "settleCoin": "USDT"}


def test_cancel_and_stop_and_leverage() -> None:
    assert params.cancel(CancelRequest(symbol="A", client_id=ClientOrderId("cs1-x1-e1"))) == {
        "category": "linear",
        "symbol": "A",
        "orderLinkId": "cs1-x1-e1",
    }
    assert params.stop(StopRequest(symbol="PEPEUSDT", stop_loss=Ticks(7)), RULES) == {
        "category": "linear",
        "symbol": "PEPEUSDT",
        "tpslMode": "Full",
        "positionIdx": 0,
        "stopLoss": "0.0000007",
        "slTriggerBy": "MarkPrice",
    }
    assert params.leverage("A", Decimal("1E+1")) == {
        "category": "linear",
        "symbol": "A",
        "buyLeverage": "10",
        "sellLeverage": "10",
    }


def test_closing_order_of_flatten_needs_no_rules() -> None:
    assert params.close_whole("A", Side.SELL, 1, ClientOrderId("cs1-x1-f2")) == {
        "category": "linear",
        "symbol": "A",
        "side": "Sell",
        "orderType": "Market",
        "qty": "0",
        "reduceOnly": True,
        "closeOnTrigger": True,
        "positionIdx": 1,
        "orderLinkId": "cs1-x1-f2",
    }


def test_f044_a_close_may_say_how_far_from_the_touch_it_may_fill() -> None:
    sent = params.close_whole("A", Side.BUY, 0, ClientOrderId("cs1-x1-f4"), Decimal(1))
    assert (sent["slippageToleranceType"], sent["slippageTolerance"]) == ("Percent", "1.00")


def test_an_order_that_is_none_of_ours_is_cancelled_by_the_exchanges_id() -> None:
    request = CancelRequest(symbol="A", client_id=None, order_id="7")
    assert params.cancel(request) == {"category": "linear", "symbol": "A", "orderId": "7"}
