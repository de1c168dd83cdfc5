"""Order routes (bybit-v5.md 5). Parameters in, ``result`` out; the reply only acknowledges receipt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from cockpit.domain.enums import OrderType, Side, TimeInForce, TriggerBy
from cockpit.matching.intake import Amendment
from cockpit.matching.records import PLAIN, NewOrder, Order, Rejected
from cockpit.simex.auth import Refusal
from cockpit.simex.exchange import Exchange
from cockpit.simex.faults import OrderFault
from cockpit.simex.paging import number, page
from cockpit.simex.params import Params, decimal, flag, required_decimal, text, word
from cockpit.simex.rest_market import linear_market
from cockpit.simex.rows import execution_row, order_row

Action = Callable[[Exchange, Params], dict[str, Any]]

MAX_BATCH = 20


def create(exchange: Exchange, params: Params) -> dict[str, Any]:
    """``POST /v5/order/create``."""
    market = linear_market(exchange, params)
    request = NewOrder(
        symbol=market.symbol,
        side=word(params, "side", Side),
        order_type=word(params, "orderType", OrderType),
        qty=required_decimal(params, "qty"),
        price=decimal(params, "price"),
        time_in_force=word(params, "timeInForce", TimeInForce, TimeInForce.GTC),
        link_id=text(params, "orderLinkId"),
        reduce_only=flag(params, "reduceOnly"),
        close_on_trigger=flag(params, "closeOnTrigger"),
        position_idx=number(params, "positionIdx", 0),
        trigger_price=decimal(params, "triggerPrice"),
        trigger_direction=number(params, "triggerDirection", 0),
        trigger_by=word(params, "triggerBy", TriggerBy, TriggerBy.LAST),
        take_profit=decimal(params, "takeProfit") or None,
        stop_loss=decimal(params, "stopLoss") or None,
        tp_trigger_by=word(params, "tpTriggerBy", TriggerBy, TriggerBy.LAST),
        sl_trigger_by=word(params, "slTriggerBy", TriggerBy, TriggerBy.LAST),
        slippage_ticks=_slippage_ticks(exchange, params),
    )
    if text(params, "tpslMode") == "Partial":
        raise Refusal(10001, "params error: tpslMode Partial is not simulated")
    fault = exchange.order_faults.take(market.symbol)
    order = _placed(exchange, request) if fault is None else _misplaced(exchange, request, fault)
    exchange.desk.flush()
    return ids(order)


def _placed(exchange: Exchange, request: NewOrder) -> Order:
    return exchange.desk.matching.create(request, exchange.now_ms())


def _misplaced(exchange: Exchange, request: NewOrder, fault: OrderFault) -> Order:
    """Take an order the way an injected fault wants it."""
    if fault.is_stop_ignored:
        request = replace(request, stop_loss=None, take_profit=None)
    if fault.shift_ticks and request.price is not None:
        tick = exchange.markets[request.symbol].rules.instrument.tick_size
        request = replace(request, price=request.price + fault.shift_ticks * tick)
    if fault.reject_after_s is None:
        return _placed(exchange, request)
    order = exchange.desk.matching.doom(request, exchange.now_ms())
    asyncio.get_running_loop().call_later(fault.reject_after_s, _reject, exchange, order, fault.reject_reason)
    return order


def _reject(exchange: Exchange, order: Order, reason: str) -> None:
    exchange.desk.matching.reject(order, reason, exchange.now_ms())
    exchange.desk.flush()


def _slippage_ticks(exchange: Exchange, params: Params) -> int | None:
    """Slippage tolerance of a market order, in ticks."""
    kind, tolerance = text(params, "slippageToleranceType"), decimal(params, "slippageTolerance")
    if not kind or tolerance is None:
        return None
    if kind == "TickSize":
        if not 1 <= tolerance <= 10_000 or tolerance % 1:
            raise Refusal(110108, "slippageTolerance out of range")
        return int(tolerance)
    if kind != "Percent" or not 0 < tolerance * 100 <= 1000 or (tolerance * 100) % 1:
        raise Refusal(110109, "slippageTolerance out of range")
    market = linear_market(exchange, params)
    best = market.book.side_for_taker(word(params, "side", Side)).best
    return None if best is None else int(best * tolerance / 100)


def amend(exchange: Exchange, params: Params) -> dict[str, Any]:
    """``POST /v5/order/amend``."""
    order = wanted_order(exchange, params)
    change = Amendment(
        qty=decimal(params, "qty"),
        price=decimal(params, "price"),
        trigger_price=decimal(params, "triggerPrice"),
        stop_loss=decimal(params, "stopLoss"),
        take_profit=decimal(params, "takeProfit"),
    )
    exchange.desk.matching.amend(order, change, exchange.now_ms())
    exchange.desk.flush()
    return ids(order)


def cancel(exchange: Exchange, params: Params) -> dict[str, Any]:
    """``POST /v5/order/cancel``."""
    order = wanted_order(exchange, params)
    try:
        exchange.desk.matching.cancel(order, exchange.now_ms())
    finally:
        exchange.desk.flush()  # a race that was lost is told too
    return ids(order)


def cancel_all(exchange: Exchange, params: Params) -> dict[str, Any]:
    """``POST /v5/order/cancel-all``; without ``orderFilter`` it takes stops of positions too (5.4)."""
    symbols = chosen_symbols(exchange, params)
    order_filter = text(params, "orderFilter")
    if order_filter not in ("", "Order", "StopOrder", "OpenOrder"):
        raise Refusal(10001, "params error: orderFilter invalid")
    order_filter = "Order" if order_filter == "OpenOrder" else order_filter
    kind = text(params, "stopOrderType")
    cancelled = exchange.desk.matching.cancel_all(symbols, order_filter, kind, exchange.now_ms())
    exchange.desk.flush()
    return {"list": [ids(order) for order in cancelled], "success": "1"}


def batch(action: Action) -> Action:
    """The batch form of an action: outer success, one code per item (5.7)."""

    def run(exchange: Exchange, params: Params) -> dict[str, Any]:
        items = params.get("request")
        if not isinstance(items, list) or not 1 <= len(items) <= MAX_BATCH:
            raise Refusal(10001, f"params error: request must hold 1 to {MAX_BATCH} orders")
        rows, outcomes = [], []
        for item in items:
            row, outcome = _batch_item(action, exchange, {**item, "category": params.get("category")})
            rows.append(row)
            outcomes.append(outcome)
        return {"list": rows, "retExtInfo": {"list": outcomes}}

    return run


def _batch_item(action: Action, exchange: Exchange, item: Params) -> tuple[dict[str, Any], dict[str, Any]]:
    head = {"category": "linear", "symbol": text(item, "symbol")}
    now = str(exchange.now_ms())
    try:
        return {**head, **action(exchange, item), "createAt": now}, {"code": 0, "msg": "OK"}
    except Refusal as refusal:
        outcome = {"code": refusal.code, "msg": refusal.message}
    except Rejected as rejected:
        outcome = {"code": rejected.code, "msg": rejected.reason}
    return {**head, "orderId": "", "orderLinkId": text(item, "orderLinkId"), "createAt": ""}, outcome


def realtime(exchange: Exchange, params: Params) -> dict[str, Any]:
    """``GET /v5/order/realtime``: open orders, or the last closed ones with ``openOnly=1``; newest first."""
    rows = _orders(exchange, params)
    if not _names_one(params):
        is_open = number(params, "openOnly", 0) == 0
        if not any(text(params, name) for name in ("symbol", "baseCoin", "settleCoin")):
            raise Refusal(10001, "params error: symbol, baseCoin or settleCoin is required")
        rows = [order for order in rows if order.is_active == is_open][: None if is_open else 500]
    return _order_page(exchange, params, rows)


def history(exchange: Exchange, params: Params) -> dict[str, Any]:
    """``GET /v5/order/history``: newest first."""
    rows = [order for order in _orders(exchange, params) if not order.is_active or order.filled]
    status = text(params, "orderStatus")
    rows = [order for order in rows if status in ("", order.status.value)]
    start, end = number(params, "startTime", 0), number(params, "endTime", 2**53)
    return _order_page(exchange, params, [order for order in rows if start <= order.created_ms <= end])


def executions(exchange: Exchange, params: Params) -> dict[str, Any]:
    """``GET /v5/execution/list``: newest first."""
    symbols = set(chosen_symbols(exchange, params, required=False))
    start, end = number(params, "startTime", 0), number(params, "endTime", 2**53)
    order_id, link_id, kind = text(params, "orderId"), text(params, "orderLinkId"), text(params, "execType")
    rows = [
        row
        for row in reversed(exchange.desk.account.ledger.executions)
        if row.symbol in symbols
        and start <= row.time_ms <= end
        and order_id in ("", row.order_id)
        and link_id in ("", row.link_id)
        and kind in ("", row.exec_type)
    ]
    chunk, cursor = page(rows, params, default=50, most=100)
    listed = [execution_row(row, exchange.markets[row.symbol].rules) for row in chunk]
    return {"category": "linear", "list": listed, "nextPageCursor": cursor}


def _orders(exchange: Exchange, params: Params) -> list[Order]:
    """Orders that the filters name, newest created first."""
    account = exchange.desk.account
    if _names_one(params):
        order = account.find(text(params, "orderId"), text(params, "orderLinkId"))
        return [] if order is None or order.symbol not in exchange.markets else [order]
    symbols = set(chosen_symbols(exchange, params, required=False))
    kind = text(params, "orderFilter")
    rows = [order for order in account.ledger.orders.values() if order.symbol in symbols]
    if kind:
        rows = [order for order in rows if (order.stop_order_type == PLAIN) == (kind == "Order")]
    return rows[::-1]


def _names_one(params: Params) -> bool:
    return bool(text(params, "orderId") or text(params, "orderLinkId"))


def _order_page(exchange: Exchange, params: Params, orders: list[Order]) -> dict[str, Any]:
    chunk, cursor = page(orders, params, default=20, most=50)
    listed = [order_row(order, exchange.markets[order.symbol].rules) for order in chunk]
    return {"category": "linear", "list": listed, "nextPageCursor": cursor}


def wanted_order(exchange: Exchange, params: Params) -> Order:
    """The order named by orderId, else by orderLinkId.

    Raises:
        Refusal: 110001, there is no such order of that symbol.
    """
    market = linear_market(exchange, params)
    if not _names_one(params):
        raise Refusal(10001, "params error: orderId or orderLinkId is required")
    order = exchange.desk.account.find(text(params, "orderId"), text(params, "orderLinkId"))
    if order is None or order.symbol != market.symbol:
        raise Refusal(110001, "order not exists or too late to cancel")
    return order


def chosen_symbols(exchange: Exchange, params: Params, *, required: bool = True) -> list[str]:
    """Symbols that symbol, baseCoin or settleCoin name (in this order of precedence)."""
    if text(params, "category") != "linear":
        return []
    if text(params, "symbol"):
        return [linear_market(exchange, params).symbol]
    if text(params, "baseCoin"):
        symbol = f"{text(params, 'baseCoin')}USDT"
        return [symbol] if symbol in exchange.markets else []
    if text(params, "settleCoin"):
        return list(exchange.markets) if text(params, "settleCoin") == "USDT" else []
    if required:
        raise Refusal(10001, "params error: symbol, baseCoin or settleCoin is required")
    return list(exchange.markets)


def ids(order: Order) -> dict[str, Any]:
    """What an acknowledgement names."""
    return {"orderId": order.order_id, "orderLinkId": order.link_id}
