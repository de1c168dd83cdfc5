"""Parameters of the signals. Defaults are the preset ``plotnost`` (S2). All times are event time."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class BreakoutConfig(BaseModel):
    """A wall was eaten and the price is beyond it (S2-14)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    is_enabled: bool = True
    """False: no breakout signals."""

    min_eaten: float = Field(default=0.30, gt=0)
    """Share of the initial size that must have been eaten."""

    eaten_mode: Literal["traded", "any"] = "traded"
    """``traded``: only what prints took counts. ``any``: every decrease counts (S2's own rule; pulled walls count)."""

    trend_gate: bool = True
    """The trend must agree with the direction."""

    min_change_24h_pct: float = 0.0
    """24 h change in the signal's direction, percent."""

    min_pressure: float = Field(default=0.0, ge=-1, le=1)
    """Book pressure (imbalance near the mid) in the signal's direction."""

    pressure_range_bps: float = Field(default=30.0, gt=0)
    """Range around the mid for book pressure (S1-09)."""

    new_territory_priority: float = Field(default=2.0, gt=0)
    """Priority when the price is at the high (low) of the extrema window; 1.0 otherwise."""

    stop_min_pct: float = Field(default=0.1, gt=0)
    """Least distance of the stop from the reference price, percent."""

    stop_behind_pct: float = Field(default=0.02, ge=0)
    """The stop lies at least this far behind the broken wall, percent of its price. S2 gives no number."""


class BounceConfig(BaseModel):
    """The price touches a wall that holds (S2-16)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    is_enabled: bool = True
    """False: no bounce signals."""

    touch_pct: float = Field(default=0.2, gt=0)
    """The price must be within this distance of the wall, percent of price ..."""

    touch_spreads: float = Field(default=3.0, gt=0)
    """... and within this many median spreads."""

    max_shrunk_pct: float = Field(default=10.0, ge=0)
    """Share of its initial size that the wall may have lost, percent."""

    min_age_s: float = Field(default=10.0, ge=0)
    """The wall must have stood this long. S2 gives no number."""

    max_activity: float = 0.0
    """Activity index must be no higher: 0 is the symbol's own usual activity."""

    stop_behind_pct: float = Field(default=0.3, gt=0)
    """Distance of the stop behind the wall, percent of its price."""


class SignalsConfig(BaseModel):
    """All signals of one symbol."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    breakout: BreakoutConfig = BreakoutConfig()
    bounce: BounceConfig = BounceConfig()

    ttl_s: float = Field(default=45.0, gt=0)
    """A signal that nobody took expires after this."""

    cooldown_s: float = Field(default=30.0, ge=0)
    """After a signal the symbol raises no other for this long."""
