"""The tables of the journal. No SQL of one database only, and no I/O.

Money and quantities of ours are exact decimals as text; times are integers, ns since 1970-01-01 UTC; prices and sizes
of market data are doubles, as they were decoded. Every change here needs a migration in ``migrations/versions``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)


class DecimalText(TypeDecorator[Decimal]):
    """A ``Decimal`` as plain decimal text: exact on every database."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Text
    cache_ok: bool | None = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        """Plain text without exponent."""
        return None if value is None else f"{value:f}"

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        """The same number again."""
        return None if value is None else Decimal(value)


class JsonText(TypeDecorator[Any]):
    """JSON as text."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Text
    cache_ok: bool | None = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """JSON text; decimals become strings."""
        return None if value is None else msgspec.json.encode(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """The decoded JSON."""
        return None if value is None else msgspec.json.decode(value)


REVISION = "0003"
"""The migration that makes the tables as they stand here."""

_Serial = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up INTEGER keys only
_Ns = BigInteger


def _must(name: str, kind: Any, **options: Any) -> Column[Any]:
    return Column(name, kind, nullable=False, **options)


def _may(name: str, kind: Any) -> Column[Any]:
    return Column(name, kind, nullable=True)


engine_state = Table(
    "engine_state",
    metadata,
    Column("name", String, primary_key=True),
    _must("value", Text),
    _must("updated_ns", _Ns),
)
"""The count of engine starts (``epoch``) and the durable flags."""

intents = Table(
    "intents",
    metadata,
    Column("client_id", String, primary_key=True),
    _must("symbol", String),
    _must("side", String),
    _must("role", String),
    _must("order_type", String),
    _must("time_in_force", String),
    _must("lots", BigInteger),
    _may("price", BigInteger),
    _must("reduce_only", Boolean),
    _must("close_on_trigger", Boolean),
    _may("stop_loss", BigInteger),
    _must("stop_trigger_by", String),
    _may("take_profit", BigInteger),
    _must("position_idx", Integer),
    _may("signal_id", String),
    _may("origin", JsonText),
    _must("created_ns", _Ns),
    _must("journaled_ns", _Ns),
    _must("status", String, index=True),
    _must("order_id", String),
    _must("reason", Text),
    _must("sent_ns", _Ns),
    _must("answered_ns", _Ns),
    _must("updated_ns", _Ns),
)
"""Every order before it is sent, with its latest known state. Prices in ticks, quantity in lots."""

executions = Table(
    "executions",
    metadata,
    Column("exec_id", String, primary_key=True),
    _must("symbol", String),
    _must("order_id", String),
    _must("client_id", String, index=True),
    _must("side", String),
    _must("exec_type", String),
    _must("price", DecimalText),
    _must("qty", DecimalText),
    _must("fee", DecimalText),
    _must("fee_currency", String),
    _must("is_maker", Boolean),
    _must("closed_qty", DecimalText),
    _must("create_type", String),
    _must("stop_order_type", String),
    _must("ts_event", _Ns, index=True),
    _must("ts_recv", _Ns),
    _must("seq", BigInteger),
    _may("gain", DecimalText),
)
"""Executions as the exchange reports them, each once, with the gross profit that our books gave them."""

external_flows = Table(
    "external_flows",
    metadata,
    Column("row_id", String, primary_key=True),
    _must("kind", String),
    _must("category", String),
    _must("symbol", String),
    _must("currency", String),
    _must("change", DecimalText),
    _must("cash_flow", DecimalText),
    _must("funding", DecimalText),
    _must("fee", DecimalText),
    _must("balance", DecimalText),
    _must("exec_id", String),
    _must("ts_ms", BigInteger, index=True),
)
"""Rows of the exchange's transaction log that no execution of ours makes: transfers, interest, foreign coins."""

