"""Keep what the exchange's transaction log is compared with: profit of each execution, fees in coins, external rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TEXTS = ("kind", "category", "symbol", "currency", "exec_id")
_AMOUNTS = ("change", "cash_flow", "funding", "fee", "balance")


def upgrade() -> None:
    """Executions of before have no profit of their own: the comparison then takes the exchange's."""
    op.add_column("executions", sa.Column("gain", sa.Text(), nullable=True))
    op.add_column("trades", sa.Column("coin_fees", sa.Text(), nullable=False, server_default="{}"))
    op.create_table(
        "external_flows",
        sa.Column("row_id", sa.String(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in _TEXTS),
        *(sa.Column(name, sa.Text(), nullable=False) for name in _AMOUNTS),
        sa.Column("ts_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("row_id", name="pk_external_flows"),
    )
    op.create_index("ix_external_flows_ts_ms", "external_flows", ["ts_ms"], unique=False)
