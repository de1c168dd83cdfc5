"""Time units of the project. No clock lives here: who needs the time takes a ``ports.clock.Clock``."""

from __future__ import annotations

from typing import NewType

import msgspec

Nanos = NewType("Nanos", int)
"""Nanoseconds since 1970-01-01 UTC (a point in time) or plain nanoseconds (a span)."""

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000


class ClockReading(msgspec.Struct, frozen=True):
    """One measurement of the exchange's clock."""

    offset_ns: int
    """Exchange time minus local time."""
    uncertainty_ns: int
    """The true offset is at most this far from ``offset_ns``: half of the fastest round trip."""


def nanos_from_ms(ms: int) -> Nanos:
    """Nanoseconds of a venue time stamp in milliseconds."""
    return Nanos(ms * NS_PER_MS)


def nanos_from_s(seconds: float) -> Nanos:
    """Nanoseconds of a span in seconds (configuration values; rounded to the nearest nanosecond)."""
    return Nanos(round(seconds * NS_PER_S))


def ms_from_nanos(nanos: int) -> int:
    """Whole milliseconds in ``nanos``, rounded down."""
    return nanos // NS_PER_MS
