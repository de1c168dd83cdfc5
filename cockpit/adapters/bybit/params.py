r"""Domain requests to Bybit's parameters. Every number leaves as plain decimal text (``^\d+(\.\d+)?$``).

Field names and rules: bybit-v5.md 5.1, 5.3, 5.4, 6.2, 6.3.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from cockpit.adapters.bybit.endpoints import CATEGORY, COIN
from cockpit.domain.enums import OrderType, Side
from cockpit.domain.errors import LocalProtocolError
from cockpit.domain.ids import ClientOrderId
from cockpit.domain.instrument import Instrument
from cockpit.domain.orders import CancelRequest, OrderRequest, StopRequest

Params = dict[str, Any]

ACTIVE_ORDERS = "Order"
"""The filter of ``order/cancel-all`` that leaves every kind of stop alone."""

_NUMBER = re.compile(r"\d+(\.\d+)?")


def order(request: OrderRequest, rules: Instrument) -> Params:
    """Parameters of ``order/create``.

    Raises:
        LocalProtocolError: the request cannot be said in Bybit's words; it must not be sent.
    """
    _check(request, rules)
    params: Params = {
        "category": CATEGORY,
        "symbol": request.symbol,
        "side": request.side.value,
        "orderType": request.order_type.value,
        "timeInForce": request.time_in_force.value,
        "qty": _plain(rules.qty_text(request.lots)) if request.lots else "0",
        "positionIdx": request.position_idx,
        "orderLinkId": request.client_id,
    }
    if request.price is not None:
        params["price"] = _plain(rules.price_text(request.price))
    if request.reduce_only:
        params["reduceOnly"] = True
    if request.close_on_trigger:
        params["closeOnTrigger"] = True
    if request.stop_loss is not None or request.take_profit is not None:
        params["tpslMode"] = "Full"
    if request.stop_loss is not None:
        params["stopLoss"] = _plain(rules.price_text(request.stop_loss))
        params["slTriggerBy"] = request.stop_trigger_by.value
        params["slOrderType"] = OrderType.MARKET.value
    if request.take_profit is not None:
        params["takeProfit"] = _plain(rules.price_text(request.take_profit))
        params["tpTriggerBy"] = request.stop_trigger_by.value
        params["tpOrderType"] = OrderType.MARKET.value
    return params


def close_whole(
    symbol: str, side: Side, position_idx: int, client_id: ClientOrderId, slippage_pct: Decimal | None = None
) -> Params:
    """Parameters of the market order that closes a whole position; ``side`` is the closing side.

    ``slippage_pct`` is how far from the touch it may fill (bybit-v5.md 5.1: 0.01 to 10); None is the exchange's own.

    Quantity 0 with both flags closes what is there when the order arrives (bybit-v5.md 5.1), so no rules are needed
    and a double can only find nothing to close.
    """
    params: Params = {
        "category": CATEGORY,
        "symbol": symbol,
        "side": side.value,
        "orderType": OrderType.MARKET.value,
        "qty": "0",
        "reduceOnly": True,
        "closeOnTrigger": True,
        "positionIdx": position_idx,
        "orderLinkId": client_id,
    }
    if slippage_pct is not None:
        params |= {"slippageToleranceType": "Percent", "slippageTolerance": _plain(f"{slippage_pct:.2f}")}
    return params


def cancel(request: CancelRequest) -> Params:
    """Parameters of ``order/cancel``."""
    if request.order_id:
        return {"category": CATEGORY, "symbol": request.symbol, "orderId": request.order_id}
    return {"category": CATEGORY, "symbol": request.symbol, "orderLinkId": request.client_id}


def cancel_entries(symbol: str) -> Params:
    """Parameters of ``order/cancel-all`` for the active orders of a symbol; stops of any kind stay."""
    return {"category": CATEGORY, "symbol": symbol, "orderFilter": ACTIVE_ORDERS}


def cancel_all(order_filter: str = "") -> Params:
    """Parameters of ``order/cancel-all`` for the whole account; without a filter stops are cancelled too."""
    params = {"category": CATEGORY, "settleCoin": COIN}
    return params | {"orderFilter": order_filter} if order_filter else params


def stop(request: StopRequest, rules: Instrument) -> Params:
    """Parameters of ``position/trading-stop``: the whole position, market."""
    return {
        "category": CATEGORY,
        "symbol": request.symbol,
        "tpslMode": "Full",
        "positionIdx": request.position_idx,
        "stopLoss": _plain(rules.price_text(request.stop_loss)),
        "slTriggerBy": request.trigger_by.value,
    }


def leverage(symbol: str, value: Decimal) -> Params:
    """Parameters of ``position/set-leverage``, the same for both sides."""
    text = _plain(f"{value.normalize():f}")
    return {"category": CATEGORY, "symbol": symbol, "buyLeverage": text, "sellLeverage": text}


def _check(request: OrderRequest, rules: Instrument) -> None:
    """What the exchange would misunderstand rather than refuse."""
    wrong = ""
    if rules.symbol != request.symbol:
        wrong = f"has the rules of {rules.symbol}"
    elif request.lots == 0 and not (request.reduce_only and request.close_on_trigger):
        wrong = "has no quantity and is not a closing order"
    elif (request.order_type is OrderType.LIMIT) != (request.price is not None):
        wrong = f"is {request.order_type.value} with price {request.price}"
    elif request.reduce_only and (request.stop_loss is not None or request.take_profit is not None):
        wrong = "is reduce-only and has a stop or target"
    if wrong:
        raise LocalProtocolError(f"order {request.client_id} of {request.symbol} {wrong}")


def _plain(text: str) -> str:
    if _NUMBER.fullmatch(text) is None:
        raise LocalProtocolError(f"{text!r} is not a plain decimal number")
    return text
