"""Parameters of the engine itself."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from cockpit.domain.enums import Approval, SignalKind


class EngineConfig(BaseModel):
    """Section ``[engine]``."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    approval: Approval = Approval.MANUAL
    """Who approves signals: observe (nobody), manual (the operator), auto (the gates alone; needs ``--auto``)."""
    approval_by_kind: dict[SignalKind, Approval] = {}
    """Exceptions by kind, as in ``{ bounce = "observe" }``."""
    views_per_second: Annotated[int, Field(ge=1, le=20)] = 10
    """How often changed sections are published to attached screens."""
    snapshot_interval_s: Annotated[int, Field(ge=10)] = 300
    """How often books and market statistics are written to the journal."""
    max_live_signals: Annotated[int, Field(ge=1, le=200)] = 50
    """Longest signal queue; the lowest priority leaves first."""
