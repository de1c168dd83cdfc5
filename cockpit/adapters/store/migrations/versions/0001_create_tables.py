"""Create the journal's tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table of the journal."""
    op.create_table(
        "coin_parameters",
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("density_abs_usd", sa.Text(), nullable=True),
        sa.Column("density_relative", sa.Double(), nullable=True),
        sa.Column("density_side_percent", sa.Double(), nullable=True),
        sa.Column("cluster_range_percent", sa.Double(), nullable=True),
        sa.Column("breakout_eaten_percent", sa.Double(), nullable=True),
        sa.Column("bounce_touch_percent", sa.Double(), nullable=True),
        sa.Column("bounce_stable_percent", sa.Double(), nullable=True),
        sa.Column("preferred_strategy", sa.String(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("symbol", name="pk_coin_parameters"),
    )
    op.create_table(
        "densities",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("wall_id", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("price", sa.Double(), nullable=False),
        sa.Column("initial_size", sa.Double(), nullable=False),
        sa.Column("peak_size", sa.Double(), nullable=False),
        sa.Column("current_size", sa.Double(), nullable=False),
        sa.Column("traded", sa.Double(), nullable=False),
        sa.Column("pulled", sa.Double(), nullable=False),
        sa.Column("refilled", sa.Double(), nullable=False),
        sa.Column("touches", sa.Integer(), nullable=False),
        sa.Column("notional_usdt", sa.Double(), nullable=False),
        sa.Column("side_percent", sa.Double(), nullable=False),
        sa.Column("relative_strength", sa.Double(), nullable=False),
        sa.Column("is_cluster", sa.Boolean(), nullable=False),
        sa.Column("first_seen_ns", sa.BigInteger(), nullable=False),
        sa.Column("ended_ns", sa.BigInteger(), nullable=True),
        sa.Column("ts_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_densities"),
    )
    op.create_index("ix_densities_ts_ns", "densities", ["ts_ns"], unique=False)
    op.create_index("ix_densities_wall_id", "densities", ["wall_id"], unique=False)

    op.create_table(
        "engine_state",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_engine_state"),
    )
    op.create_table(
        "executions",
        sa.Column("exec_id", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("exec_type", sa.String(), nullable=False),
        sa.Column("price", sa.Text(), nullable=False),
        sa.Column("qty", sa.Text(), nullable=False),
        sa.Column("fee", sa.Text(), nullable=False),
        sa.Column("fee_currency", sa.String(), nullable=False),
        sa.Column("is_maker", sa.Boolean(), nullable=False),
        sa.Column("closed_qty", sa.Text(), nullable=False),
        sa.Column("create_type", sa.String(), nullable=False),
        sa.Column("stop_order_type", sa.String(), nullable=False),
        sa.Column("ts_event", sa.BigInteger(), nullable=False),
        sa.Column("ts_recv", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("exec_id", name="pk_executions"),
    )
    op.create_index("ix_executions_client_id", "executions", ["client_id"], unique=False)
    op.create_index("ix_executions_ts_event", "executions", ["ts_event"], unique=False)

    op.create_table(
        "intents",
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("order_type", sa.String(), nullable=False),
        sa.Column("time_in_force", sa.String(), nullable=False),
        sa.Column("lots", sa.BigInteger(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("reduce_only", sa.Boolean(), nullable=False),
        sa.Column("close_on_trigger", sa.Boolean(), nullable=False),
        sa.Column("stop_loss", sa.BigInteger(), nullable=True),
        sa.Column("stop_trigger_by", sa.String(), nullable=False),
        sa.Column("take_profit", sa.BigInteger(), nullable=True),
        sa.Column("position_idx", sa.Integer(), nullable=False),
        sa.Column("signal_id", sa.String(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=True),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("journaled_ns", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("sent_ns", sa.BigInteger(), nullable=False),
        sa.Column("answered_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", name="pk_intents"),
    )
    op.create_index("ix_intents_status", "intents", ["status"], unique=False)

    op.create_table(
        "market_stats",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("last_price", sa.Double(), nullable=True),
        sa.Column("change_24h", sa.Double(), nullable=True),
        sa.Column("turnover_24h", sa.Double(), nullable=True),
        sa.Column("tpm", sa.Double(), nullable=False),
        sa.Column("activity_index", sa.Double(), nullable=True),
        sa.Column("walls", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("ts_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_market_stats"),
    )
    op.create_index("ix_market_stats_ts_ns", "market_stats", ["ts_ns"], unique=False)

    op.create_table(
        "operator_actions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("command_id", sa.String(), nullable=False),
        sa.Column("operator", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("seen", sa.Text(), nullable=False),
        sa.Column("ts_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_operator_actions"),
    )
    op.create_index("ix_operator_actions_command_id", "operator_actions", ["command_id"], unique=False)
    op.create_index("ix_operator_actions_ts_ns", "operator_actions", ["ts_ns"], unique=False)

    op.create_table(
        "orderbook_snapshots",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("bids", sa.Text(), nullable=False),
        sa.Column("asks", sa.Text(), nullable=False),
        sa.Column("mid", sa.Double(), nullable=False),
        sa.Column("spread_bps", sa.Double(), nullable=False),
        sa.Column("ts_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_orderbook_snapshots"),
    )
    op.create_index("ix_orderbook_snapshots_ts_ns", "orderbook_snapshots", ["ts_ns"], unique=False)

    op.create_table(
        "signals",
        sa.Column("signal_id", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("wall_id", sa.String(), nullable=False),
        sa.Column("wall_price", sa.Double(), nullable=False),
        sa.Column("priority", sa.Double(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("gates", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("raised_event_ns", sa.BigInteger(), nullable=False),
        sa.Column("ts_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("signal_id", name="pk_signals"),
    )
    op.create_index("ix_signals_raised_event_ns", "signals", ["raised_event_ns"], unique=False)

    op.create_table(
        "system_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("ts_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_system_events"),
    )
    op.create_index("ix_system_events_ts_ns", "system_events", ["ts_ns"], unique=False)

    op.create_table(
        "trades",
        sa.Column("trade_id", sa.String(), nullable=False),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("opened_ns", sa.BigInteger(), nullable=False),
        sa.Column("first_exec_id", sa.String(), nullable=False),
        sa.Column("qty", sa.Text(), nullable=False),
        sa.Column("entry_price", sa.Text(), nullable=False),
        sa.Column("initial_stop", sa.Text(), nullable=True),
        sa.Column("risk_usdt", sa.Text(), nullable=False),
        sa.Column("closed_ns", sa.BigInteger(), nullable=True),
        sa.Column("exit_price", sa.Text(), nullable=True),
        sa.Column("exit_reason", sa.String(), nullable=False),
        sa.Column("stop_loss_triggered", sa.Boolean(), nullable=False),
        sa.Column("gross_pnl", sa.Text(), nullable=False),
        sa.Column("fees", sa.Text(), nullable=False),
        sa.Column("net_pnl", sa.Text(), nullable=False),
        sa.Column("r_multiple", sa.Double(), nullable=True),
        sa.Column("signal_to_approve_ms", sa.Integer(), nullable=True),
        sa.Column("approve_to_ack_ms", sa.Integer(), nullable=True),
        sa.Column("ack_to_fill_ms", sa.Integer(), nullable=True),
        sa.Column("stop_ack_ms", sa.Integer(), nullable=True),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("trade_id", name="pk_trades"),
    )
    op.create_index("ix_trades_closed_ns", "trades", ["closed_ns"], unique=False)
    op.create_index("ix_trades_opened_ns", "trades", ["opened_ns"], unique=False)
