"""Executions become positions and trades: each is booked once, told, and counted in the day's profit."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from cockpit.domain.enums import ExecType, OrderRole, Severity
from cockpit.domain.ids import role_of
from cockpit.domain.positions import FillReport
from cockpit.domain.time import NS_PER_MS, NS_PER_S
from cockpit.engine.effects import FillBooked, PositionChanged, PositionClosed, PositionOpened
from cockpit.engine.query_desk import QueryDesk
from cockpit.engine.sending_desk import SendingDesk
from cockpit.engine.state import EngineState, Outbox
from cockpit.engine.stop_desk import StopDesk
from cockpit.engine.trades import merged_row, trade_id_of, trade_row
from cockpit.execution.open_position import OpenPosition
from cockpit.execution.orders import TrackedOrder
from cockpit.ports.journal import Recovery, TradeRow

LONGEST_WAIT_NS = 30 * NS_PER_S
"""An early execution is booked before one that is so much newer: well within the overlap of two reads."""
OLDEST_READ_NS = 6 * NS_PER_S
"""A read may tell of so long before it was asked for: until then one that does not show an execution proves nothing."""


class FillDesk:
    """Books executions and tells what each did to its trade."""

    def __init__(self, state: EngineState, sending: SendingDesk, queries: QueryDesk, stops: StopDesk) -> None:
        self.state = state
        self.sending = sending
        self.queries = queries
        self.stops = stops
        self._early: dict[str, tuple[FillReport, int]] = {}
        """Executions that were heard of too soon: by id, each with the time since when it waits, ns."""

    def recover(self, recovery: Recovery) -> None:
        """Trades of the journal become positions again; ended ones are remembered for executions that come late."""
        for row in recovery.closed_trades:
            self.state.positions.remember(row)
        for row in recovery.open_trades:
            fills = [fill for fill in recovery.open_fills if fill.symbol == row.symbol]
            self.state.positions.restore(row, fills, self.sending.origin_of)
        ttl_ns = round(self.state.settings.execution.unknown_first_query_s * NS_PER_S)
        for position in self.state.positions.open.values():  # the earlier engine may have acted in its last instant
            position.close_after_ns = self.state.now_ns + ttl_ns
            if position.stop_wanted is not None:
                position.stop_request = (position.stop_wanted, self.state.now_ns, position.seen)
        if recovery.epoch > 1:  # and one for a position that is gone
            for symbol in self.state.symbols.values():
                symbol.stop_asked_ns = self.state.now_ns

    def on_fill(self, fill: FillReport, out: Outbox, *, is_read: bool = False) -> None:
        """Book one execution, however it was heard of; one that is booked already changes nothing.

        One that does not fit what is known here is early: those before it are on their way, and a read of the account
        is asked for them. It is booked after them, or at the end of a read that does not bring them (``after_read``).
        A read (``is_read``) tells them in their order: each is booked at its place, whether it waits or not.
        """
        if self.state.positions.knows(fill.exec_id) or (fill.exec_id in self._early and not is_read):
            return
        if self.is_of_before(fill):
            self.state.positions.mark_booked(fill.exec_id)  # it stays so when a position of ours has opened
            return
        for early, _ in list(self._early.values()):  # after a crash reads begin with the newest one of the journal
            if fill.ts_event - early.ts_event > LONGEST_WAIT_NS:
                self._book(early, out)
        if self._is_early(fill, is_read=is_read):
            if fill.exec_id not in self._early:
                self._early[fill.exec_id] = (fill, self.state.now_ns)
                self.queries.request_reports(out)
            return
        self._book(fill, out)
        if not is_read:
            self._book_due(out)

    def _book_due(self, out: Outbox) -> None:
        """Book what has waited and fits now."""
        while due := [early for early, _ in self._early.values() if not self._is_early(early)]:
            self._book(due[0], out)

    @property
    def are_waiting(self) -> bool:
        """True while any execution waits for those before it."""
        return bool(self._early)

    def is_waiting(self, exec_id: str) -> bool:
        """True for an execution that was told and waits for those before it."""
        return exec_id in self._early

    def _is_early(self, fill: FillReport, *, is_read: bool = False) -> bool:
        """True if a fill is early. An entry of ours never is: its position is to be guarded from its first fill."""
        if self.sending.origin_of(fill.client_id) is not None:
            return False
        is_entry_due = self.state.orders.is_entry_due(fill.symbol)
        return self.state.positions.is_early(fill, is_entry_due=is_entry_due, is_read=is_read)

    def after_read(self, fills: Sequence[FillReport], requested_ns: int, out: Outbox) -> None:
        """A complete read has been booked: what was early when it was asked for waits no longer, if the read shows it.

        A read that shows an execution shows those before it; one that does not is old, or so is the execution.
        """
        shown = {fill.exec_id for fill in fills}
        self._book_due(out)
        waiting = sorted(self._early.values(), key=lambda early: early[0].seq)
        for fill, since_ns in waiting:
            wait_ns = 0 if fill.exec_id in shown else OLDEST_READ_NS
            if since_ns + wait_ns <= requested_ns and fill.exec_id in self._early:
                self._book(fill, out)

    def _book(self, fill: FillReport, out: Outbox) -> None:
        self._early.pop(fill.exec_id, None)
        self.state.positions.mark_booked(fill.exec_id)
        before = self.state.positions.open.get(fill.symbol)
        row = None if before is None else trade_row(self.state, before, self.state.now_ns)
        order = self.state.orders.get(fill.client_id or fill.order_id)
        if order is not None and fill.exec_type is ExecType.TRADE:
            order.booked_qty += fill.qty
        position = self.state.positions.on_fill(
            fill, self.sending.origin_of(fill.client_id), is_entry_due=self.state.orders.is_entry_due(fill.symbol)
        )
        out.outputs.append(FillBooked(msgspec.structs.replace(fill, gain=self.state.positions.last_gain)))
        if position is None:
            return
        self._tell(position, row, fill, out)
        if order is not None and order.is_entry and order.was_dead and position.fills.qty != 0:
            self._leave_late_fill(order, out)

    def is_of_before(self, fill: FillReport) -> bool:
        """True for what was traded before the first start here: reads overlap, and it is none of ours.

        Of an order or position of ours it is not, whatever the clocks say.
        """
        is_known = self.state.orders.get(fill.client_id or fill.order_id) is not None
        is_early = fill.ts_event < self.state.books_since_ms * NS_PER_MS
        position = self.state.positions.open.get(fill.symbol)
        return is_early and not is_known and (position is None or fill.ts_event < position.began_ns)

    def end_trade(self, position: OpenPosition, reason: str, fill: FillReport | None, out: Outbox) -> None:
        """A position is gone: count its trade in the day's book and tell it.

        Args:
            position: the position, flat.
            reason: why it ended, as the journal names it.
            fill: the execution that ended it, None if the exchange told of the end without one.
            out: where it is told.
        """
        position.exit_reason = reason
        row = trade_row(self.state, position, self.state.now_ns, closed_by=fill)
        self.state.day.close_trade(row.net_pnl - position.counted_net, is_first=position.counted_net == 0)
        position.counted_net = row.net_pnl
        out.outputs.append(PositionClosed(row))
        self.queries.request_reports(out)

    def _tell(self, position: OpenPosition, row: TradeRow | None, fill: FillReport, out: Outbox) -> None:
        """What a booked fill did to its position; ``row`` is the trade as it stood before, None if there was none."""
        if row is None:
            self._begin_trade(position, fill, out)
        elif row.trade_id != trade_id_of(position):
            out.outputs.append(PositionChanged(merged_row(row, trade_id_of(position), self.state.now_ns)))
        if position.fills.qty == 0:
            self.end_trade(position, self._exit_reason(position, fill), fill, out)
        elif row is not None:
            out.outputs.append(PositionChanged(trade_row(self.state, position, self.state.now_ns)))

    def _begin_trade(self, position: OpenPosition, fill: FillReport, out: Outbox) -> None:
        order = self.state.orders.get(fill.client_id)
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
            self.stops.confirm(position, out)

    def _leave_late_fill(self, order: TrackedOrder, out: Outbox) -> None:
        """An entry that was judged dead has filled after all (reliability.md I9): leave the position at once."""
        text = f"{order.client_id} was judged dead and has filled after all; its position is being closed"
        out.note("late_fill", Severity.CRITICAL, text, order.symbol)
        self.sending.close(order.symbol, 100, "late_fill", OrderRole.CLOSE, out)

    def _exit_reason(self, position: OpenPosition, fill: FillReport) -> str:
        if reason := self.sending.reason_of(fill.client_id):
            return reason
        role = role_of(fill.client_id)
        if role is not None and role is not OrderRole.ENTRY:
            return role.value  # of an earlier life of the engine, which took the reason with it
        if "StopLoss" in fill.create_type or fill.stop_order_type == "StopLoss":
            return "breakeven_stop" if position.at_breakeven else "stop_loss"
        return fill.exec_type.value if fill.exec_type.value != "Trade" else "external"
