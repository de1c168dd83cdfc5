"""Number signals, so that those of an earlier engine stay and the order in which they were raised is kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_KEPT = (
    "signal_id, symbol, kind, direction, wall_id, wall_price, priority, state, reason, gates, ticket, "
    "raised_event_ns, ts_ns"
)


def upgrade() -> None:
    """Make the table anew around its rows: SQLite cannot change a primary key."""
    op.execute(f"CREATE TABLE signals_before AS SELECT {_KEPT} FROM signals")
    op.drop_table("signals")
    op.create_table(
        "signals",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
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
        sa.PrimaryKeyConstraint("id", name="pk_signals"),
        sa.UniqueConstraint("signal_id", "raised_event_ns", name="uq_signals_signal_id"),
    )
    op.create_index("ix_signals_raised_event_ns", "signals", ["raised_event_ns"], unique=False)
    op.execute(f"INSERT INTO signals ({_KEPT}) SELECT {_KEPT} FROM signals_before ORDER BY raised_event_ns")
    op.drop_table("signals_before")
