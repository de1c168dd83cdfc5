"""Parameters of the recorder. It always runs; only its size can be chosen."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class RecorderConfig(BaseModel):
    """Section ``[recorder]``."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    segment_mb: int = Field(default=32, ge=1, le=4_096)
    """A segment file is closed and the next begun at this size, MB (1,000,000 bytes, compressed)."""
    cap_mb: int = Field(default=2_000, ge=2, le=10_000_000)
    """All segments together; beyond it the oldest are deleted, MB."""

    @model_validator(mode="after")
    def _holds_segments(self) -> Self:
        if self.cap_mb < 2 * self.segment_mb:
            raise ValueError(f"cap_mb = {self.cap_mb} must hold at least two segments of {self.segment_mb} MB")
        return self
