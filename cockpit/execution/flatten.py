"""Flatten as a converging state: what to do next until the exchange has said zero twice (reliability.md C.4).

Entries are cancelled first and stay off. Every position is closed again and again, each time with a new link id, until
a read of the account shows none. Protective stops are never touched while a position is open. Reads only count if they
were asked after everything we sent has either answered or outlived its time.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

import msgspec

from cockpit.domain.time import NS_PER_S

FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 5.0


class FlattenState(StrEnum):
    """Where a flatten stands."""

    OFF = "off"
    ARMED = "armed"
    RUNNING = "running"
    FLAT = "flat"


class CancelEntriesOf(msgspec.Struct, frozen=True):
    """Cancel the entry orders of a symbol."""

    symbol: str


class CloseNow(msgspec.Struct, frozen=True):
    """Close the whole position of a symbol, attempt number ``attempt``."""

    symbol: str
    attempt: int


class ReadAccount(msgspec.Struct, frozen=True):
    """Read the whole account."""


class CancelLeftovers(msgspec.Struct, frozen=True):
    """Everything is zero: cancel whatever order of ours is left."""


FlattenStep = CancelEntriesOf | CloseNow | ReadAccount | CancelLeftovers


class SymbolProgress:
    """Closing one symbol."""

    def __init__(self) -> None:
        self.attempts = 0
        self.next_ns = 0
        self.sent_ns = 0
        self.acked_ms: int | None = None
        self.is_flat = False
        self.detail = ""


class Flatten:
    """The state of the emergency flatten. ``step`` may be called at any time and as often as one likes."""

    def __init__(self, order_ttl_s: float) -> None:
        self._ttl_ns = round(order_ttl_s * NS_PER_S)
        self.state = FlattenState.OFF
        self.progress: dict[str, SymbolProgress] = {}
        self.started_ns = 0
        self._last_sent_ns = 0
        self._zero_reads = 0
        self._entries_cancelled: set[str] = set()

    @property
    def is_running(self) -> bool:
        """True from the second key press until the exchange has said zero twice."""
        return self.state is FlattenState.RUNNING

    def start(self, now_ns: int) -> bool:
        """Begin; False if one is running already (it does not send again)."""
        if self.is_running:
            return False
        self.state = FlattenState.RUNNING
        self.progress = {}
        self.started_ns = now_ns
        self._last_sent_ns = now_ns
        self._zero_reads = 0
        self._entries_cancelled = set()
        return True

    def step(self, now_ns: int, positions: Mapping[str, Decimal], entries: set[str]) -> list[FlattenStep]:
        """What to do now.

        Args:
            now_ns: engine time.
            positions: unsigned size by symbol, of every position known (zero or missing: none).
            entries: symbols with entry orders that may still fill.
        """
        if not self.is_running:
            return []
        steps: list[FlattenStep] = []
        for symbol in sorted(entries - self._entries_cancelled):
            self._entries_cancelled.add(symbol)
            self._last_sent_ns = now_ns
            steps.append(CancelEntriesOf(symbol))
        for symbol in sorted(positions):
            if positions[symbol] > 0:
                steps += self._close(symbol, now_ns)
        steps.append(ReadAccount())
        return steps

    def _close(self, symbol: str, now_ns: int) -> list[FlattenStep]:
        progress = self.progress.setdefault(symbol, SymbolProgress())
        progress.is_flat = False
        self._zero_reads = 0
        if now_ns < progress.next_ns:
            return []
        progress.attempts += 1
        wait = min(FIRST_RETRY_S * progress.attempts, LONGEST_RETRY_S)
        progress.next_ns = now_ns + round(wait * NS_PER_S)
        progress.sent_ns = self._last_sent_ns = now_ns
        return [CloseNow(symbol, progress.attempts)]

    def on_answer(self, symbol: str, detail: str, ms: int | None) -> None:
        """Note the exchange's answer to a close."""
        progress = self.progress.get(symbol)
        if progress is not None:
            progress.detail = detail
            progress.acked_ms = ms if ms is not None else progress.acked_ms

    def on_read(self, requested_ns: int, open_symbols: set[str], in_flight: int) -> list[FlattenStep]:
        """Take a complete read of the account; two zero readings after everything sent has died end the flatten.

        Args:
            requested_ns: when the read was asked for.
            open_symbols: symbols the read shows a position of.
            in_flight: our orders whose fate is open.
        """
        if not self.is_running:
            return []
        for symbol, progress in self.progress.items():
            progress.is_flat = symbol not in open_symbols
        if open_symbols or in_flight:
            self._zero_reads = 0
            return []
        if self._zero_reads == 0 or requested_ns >= self._last_sent_ns + self._ttl_ns + NS_PER_S:
            self._zero_reads += 1
        if self._zero_reads < 2:
            return []
        self.state = FlattenState.FLAT
        return [CancelLeftovers()]
