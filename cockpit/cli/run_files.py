"""What running processes of a profile tell about themselves, in ``run/*.json`` (0600). Forms only."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec

FAILED = "the engine failed"
"""First words of the goodbye of an engine that did not end by itself."""


class SimexRun(msgspec.Struct, frozen=True, kw_only=True):
    """``simex.json``: a simulated exchange that answers."""

    pid: int
    rest: str
    public: str
    private: str
    trade: str
    control: str
    api_key: str
    api_secret: str
    market: str
    speed: float
    seed: int
    symbols: list[str]

    def __repr__(self) -> str:
        return f"SimexRun(pid={self.pid}, rest={self.rest!r}, hidden)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("pid", self.pid), ("rest", self.rest)]

    @property
    def port(self) -> int:
        """Its TCP port."""
        return urlsplit(self.rest).port or 0


class EngineRun(msgspec.Struct, frozen=True, kw_only=True):
    """``engine.json``: an engine, and what it was started with."""

    pid: int
    environment: str
    market: str
    speed: float
    seed: int
    symbols: list[str]
    preset: str
