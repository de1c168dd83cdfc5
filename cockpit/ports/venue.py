"""One trading venue. Mainnet, demo, testnet and simex differ only in endpoints.

Every method that changes something ends in one of three ways: it returns (yes), it raises ``VenueRejected`` or
``VenueUnavailable`` (no), or it raises ``OutcomeUnknown``. No implementation ever sends an order twice.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal
from typing import Protocol

from cockpit.domain.account import AccountInfo
from cockpit.domain.enums import OrderPath, OrderRole, StreamName
from cockpit.domain.events import LedgerRead, VenueEvent, VenueHealth, VenueReports
from cockpit.domain.instrument import Instrument
from cockpit.domain.market import MarketEvent
from cockpit.domain.orders import CancelRequest, OrderReport, StopRequest
from cockpit.domain.positions import FillReport, PositionReport
from cockpit.domain.time import ClockReading
from cockpit.ports.journal import DurableIntent


class Venue(Protocol):
    """Market data and orders of one exchange account."""

    def events(self) -> AsyncIterator[MarketEvent | VenueEvent]:
        """Everything the streams say, in receive order. Starts the streams; ends with ``aclose``."""
        ...

    async def subscribe(self, symbols: Sequence[str]) -> None:
        """Want book, touch, trades and ticker of exactly these symbols (replaces the earlier wish)."""
        ...

    async def resync(self, symbol: str) -> None:
        """Ask for a fresh book snapshot of one symbol (unsubscribe, then subscribe)."""
        ...

    async def keep_trade_socket(self, beat: Callable[[], None]) -> None:
        """Keep the trade socket alive until cancelled, where orders go over it; its state is told by ``events``.

        Args:
            beat: called again and again while the socket is ready.
        """
        ...

    def path_of(self, role: OrderRole) -> OrderPath:
        """The way that an order of this role takes if it is sent now."""
        ...

    async def submit(self, intent: DurableIntent, path: OrderPath) -> str:
        """Send one order on ``path``; returns the exchange's order id. Sent at most once, whatever happens.

        What fails on one path is not tried on the other.
        """
        ...

    async def cancel(self, request: CancelRequest) -> None:
        """Cancel one order; an order that is gone already is a success."""
        ...

    async def cancel_entries(self, symbol: str) -> None:
        """Cancel all active orders of a symbol but no stop (``orderFilter=Order``)."""
        ...

    async def set_stop(self, request: StopRequest) -> None:
        """Set or move the stop of an open position in place; "not modified" is a success."""
        ...

    async def set_leverage(self, symbol: str, leverage: Decimal) -> None:
        """Set the leverage of a symbol; "not modified" is a success."""
        ...

    async def find_order(self, symbol: str, client_id: str) -> tuple[OrderReport | None, list[FillReport]]:
        """Look an order up by link id: open orders, then history, then executions. None: nowhere."""
        ...

    async def position(self, symbol: str) -> PositionReport | None:
        """One position by its symbol, also when it is flat; None if the exchange does not show the symbol at all."""
        ...

    async def reports(self, fills_since_ms: int) -> VenueReports:
        """The whole account by REST, all pages; raises if any page fails."""
        ...

    async def ledger(self, since_ms: int) -> LedgerRead:
        """The transaction log from ``since_ms`` (exchange time) to now, all pages; raises if any page fails."""
        ...

    async def instruments(self, symbols: Sequence[str]) -> list[Instrument]:
        """Trading rules of ``symbols``; a symbol the exchange does not list is missing from the answer."""
        ...

    async def account(self) -> AccountInfo:
        """Who the key belongs to and what it may do."""
        ...

    async def server_clock(self) -> ClockReading:
        """Exchange time minus local time by the fastest of a few round trips; requests are signed with it from now."""
        ...

    async def reconnect(self, stream: StreamName, reason: str) -> None:
        """Give a stream's connection up and make a new one; ``StreamLost`` and ``StreamUp`` follow."""
        ...

    def health(self) -> VenueHealth:
        """How much may be sent at this instant, by the venue's own count. Never waits."""
        ...

    def go_flatten_way(self, is_on: bool) -> None:
        """While a flatten runs every account call but entries takes its way: threads and a host of its own."""
        ...

    async def aclose(self) -> None:
        """Close every connection. Orders and stops at the exchange stay as they are."""
        ...
