"""Rows of orders, executions, positions and wallet as Bybit words them (bybit-v5.md 5.5, 5.8, 6.1, 7.1, 11). Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from cockpit.domain.enums import OrderStatus, Side, TriggerBy
from cockpit.matching.account import Account
from cockpit.matching.fees import money
from cockpit.matching.margin import MAINTENANCE_RATE, liquidation_price
from cockpit.matching.records import ClosedProfit, Execution, Order
from cockpit.matching.transactions import Transaction
from cockpit.simex.rules import SymbolRules, plain

RISK_LIMIT = "2000000"


def order_row(order: Order, rules: SymbolRules) -> dict[str, Any]:
    """An order, with the fields of REST and of the ``order`` topic together."""
    instrument = rules.instrument
    average = money(order.value / instrument.qty(order.filled)) if order.filled else None
    is_open = order.status in (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED, OrderStatus.UNTRIGGERED)
    leaves = order.leaves if is_open else 0
    price = _price(rules, order.price)
    return {
        "category": "linear",
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderLinkId": order.link_id,
        "parentOrderLinkId": order.parent_link_id,
        "blockTradeId": "",
        "side": order.side.value,
        "orderType": order.order_type.value,
        "timeInForce": order.time_in_force.value,
        "price": price or "0",
        "qty": rules.qty_text(order.lots),
        "isLeverage": "",
        "positionIdx": 0,
        "orderStatus": order.status.value,
        "createType": order.create_type,
        "cancelType": order.cancel_type,
        "rejectReason": order.reject_reason,
        "avgPrice": plain(average) if average is not None else "",
        "leavesQty": rules.qty_text(leaves),
        "leavesValue": plain(instrument.notional(order.price or 0, leaves)),
        "cumExecQty": rules.qty_text(order.filled),
        "cumExecValue": plain(order.value),
        "cumExecFee": plain(order.fee),
        "cumFeeDetail": {"USDT": plain(order.fee)} if order.filled else {},
        "closedPnl": plain(order.realised - order.fee) if order.realised else "0",
        "feeCurrency": "",
        **_order_triggers(order, rules),
        "lastPriceOnCreated": _price(rules, order.last_price_on_created),
        "reduceOnly": order.reduce_only,
        "closeOnTrigger": order.close_on_trigger,
        "placeType": "",
        "smpType": "None",
        "smpGroup": 0,
        "smpOrderId": "",
        "slippageToleranceType": "UNKNOWN",
        "slippageTolerance": "",
        "createdTime": str(order.created_ms),
        "updatedTime": str(order.updated_ms),
    }


def _order_triggers(order: Order, rules: SymbolRules) -> dict[str, Any]:
    """What an order waits for, and the stop and take-profit it brings."""
    has_stop, has_profit = order.stop_loss is not None, order.take_profit is not None
    return {
        "stopOrderType": order.stop_order_type,
        "orderIv": "",
        "marketUnit": "",
        "triggerPrice": _price(rules, order.trigger_price),
        "triggerDirection": order.trigger_direction,
        "triggerBy": order.trigger_by.value if order.trigger_by is not None else "",
        "takeProfit": _price(rules, order.take_profit),
        "stopLoss": _price(rules, order.stop_loss),
        "tpslMode": "Full" if has_stop or has_profit or order.is_attached else "",
        "ocoTriggerBy": "",
        "tpLimitPrice": "",
        "slLimitPrice": "",
        "tpTriggerBy": order.tp_trigger_by.value if has_profit else "",
        "slTriggerBy": order.sl_trigger_by.value if has_stop else "",
    }


def execution_row(execution: Execution, rules: SymbolRules) -> dict[str, Any]:
    """An execution, with the fields of REST and of the ``execution`` topic together."""
    return {
        "category": "linear",
        "symbol": execution.symbol,
        "isLeverage": "",
        "orderId": execution.order_id,
        "orderLinkId": execution.link_id,
        "side": execution.side.value,
        "orderPrice": _price(rules, execution.order_price) or "0",
        "orderQty": rules.qty_text(execution.order_lots),
        "leavesQty": rules.qty_text(execution.leaves_lots),
        "createType": execution.create_type,
        "orderType": execution.order_type.value if execution.exec_type != "Funding" else "UNKNOWN",
        "stopOrderType": execution.stop_order_type or "UNKNOWN",
        "execFee": plain(execution.fee),
        "execFeeV2": "",
        "feeCurrency": execution.fee_coin,
        "execId": execution.exec_id,
        "execPrice": plain(execution.price),
        "execQty": rules.qty_text(execution.lots),
        "execPnl": plain(execution.realised),
        "execType": execution.exec_type,
        "execValue": plain(execution.value),
        "execTime": str(execution.time_ms),
        "isMaker": execution.is_maker,
        "feeRate": plain(execution.fee_rate),
        "tradeIv": "",
        "markIv": "",
        "markPrice": plain(execution.mark_price),
        "indexPrice": "",
        "underlyingPrice": "",
        "blockTradeId": "",
        "closedSize": rules.qty_text(execution.closed_lots) if execution.closed_lots else "",
        "extraFees": "",
        "seq": execution.seq,
    }


def fast_execution_row(execution: Execution, rules: SymbolRules) -> dict[str, Any]:
    """An ``execution.fast`` row; makers get no link id (bybit-v5.md 11.2)."""
    row = execution_row(execution, rules)
    names = ("category", "symbol", "execId", "execPrice", "execQty", "orderId", "isMaker", "side", "execTime", "seq")
    return {**{name: row[name] for name in names}, "orderLinkId": "" if execution.is_maker else row["orderLinkId"]}


def position_row(account: Account, symbol: str, rules: SymbolRules) -> dict[str, Any]:
    """A position as REST words it; a flat one has empty side and size 0."""
    position, instrument = account.position(symbol), rules.instrument
    market, leverage = account.markets[symbol], account.leverage(symbol)
    qty = instrument.qty(abs(position.lots))
    entry = money(position.cost / qty) if position.lots else Decimal(0)
    mark = market.price(TriggerBy.MARK) or Decimal(0)
    side = position.side
    liquidation = instrument.ticks_up(liquidation_price(side, entry, leverage)) if side is not None else 0
    margin = account.position_margin(symbol) if position.lots else Decimal(0)
    maintenance = money(position.cost * MAINTENANCE_RATE)
    return {
        "positionIdx": 0,
        "riskId": 1,
        "riskLimitValue": RISK_LIMIT,
        "symbol": symbol,
        "side": side.value if side is not None else "",
        "size": rules.qty_text(abs(position.lots)),
        "avgPrice": plain(entry),
        "positionValue": plain(position.cost) if position.lots else "",
        "autoAddMargin": 0,
        "positionStatus": "Normal",
        "leverage": plain(leverage),
        "breakEvenPrice": plain(_break_even(account, symbol, side)) if side is not None else "",
        "markPrice": plain(mark),
        "liqPrice": rules.price_text(liquidation) if liquidation > 0 else "",
        "bustPrice": "",
        "positionIM": plain(margin),
        "positionIMByMp": plain(margin),
        "positionMM": plain(maintenance),
        "positionMMByMp": plain(maintenance),
        "positionBalance": plain(margin),
        "takeProfit": _attached_price(account, symbol, "TakeProfit", rules),
        "stopLoss": _attached_price(account, symbol, "StopLoss", rules),
        "trailingStop": "0",
        "sessionAvgPrice": "",
        "unrealisedPnl": plain(money(account.unrealised(symbol))),
        "curRealisedPnl": plain(position.realised),
        "cumRealisedPnl": plain(position.cum_realised),
        "adlRankIndicator": 2 if position.lots else 0,
        "tpslMode": "Full",
        "tradeMode": 0,
        "isReduceOnly": False,
        "mmrSysUpdatedTime": "",
        "leverageSysUpdatedTime": "",
        "createdTime": str(position.created_ms or ""),
        "updatedTime": str(position.updated_ms or ""),
        "openTime": position.opened_ms if position.lots else 0,
        "seq": position.seq,
    }


def position_rows(account: Account, symbol: str, rules: SymbolRules) -> list[dict[str, Any]]:
    """The rows of a symbol: one, or in hedge mode one a side, long first."""
    row = position_row(account, symbol, rules)
    if symbol not in account.hedged:
        return [row]
    names = ("size", "side", "avgPrice", "positionValue", "stopLoss", "takeProfit", "liqPrice", "unrealisedPnl")
    empty = {**row, **dict.fromkeys(names, ""), "size": "0", "avgPrice": "0"}
    is_short = row["side"] == "Sell"
    return [{**(empty if is_short else row), "positionIdx": 1}, {**(row if is_short else empty), "positionIdx": 2}]


def pushed_position_rows(account: Account, symbol: str, rules: SymbolRules) -> list[dict[str, Any]]:
    """The rows of a symbol as the ``position`` topic words them."""
    pushed = [pushed_position_row(account, symbol, rules)]
    if symbol in account.hedged:
        told = position_rows(account, symbol, rules)
        pushed = [{**pushed[0], **row, "entryPrice": row.pop("avgPrice")} for row in told]
    return pushed


def pushed_position_row(account: Account, symbol: str, rules: SymbolRules) -> dict[str, Any]:
    """A position as the ``position`` topic words it: ``entryPrice``, and no ``isReduceOnly`` when flat."""
    row = position_row(account, symbol, rules)
    row["entryPrice"] = row.pop("avgPrice")
    if account.position(symbol).lots == 0:
        del row["isReduceOnly"]
    return {"category": "linear", **row}


def wallet_row(account: Account) -> dict[str, Any]:
    """The unified account, the settlement coin first. Account-wide figures are empty under isolated margin (7.1)."""
    ledger = account.ledger
    open_profit = sum((money(account.unrealised(symbol)) for symbol in ledger.positions), Decimal(0))
    held = [symbol for symbol, position in ledger.positions.items() if position.lots]
    position_margin = sum((account.position_margin(symbol) for symbol in held), Decimal(0))
    order_margin = sum(
        (account.order_margin(symbol) for symbol, orders in account.active.items() if orders), Decimal(0)
    )
    maintenance = sum((money(ledger.positions[symbol].cost * MAINTENANCE_RATE) for symbol in held), Decimal(0))
    realised = sum((position.cum_realised for position in ledger.positions.values()), Decimal(0))
    equity = ledger.wallet + open_profit
    is_cross = ledger.margin_mode != "ISOLATED_MARGIN"
    return {
        "accountType": "UNIFIED",
        "accountIMRate": "",
        "accountMMRate": "",
        "accountLTV": "",
        "totalEquity": plain(equity),
        "totalWalletBalance": plain(ledger.wallet),
        "totalMarginBalance": plain(equity) if is_cross else "",
        "totalAvailableBalance": plain(account.available + open_profit) if is_cross else "",
        "totalPerpUPL": plain(open_profit),
        "totalInitialMargin": plain(position_margin + order_margin) if is_cross else "",
        "totalMaintenanceMargin": plain(maintenance) if is_cross else "",
        "coin": [
            {
                "coin": "USDT",
                "equity": plain(equity),
                "usdValue": plain(equity),
                "walletBalance": plain(ledger.wallet),
                "locked": "0",
                "borrowAmount": "0",
                "accruedInterest": "0",
                "totalOrderIM": plain(order_margin),
                "totalPositionIM": plain(position_margin),
                "totalPositionMM": plain(maintenance),
                "unrealisedPnl": plain(open_profit),
                "cumRealisedPnl": plain(realised),
                "bonus": "0",
                "collateralSwitch": True,
                "marginCollateral": True,
                "spotHedgingQty": "0",
                "availableToWithdraw": "",
                "availableToBorrow": "",
            },
            *(_other_coin(coin, balance) for coin, balance in ledger.money.coins.items() if balance),
        ],
    }


def _other_coin(coin: str, balance: Decimal) -> dict[str, Any]:
    """A coin that is only held, not traded; its value in USD is not simulated."""
    return {"coin": coin, "equity": plain(balance), "usdValue": "", "walletBalance": plain(balance), "locked": "0"}


def closed_profit_row(closed: ClosedProfit, rules: SymbolRules) -> dict[str, Any]:
    """A row of closed-pnl. Average prices are plain here, without fees."""
    qty = rules.instrument.qty(closed.closed_lots)
    return {
        "symbol": closed.symbol,
        "orderId": closed.order_id,
        "side": closed.side.value,
        "qty": rules.qty_text(closed.order_lots),
        "orderPrice": _price(rules, closed.order_price) or "0",
        "orderType": closed.order_type.value,
        "execType": "Trade",
        "closedSize": rules.qty_text(closed.closed_lots),
        "cumEntryValue": plain(closed.entry_value),
        "avgEntryPrice": plain(money(closed.entry_value / qty)),
        "cumExitValue": plain(closed.exit_value),
        "avgExitPrice": plain(money(closed.exit_value / qty)),
        "closedPnl": plain(closed.profit),
        "fillCount": str(closed.fills),
        "leverage": plain(closed.leverage),
        "createdTime": str(closed.created_ms),
        "updatedTime": str(closed.updated_ms),
    }


def transaction_row(row: Transaction) -> dict[str, Any]:
    """A row of the transaction log (7.5)."""
    return {
        "id": row.row_id,
        "symbol": row.symbol,
        "category": row.category,
        "side": row.side,
        "transactionTime": str(row.time_ms),
        "type": row.kind,
        "qty": plain(row.qty),
        "size": "",
        "currency": row.currency,
        "tradePrice": plain(row.price),
        "funding": plain(row.funding) if row.kind == "SETTLEMENT" else "",
        "fee": plain(row.fee),
        "cashFlow": plain(row.cash_flow),
        "change": plain(row.change),
        "cashBalance": plain(row.balance),
        "feeRate": plain(row.fee_rate),
        "bonusChange": "",
        "tradeId": row.exec_id,
        "orderId": row.order_id,
        "orderLinkId": row.link_id,
    }


def _price(rules: SymbolRules, ticks: int | None) -> str:
    return "" if ticks is None else rules.price_text(ticks)


def _attached_price(account: Account, symbol: str, kind: str, rules: SymbolRules) -> str:
    order = account.attached(symbol, kind)
    return "0" if order is None or order.trigger_price is None else rules.price_text(order.trigger_price)


def _break_even(account: Account, symbol: str, side: Side) -> Decimal:
    """Price at which closing ends with nothing won or lost (11.3)."""
    position = account.position(symbol)
    qty = account.markets[symbol].instrument.qty(position.lots)
    value = position.cost * side.sign
    return money((value - position.realised) / (qty - abs(qty) * Decimal("0.00055")))
