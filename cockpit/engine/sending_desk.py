"""Orders, closes and stops on their way out, under link ids of ours. It only asks: effects.

What comes back is the business of ``order_desk`` and ``stop_desk``; the purpose of what was sent is remembered here.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from cockpit.domain.enums import OrderRole, OrderType, TimeInForce
from cockpit.domain.ids import ClientOrderId, client_order_id
from cockpit.domain.instrument import Lots, Ticks
from cockpit.domain.orders import EntryOrigin, OrderRequest, StopRequest
from cockpit.domain.time import NS_PER_S
from cockpit.engine.effects import OrderChanged, PositionChanged, SetStop, SubmitOrder
from cockpit.engine.query_desk import QueryDesk
from cockpit.engine.state import EngineState, Outbox
from cockpit.engine.trades import trade_row
from cockpit.execution.open_position import OpenPosition
from cockpit.execution.orders import TrackedOrder
from cockpit.risk.gate import RiskApproved


class SendingDesk:
    """What is asked of the exchange: entries, closes, stop moves, and why."""

    def __init__(self, state: EngineState, queries: QueryDesk, entries: Iterable[OrderRequest]) -> None:
        self.state = state
        self.queries = queries
        self._entries = {entry.client_id: entry for entry in entries}
        """Our entries by link id."""
        self._reasons: dict[str, str] = {}
        """Why a close order was sent, by link id."""
        self._attempts: dict[tuple[str, OrderRole], int] = {}
        self._foreign = 0

    def origin_of(self, client_id: str) -> EntryOrigin | None:
        """What an entry of ours was sent for, None for any other order."""
        entry = self._entries.get(ClientOrderId(client_id))
        if entry is None or entry.origin is None:
            return None
        instrument = self.state.instrument(entry.symbol)
        return entry.origin if instrument is None else entry.origin.on_grid(instrument, entry.side)

    def reason_of(self, client_id: str) -> str:
        """Why this close order was sent, "" if it was not sent in this life of the engine."""
        return self._reasons.get(client_id, "")

    def has_sent(self, client_id: str) -> bool:
        """True for an order that was sent in this life of the engine (or is an entry that the journal knows)."""
        return client_id in self._entries or client_id in self._reasons

    def disown(self, client_id: str) -> None:
        """The exchange has another engine's order under this link id: what it executes is not ours."""
        self._entries.pop(ClientOrderId(client_id), None)
        self._reasons.pop(client_id, None)

    def submit_entry(self, approved: RiskApproved[OrderRequest], out: Outbox) -> None:
        """Send an approved entry."""
        request = approved.order
        self._entries[request.client_id] = request
        self.state.entry_times.append(self.state.now_ns)
        self.state.symbols[request.symbol].last_entry_ns[request.side] = self.state.now_ns
        self._submit(request, out)

    def close(
        self,
        symbol: str,
        percent: int,
        reason: str,
        role: OrderRole,
        out: Outbox,
        slippage_pct: Decimal | None = None,
    ) -> str:
        """Close ``percent`` of a position, reduce-only, by market. Returns "" or why nothing was sent.

        ``slippage_pct`` is how far from the touch it may fill; None leaves that to the exchange.
        """
        position = self.state.positions.open.get(symbol)
        report = self.state.positions.unclaimed.get(symbol)
        held = position.side if position is not None else (report.side if report is not None else None)
        if held is None:
            return f"no position in {symbol}"
        if role is OrderRole.CLOSE and self.is_closing(symbol, percent):
            return f"a close of {symbol} is working already"
        lots, instrument = Lots(0), self.state.instrument(symbol)
        if percent < 100:
            if position is None or instrument is None:
                return f"{symbol} is foreign or its rules are not known: only 100 % of it can be closed"
            lots = position.lots(instrument, percent)
            if lots <= 0:
                return f"{percent} % of {symbol} is less than one lot; close all of it instead"
        request = OrderRequest(
            client_id=self._next_id(self._origin_text(position), role),
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
            qty_step=None if instrument is None else instrument.qty_step,
            slippage_pct=slippage_pct,
        )
        if position is not None:
            position.close_id = request.client_id
            if percent == 100:
                self._want_exit(position, reason, out)
        self._reasons[request.client_id] = reason
        self._submit(request, out)
        return ""

    def _want_exit(self, position: OpenPosition, reason: str, out: Outbox) -> None:
        """A position is to be closed until it is gone. The journal is told: a restart goes on with it."""
        if position.exit_wanted != reason:
            position.exit_wanted = reason
            out.outputs.append(PositionChanged(trade_row(self.state, position, self.state.now_ns)))

    def move_stop(self, position: OpenPosition, stop: Ticks, out: Outbox) -> None:
        """Set or move the stop of an open position in place. A missing stop waits for nothing.

        The journal knows of a move first: a restart never loosens it, although somebody took it away meanwhile.
        """
        is_move = position.stop_confirmed is not None
        position.ask_stop(stop, self.state.now_ns)
        if (symbol := self.state.symbols.get(position.symbol)) is not None:
            symbol.ask_stop(self.state.now_ns)
        self.queries.note_action(position.symbol)
        out.outputs.append(PositionChanged(trade_row(self.state, position, self.state.now_ns)))
        trigger = self.state.settings.execution.stop_trigger_by
        instrument = self.state.instrument(position.symbol)
        tick_size = None if instrument is None else instrument.tick_size
        request = StopRequest(symbol=position.symbol, stop_loss=stop, trigger_by=trigger, tick_size=tick_size)
        out.effects.append(SetStop(request, is_move))

    def is_stop_busy(self, position: OpenPosition, stop: Ticks) -> bool:
        """True while an earlier request for another stop may still arrive after one for ``stop`` sent now."""
        ttl_s = self.state.settings.execution.unknown_first_query_s
        return position.is_stop_busy(stop, self.state.now_ns, round(ttl_s * NS_PER_S))

    def is_closing(self, symbol: str, percent: int) -> bool:
        """True if a working close holds this one up; one of a part never holds up the whole: both only reduce."""
        position = self.state.positions.open.get(symbol)
        if position is None:
            return any(order.role is OrderRole.CLOSE for order in self.state.orders.in_flight(symbol))
        working = None if position.close_id is None else self.state.orders.get(position.close_id)
        is_part = working is not None and working.request is not None and not working.request.close_on_trigger
        return position.close_id is not None and not (is_part and percent == 100)

    def _next_id(self, origin: str, role: OrderRole) -> ClientOrderId:
        attempt = self._attempts.get((origin, role), 0) + 1
        self._attempts[(origin, role)] = attempt
        settings = self.state.settings
        return client_order_id(settings.environment, settings.epoch, origin, role, attempt, settings.folder)

    def _origin_text(self, position: OpenPosition | None) -> str:
        if position is not None and position.origin is not None:
            return position.origin.trade_id
        self._foreign += 1
        return f"x{self._foreign}"

    def _submit(self, request: OrderRequest, out: Outbox) -> None:
        order = self.state.orders.add_intent(request, self.state.now_ns)
        self.queries.note_action(request.symbol)
        out.effects.append(SubmitOrder(request))
        out.outputs.append(order_changed(order))


def order_changed(order: TrackedOrder) -> OrderChanged:
    """The order as it stands, for the journal and the screen."""
    signal_id = "" if order.request is None or order.request.signal_id is None else order.request.signal_id
    return OrderChanged(
        client_id=order.client_id,
        order_id=order.order_id,
        symbol=order.symbol,
        side=order.side,
        status=order.status,
        filled_qty=order.filled_qty,
        reason=order.reason,
        is_own=order.is_own,
        sent_ns=order.sent_ns,
        answered_ns=order.acked_ns,
        signal_id=signal_id,
    )
