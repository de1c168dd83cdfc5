"""What a signal is. Frozen messages only; how one comes about is in ``rules`` and ``pipeline``."""

from __future__ import annotations

from typing import Literal

import msgspec

from cockpit.detectors.wall import Wall
from cockpit.domain.enums import Side, SignalKind
from cockpit.domain.ids import SignalId

GateState = Literal["ok", "fail", "no data", "warming"]


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """One condition with what was measured and what was asked."""

    name: str
    value: float | None
    """None: there is no measurement."""
    threshold: float
    comparison: Literal[">=", "<=", ">", "<"]
    passed: bool
    """Whether the signal may go on; ``no data`` and ``warming`` pass or not as the rule says."""
    state: GateState
    unit: str
    """Unit of ``value`` and ``threshold``; "" for plain numbers."""


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """A chance to trade, as it stood when it was raised. Nobody has approved it yet."""

    signal_id: SignalId
    """At most 12 letters and digits: it becomes part of order link ids."""
    kind: SignalKind
    symbol: str
    direction: Side
    wall: Wall
    priority: float
    """2.0 in new territory, else 1.0."""
    is_priority_warming: bool = False
    """True if new territory was judged on less than the full extrema window."""
    stop_price: float
    """Where the idea is wrong, not yet rounded to ticks."""
    entry_reference: float
    """Mid when the signal was raised."""
    gates: tuple[Gate, ...]
    raised_event_ns: int
    expires_event_ns: int


class SignalRaised(msgspec.Struct, frozen=True, tag=True):
    """A rule's gates have all passed."""

    signal: Signal


class SignalExpired(msgspec.Struct, frozen=True, tag=True):
    """A live signal came to its end without being taken."""

    signal_id: SignalId
    reason: Literal["ttl", "wall gone"]
    ts_event: int
    """The symbol's event clock, ns."""
