"""Questions to the exchange: complete reads of the account, looks at single orders, and which reads come too late.

It only asks; what the answers say is the business of the desks that get them.
"""

from __future__ import annotations

from collections.abc import Mapping

from cockpit.domain.events import VenueReports
from cockpit.domain.ids import ClientOrderId
from cockpit.domain.time import NS_PER_MS, NS_PER_S
from cockpit.engine.effects import QueryOrder, RequestReports, SetFlag, SetTimer
from cockpit.engine.state import EngineState, Outbox
from cockpit.execution.orders import TrackedOrder
from cockpit.ports.journal import compared_ms

FILL_OVERLAP_MS = 60_000
QUERY_BACKOFF_S = (1.0, 2.0, 4.0)
EXIT_BACKOFF_S = (1.0, 2.0)
"""A position may be without a stop while its close is working: how that went must not stay open for long."""
LEDGER_FLAG = "ledger_since_ms"


class QueryDesk:
    """Asks for orders whose fate is open and for the account as a whole."""

    def __init__(self, state: EngineState, last_fill_ms: int) -> None:
        self.state = state
        self._told_ms = last_fill_ms
        """Exchange time of the newest execution that a read has told: the next one begins a little before it."""
        self._tries: dict[str, int] = {}
        """How often each order was asked for, by link id."""
        self._acted_ns: dict[str, int] = {}
        """Engine time of our last action or fill of a symbol: older reads of it are discarded."""

    def recover(self, flags: Mapping[str, str], out: Outbox) -> None:
        """Executions count from the first start on this data folder: what was traded before is none of ours."""
        since_ms = int(flags.get(LEDGER_FLAG, 0))
        if not since_ms:
            since_ms = self._told_ms or self.state.now_ns // NS_PER_MS
            out.effects.append(SetFlag(LEDGER_FLAG, str(since_ms)))
        self.state.books_since_ms = since_ms
        # The newest execution of the journal may have been pushed while older ones were missed: none is missing up to
        # where the books were found equal to the exchange's money.
        self._told_ms = min(self._told_ms or since_ms, max(since_ms, compared_ms(flags)))

    def request_reports(self, out: Outbox) -> None:
        """Ask for a complete read of the account."""
        out.effects.append(RequestReports(self._since_ms, self.state.now_ns))

    def on_reports(self, reports: VenueReports) -> None:
        """A complete read: one that leaves no gap behind the reads before it need not be asked for again.

        Pushes prove nothing: one may come while those before it were lost.
        """
        if reports.since_ms <= self._since_ms:
            newest_ns = max((fill.ts_event for fill in reports.fills), default=0)
            self._told_ms = max(self._told_ms, newest_ns // NS_PER_MS)

    def look_at(self, order: TrackedOrder, out: Outbox) -> None:
        """Ask for one order now."""
        out.effects.append(QueryOrder(order.symbol, ClientOrderId(order.client_id)))

    def look_later(self, order: TrackedOrder, after_s: float, out: Outbox) -> None:
        """Ask for one order after a pause; an earlier appointment for it is moved."""
        out.effects.append(SetTimer(f"query:{order.client_id}", self.state.now_ns + round(after_s * NS_PER_S)))

    def look_again(self, order: TrackedOrder, out: Outbox) -> None:
        """Ask for an order that a look has not settled, ever slower."""
        tries = max(1, self._tries.get(order.client_id, 0))
        pauses_s = QUERY_BACKOFF_S if order.is_entry else EXIT_BACKOFF_S
        self.look_later(order, pauses_s[min(tries, len(pauses_s)) - 1], out)

    def on_timer(self, client_id: str, out: Outbox) -> None:
        """Time to ask for an order whose fate is open."""
        order = self.state.orders.get(client_id)
        if order is not None and is_unsettled(order):
            self._tries[client_id] = self._tries.get(client_id, 0) + 1
            self.look_at(order, out)
            if order.unbooked_qty > 0:  # what it has filled may be without a stop: no lost answer is waited for
                self.look_again(order, out)

    def note_action(self, symbol: str) -> None:
        """We have just acted on a symbol, or it was filled: what was read of it before is out of date."""
        self._acted_ns[symbol] = self.state.now_ns

    def is_newer(self, reports: VenueReports, symbol: str) -> bool:
        """True if the read was asked for after our last action on the symbol."""
        return reports.requested_ns > self._acted_ns.get(symbol, 0)

    @property
    def _since_ms(self) -> int:
        return max(0, self._told_ms - FILL_OVERLAP_MS)


def is_unsettled(order: TrackedOrder) -> bool:
    """True while the exchange has not told the order's fate, or not all of its executions."""
    return order.is_in_flight or order.unbooked_qty > 0
