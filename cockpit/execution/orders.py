"""Our orders and the foreign ones: every intent, answer and report in one table; what is open, in flight, unknown.

Theory of operation. An order enters the table as an intent (INTENT) or as a report of the exchange. Answers and reports
move it along ``domain.orders.TRANSITIONS``; a message that does not fit is late or repeated and changes nothing. Filled
quantities never go down. UNKNOWN is left only by a report, or by two spaced misses (``on_lookup``) after the order's
time to live: then it is DEAD. A DEAD order that shows up is adopted again, because the exchange is the truth.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from cockpit.domain.enums import OrderRole, OrderStatus, Side
from cockpit.domain.events import OrderAnswer, OrderLookedUp, Outcome
from cockpit.domain.ids import is_own, role_of
from cockpit.domain.orders import END_STATES, IN_FLIGHT_STATES, OPEN_STATES, OrderReport, OrderRequest, may_follow
from cockpit.domain.time import NS_PER_S

DUPLICATE_LINK_ID = 110072
MISSES_TO_DEATH = 2
ENDED_KEPT_NS = 3_600 * NS_PER_S
DEAD_KEPT_NS = 24 * ENDED_KEPT_NS
"""An entry that was judged dead is watched for so long (reliability.md F5)."""


class TrackedOrder:
    """One order with everything known of it."""

    __slots__ = (
        "acked_ns",
        "avg_price",
        "booked_qty",
        "client_id",
        "filled_qty",
        "is_altered",
        "is_duplicate",
        "is_stranger",
        "misses",
        "order_id",
        "reason",
        "report",
        "request",
        "role",
        "sent_ns",
        "side",
        "status",
        "symbol",
        "updated_ms",
        "was_dead",
    )

    def __init__(self, client_id: str, symbol: str, side: Side, status: OrderStatus) -> None:
        self.client_id = client_id
        self.order_id = ""
        self.symbol = symbol
        self.side = side
        self.status = status
        self.role: OrderRole | None = role_of(client_id)
        self.request: OrderRequest | None = None
        self.report: OrderReport | None = None
        self.filled_qty = Decimal(0)
        self.booked_qty = Decimal(0)
        """What the executions seen so far add up to; order reports may know of more."""
        self.avg_price: Decimal | None = None
        self.reason = ""
        self.sent_ns = 0
        self.acked_ns = 0
        self.updated_ms = 0
        self.misses = 0
        self.was_dead = False
        """Judged dead once; if it shows up after all, its signal is spent and nobody expects it."""
        self.is_altered = False
        """The exchange shows another price or size than was asked for."""
        self.is_duplicate = False
        """The exchange refused it because an order with its link id is there already, ours or another engine's."""
        self.is_stranger = False
        """Made by another engine on this account: none of ours, whatever its link id looks like."""

    @property
    def is_open(self) -> bool:
        """Working at the exchange."""
        return self.status in OPEN_STATES

    @property
    def is_in_flight(self) -> bool:
        """Sent or about to be, not yet seen at the exchange."""
        return self.status in IN_FLIGHT_STATES

    def is_taken_by(self, time_ns: int) -> bool:
        """The exchange had said yes to it by this engine time, and nothing more since."""
        return self.status is OrderStatus.SENT and 0 < self.acked_ns < time_ns

    @property
    def unbooked_qty(self) -> Decimal:
        """Filled by the order's own report, executions not seen yet."""
        return max(Decimal(0), self.filled_qty - self.booked_qty)

    @property
    def is_due(self) -> bool:
        """It may still execute, or executions of it are missing."""
        return self.is_open or self.is_in_flight or self.unbooked_qty > 0

    @property
    def is_ended(self) -> bool:
        """Over, for all we know."""
        return self.status in END_STATES

    @property
    def is_own(self) -> bool:
        """Made by an engine of this data folder, or by ``cockpit flatten``."""
        return is_own(self.client_id) and not self.is_stranger

    @property
    def is_entry(self) -> bool:
        """An entry of ours."""
        return self.role is OrderRole.ENTRY


