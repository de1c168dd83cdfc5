"""What answers, pushes and reads of the account change: orders, executions, positions, trades.

The desk never sends: it puts effects into the outbox. It believes the exchange, books every execution once and asks
again whenever something is unknown.
"""

from __future__ import annotations

from decimal import Decimal

from cockpit.domain.account import BalanceReport
from cockpit.domain.enums import ExecType, OrderRole, OrderStatus, Severity
from cockpit.domain.events import (
    AccountPush,
    CancelAnswer,
    OrderAnswer,
    OrderLookedUp,
    Outcome,
    VenueReports,
)
from cockpit.domain.ids import ClientOrderId, epoch_of, role_of
from cockpit.domain.orders import OrderReport
from cockpit.domain.positions import FillReport, PositionReport
from cockpit.domain.time import NS_PER_MS, NS_PER_S
from cockpit.engine.effects import (
    FillBooked,
    PositionChanged,
    PositionClosed,
    PositionOpened,
    QueryOrder,
    QueryPosition,
    SetFlag,
)
from cockpit.engine.state import Outbox
from cockpit.engine.stop_desk import StopDesk
from cockpit.engine.trades import merged_row, trade_id_of, trade_row
from cockpit.execution.orders import TrackedOrder
from cockpit.execution.positions import OpenPosition
from cockpit.ports.journal import Recovery, TradeRow

CLOSE_PAUSES_S = (1.0, 2.0, 5.0)
"""Pauses between the tries to close a position."""
QUERY_BACKOFF_S = (1.0, 2.0, 4.0, 8.0)
SENT_CHECK_S = 3.0
MISSING_FILL_S = 1.5
FLAT_GRACE_NS = 5 * NS_PER_S
DAY_FLAG = "day_start"
"""Engine flag: the exchange day and the equity it began with."""
LEDGER_FLAG = "ledger_since_ms"


