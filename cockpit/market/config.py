"""Parameters of a symbol's market state."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class MarketConfig(BaseModel):
    """Windows of the market state, all in event time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    extrema_window_s: float = Field(default=4 * 3600.0, gt=0)
    """How far back highs, lows and known levels reach (S2: 4 h)."""

    spread_sample_ms: int = Field(default=250, gt=0)
    """Rhythm at which the spread is sampled for its median."""

    spread_samples: int = Field(default=240, gt=0)
    """Number of samples in the median spread."""
