"""Risk limits. What they mean is written here once; ``config.toml`` repeats it for the operator."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Percent = Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class RiskLimits(BaseModel):
    """Section ``[risk]``."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    size_mode: Literal["risk_pct", "usd"] = "risk_pct"
    """How an entry is sized: by loss at the stop (``risk_pct``) or by a fixed order value (``usd``)."""
    risk_pct: Percent = 0.10
    """Loss at the first stop in percent of equity: 1R."""
    position_size_usd: Positive = 0.1
    """Order value in USDT when ``size_mode = "usd"``; below the exchange's minimum it is refused, never raised."""
    leverage: Annotated[int, Field(ge=1, le=100)] = 10
    """Leverage set on every symbol while it is flat."""
    max_exposure_pct: Percent = 5.0
    """Initial margin of all positions and in-flight entries in percent of equity."""
    max_positions: Annotated[int, Field(ge=1, le=100)] = 10
    """Open positions plus in-flight entries, at most."""
    max_notional_usdt: Positive = 100_000.0
    """Largest value of one order (fat-finger limit)."""
    day_loss_limit_r: Positive = 3.0
    """Entries stop for the day when realised plus open loss reaches this many R."""
    max_spread_bps: Positive = 15.0
    """No entry while the spread is wider."""
    max_mark_deviation_pct: Percent = 1.0
    """No entry while mid and mark price are further apart, or at a limit that is further from the mark price."""
    max_book_age_s: Positive = 4.0
    """No entry on a book whose last frame (or touch heartbeat) is older, by receive time."""
    max_drift_pct: Percent = 0.15
    """No entry when the price has run further than this from the signal's own reference price."""
    max_reconcile_age_s: Positive = 30.0
    """No entry unless the account was read completely this recently."""
    max_pong_age_s: Positive = 10.0
    """No entry unless the private stream answered (a pong, an acknowledgement) this recently."""
    max_clock_uncertainty_ms: Positive = 500.0
    """No entry while the exchange's clock is known less exactly than this."""
    max_commit_ms: Positive = 50.0
    """No entry while durable commits of the journal take longer (99th percentile of the last minute)."""
    min_request_room_pct: Percent = 30.0
    """No entry while less than this of our share of the exchange's request limits is left."""
    max_rules_age_s: Positive = 3_600.0
    """No entry by trading rules that were read longer ago."""
    max_loop_lag_ms: Positive = 250.0
    """No entry while the engine's loop wakes later than this."""
    min_disk_mb: Positive = 200.0
    """No entry while less is free on the journal's disk."""
    max_entries_per_minute: Annotated[int, Field(ge=1, le=600)] = 10
    """Throttle of entries."""
    duplicate_window_s: Positive = 2.0
    """A second entry of the same symbol and side within this span is refused."""