class OrderDesk(StopDesk):
    """Everything between a risk decision and the exchange's last word."""

    def recover(self, recovery: Recovery, out: Outbox) -> None:
        """Take up what the journal left open: intents are asked for, trades become positions again."""
        self._begin_ledger(recovery, out)
        self.state.day.recover(recovery.settings.get(DAY_FLAG, ""))
        for intent in recovery.open_intents:
            order = self.orders.add_intent(intent.request, intent.sent_ns or intent.request.created_ns)
            order.order_id = intent.order_id
            order.status = OrderStatus.UNKNOWN
            # It may have left in the last instant of the earlier engine: a look before its time to live proves nothing.
            self._ask_again(order, self.state.settings.execution.unknown_first_query_s, out)
        for row in recovery.closed_trades:
            self.positions.remember(row)
        for row in recovery.open_trades:
            self.positions.restore(row, [fill for fill in recovery.open_fills if fill.symbol == row.symbol])

    def _begin_ledger(self, recovery: Recovery, out: Outbox) -> None:
        """Executions count from the first start on this data folder: what was traded before is none of ours."""
        if self._last_fill_ms:
            return
        self._last_fill_ms = int(recovery.settings.get(LEDGER_FLAG, 0)) or self.state.now_ns // NS_PER_MS
        out.effects.append(SetFlag(LEDGER_FLAG, str(self._last_fill_ms)))

    def on_tick(self, out: Outbox) -> None:
        """Once a second: positions that the exchange calls flat and that no execution closes."""
        for position in list(self.positions.open.values()):
            since, read = position.flat_since_ns, self.state.reconciled_ns
            if since is not None and self.state.now_ns - since >= FLAT_GRACE_NS and read is not None and read > since:
                self._vanished(position, out)
            elif position.exit_wanted:
                self._close_again(position, out)
            else:
                self._guard_stop(position, out)

    def _close_again(self, position: OpenPosition, out: Outbox) -> None:
        """What is to be closed is tried again, ever slower, until the exchange says that it is gone."""
        if position.close_id is None and self.state.now_ns >= position.close_after_ns:
            self.close(position.symbol, 100, position.exit_wanted, OrderRole.CLOSE, out)

    def on_order_answer(self, answer: OrderAnswer, out: Outbox) -> None:
        """The exchange (or the way to it) answered a submit."""
        self.state.order_ms = (answer.ts_recv - answer.sent_ns) // NS_PER_MS
        if answer.is_auth:
            self.state.locks["key"] = f"key refused: {answer.reason}"
        order = self.orders.on_answer(answer)
        if order is None:
            return
        self._changed(order, out)
        if order.status is OrderStatus.DEAD:
            self._close_ended(order)
            self._note(
                out, "order_refused", Severity.ERROR, f"order {order.client_id} refused: {answer.reason}", order.symbol
            )
        elif order.status is OrderStatus.UNKNOWN:
            self._close_ended(order)
            self._ask_again(order, self.state.settings.execution.unknown_first_query_s, out)
            self._note(
                out,
                "outcome_unknown",
                Severity.ERROR,
                f"outcome of {order.client_id} unknown: {answer.reason}",
                order.symbol,
            )
        else:
            self._ask_again(order, SENT_CHECK_S, out)

    def on_cancel_answer(self, answer: CancelAnswer, out: Outbox) -> None:
        """The exchange answered a cancel; order reports say what really happened."""
        if answer.outcome is not Outcome.YES:
            self._note(
                out,
                "cancel",
                Severity.WARNING,
                f"cancel of {answer.symbol} {answer.outcome}: {answer.reason}",
                answer.symbol,
            )
            self.request_reports(out)

    def on_lookup(self, answer: OrderLookedUp, out: Outbox) -> None:
        """A query by link id came back."""
        for fill in answer.fills:
            self._fill(fill, out)
        order = self.orders.on_lookup(answer)
        if order is not None:
            self._changed(order, out)
            self._close_ended(order)
        held = self.orders.get(answer.client_id)
        if held is not None and (held.is_in_flight or held.unbooked_qty > 0):
            tries = max(1, self._queries.get(answer.client_id, 0))
            self._ask_again(held, QUERY_BACKOFF_S[min(tries, len(QUERY_BACKOFF_S)) - 1], out)

    def on_push(self, push: AccountPush, out: Outbox) -> None:
        """One message of the private stream."""
        for report in push.reports:
            match report:
                case OrderReport():
                    self._order(report, out)
                case FillReport():
                    self._acted_ns[report.symbol] = self.state.now_ns
                    self._fill(report, out)
                case PositionReport():
                    self._position(report, out)
                case BalanceReport():
                    self._balance(report, out)

    def on_reports(self, reports: VenueReports, out: Outbox) -> None:
        """One complete read of the account by REST."""
        for fill in reports.fills:
            self._fill(fill, out)
        for order in reports.orders:
            self._order(order, out)
        for absent in self.orders.absent_from(reports.orders):
            if not absent.is_own:
                self.orders.forget(absent)
            elif self._is_newer(reports, absent.symbol):
                out.effects.append(QueryOrder(absent.symbol, ClientOrderId(absent.client_id)))
        for position in reports.positions:
            if self._is_newer(reports, position.symbol):
                self._position(position, out)
        named = {position.symbol for position in reports.positions}
        # A read of all positions leaves flat ones out and may be old: only the symbol's own row proves that it is flat.
        out.effects += [QueryPosition(symbol) for symbol in sorted(self.positions.symbols() - named)]
        self._balance(reports.balance, out)
        self._tell_foreign(out)
        self.state.reconciled_ns = reports.ts_recv
        for held in list(self.positions.open.values()):
            if held.symbol in named and self._is_newer(reports, held.symbol):
                self._guard_stop(held, out)

    def _tell_foreign(self, out: Outbox) -> None:
        """A position that no execution of ours explains is told once; it is never touched (reliability.md F60)."""
        found = self.positions.unclaimed
        for symbol in sorted(found.keys() - self._told_foreign):
            report = found[symbol]
            stop = f"stop {report.stop_loss}" if report.stop_loss else "WITHOUT a stop"
            text = f"foreign position: {report.side} {report.qty} {symbol} at {report.entry_price}, {stop}"
            severity = Severity.WARNING if report.stop_loss else Severity.CRITICAL
            self._note(out, "foreign_position", severity, text, symbol)
        self._told_foreign = set(found)

    def _is_newer(self, reports: VenueReports, symbol: str) -> bool:
        """True if the read was asked for after our last action on the symbol."""
        return reports.requested_ns > self._acted_ns.get(symbol, 0)

    def _balance(self, report: BalanceReport, out: Outbox) -> None:
        self.state.balance = report
        if self.state.day.take_equity(report.equity, Decimal(repr(self.state.settings.risk.risk_pct))):
            out.effects.append(SetFlag(DAY_FLAG, self.state.day.flag()))

    def _order(self, report: OrderReport, out: Outbox) -> None:
        if (epoch_of(report.client_id) or 0) > self.state.settings.epoch and "instance" not in self.state.locks:
            self.state.locks["instance"] = f"another engine trades this account: order {report.client_id}"
            self._note(out, "instance", Severity.CRITICAL, self.state.locks["instance"], report.symbol)
        order = self.orders.on_report(report)
        if order is None:
            return
        self._changed(order, out)
        self._close_ended(order)
        if order.is_own and order.unbooked_qty > 0:
            self._ask_again(order, MISSING_FILL_S, out)

    def _close_ended(self, order: TrackedOrder) -> None:
        """A close order that is over leaves the position free for the next one, after a pause.

        So does one of unknown outcome if it closes all of it: reduce-only, a second one can do no harm.
        """
        position = self.positions.open.get(order.symbol)
        closes_all = order.request is not None and order.request.close_on_trigger
        is_free = order.is_ended or (closes_all and order.status is OrderStatus.UNKNOWN)
        if is_free and position is not None and position.close_id == order.client_id:
            position.close_id = None
            position.close_tries += 1
            pause_s = CLOSE_PAUSES_S[min(position.close_tries, len(CLOSE_PAUSES_S)) - 1]
            position.close_after_ns = self.state.now_ns + round(pause_s * NS_PER_S)

    def _fill(self, fill: FillReport, out: Outbox) -> None:
        if not self.positions.is_new(fill.exec_id):
            return
        self._last_fill_ms = max(self._last_fill_ms, fill.ts_event // NS_PER_MS)
        before = self.positions.open.get(fill.symbol)
        row = None if before is None else trade_row(self.state, before, self.state.now_ns)
        order = self.orders.get(fill.client_id or fill.order_id)
        if order is not None and fill.exec_type is ExecType.TRADE:
            order.booked_qty += fill.qty
        position = self.positions.on_fill(fill, self.origins.get(fill.client_id))
        out.outputs.append(FillBooked(fill))
        if position is None:
            return
        self._tell_fill(position, row, fill, out)
        if order is not None and order.is_entry and order.was_dead and position.fills.qty != 0:
            self._late_fill(order, out)

    def _tell_fill(self, position: OpenPosition, row: TradeRow | None, fill: FillReport, out: Outbox) -> None:
        """What a booked fill did to its position; ``row`` is the trade as it stood before, None if there was none."""
        if row is None:
            self._opened(position, fill, out)
            return
        if row.trade_id != trade_id_of(position):
            out.outputs.append(PositionChanged(merged_row(row, trade_id_of(position), self.state.now_ns)))
        if position.fills.qty == 0:
            self._closed(position, self._exit_reason(position, fill), fill, out)
        else:
            out.outputs.append(PositionChanged(trade_row(self.state, position, self.state.now_ns)))

    def _late_fill(self, order: TrackedOrder, out: Outbox) -> None:
        """An entry that was judged dead has filled after all (reliability.md I9): leave the position at once."""
        text = f"{order.client_id} was judged dead and has filled after all; its position is being closed"
        self._note(out, "late_fill", Severity.CRITICAL, text, order.symbol)
        self.close(order.symbol, 100, "late_fill", OrderRole.CLOSE, out)

    def _opened(self, position: OpenPosition, fill: FillReport, out: Outbox) -> None:
        order = self.orders.get(fill.client_id)
        if order is not None:
            position.stop_sent_ns = order.sent_ns
            if order.acked_ns:
                position.latency["ack_to_fill"] = (self.state.now_ns - order.acked_ns) // NS_PER_MS
                position.latency["approve_to_ack"] = (order.acked_ns - order.sent_ns) // NS_PER_MS
        if position.origin is not None:
            spent = position.origin.approved_ns - position.origin.raised_ns
            position.latency["signal_to_approve"] = spent // NS_PER_MS
        out.outputs.append(PositionOpened(trade_row(self.state, position, self.state.now_ns)))
        if position.report is not None:
            self._confirm_stop(position, out)

    def _closed(self, position: OpenPosition, reason: str, fill: FillReport | None, out: Outbox) -> None:
        position.exit_reason = reason
        row = trade_row(self.state, position, self.state.now_ns, closed_by=fill)
        self.state.day.close_trade(row.net_pnl - position.counted_net, is_first=position.counted_net == 0)
        position.counted_net = row.net_pnl
        out.outputs.append(PositionClosed(row))
        self.request_reports(out)

    def _exit_reason(self, position: OpenPosition, fill: FillReport) -> str:
        if fill.client_id in self.reasons:
            return self.reasons[fill.client_id]
        role = role_of(fill.client_id)
        if role is not None and role is not OrderRole.ENTRY:
            return role.value  # of an earlier life of the engine, which took the reason with it
        if "StopLoss" in fill.create_type or fill.stop_order_type == "StopLoss":
            return "breakeven_stop" if position.at_breakeven else "stop_loss"
        return fill.exec_type.value if fill.exec_type.value != "Trade" else "external"

    def _position(self, report: PositionReport, out: Outbox) -> None:
        if report.position_idx:
            self.state.locks["mode"] = (
                f"{report.symbol} is in hedge mode; set the account to one-way mode and start again"
            )
        had_stop = self._has_stop(report.symbol)
        position = self.positions.on_report(report)
        if position is None:
            return
        if report.qty == 0:
            if position.flat_since_ns is None:
                position.flat_since_ns = self.state.now_ns
                self.request_reports(out)
            return
        position.flat_since_ns = None
        self._confirm_stop(position, out)
        if had_stop and position.stop_confirmed is None and position.origin is not None:
            self.restore_stop(position, out)

    def _vanished(self, position: OpenPosition, out: Outbox) -> None:
        """The exchange says flat, and a read of the executions since does not tell how: it was closed elsewhere."""
        symbol = position.symbol
        self.positions.forget(position)
        text = f"{symbol} is flat at the exchange without our knowing how"
        self._note(out, "position_gone", Severity.WARNING, text, symbol)
        self._closed(position, "external", None, out)
