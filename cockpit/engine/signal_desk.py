"""The signal queue: who approves, the ticket, the gate, the order. A signal leads to one entry at most.

Approvals are judged here and nowhere else: a signal that has expired, changed or lost a gate is refused with the
numbers, whatever the screen showed.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal

import msgspec

from cockpit.domain.enums import Approval, OrderRole, OrderType, Side, TimeInForce
from cockpit.domain.ids import SignalId, client_order_id
from cockpit.domain.orders import EntryOrigin, OrderRequest
from cockpit.domain.time import NS_PER_MS, NS_PER_S
from cockpit.engine.effects import ApprovalRefused, SignalDecided
from cockpit.engine.entry_gates import EntryGates
from cockpit.engine.sending_desk import SendingDesk
from cockpit.engine.state import EngineState, Outbox, SymbolState
from cockpit.execution.open_position import OpenPosition
from cockpit.execution.ticket import BookSides, Ticket, make_ticket, ticket_hash
from cockpit.risk.checks import Check, OrderFacts, order_checks
from cockpit.risk.gate import RiskRefused, review
from cockpit.risk.sizing import Refusal
from cockpit.signals.base import Signal

SNOOZE_NS = 30 * NS_PER_S
AUTO_RETRY_NS = NS_PER_S
AUTO = "auto"
"""Who approves when nobody does."""


class QueuedSignal:
    """A signal waiting for its approval."""

    __slots__ = ("expires_ns", "last_try_ns", "note", "raised_ns", "refused_by", "signal", "ttl_ns")

    def __init__(self, signal: Signal, now_ns: int) -> None:
        self.signal = signal
        self.raised_ns = now_ns
        """Receive time at which it was raised."""
        self.ttl_ns = signal.expires_event_ns - signal.raised_event_ns
        self.expires_ns = now_ns + self.ttl_ns
        self.last_try_ns = 0
        self.note = ""
        """Why the last attempt was refused."""
        self.refused_by: tuple[str, ...] = ()
        """The rules that refused it."""


class SignalDesk:
    """Live signals of all symbols."""

    def __init__(self, state: EngineState, sending: SendingDesk) -> None:
        self.state = state
        self.sending = sending
        self.gates = EntryGates(state, self.margin_used, self.worst_day_pnl)
        self.queue: dict[str, QueuedSignal] = {}
        self.ended: list[SignalDecided] = []
        """What became of the last signals, newest first."""
        self._raised_ns: deque[int] = deque(maxlen=10_000)

    def approval_of(self, signal: Signal) -> Approval:
        """Who approves this kind of signal."""
        by_kind = self.state.settings.engine.approval_by_kind.get(signal.kind)
        return self.state.approval if by_kind is None else _stricter(by_kind, self.state.approval)

    def on_raised(self, signal: Signal, out: Outbox) -> None:
        """A rule raised a signal."""
        queued = QueuedSignal(signal, self.state.now_ns)
        self.queue[signal.signal_id] = queued
        self._raised_ns.append(self.state.now_ns)
        if len(self.queue) > self.state.settings.engine.max_live_signals:
            least = min(self.queue.values(), key=lambda item: (item.signal.priority, item.raised_ns))
            self._end(least.signal, "expired", "queue full", out)
        if signal.signal_id in self.queue and self.approval_of(signal) is Approval.AUTO:
            self._try_auto(queued, out)

    def on_expired(self, signal_id: str, reason: str, out: Outbox) -> None:
        """A rule took its signal back."""
        queued = self.queue.get(signal_id)
        if queued is not None and self.state.now_ns >= queued.raised_ns:
            is_snoozed = queued.expires_ns > queued.raised_ns + queued.ttl_ns
            if reason != "ttl" or not is_snoozed:
                self._end(queued.signal, "expired", reason, out)

    def on_tick(self, out: Outbox) -> None:
        """Expire by receive time (a silent market sends no event that would) and retry automatic approvals."""
        for queued in list(self.queue.values()):
            if self.state.now_ns > queued.expires_ns:
                self._end(queued.signal, "expired", "ttl", out)
            elif self.approval_of(queued.signal) is Approval.AUTO and self._is_retry_due(queued):
                self._try_auto(queued, out)

    def expire_all(self, reason: str, out: Outbox) -> None:
        """End every signal of the queue."""
        for queued in list(self.queue.values()):
            self._end(queued.signal, "expired", reason, out)

    def raised_since(self, then_ns: int) -> int:
        """Number of signals raised later than ``then_ns``."""
        return sum(stamp > then_ns for stamp in self._raised_ns)

    def reject(self, signal_id: str, reason: str, operator: str, out: Outbox) -> str:
        """The operator says no. Returns "" or why that is not possible."""
        queued = self.queue.get(signal_id)
        if queued is None:
            return self._gone(signal_id)
        self._end(queued.signal, "rejected", reason or "operator", out, operator)
        return ""

    def snooze(self, signal_id: str) -> str:
        """Keep a signal longer. Returns "" or why that is not possible."""
        queued = self.queue.get(signal_id)
        if queued is None:
            return self._gone(signal_id)
        queued.expires_ns += SNOOZE_NS
        self.state.symbols[queued.signal.symbol].pipeline.snooze(queued.signal.signal_id, SNOOZE_NS)
        return ""

    def approve(self, signal_id: str, content_hash: str, operator: str, out: Outbox) -> str:
        """The operator says yes. Returns "" if the order goes out, else why not."""
        queued = self.queue.get(signal_id)
        if queued is None:
            return self._gone(signal_id)
        if self.approval_of(queued.signal) is Approval.OBSERVE:
            return "approval is observe: signals are shown, not traded"
        if content_hash != ticket_hash(queued.signal, self.state.settings.risk):
            return "the ticket has changed since it was shown; look again"
        if self.state.now_ns > queued.expires_ns:
            return "the signal has expired"
        return self._send(queued, operator, out)

    # ------------------------------------------------------------------------------------------------ ticket, gate

    def ticket(self, signal: Signal) -> Ticket | Refusal:
        """The order that approving would send at this instant."""
        symbol = self.state.symbols[signal.symbol]
        if symbol.instrument is None:
            return Refusal("instrument", f"the rules of {signal.symbol} are not known yet")
        if self.state.balance is None:
            return Refusal("account", "the account has not been read yet")
        if not symbol.market.book.is_valid:
            return Refusal("book", f"the book of {signal.symbol} is not valid: {symbol.market.book.invalid_reason}")
        settings = self.state.settings
        account = (self.state.balance.equity, self.margin_used())
        return make_ticket(
            signal, symbol.instrument, _sides(symbol, signal), account, settings.risk, settings.execution
        )

    def margin_used(self) -> Decimal:
        """Initial margin of positions, and of entries in flight that the exchange may not count yet, USDT."""
        reported = Decimal(0) if self.state.balance is None else self.state.balance.initial_margin
        held = Decimal(0)
        for position in self.state.positions.open.values():
            held += position.qty * position.entry_price
        in_flight = Decimal(0)
        for order in self.state.orders.live_entries():
            if order.request is not None:
                in_flight += order.request.notional(self.state.instrument(order.symbol))
        for order in self.state.orders.unbooked():
            if order.is_entry:
                in_flight += order.unbooked_qty * (order.avg_price or Decimal(0))
        leverage = self.state.settings.risk.leverage
        return max(reported, held / leverage) + in_flight / leverage

    def checks(self, signal: Signal) -> list[Check]:
        """Every entry gate for this signal now; those of the order itself come when it is made."""
        return self.gates.of_entry(signal.symbol, signal.entry_reference, signal.direction)

    def _order_gates(self, queued: QueuedSignal, ticket: Ticket, operator: str) -> list[Check]:
        """The gates of one order: approved, and within the room that is left with it."""
        balance, symbol = self.state.balance, self.state.symbols[queued.signal.symbol]
        ticker = symbol.market.ticker
        facts = OrderFacts(
            now_ns=self.state.now_ns,
            expires_ns=queued.expires_ns,
            approved_by="" if self.approval_of(queued.signal) is Approval.OBSERVE else operator,
            margin_usdt=ticket.sizing.margin_usdt,
            notional_usdt=ticket.sizing.notional_usdt,
            margin_used=self.margin_used(),
            equity=Decimal(0) if balance is None else balance.equity,
            limit_price=ticket.tick_size * ticket.limit,
            mark=None if symbol.mark is None else Decimal(repr(symbol.mark)),
            mark_ns=None if ticker is None else ticker.ts_recv,
        )
        return order_checks(facts, self.state.settings.risk)

    def worst_day_pnl(self) -> Decimal:
        """The day's profit by our own books or by the account's equity as told last, whichever is worse."""
        balance = self.state.balance
        return min(self.day_pnl(), self.pnl_by(None if balance is None else balance.equity))

    def pnl_by(self, equity: Decimal | None) -> Decimal:
        """The lowest of the day's profits at the exchange, USDT: by ``equity`` and by the log at the start; else 0.

        Equity knows of what was traded by hand, of funding and of what our books may have missed; deposits and
        withdrawals are taken out of it as the transaction log tells them.
        """
        day = self.state.day
        if equity is None or day.start_equity is None:
            return Decimal(0)
        return min(Decimal(0), day.lowest, equity - day.start_equity - day.moved)

    def day_pnl(self) -> Decimal:
        """Profit since 00:00 UTC after fees, open positions included, USDT."""
        held = self.state.positions.open.values()
        open_profit = (position.net_at(self._value_price(position), self.state.fee_rate) for position in held)
        return self.state.day.realised + sum(open_profit, Decimal(0))

    def _value_price(self, position: OpenPosition) -> Decimal:
        """What a position is valued at: mid, else mark, as told last. A lost book does not hide an open loss.

        A position that changed after the last frame of the book is valued at the mark price told with the change.
        """
        symbol, report = self.state.symbols.get(position.symbol), position.report
        told = None if report is None else report.mark_price
        price = None if symbol is None else symbol.market.mid or symbol.mark
        if price is None or symbol is None:
            return told or position.entry_price
        if told and report is not None and report.updated_ms * NS_PER_MS > symbol.market.last_event_ns:
            return told
        return Decimal(repr(price))

    # ----------------------------------------------------------------------------------------------------- sending

    def _is_retry_due(self, queued: QueuedSignal) -> bool:
        return self.state.now_ns - queued.last_try_ns >= AUTO_RETRY_NS

    def _try_auto(self, queued: QueuedSignal, out: Outbox) -> None:
        queued.last_try_ns = self.state.now_ns
        queued.note = self._send(queued, AUTO, out)

    def _send(self, queued: QueuedSignal, operator: str, out: Outbox) -> str:
        signal = queued.signal
        ticket = self.ticket(signal)
        if isinstance(ticket, Refusal):
            return self._refuse(queued, operator, (ticket.rule,), ticket.text, out)
        gates = [*self.checks(signal), *self._order_gates(queued, ticket, operator)]
        verdict = review(self._request(queued, ticket), gates)
        if isinstance(verdict, RiskRefused):
            return self._refuse(queued, operator, tuple(check.name for check in verdict.failed), verdict.text, out)
        self._end(signal, "approved", "", out, operator, ticket)
        self.sending.submit_entry(verdict, out)
        return ""

    def _refuse(self, queued: QueuedSignal, operator: str, rules: tuple[str, ...], reason: str, out: Outbox) -> str:
        """Tell a refusal. An automatic approval is tried every second: it tells anew only if other rules refuse."""
        is_told = operator == AUTO and rules == queued.refused_by
        queued.note, queued.refused_by = reason, rules
        if not is_told:
            out.outputs.append(ApprovalRefused(signal=queued.signal, operator=operator, reason=reason, rules=rules))
        return reason

    def _request(self, queued: QueuedSignal, ticket: Ticket) -> OrderRequest:
        signal, settings = queued.signal, self.state.settings
        entry_id = client_order_id(
            settings.environment, settings.epoch, signal.signal_id, OrderRole.ENTRY, 1, settings.folder
        )
        return OrderRequest(
            client_id=entry_id,
            symbol=signal.symbol,
            side=signal.direction,
            role=OrderRole.ENTRY,
            order_type=OrderType.LIMIT,
            time_in_force=TimeInForce.IOC,
            lots=ticket.sizing.lots,
            price=ticket.limit,
            stop_loss=ticket.stop,
            stop_trigger_by=settings.execution.stop_trigger_by,
            signal_id=SignalId(signal.signal_id),
            origin=self._origin(queued, ticket),
            created_ns=self.state.now_ns,
            tick_size=ticket.tick_size,
            qty_step=ticket.qty_step,
        )

    def _origin(self, queued: QueuedSignal, ticket: Ticket) -> EntryOrigin:
        signal, settings = queued.signal, self.state.settings
        return EntryOrigin(
            trade_id=signal.signal_id,
            kind=signal.kind,
            stop=ticket.stop,
            take_profit=ticket.take_profit,
            wall_id=signal.wall.wall_id,
            wall_price=signal.wall.price,
            raised_ns=queued.raised_ns,
            approved_ns=self.state.now_ns,
            parameters={
                "risk": settings.risk.model_dump(mode="json"),
                "execution": settings.execution.model_dump(mode="json"),
                "gates": [msgspec.to_builtins(gate) for gate in signal.gates],
            },
            tick_size=ticket.tick_size,
        )

    def _end(
        self, signal: Signal, state: str, reason: str, out: Outbox, operator: str = "", ticket: Ticket | None = None
    ) -> None:
        del self.queue[signal.signal_id]
        sent = {} if ticket is None else msgspec.to_builtins(ticket, str_keys=True)
        decided = SignalDecided(signal=signal, state=state, reason=reason, operator=operator, ticket=sent)
        self.ended = [decided, *self.ended[:19]]
        out.outputs.append(decided)

    def _gone(self, signal_id: str) -> str:
        for decided in self.ended:
            if decided.signal.signal_id == signal_id:
                return f"signal {signal_id} was {decided.state} already"
        return f"there is no signal {signal_id}"


def _sides(symbol: SymbolState, signal: Signal) -> BookSides:
    book = symbol.market.book
    return BookSides(*(book.asks() if signal.direction is Side.BUY else book.bids()))


def _stricter(one: Approval, other: Approval) -> Approval:
    """The one of two approvals that lets less through."""
    order = (Approval.OBSERVE, Approval.MANUAL, Approval.AUTO)
    return min(one, other, key=order.index)
