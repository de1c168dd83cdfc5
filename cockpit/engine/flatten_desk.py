"""Carries out the flatten state machine: its steps become effects, reads and answers go back into it."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from decimal import Decimal

from cockpit.domain.enums import OrderRole, Severity
from cockpit.domain.events import OrderAnswer, Outcome, VenueReports
from cockpit.domain.ids import role_of
from cockpit.domain.orders import OPEN_STATES, CancelRequest, OrderReport
from cockpit.domain.time import NS_PER_MS, NS_PER_S
from cockpit.engine.effects import CancelEntries, CancelOrder, GoFlattenWay, Noted, SetFlag, SetTimer
from cockpit.engine.locks import FLATTEN, PAUSED
from cockpit.engine.query_desk import QueryDesk
from cockpit.engine.sending_desk import SendingDesk
from cockpit.engine.state import EngineState, Outbox
from cockpit.execution.flatten import CancelConditional, CancelOrdersOf, CloseNow, Flatten, FlattenState, FlattenStep
from cockpit.ports.journal import FLATTEN_FLAG

STEP_NS = NS_PER_S // 2
DUST_STEP_NS = 5 * NS_PER_S
TOO_SMALL_CODES = frozenset({10001, 110017, 110094})
"""Refusals of Bybit that a size below the least explains: bad quantity, truncated to zero, below the least value."""
CONDITIONAL = "Stop"
"""Bybit's word for an order with a trigger that belongs to no position (bybit-v5.md section 8)."""
LOCK = FLATTEN


class FlattenDesk:
    """The emergency flatten of this engine."""

    def __init__(self, state: EngineState, sending: SendingDesk, queries: QueryDesk) -> None:
        self.state = state
        self.sending = sending
        self.queries = queries
        execution = state.settings.execution
        self.flatten = Flatten(execution.order_ttl_s, execution.flatten_slippage_pct)
        self._unfilled: set[str] = set()
        """Closes that are counted as not filled to the end, by link id."""

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
        self._count_unfilled()
        table = self.state.orders
        open_orders = {order.symbol for order in table.open_orders() if order.report is None or _may_fill(order.report)}
        entries = {order.symbol for order in table.live_entries()}
        reports = [order.report for order in table.open_orders() if order.report is not None]
        conditionals = {each.order_id: each.symbol for each in reports if _is_left_over(each, held.keys())}
        for step in self.flatten.step(self.state.now_ns, held, open_orders | entries, conditionals):
            self._carry_out(step, out)
        pause_ns = DUST_STEP_NS if self.flatten.state is FlattenState.DUST else STEP_NS
        out.effects.append(SetTimer("flatten", self.state.now_ns + pause_ns))

    def _count_unfilled(self) -> None:
        """Closes of this flatten that the exchange has ended with something left."""
        for order in self.state.orders.cancelled(OrderRole.FLATTEN):
            if order.client_id not in self._unfilled and order.sent_ns >= self.flatten.started_ns:
                self._unfilled.add(order.client_id)
                self.flatten.on_unfilled(order.symbol)

    def on_answer(self, answer: OrderAnswer, out: Outbox) -> None:
        """A close was answered."""
        if role_of(answer.client_id) is not OrderRole.FLATTEN:
            return
        order = self.state.orders.get(answer.client_id)
        if order is not None:
            ms = (answer.ts_recv - answer.sent_ns) // NS_PER_MS
            detail = "acknowledged" if answer.code == 0 and not answer.reason else f"{answer.outcome}: {answer.reason}"
            self.flatten.on_answer(order.symbol, detail, ms)
            if answer.outcome is Outcome.NO and answer.code in TOO_SMALL_CODES:
                self._refused_small(order.symbol, out)

    def _refused_small(self, symbol: str, out: Outbox) -> None:
        """A close was refused in a way that a size below the exchange's least explains (reliability.md F50)."""
        qty, price = self._held(symbol)
        rules = self.state.instrument(symbol)
        if rules is None or qty <= 0 or (qty >= rules.min_qty and qty * price >= rules.min_notional):
            return
        if self.flatten.on_too_small(symbol):
            least = f"least {rules.min_qty}, {rules.min_notional} USDT"
            text = f"{qty} {symbol} is smaller than the exchange closes ({least}): close it by hand; tried each minute"
            out.note("flat_dust", Severity.CRITICAL, text, symbol)

    def _held(self, symbol: str) -> tuple[Decimal, Decimal]:
        """Size and price of a position, ours or not."""
        position, report = self.state.positions.open.get(symbol), self.state.positions.unclaimed.get(symbol)
        if position is not None:
            return position.qty, position.entry_price
        return (Decimal(0), Decimal(0)) if report is None else (report.qty, report.mark_price or report.entry_price)

    def on_reports(self, reports: VenueReports, out: Outbox) -> None:
        """A complete read of the account came back."""
        if not self.flatten.is_running:
            return
        positions = {report.symbol for report in reports.positions if report.qty > 0}
        positions |= {symbol for symbol, held in self.state.positions.open.items() if held.qty > 0}
        orders = [each for each in reports.orders if _may_fill(each) or _is_left_over(each, positions)]
        left = len(self.state.orders.in_flight()) + len(orders)
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
            case CancelConditional(symbol, order_id):
                out.effects.append(CancelOrder(CancelRequest(symbol=symbol, client_id=None, order_id=order_id)))
            case CloseNow(symbol, _, slippage_pct):
                self.sending.close(symbol, 100, "flatten", OrderRole.FLATTEN, out, slippage_pct)
            case _:
                self.queries.request_reports(out)


def _may_fill(report: OrderReport) -> bool:
    """True for an order that may open or change a position by itself: open, and no stop."""
    return report.status in OPEN_STATES and not report.stop_order_type


def _is_left_over(report: OrderReport, held: AbstractSet[str]) -> bool:
    """True for a conditional order by hand that has to go: it could open a position, or has none to reduce.

    What the exchange attaches to a position (stop, target, trailing stop) ends with it and is no conditional order.
    """
    is_conditional = report.status in OPEN_STATES and report.stop_order_type == CONDITIONAL
    return is_conditional and (not report.reduce_only or report.symbol not in held)
