"""Parameters of the journal. No defaults of other rooms."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class JournalConfig(BaseModel):
    """Where the journal is and how long it keeps what is bulky."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    url: str = ""
    """Database address as SQLAlchemy writes it; empty: journal.sqlite in the profile's data folder."""

    keep_orderbook_snapshots_days: int = Field(default=30, ge=1, le=3_650)
    """Book snapshots older than this are deleted, days."""

    keep_densities_days: int = Field(default=60, ge=1, le=3_650)
    """Wall records older than this are deleted, days."""
