"""What the exchange model holds, in the words of the ports: reports of orders, fills, positions, wallet and log."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from cockpit.domain.account import BalanceReport
from cockpit.domain.enums import ExecType, OrderStatus, OrderType, Side
from cockpit.domain.ledger import LedgerRow
from cockpit.domain.orders import OrderReport
from cockpit.domain.positions import FillReport, PositionReport
from tests.dst.exchange import LEVERAGE, Execution, Order, PositionState, Row

if TYPE_CHECKING:
    from tests.dst.network import Network


def order_report(order: Order, network: Network) -> OrderReport:
    return OrderReport(
        symbol=order.symbol,
        order_id=order.order_id,
        client_id=order.link_id,
        side=Side(order.side),
        status=OrderStatus(order.status),
        order_type=OrderType(order.order_type),
        qty=order.qty,
        filled_qty=order.filled,
        price=order.price,
        avg_price=order.value / order.filled if order.filled else None,
        reduce_only=order.reduce_only,
        reject_reason=order.reject_reason,
        create_type=order.create_type,
        created_ms=order.created_ms,
        updated_ms=order.updated_ms,
        ts_recv=network.clock.now_ns(),
    )


def fill_report(execution: Execution, network: Network) -> FillReport:
    return FillReport(
        exec_id=execution.exec_id,
        symbol=execution.symbol,
        order_id=execution.order.order_id,
        client_id=execution.order.link_id,
        side=Side(execution.side),
        exec_type=ExecType(execution.exec_type),
        price=execution.price,
        qty=execution.qty,
        fee=execution.fee,
        fee_currency=execution.fee_coin,
        closed_qty=execution.closed,
        create_type=execution.create_type,
        ts_event=execution.time_ms * 1_000_000,
        ts_recv=network.clock.now_ns(),
        seq=execution.seq,
    )


def ledger_row(row: Row) -> LedgerRow:
    return LedgerRow(
        row_id=row.row_id,
        kind=row.kind,
        category=row.category,
        symbol=row.symbol,
        currency=row.currency,
        change=row.change,
        cash_flow=row.cash_flow,
        funding=row.funding,
        fee=row.fee,
        balance=row.balance,
        exec_id=row.exec_id,
        ts_ms=row.time_ms,
    )


def position_report(position: PositionState, network: Network) -> PositionReport:
    return PositionReport(
        symbol=position.symbol,
        side=None if position.qty == 0 else Side.BUY if position.qty > 0 else Side.SELL,
        qty=abs(position.qty),
        entry_price=position.avg,
        mark_price=network.exchange.markets[position.symbol].mark,
        stop_loss=position.stop,
        seq=position.seq,
        updated_ms=position.updated_ms,
        ts_recv=network.clock.now_ns(),
        leverage=network.exchange.leverage.get(position.symbol, LEVERAGE),
    )


def current_positions(network: Network) -> list[PositionReport]:
    return [position_report(p, network) for p in network.exchange.positions.values() if p.qty != 0]


def balance_report(network: Network) -> BalanceReport:
    exchange = network.exchange
    return BalanceReport(
        equity=exchange.equity(),
        wallet_balance=exchange.cash,
        available=exchange.cash - exchange.margin(),
        initial_margin=exchange.margin(),
        ts_recv=network.clock.now_ns(),
    )


def working_orders(network: Network) -> list[OrderReport]:
    """The orders that wait to be matched."""
    orders = network.exchange.orders.values()
    return [order_report(order, network) for order in orders if order.status in ("New", "PartiallyFilled")]


def stop_orders(network: Network) -> list[OrderReport]:
    """The untriggered stop that each protected position shows among the open orders."""
    return [
        OrderReport(
            symbol=p.symbol,
            order_id=f"stop-{p.symbol}-{p.stop}",
            client_id="",
            side=Side.SELL if p.qty > 0 else Side.BUY,
            status=OrderStatus.UNTRIGGERED,
            order_type=OrderType.MARKET,
            qty=abs(p.qty),
            filled_qty=Decimal(0),
            reduce_only=True,
            stop_order_type="StopLoss",
            trigger_price=p.stop,
            create_type="CreateByStopLoss",
            ts_recv=network.clock.now_ns(),
        )
        for p in network.exchange.positions.values()
        if p.qty != 0 and p.stop is not None
    ]


def received(reports: list[Any], now_ns: int) -> list[Any]:
    """The reports as an engine gets them: stamped with its clock."""
    return [msgspec.structs.replace(report, ts_recv=now_ns) for report in reports]