class OrderManager:
    """Every order of the account that matters now, keyed by link id (or exchange id for foreign ones)."""

    def __init__(self) -> None:
        self._orders: dict[str, TrackedOrder] = {}

    def add_intent(self, request: OrderRequest, now_ns: int) -> TrackedOrder:
        """A new order of ours, before it is journaled and sent."""
        order = TrackedOrder(request.client_id, request.symbol, request.side, OrderStatus.INTENT)
        order.request = request
        order.sent_ns = now_ns
        self._orders[request.client_id] = order
        return order

    def on_answer(self, answer: OrderAnswer) -> TrackedOrder | None:
        """Apply the answer to a submit; returns the order if it changed."""
        order = self._orders.get(answer.client_id)
        if order is None:
            return None
        order.acked_ns = answer.ts_recv
        order.reason = answer.reason
        if answer.outcome is Outcome.YES:
            order.order_id = answer.order_id
            return self._move(order, OrderStatus.SENT)
        order.is_duplicate = order.is_duplicate or answer.code == DUPLICATE_LINK_ID
        if answer.outcome is Outcome.UNKNOWN or order.is_duplicate:
            return self._move(order, OrderStatus.UNKNOWN)
        return self._move(order, OrderStatus.DEAD)

    def on_report(self, report: OrderReport, *, is_stranger: bool = False) -> TrackedOrder | None:
        """Apply the exchange's word on an order (``is_stranger``: another engine made it); returns it if it changed."""
        key = report.client_id or report.order_id
        order = self._orders.get(key)
        if order is None:
            order = TrackedOrder(report.client_id, report.symbol, report.side, report.status)
            if is_stranger:
                order.is_stranger, order.role = True, None
            self._orders[key] = order
            self._take(order, report)
            return order
        if report.updated_ms < order.updated_ms:
            return None
        is_progress = report.filled_qty > order.filled_qty or may_follow(order.status, report.status)
        if order.status is not report.status and not may_follow(order.status, report.status):
            return None
        self._take(order, report)
        return order if is_progress else None

    def on_lookup(self, answer: OrderLookedUp, waiting: Decimal = Decimal(0)) -> TrackedOrder | None:
        """Apply the answer to a query by link id; returns the order if it changed.

        A miss counts only if it was asked after the order's time to live (the caller schedules it so).
        """
        order = self._orders.get(answer.client_id)
        if order is None or answer.failure:
            return None
        told = sum((fill.qty for fill in answer.fills), Decimal(0))
        order.booked_qty = max(order.booked_qty, told - waiting)
        if answer.report is not None:
            return self.on_report(answer.report)
        if order.status is not OrderStatus.UNKNOWN and order.status is not OrderStatus.SENT:
            return None
        order.misses += 1
        if order.misses < MISSES_TO_DEATH:
            return None
        if answer.fills:  # it did exist, and the exchange has dropped it from its lists: only its executions remain
            order.filled_qty = max(order.filled_qty, order.booked_qty, told)
            return self._move(order, OrderStatus.CANCELLED)
        order.reason = order.reason or "not found at the exchange"
        return self._move(order, OrderStatus.DEAD)

    def get(self, client_id: str) -> TrackedOrder | None:
        """The order with this link id."""
        return self._orders.get(client_id)

    def open_orders(self) -> list[TrackedOrder]:
        """Everything working at the exchange, foreign orders included."""
        return [order for order in self._orders.values() if order.is_open]

    def in_flight(self, symbol: str | None = None) -> list[TrackedOrder]:
        """Our orders on their way (intent, sent, unknown), of one symbol or of all."""
        return [o for o in self._orders.values() if o.is_in_flight and (symbol is None or o.symbol == symbol)]

    def cancelled(self, role: OrderRole) -> list[TrackedOrder]:
        """Our orders of a role that the exchange ended before they were filled."""
        return [o for o in self._orders.values() if o.status is OrderStatus.CANCELLED and o.role is role]

    def unbooked(self) -> list[TrackedOrder]:
        """Our orders of which executions are missing."""
        return [order for order in self._orders.values() if order.is_own and order.unbooked_qty > 0]

    def is_entry_due(self, symbol: str) -> bool:
        """True if executions of an entry of ours on the symbol may still come."""
        return any(o.is_due for o in self._orders.values() if o.symbol == symbol and o.is_entry)

    def is_busy(self, symbol: str) -> bool:
        """True if an order of ours may still change the position of a symbol, or executions of one are missing."""
        return any(o.is_due for o in self._orders.values() if o.symbol == symbol and o.is_own)

    def unknown(self) -> list[TrackedOrder]:
        """Our orders whose outcome is unknown."""
        return [order for order in self._orders.values() if order.status is OrderStatus.UNKNOWN]

    def live_entries(self) -> list[TrackedOrder]:
        """Our entries that may still fill."""
        return [o for o in self._orders.values() if o.is_entry and (o.is_open or o.is_in_flight)]

    def absent_from(self, reported: Iterable[OrderReport], asked_ns: int) -> list[TrackedOrder]:
        """Orders that a complete read of the open orders does not name: held open, or taken before ``asked_ns``."""
        named = {report.client_id or report.order_id for report in reported}
        return [o for key, o in self._orders.items() if key not in named and (o.is_open or o.is_taken_by(asked_ns))]

    def forget(self, order: TrackedOrder) -> None:
        """Drop a foreign order that the exchange no longer names."""
        self._orders.pop(order.client_id or order.order_id, None)

    def disown(self, order: TrackedOrder) -> None:
        """An order of ours never came to be: another engine's order has its link id. It leaves the table."""
        order.status, order.reason = OrderStatus.DEAD, "its link id is that of another engine's order"
        self.forget(order)

    def add_dead(self, request: OrderRequest) -> None:
        """An entry of an earlier run that was judged dead: if it ever fills, it is to be known as such."""
        order = self.add_intent(request, request.created_ns)
        order.status, order.was_dead = OrderStatus.DEAD, True

    def forget_ended(self, now_ns: int) -> None:
        """Drop orders that ended an hour ago (they stand in the journal); entries judged dead stay for a day."""
        gone = [
            key
            for key, order in self._orders.items()
            if order.is_ended and now_ns - order.sent_ns > (DEAD_KEPT_NS if _may_still_fill(order) else ENDED_KEPT_NS)
        ]
        for key in gone:
            del self._orders[key]

    @staticmethod
    def _take(order: TrackedOrder, report: OrderReport) -> None:
        order.report = report
        order.status = report.status
        order.order_id = report.order_id
        order.updated_ms = report.updated_ms
        order.filled_qty = max(order.filled_qty, report.filled_qty)
        order.avg_price = report.avg_price or order.avg_price
        if report.reject_reason not in ("", "EC_NoError"):
            order.reason = report.reject_reason

    @staticmethod
    def _move(order: TrackedOrder, status: OrderStatus) -> TrackedOrder | None:
        if not may_follow(order.status, status):
            return None
        order.status = status
        order.was_dead = order.was_dead or status is OrderStatus.DEAD
        return order


def _may_still_fill(order: TrackedOrder) -> bool:
    """True for an entry whose end is our own judgement."""
    return order.is_entry and order.status is OrderStatus.DEAD