trades = Table(
    "trades",
    metadata,
    Column("trade_id", String, primary_key=True),
    _must("symbol", String),
    _must("kind", String),
    _must("direction", String),
    _must("opened_ns", _Ns, index=True),
    _must("first_exec_id", String),
    _must("qty", DecimalText),
    _must("entry_price", DecimalText),
    _may("initial_stop", DecimalText),
    _must("risk_usdt", DecimalText),
    _may("closed_ns", _Ns),
    _may("exit_price", DecimalText),
    _must("exit_reason", String),
    _must("stop_loss_triggered", Boolean),
    _must("gross_pnl", DecimalText),
    _must("fees", DecimalText),
    _must("net_pnl", DecimalText),
    _may("r_multiple", Double),
    _may("signal_to_approve_ms", Integer),
    _may("approve_to_ack_ms", Integer),
    _may("ack_to_fill_ms", Integer),
    _may("stop_ack_ms", Integer),
    _must("parameters", JsonText),
    _must("coin_fees", JsonText, server_default="{}"),
    Index("ix_trades_closed_ns", "closed_ns"),
)
"""Our trades from entry to exit."""

signals = Table(
    "signals",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    _must("signal_id", String),
    _must("symbol", String),
    _must("kind", String),
    _must("direction", String),
    _must("wall_id", String),
    _must("wall_price", Double),
    _must("priority", Double),
    _must("state", String),
    _must("reason", Text),
    _must("gates", JsonText),
    _must("ticket", JsonText),
    _must("raised_event_ns", _Ns, index=True),
    _must("ts_ns", _Ns),
    UniqueConstraint("signal_id", "raised_event_ns"),
)
"""Signals with their latest state, in the order in which they were raised. Each engine counts its ids from 1."""

densities = Table(
    "densities",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    _must("wall_id", String, index=True),
    _must("event", String),
    _must("symbol", String),
    _must("side", String),
    _must("price", Double),
    _must("initial_size", Double),
    _must("peak_size", Double),
    _must("current_size", Double),
    _must("traded", Double),
    _must("pulled", Double),
    _must("refilled", Double),
    _must("touches", Integer),
    _must("notional_usdt", Double),
    _must("side_percent", Double),
    _must("relative_strength", Double),
    _must("is_cluster", Boolean),
    _must("first_seen_ns", _Ns),
    _may("ended_ns", _Ns),
    _must("ts_ns", _Ns, index=True),
)
"""Walls, one row a change of their life."""

orderbook_snapshots = Table(
    "orderbook_snapshots",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    _must("symbol", String),
    _must("bids", JsonText),
    _must("asks", JsonText),
    _must("mid", Double),
    _must("spread_bps", Double),
    _must("ts_ns", _Ns, index=True),
)
"""Books every few minutes."""

market_stats = Table(
    "market_stats",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    _must("symbol", String),
    _may("last_price", Double),
    _may("change_24h", Double),
    _may("turnover_24h", Double),
    _must("tpm", Double),
    _may("activity_index", Double),
    _must("walls", Integer),
    _may("rank", Integer),
    _must("is_active", Boolean),
    _must("ts_ns", _Ns, index=True),
)
"""Activity and 24 h figures every few minutes."""

system_events = Table(
    "system_events",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    _must("type", String),
    _must("severity", String),
    _must("text", Text),
    _must("symbol", String),
    _must("details", JsonText),
    _must("ts_ns", _Ns, index=True),
)
"""What happened to the engine itself."""

operator_actions = Table(
    "operator_actions",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    _must("command_id", String, index=True),
    _must("operator", String),
    _must("action", String),
    _must("arguments", JsonText),
    _must("accepted", Boolean),
    _must("answer", Text),
    _must("seen", Text),
    _must("ts_ns", _Ns, index=True),
)
"""Commands of operators with the answer and with what they saw."""

coin_parameters = Table(
    "coin_parameters",
    metadata,
    Column("symbol", String, primary_key=True),
    _may("density_abs_usd", DecimalText),
    _may("density_relative", Double),
    _may("density_side_percent", Double),
    _may("cluster_range_percent", Double),
    _may("breakout_eaten_percent", Double),
    _may("bounce_touch_percent", Double),
    _may("bounce_stable_percent", Double),
    _must("preferred_strategy", String),
    _must("is_enabled", Boolean),
    _must("notes", Text),
    _must("updated_ns", _Ns),
)
"""Thresholds in force for one symbol as of the last engine start."""
