"""Flatten as a converging state: what to do next until the exchange has said zero twice (reliability.md C.4).

Orders that could still fill are cancelled first, again and again, and entries stay off. Every position is closed again
and again, each time with a new link id, until a read of the account shows none. Protective stops are never touched;
conditional orders by hand go when their symbol is flat, and at once if they could open a position. A close that the
book does not fill may pay more at each further try; what is too small to be closed is tried slowly and shown.
Reads only count if they were asked after everything we sent has either answered or outlived its time.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal
from enum import StrEnum

import msgspec

from cockpit.domain.orders import closing_slippage
from cockpit.domain.time import NS_PER_S

FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 5.0
DUST_RETRY_S = 60.0
DUST_REFUSALS = 3
"""After so many refusals in a row a position that is smaller than the exchange's least is dust."""


class FlattenState(StrEnum):
    """Where a flatten stands."""

    OFF = "off"
    ARMED = "armed"
    RUNNING = "running"
    DUST = "dust"
    FLAT = "flat"


class CancelOrdersOf(msgspec.Struct, frozen=True):
    """Cancel every order of a symbol that could still fill; stops stay."""

    symbol: str


class CancelConditional(msgspec.Struct, frozen=True):
    """Cancel one conditional order, by the exchange's id."""

    symbol: str
    order_id: str


class CloseNow(msgspec.Struct, frozen=True):
    """Close the whole position of a symbol, attempt number ``attempt``."""

    symbol: str
    attempt: int
    slippage_pct: Decimal | None = None
    """How far from the touch it may fill, percent; None leaves that to the exchange."""


class ReadAccount(msgspec.Struct, frozen=True):
    """Read the whole account."""


FlattenStep = CancelOrdersOf | CancelConditional | CloseNow | ReadAccount


class Attempts:
    """Doing one thing again and again, with growing pauses."""

    def __init__(self) -> None:
        self.attempts = 0
        self._next_ns = 0

    def take(self, now_ns: int, *, is_slow: bool = False) -> bool:
        """True if it is time for the next attempt, which then counts as made."""
        if now_ns < self._next_ns:
            return False
        self.attempts += 1
        wait_s = DUST_RETRY_S if is_slow else min(FIRST_RETRY_S * self.attempts, LONGEST_RETRY_S)
        self._next_ns = now_ns + round(wait_s * NS_PER_S)
        return True


class SymbolProgress(Attempts):
    """Closing one symbol."""

    def __init__(self) -> None:
        super().__init__()
        self.acked_ms: int | None = None
        self.is_flat = False
        self.detail = ""
        self.left = Decimal(0)
        """Size that is still open."""
        self.unfilled = 0
        """Closes that the exchange took and did not fill to the end."""
        self.refusals = 0
        """Refusals in a row of a close that is too small."""

    @property
    def is_dust(self) -> bool:
        """True if the exchange does not close what is left because it is too small."""
        return self.refusals >= DUST_REFUSALS and self.left > 0


class Flatten:
    """The state of the emergency flatten. ``step`` may be called at any time and as often as one likes."""

    def __init__(self, order_ttl_s: float, most_slippage_pct: float = 0.0) -> None:
        self._ttl_ns = round(order_ttl_s * NS_PER_S)
        self._most_slippage_pct = Decimal(repr(most_slippage_pct))
        self.state = FlattenState.OFF
        self.progress: dict[str, SymbolProgress] = {}
        self.started_ns = 0
        self._last_sent_ns = 0
        self._zero_reads = 0
        self._cancels: dict[str, Attempts] = {}

    @property
    def is_running(self) -> bool:
        """True from the second key press until the exchange has said zero twice."""
        return self.state in {FlattenState.RUNNING, FlattenState.DUST}

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

    def step(
        self,
        now_ns: int,
        positions: Mapping[str, Decimal],
        orders: AbstractSet[str],
        conditionals: Mapping[str, str] | None = None,
    ) -> list[FlattenStep]:
        """What to do now.

        Args:
            now_ns: engine time.
            positions: unsigned size by symbol, of every position known (zero or missing: none).
            orders: symbols with orders that may still fill, ours or not; stops of positions are no such orders.
            conditionals: symbols of conditional orders that have to go, by the exchange's order id.
        """
        if not self.is_running:
            return []
        steps: list[FlattenStep] = []
        for symbol in sorted(orders):
            if self._cancels.setdefault(symbol, Attempts()).take(now_ns):
                self._last_sent_ns = now_ns
                steps.append(CancelOrdersOf(symbol))
        for order_id, symbol in sorted((conditionals or {}).items()):
            if self._cancels.setdefault(order_id, Attempts()).take(now_ns):
                self._last_sent_ns = now_ns
                steps.append(CancelConditional(symbol, order_id))
        for symbol in sorted(positions):
            if positions[symbol] > 0:
                steps += self._close(symbol, positions[symbol], now_ns)
        steps.append(ReadAccount())
        return steps

    def _close(self, symbol: str, left: Decimal, now_ns: int) -> list[FlattenStep]:
        progress = self.progress.setdefault(symbol, SymbolProgress())
        progress.is_flat, progress.left = False, left
        self._zero_reads = 0
        if not progress.take(now_ns, is_slow=progress.is_dust):
            return []
        self._last_sent_ns = now_ns
        return [CloseNow(symbol, progress.attempts, closing_slippage(progress.unfilled, self._most_slippage_pct))]

    def on_unfilled(self, symbol: str) -> None:
        """A close was taken and is over, and not all of it was filled."""
        progress = self.progress.get(symbol)
        if progress is not None:
            progress.unfilled += 1

    def on_too_small(self, symbol: str) -> bool:
        """A close was refused, and what is left is less than the exchange's least; True when it has become dust."""
        progress = self.progress.get(symbol)
        if progress is None:
            return False
        progress.refusals += 1
        return progress.refusals == DUST_REFUSALS

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
            if progress.is_flat:
                progress.left, progress.refusals = Decimal(0), 0
        dust = {symbol for symbol, progress in self.progress.items() if progress.is_dust}
        self.state = FlattenState.DUST if positions and positions <= dust and not left else FlattenState.RUNNING
        if positions or left:
            self._zero_reads = 0
            return
        quiet_ns = 0 if self._zero_reads == 0 else self._ttl_ns + NS_PER_S
        if requested_ns > self._last_sent_ns + quiet_ns:
            self._zero_reads += 1
        if self._zero_reads == 2:
            self.state = FlattenState.FLAT
