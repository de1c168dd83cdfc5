"""Orders, closes and stops on their way out, and questions about those whose fate is open. It only asks: effects.

What comes back is the business of ``stop_desk`` and ``order_desk``, which build on this.
"""

from __future__ import annotations

from cockpit.domain.enums import OrderRole, OrderType, Severity, Side, TimeInForce
from cockpit.domain.ids import ClientOrderId, client_order_id
from cockpit.domain.instrument import Instrument, Lots, Ticks
from cockpit.domain.orders import EntryOrigin, OrderRequest, StopRequest
from cockpit.domain.time import NS_PER_S
from cockpit.engine.effects import (
    Noted,
    OrderChanged,
    QueryOrder,
    RequestReports,
    SetStop,
    SetTimer,
    SubmitOrder,
)
from cockpit.engine.state import EngineState, Outbox
from cockpit.execution.orders import OrderManager, TrackedOrder
from cockpit.execution.positions import OpenPosition, PositionManager
from cockpit.ports.journal import Recovery
from cockpit.risk.gate import RiskApproved

FILL_OVERLAP_MS = 60_000


class SendingDesk:
    """What is asked of the exchange: link ids, entries, closes, stop moves, queries, reads."""

    def __init__(self, state: EngineState, recovery: Recovery) -> None:
        self.state = state
        self.orders = OrderManager()
        self.positions = PositionManager(set(recovery.seen_exec_ids))
        self.origins: dict[str, EntryOrigin | None] = {entry.client_id: entry.origin for entry in recovery.entries}
        """Origin of each entry of ours, by link id."""
        self.reasons: dict[str, str] = {}
        """Why a close order was sent, by link id."""
        self._attempts: dict[tuple[str, OrderRole], int] = {}
        self._queries: dict[str, int] = {}
        self._acted_ns: dict[str, int] = {}
        """Engine time of our last action or fill of a symbol: older reads of it are discarded."""
        self._last_fill_ms = recovery.last_fill_ms
        self._foreign = 0
        self._told_foreign: set[str] = set()

    def submit_entry(self, approved: RiskApproved[OrderRequest], out: Outbox) -> None:
        """Send an approved entry."""
        request = approved.order
        self.origins[request.client_id] = request.origin
        self.state.entry_times.append(self.state.now_ns)
        self.state.symbols[request.symbol].last_entry_ns[request.side] = self.state.now_ns
        self._submit(request, out)

    def close(self, symbol: str, percent: int, reason: str, role: OrderRole, out: Outbox) -> str:
        """Close ``percent`` of a position, reduce-only, by market. Returns "" or why nothing was sent."""
        position = self.positions.open.get(symbol)
        report = self.positions.unclaimed.get(symbol)
        held = position.side if position is not None else (report.side if report is not None else None)
        if held is None:
            return f"no position in {symbol}"
        if role is OrderRole.CLOSE and self._is_closing(symbol):
            return f"a close of {symbol} is working already"
        lots = Lots(0)
        if percent < 100:
            instrument = self._instrument(symbol)
            if position is None or instrument is None:
                return f"{symbol} is foreign or its rules are not known: only 100 % of it can be closed"
            lots = position.lots(instrument, percent)
            if lots <= 0:
                return f"{percent} % of {symbol} is less than one lot; close all of it instead"
        request = OrderRequest(
            client_id=self.next_id(self._origin_text(position), role),
            symbol=symbol,
            side=held.opposite,
            role=role,
            order_type=OrderType.MARKET,
            time_in_force=TimeInForce.IOC,
            lots=lots,
            reduce_only=True,
            close_on_trigger=percent == 100,
            position_idx=0 if report is None else report.position_idx,
            created_ns=self.state.now_ns,
        )
        if position is not None:
            position.close_id = request.client_id
            position.exit_wanted = reason if percent == 100 else position.exit_wanted
        self.reasons[request.client_id] = reason
        self._submit(request, out)
        return ""

    def _is_closing(self, symbol: str) -> bool:
        position = self.positions.open.get(symbol)
        if position is not None:
            return position.close_id is not None
        return any(order.role is OrderRole.CLOSE for order in self.orders.in_flight(symbol))

    def _instrument(self, symbol: str) -> Instrument | None:
        """Rules of a symbol; None also for one that this engine does not watch (a foreign position)."""
        known = self.state.symbols.get(symbol)
        return None if known is None else known.instrument

    def move_stop(self, position: OpenPosition, stop: Ticks, out: Outbox) -> None:
        """Set or move the stop of an open position in place."""
        position.stop_wanted = stop
        position.stop_sent_ns = self.state.now_ns
        position.stop_in_flight = True
        self._acted_ns[position.symbol] = self.state.now_ns
        trigger = self.state.settings.execution.stop_trigger_by
        out.effects.append(SetStop(StopRequest(symbol=position.symbol, stop_loss=stop, trigger_by=trigger)))

    def next_id(self, origin: str, role: OrderRole) -> ClientOrderId:
        """The next link id of an origin and role."""
        attempt = self._attempts.get((origin, role), 0) + 1
        self._attempts[(origin, role)] = attempt
        settings = self.state.settings
        return client_order_id(settings.environment, settings.epoch, origin, role, attempt)

    def _submit(self, request: OrderRequest, out: Outbox) -> None:
        order = self.orders.add_intent(request, self.state.now_ns)
        self._acted_ns[request.symbol] = self.state.now_ns
        out.effects.append(SubmitOrder(request))
        self._changed(order, out)

    def _origin_text(self, position: OpenPosition | None) -> str:
        if position is not None and position.origin is not None:
            return position.origin.trade_id
        self._foreign += 1
        return f"x{self._foreign}"

    def on_query_timer(self, client_id: str, out: Outbox) -> None:
        """Time to ask for an order whose fate is open."""
        order = self.orders.get(client_id)
        if order is not None and (order.is_in_flight or order.unbooked_qty > 0):
            self._queries[client_id] = self._queries.get(client_id, 0) + 1
            out.effects.append(QueryOrder(order.symbol, ClientOrderId(client_id)))

    def _ask_again(self, order: TrackedOrder, after_s: float, out: Outbox) -> None:
        out.effects.append(SetTimer(f"query:{order.client_id}", self.state.now_ns + round(after_s * NS_PER_S)))

    def request_reports(self, out: Outbox) -> None:
        """Ask for a complete read of the account."""
        since = max(0, self._last_fill_ms - FILL_OVERLAP_MS)
        out.effects.append(RequestReports(since, self.state.now_ns))

    def _changed(self, order: TrackedOrder, out: Outbox) -> None:
        signal_id = "" if order.request is None or order.request.signal_id is None else order.request.signal_id
        out.outputs.append(
            OrderChanged(
                client_id=order.client_id,
                order_id=order.order_id,
                symbol=order.symbol,
                side=Side(order.side),
                status=order.status,
                filled_qty=order.filled_qty,
                reason=order.reason,
                is_own=order.is_own,
                sent_ns=order.sent_ns,
                answered_ns=order.acked_ns,
                signal_id=signal_id,
            )
        )

    @staticmethod
    def _note(out: Outbox, kind: str, severity: Severity, text: str, symbol: str) -> None:
        out.outputs.append(Noted(event=kind, severity=severity, text=text, symbol=symbol))
