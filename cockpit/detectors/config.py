"""Parameters of the detectors. Defaults are the preset ``plotnost`` (S2). All times are event time."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Criterion = Literal["abs_usd", "neighbours", "side_percent", "median_bucket", "cluster"]
"""What may make a level a wall."""


class DensityConfig(BaseModel):
    """When a level is a wall, and how its life is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    criteria: tuple[Criterion, ...] = Field(default=("abs_usd", "neighbours", "side_percent"), min_length=1)
    """Criteria in use."""

    combine: Literal["all", "any", "n_of"] = "all"
    """How many of ``criteria`` a level must pass."""

    n_of: int = Field(default=2, ge=1)
    """Number of criteria to pass with ``combine = "n_of"``."""

    abs_usd: float = Field(default=50_000.0, gt=0)
    """``abs_usd``: smallest notional of a wall, quote currency."""

    neighbours_x: float = Field(default=3.0, gt=0)
    """``neighbours``: size in multiples of the mean of the nearest levels."""

    neighbours_n: int = Field(default=5, ge=1)
    """``neighbours``: number of levels taken on each side of the wall."""

    side_percent: float = Field(default=5.0, gt=0, le=100)
    """``side_percent``: smallest share of the visible side's total size, in percent."""

    k_density: float = Field(default=2.5, gt=0)
    """``median_bucket``: bucket size in multiples of the side's median bucket. Belongs to ``bucket_ticks``."""

    bucket_ticks: int = Field(default=10, ge=1)
    """``median_bucket``: width of a bucket in ticks. Belongs to ``k_density``."""

    lookback_s: float = Field(default=300.0, gt=0)
    """``median_bucket``: the median bucket is the median over this time."""

    cluster_range_pct: float = Field(default=0.05, gt=0)
    """``cluster``: levels within this distance (percent of price) may form one wall. S2 gives no number."""

    cluster_min_levels: int = Field(default=2, ge=2)
    """``cluster``: number of large levels in range, the wall's own included. S2 gives no number."""

    scan_ms: int = Field(default=250, gt=0)
    """Rhythm of the full scan that finds walls; those found are followed with every delta."""

    confirm_ms: int = Field(default=200, ge=0)
    """A large level must stand this long before it becomes a wall: flicker is none."""

    match_window_ms: int = Field(default=500, gt=0)
    """A decrease and the prints that explain it may be this far apart; after it a decrease counts as pulled."""

    keep_ratio: float = Field(default=0.5, gt=0, le=1)
    """A wall stays a wall while it passes the criteria with thresholds times this (traded size counts as standing)."""

    exhausted_ratio: float = Field(default=0.1, ge=0, lt=1)
    """A wall has ended when no more than this share of its initial size is left."""

    eaten_marks: tuple[float, ...] = (0.30, 0.75)
    """Traded shares of the initial size at which ``eaten`` is told, ascending."""

    pulled_marks: tuple[float, ...] = (0.30,)
    """Pulled shares of the initial size at which ``pulled`` is told, ascending."""

    young_s: float = Field(default=10.0, ge=0)
    """A wall younger than this shows ``?``: nothing can be said about it yet."""

    recent_s: float = Field(default=10.0, ge=0)
    """Ended walls are kept this long: a broken wall is usually gone when the price is beyond it."""

    touch_pct: float = Field(default=0.2, gt=0)
    """The price touches a wall within this distance, percent of price ..."""

    touch_spreads: float = Field(default=3.0, gt=0)
    """... or within this many median spreads, whichever is less."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len(set(self.criteria)) != len(self.criteria):
            raise ValueError("criteria holds a name twice")
        if self.combine == "n_of" and self.n_of > len(self.criteria):
            raise ValueError(f"n_of = {self.n_of} but only {len(self.criteria)} criteria are in use")
        for name in ("eaten_marks", "pulled_marks"):
            marks = getattr(self, name)
            if list(marks) != sorted(set(marks)) or any(mark <= 0 for mark in marks):
                raise ValueError(f"{name} must be ascending and above 0")
        return self

    @property
    def needed(self) -> int:
        """Number of criteria a level must pass."""
        return {"all": len(self.criteria), "any": 1, "n_of": self.n_of}[self.combine]


class ActivityConfig(BaseModel):
    """The activity index (S1) and when it has dropped."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sample_ms: int = Field(default=1000, gt=0)
    """Rhythm at which activity is measured."""

    baseline_s: float = Field(default=3600.0, gt=0)
    """The Z-scores compare with this much of the past (what there is of it while younger)."""

    mean_s: float = Field(default=300.0, gt=0)
    """The index is said to drop relative to its own mean over this time."""

    drop_threshold: float = Field(default=0.3, gt=0, lt=1)
    """Share of its mean that the index must lose to count as a drop."""

    drop_base_min: float = Field(default=0.5, gt=0)
    """There is nothing to drop from while the mean of the index is below this."""

    warmup_s: float = Field(default=120.0, ge=0)
    """Figures are marked as warming for this long after the symbol's first book."""


class DetectorsConfig(BaseModel):
    """All detectors of one symbol."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    density: DensityConfig = DensityConfig()
    activity: ActivityConfig = ActivityConfig()
