"""Parameters of the engine itself."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from cockpit.domain.enums import Approval, SignalKind


class Absence(StrEnum):
    """What an engine does that no operator has been attached to for long."""

    KEEP = "keep"
    STOP_ENTRIES = "stop_entries"
    FLATTEN = "flatten"


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
    operator_absence: Absence = Absence.KEEP
    """Without an operator's screen for operator_absence_min: keep (go on), stop_entries, or flatten."""
    operator_absence_min: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 30.0
    """Minutes until operator_absence acts; a screen that may give commands ends the absence, observers do not count."""
