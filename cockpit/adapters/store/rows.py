"""Journal rows as column values, and back. Pure."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Table

from cockpit.adapters.store import schema
from cockpit.domain.enums import OrderStatus
from cockpit.domain.ledger import LedgerRow
from cockpit.domain.orders import OrderRequest
from cockpit.domain.positions import FillReport
from cockpit.ports.journal import (
    BookSnapshotRow,
    CoinParametersRow,
    DensityRow,
    IntentState,
    JournalRow,
    MarketStatRow,
    OpenIntent,
    OperatorActionRow,
    SignalRow,
    SystemEventRow,
    TradeRow,
)

TABLE_OF: dict[type, Table] = {
    TradeRow: schema.trades,
    SignalRow: schema.signals,
    DensityRow: schema.densities,
    SystemEventRow: schema.system_events,
    OperatorActionRow: schema.operator_actions,
    BookSnapshotRow: schema.orderbook_snapshots,
    MarketStatRow: schema.market_stats,
    CoinParametersRow: schema.coin_parameters,
    FillReport: schema.executions,
    LedgerRow: schema.external_flows,
}
"""The table of each row type that is stored field by field (``IntentState`` changes an existing row instead)."""

_REQUEST_FIELDS = tuple(name for name in OrderRequest.__struct_fields__ if name in schema.intents.columns)


def values_of(row: JournalRow | OrderRequest) -> dict[str, Any]:
    """Column values of a row: the fields as they are, enumerations as their words."""
    return {name: getattr(row, name) for name in row.__struct_fields__}


def intent_values(request: OrderRequest, now_ns: int) -> dict[str, Any]:
    """Column values of an order that has not been sent."""
    return {name: getattr(request, name) for name in _REQUEST_FIELDS} | {
        "journaled_ns": now_ns,
        "status": OrderStatus.INTENT,
        "order_id": "",
        "reason": "",
        "sent_ns": 0,
        "answered_ns": 0,
        "updated_ns": now_ns,
    }


def intent_changes(state: IntentState) -> dict[str, Any]:
    """What a later state changes. An order id or a time that was known once is not forgotten."""
    known = {name: value for name in ("order_id", "sent_ns", "answered_ns") if (value := getattr(state, name))}
    return known | {"status": state.status, "reason": state.reason, "updated_ns": state.ts_ns}


def order_request(columns: dict[str, Any]) -> OrderRequest:
    """The order that a row of ``intents`` was made for."""
    return msgspec.convert({name: columns[name] for name in _REQUEST_FIELDS}, OrderRequest, strict=False)


def open_intent(columns: dict[str, Any]) -> OpenIntent:
    """The intent that a row of ``intents`` holds."""
    return OpenIntent(order_request(columns), columns["status"], columns["order_id"], columns["sent_ns"])


def trade_row(columns: dict[str, Any]) -> TradeRow:
    """The trade that a row of ``trades`` holds."""
    return TradeRow(**columns)


def fill_report(columns: dict[str, Any]) -> FillReport:
    """The execution that a row of ``executions`` holds."""
    return msgspec.convert(columns, FillReport, strict=False)
