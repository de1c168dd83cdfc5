"""What becomes of orders after they were sent: answers, reports and looks move each to its end.

Unknown is not failure: an order whose fate is open is asked for until the exchange tells it.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from cockpit.domain.enums import OrderPath, OrderRole, OrderStatus, Severity
from cockpit.domain.events import CancelAnswer, OrderAnswer, OrderLookedUp, Outcome, VenueReports
from cockpit.domain.ids import Maker, maker_of
from cockpit.domain.orders import CancelRequest, OrderReport
from cockpit.domain.time import NS_PER_MS, NS_PER_S
from cockpit.engine.effects import CancelOrder, OrderAnswered, SetFlag
from cockpit.engine.fill_desk import FillDesk
from cockpit.engine.locks import INSTANCE, PAUSED
from cockpit.engine.query_desk import QueryDesk, is_unsettled
from cockpit.engine.sending_desk import order_changed
from cockpit.engine.state import EngineState, Outbox
from cockpit.execution.orders import TrackedOrder
from cockpit.ports.journal import OpenIntent

CLOSE_PAUSES_S = (1.0, 2.0, 5.0)
"""Pauses between the tries to close a position."""
HASTY_TRIES = 20
"""So often a position without a stop is tried after the first pause alone: its closes are refused for good by then."""
SENT_CHECK_S = 3.0
MISSING_FILL_S = 1.5
OLDER_NS = 2 * NS_PER_S
"""An order that the exchange made so long before we sent ours is not ours: no clock is that uncertain."""


class OrderDesk:
    """Follows every order from its answer to the exchange's last word."""

    def __init__(self, state: EngineState, queries: QueryDesk, fills: FillDesk) -> None:
        self.state = state
        self.queries = queries
        self.fills = fills

    def recover(self, intents: Iterable[OpenIntent], out: Outbox) -> None:
        """Ask for the orders that an earlier run was not sure of."""
        for intent in intents:
            order = self.state.orders.add_intent(intent.request, intent.sent_ns or intent.request.created_ns)
            order.order_id = intent.order_id
            order.status = OrderStatus.UNKNOWN
            # It may have left in the last instant of the earlier engine: a look before its time to live proves nothing.
            self._look_when_expired(order, out)

    def on_answer(self, answer: OrderAnswer, out: Outbox) -> None:
        """The exchange (or the way to it) answered a submit."""
        self.state.order_ms = (answer.ts_recv - answer.sent_ns) // NS_PER_MS
        self._tell_way(answer, out)
        order = self.state.orders.on_answer(answer)
        if order is None:
            return
        out.outputs.append(order_changed(order))
        if order.status is OrderStatus.DEAD:
            self._free_position(order)
            text = f"order {order.client_id} refused: {answer.reason}"
            out.note("order_refused", Severity.ERROR, text, order.symbol)
        elif order.status is OrderStatus.UNKNOWN:
            self._free_position(order)
            self._look_when_expired(order, out)
            text = f"outcome of {order.client_id} unknown: {answer.reason}"
            out.note("outcome_unknown", Severity.ERROR, text, order.symbol)
        else:
            self.queries.look_later(order, SENT_CHECK_S, out)

    def _tell_way(self, answer: OrderAnswer, out: Outbox) -> None:
        """On which way the order went; a detour by REST is never silent."""
        order = self.state.orders.get(answer.client_id)
        if order is None or answer.path is None:
            return
        is_over_socket = self.state.settings.order_path is OrderPath.SOCKET
        is_detour = is_over_socket and answer.path is OrderPath.REST and order.role is not OrderRole.FLATTEN
        out.outputs.append(
            OrderAnswered(
                client_id=answer.client_id,
                symbol=order.symbol,
                outcome=answer.outcome,
                path=answer.path,
                is_detour=is_detour,
                ms=(answer.ts_recv - answer.sent_ns) // NS_PER_MS,
            )
        )

    def on_cancel_answer(self, answer: CancelAnswer, out: Outbox) -> None:
        """The exchange answered a cancel; order reports say what really happened."""
        if answer.outcome is not Outcome.YES:
            text = f"cancel of {answer.symbol} {answer.outcome}: {answer.reason}"
            out.note("cancel", Severity.WARNING, text, answer.symbol)
            self.queries.request_reports(out)

    def on_lookup(self, answer: OrderLookedUp, out: Outbox) -> None:
        """A query by link id came back."""
        held = self.state.orders.get(answer.client_id)
        if held is not None and self._is_older(held, answer.report):
            self._disown(held, out)
            return
        for fill in answer.fills:
            self.fills.on_fill(fill, out)
        early = [fill.qty for fill in answer.fills if self.fills.is_waiting(fill.exec_id)]
        order = self.state.orders.on_lookup(answer, sum(early, Decimal(0)))
        if order is not None:
            out.outputs.append(order_changed(order))
            self._free_position(order)
        held = self.state.orders.get(answer.client_id)
        if held is not None and is_unsettled(held):
            self.queries.look_again(held, out)

    def on_report(self, report: OrderReport, out: Outbox) -> None:
        """The exchange's word on one order."""
        is_stranger = self.beware(report.client_id, report.symbol, out)
        order = self.state.orders.on_report(report, is_stranger=is_stranger)
        if order is None:
            return
        out.outputs.append(order_changed(order))
        self._free_position(order)
        self._compare(order, report, out)
        if order.is_own and order.unbooked_qty > 0:
            self.queries.look_later(order, MISSING_FILL_S, out)

    def beware(self, client_id: str, symbol: str, out: Outbox) -> bool:
        """Lock entries if the order of this link id shows that somebody else is at work here; True for another engine.

        Our own marks on an order that we never sent are another engine's too: that of a copied data folder.
        """
        settings = self.state.settings
        maker = maker_of(client_id, settings.epoch, settings.folder)
        if maker is Maker.COMMAND:
            self._pause(client_id, symbol, out)
        is_copy = maker is Maker.THIS_START and not self.fills.sending.has_sent(client_id)
        if maker is not Maker.ANOTHER_ENGINE and not is_copy:
            return False
        if INSTANCE not in self.state.locks:
            reason = f"another engine trades this account: order {client_id}"
            self.state.lock_until_resumed(INSTANCE, reason, out)
            out.note("instance", Severity.CRITICAL, reason, symbol)
        return True

    def _pause(self, client_id: str, symbol: str, out: Outbox) -> None:
        """``cockpit flatten`` closes this account, and could not tell us: what it closes must not be opened again."""
        if PAUSED not in self.state.locks:
            self.state.locks[PAUSED] = "paused by cockpit flatten"
            out.effects.append(SetFlag(PAUSED, "1"))
            text = f"cockpit flatten closes this account (order {client_id}); entries are off until resumed"
            out.note("flatten_command", Severity.CRITICAL, text, symbol)

    def _is_older(self, order: TrackedOrder, report: OrderReport | None) -> bool:
        """True if the exchange has another engine's order under our link id: one that it made before we sent ours."""
        if not order.is_duplicate or report is None or not report.created_ms:
            return False
        return report.created_ms * NS_PER_MS < self.state.to_exchange_ns(order.sent_ns) - OLDER_NS

    def _disown(self, order: TrackedOrder, out: Outbox) -> None:
        """Our order never came to be: its link id is another engine's. Not our fill, not our position."""
        self.state.orders.disown(order)
        out.outputs.append(order_changed(order))
        self._free_position(order)
        self.fills.sending.disown(order.client_id)
        self.beware(order.client_id, order.symbol, out)

    def on_reports(self, reports: VenueReports, out: Outbox) -> None:
        """All open orders, read by REST: what it does not name is over, how is asked."""
        for report in reports.orders:
            self.on_report(report, out)
        for absent in self.state.orders.absent_from(reports.orders, reports.requested_ns):
            if not absent.is_own:
                self.state.orders.forget(absent)
            elif self.queries.is_newer(reports, absent.symbol):
                self.queries.look_at(absent, out)

    def _compare(self, order: TrackedOrder, report: OrderReport, out: Outbox) -> None:
        """An order that is not what was asked for is alarmed once, and cancelled while it works (F118)."""
        if order.request is None or order.is_altered:
            return
        price, qty = order.request.asked(self.state.instrument(order.symbol))
        told = [f"price {price} → {report.price}"] if price is not None and report.price not in (None, price) else []
        told += [f"size {qty} → {report.qty}"] if qty is not None and report.qty != qty else []
        if not told:
            return
        order.is_altered = True
        text = f"the exchange changed order {order.client_id} without a word: {', '.join(told)}"
        out.note("order_altered", Severity.CRITICAL, text, order.symbol)
        if order.is_open and order.request.role is OrderRole.ENTRY:
            out.effects.append(CancelOrder(CancelRequest(symbol=order.symbol, client_id=order.request.client_id)))

    def _look_when_expired(self, order: TrackedOrder, out: Outbox) -> None:
        """Ask for an order of unknown fate once its time to live is over."""
        self.queries.look_later(order, self.state.settings.execution.unknown_first_query_s, out)

    def _free_position(self, order: TrackedOrder) -> None:
        """A close order that is over leaves the position free for the next one, after a pause.

        So does one of unknown outcome if it closes all of it: reduce-only, a second one can do no harm.
        """
        position = self.state.positions.open.get(order.symbol)
        closes_all = order.request is not None and order.request.close_on_trigger
        is_free = order.is_ended or (closes_all and order.status is OrderStatus.UNKNOWN)
        if is_free and position is not None and position.close_id == order.client_id:
            position.close_id = None
            position.close_tries += 1
            is_hasty = position.is_naked and position.close_tries <= HASTY_TRIES
            pause_s = CLOSE_PAUSES_S[0 if is_hasty else min(position.close_tries, len(CLOSE_PAUSES_S)) - 1]
            position.close_after_ns = self.state.now_ns + round(pause_s * NS_PER_S)
