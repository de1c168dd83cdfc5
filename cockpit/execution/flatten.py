"""Flatten as a converging state: what to do next until the exchange has said zero twice (reliability.md C.4).

Orders that could still fill are cancelled first, again and again, and entries stay off. Every position is closed again
and again, each time with a new link id, until a read of the account shows none. Protective stops are never touched.
Reads only count if they were asked after everything we sent has either answered or outlived its time.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
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


class CancelOrdersOf(msgspec.Struct, frozen=True):
    """Cancel every order of a symbol that could still fill; stops stay."""

    symbol: str


class CloseNow(msgspec.Struct, frozen=True):
    """Close the whole position of a symbol, attempt number ``attempt``."""

    symbol: str
    attempt: int


class ReadAccount(msgspec.Struct, frozen=True):
    """Read the whole account."""


FlattenStep = CancelOrdersOf | CloseNow | ReadAccount


class Attempts:
    """Doing one thing again and again, with growing pauses."""

    def __init__(self) -> None:
        self.attempts = 0
        self._next_ns = 0

    def take(self, now_ns: int) -> bool:
        """True if it is time for the next attempt, which then counts as made."""
        if now_ns < self._next_ns:
            return False
        self.attempts += 1
        wait_s = min(FIRST_RETRY_S * self.attempts, LONGEST_RETRY_S)
        self._next_ns = now_ns + round(wait_s * NS_PER_S)
        return True


class SymbolProgress(Attempts):
    """Closing one symbol."""

    def __init__(self) -> None:
        super().__init__()
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
        self._cancels: dict[str, Attempts] = {}

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
        self.started_ns = self._last_sent_ns = now_ns
        self._zero_reads = 0
        self._cancels = {}
        return True

    def step(self, now_ns: int, positions: Mapping[str, Decimal], orders: AbstractSet[str]) -> list[FlattenStep]:
        """What to do now.

        Args:
            now_ns: engine time.
            positions: unsigned size by symbol, of every position known (zero or missing: none).
            orders: symbols with orders that may still fill, ours or not; stops of positions are no such orders.
        """
        if not self.is_running:
            return []
        steps: list[FlattenStep] = []
        for symbol in sorted(orders):
            if self._cancels.setdefault(symbol, Attempts()).take(now_ns):
                self._last_sent_ns = now_ns
                steps.append(CancelOrdersOf(symbol))
        for symbol in sorted(positions):
            if positions[symbol] > 0:
                steps += self._close(symbol, now_ns)
        steps.append(ReadAccount())
        return steps

    def _close(self, symbol: str, now_ns: int) -> list[FlattenStep]:
        progress = self.progress.setdefault(symbol, SymbolProgress())
        progress.is_flat = False
        self._zero_reads = 0
        if not progress.take(now_ns):
            return []
        self._last_sent_ns = now_ns
        return [CloseNow(symbol, progress.attempts)]

    def on_answer(self, symbol: str, detail: str, ms: int | None) -> None:
        """Note the exchange's answer to a close."""
        progress = self.progress.get(symbol)
        if progress is not None:
            progress.detail = detail
            progress.acked_ms = ms if ms is not None else progress.acked_ms

    def on_read(self, requested_ns: int, positions: AbstractSet[str], left: int) -> None:
        """Take a complete read of the account; two zero readings, the second when nothing sent lives, end the flatten.

        Args:
            requested_ns: when the read was asked for; one from before our last request proves nothing.
            positions: symbols with a position, by the read or by our own books.
            left: orders that may still fill, and our requests whose fate is open.
        """
        if not self.is_running:
            return
        for symbol, progress in self.progress.items():
            progress.is_flat = symbol not in positions
        if positions or left:
            self._zero_reads = 0
            return
        quiet_ns = 0 if self._zero_reads == 0 else self._ttl_ns + NS_PER_S
        if requested_ns > self._last_sent_ns + quiet_ns:
            self._zero_reads += 1
        if self._zero_reads == 2:
            self.state = FlattenState.FLAT
