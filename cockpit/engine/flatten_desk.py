"""Carries out the flatten state machine: its steps become effects, reads and answers go back into it."""

from __future__ import annotations

from decimal import Decimal

from cockpit.domain.enums import OrderRole, Severity
from cockpit.domain.events import OrderAnswer, VenueReports
from cockpit.domain.ids import role_of
from cockpit.domain.orders import OPEN_STATES, OrderReport
from cockpit.domain.time import NS_PER_MS, NS_PER_S
from cockpit.engine.effects import CancelEntries, GoFlattenWay, Noted, SetFlag, SetTimer
from cockpit.engine.query_desk import QueryDesk
from cockpit.engine.sending_desk import SendingDesk
from cockpit.engine.state import EngineState, Outbox
from cockpit.execution.flatten import CancelOrdersOf, CloseNow, Flatten, FlattenState, FlattenStep
from cockpit.ports.journal import FLATTEN_FLAG

STEP_NS = NS_PER_S // 2
LOCK = "flatten"
PAUSED = "paused"


class FlattenDesk:
    """The emergency flatten of this engine."""

    def __init__(self, state: EngineState, sending: SendingDesk, queries: QueryDesk) -> None:
        self.state = state
        self.sending = sending
        self.queries = queries
        self.flatten = Flatten(state.settings.execution.order_ttl_s)

    def arm(self, out: Outbox) -> None:
        """First press: entries off and cancelled; nothing is closed."""
        if not self.flatten.is_running:
            self.flatten.state = FlattenState.ARMED
        self.state.locks[PAUSED] = "paused by the operator"
        out.effects.append(SetFlag(PAUSED, "1"))
        self.cancel_entries("", out)

    def start(self, out: Outbox) -> bool:
        """Second press: close everything until the exchange says zero. False if one is running already."""
        if not self.flatten.start(self.state.now_ns):
            return False
        self.state.locks[LOCK] = "flattening"
        out.effects += [SetFlag(FLATTEN_FLAG, str(self.state.now_ns)), GoFlattenWay(True)]
        out.outputs.append(Noted(event="flatten", severity=Severity.CRITICAL, text="flatten started"))
        self.on_timer(out)
        return True

    def on_timer(self, out: Outbox) -> None:
        """Next step of a running flatten."""
        if not self.flatten.is_running:
            return
        held = {symbol: position.qty for symbol, position in self.state.positions.open.items()}
        for symbol, report in self.state.positions.unclaimed.items():
            held[symbol] = max(held.get(symbol, Decimal(0)), report.qty)
        table = self.state.orders
        open_orders = {order.symbol for order in table.open_orders() if order.report is None or _may_fill(order.report)}
        entries = {order.symbol for order in table.live_entries()}
        for step in self.flatten.step(self.state.now_ns, held, open_orders | entries):
            self._carry_out(step, out)
        out.effects.append(SetTimer("flatten", self.state.now_ns + STEP_NS))

    def on_answer(self, answer: OrderAnswer) -> None:
        """A close was answered."""
        if role_of(answer.client_id) is not OrderRole.FLATTEN:
            return
        order = self.state.orders.get(answer.client_id)
        if order is not None:
            ms = (answer.ts_recv - answer.sent_ns) // NS_PER_MS
            detail = "acknowledged" if answer.code == 0 and not answer.reason else f"{answer.outcome}: {answer.reason}"
            self.flatten.on_answer(order.symbol, detail, ms)

    def on_reports(self, reports: VenueReports, out: Outbox) -> None:
        """A complete read of the account came back."""
        if not self.flatten.is_running:
            return
        positions = {report.symbol for report in reports.positions if report.qty > 0}
        positions |= {symbol for symbol, held in self.state.positions.open.items() if held.qty > 0}
        left = len(self.state.orders.in_flight()) + sum(map(_may_fill, reports.orders))
        self.flatten.on_read(reports.requested_ns, positions, left)
        if self.flatten.state is FlattenState.FLAT:
            self.state.locks.pop(LOCK, None)
            self.state.locks[PAUSED] = "paused after flatten"
            out.effects += [SetFlag(PAUSED, "1"), SetFlag(FLATTEN_FLAG, ""), GoFlattenWay(False)]
            took = (self.state.now_ns - self.flatten.started_ns) / NS_PER_S
            text = f"flat: no position and no order, read twice, {took:.1f} s"
            out.outputs.append(Noted(event="flatten", severity=Severity.CRITICAL, text=text))

    def cancel_entries(self, symbol: str, out: Outbox) -> int:
        """Cancel entry orders that may still fill, of one symbol or of all (""). Returns how many symbols."""
        symbols = sorted({o.symbol for o in self.state.orders.live_entries() if symbol in ("", o.symbol)})
        out.effects += [CancelEntries(name) for name in symbols]
        return len(symbols)

    def _carry_out(self, step: FlattenStep, out: Outbox) -> None:
        match step:
            case CancelOrdersOf(symbol):
                out.effects.append(CancelEntries(symbol))
            case CloseNow(symbol, _):
                self.sending.close(symbol, 100, "flatten", OrderRole.FLATTEN, out)
            case _:
                self.queries.request_reports(out)


def _may_fill(report: OrderReport) -> bool:
    """True for an order that may open or change a position by itself: open, and no stop."""
    return report.status in OPEN_STATES and not report.stop_order_type
