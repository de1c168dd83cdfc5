"""The clock of this machine, for all commands."""

from __future__ import annotations

from cockpit.adapters.system.clock import LiveClock

CLOCK = LiveClock()
