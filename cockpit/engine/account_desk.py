"""The account as a whole: pushes and complete reads of it are taken apart here and handed to the desks.

The exchange is believed; what a read was too old to know is left out.
"""

from __future__ import annotations

from decimal import Decimal

from cockpit.domain.account import BalanceReport
from cockpit.domain.events import AccountPush, VenueReports
from cockpit.domain.orders import OrderReport
from cockpit.domain.positions import FillReport, PositionReport
from cockpit.domain.time import NS_PER_MS
from cockpit.engine.effects import QueryPosition, SetFlag
from cockpit.engine.fill_desk import FillDesk
from cockpit.engine.order_desk import OrderDesk
from cockpit.engine.position_desk import PositionDesk
from cockpit.engine.query_desk import QueryDesk
from cockpit.engine.state import DAY_FLAG, EngineState, Outbox
from cockpit.engine.stop_desk import StopDesk
from cockpit.ports.journal import Recovery


class AccountDesk:
    """Hands what the exchange tells of the account to the desks, in the order in which it must be taken."""

    def __init__(
        self,
        state: EngineState,
        queries: QueryDesk,
        orders: OrderDesk,
        fills: FillDesk,
        positions: PositionDesk,
        stops: StopDesk,
    ) -> None:
        self.state = state
        self.queries = queries
        self.orders = orders
        self.fills = fills
        self.positions = positions
        self.stops = stops

    def recover(self, recovery: Recovery, out: Outbox) -> None:
        """Take up what the journal left open: intents are asked for, trades become positions again."""
        self.queries.recover(recovery.settings, out)
        self.state.day.recover(recovery.settings.get(DAY_FLAG, ""))
        self.orders.recover(recovery.open_intents, out)
        for request in recovery.dead_entries:
            self.state.orders.add_dead(request)
        self.fills.recover(recovery)

    def on_push(self, push: AccountPush, out: Outbox) -> None:
        """One message of the private stream."""
        for report in push.reports:
            match report:
                case OrderReport():
                    self.orders.on_report(report, out)
                case FillReport():
                    self.queries.note_action(report.symbol)
                    self.orders.beware(report.client_id, report.symbol, out)
                    self.fills.on_fill(report, out)
                case PositionReport():
                    self.positions.on_report(report, out)
                case BalanceReport():
                    self._balance(report)

    def on_reports(self, reports: VenueReports, out: Outbox) -> None:
        """One complete read of the account by REST."""
        self.queries.on_reports(reports)
        for fill in reports.fills:
            if not self.state.positions.knows(fill.exec_id) and not self.fills.is_of_before(fill):
                self.orders.beware(fill.client_id, fill.symbol, out)
            self.fills.on_fill(fill, out, is_read=True)
        self.fills.after_read(reports.fills, reports.requested_ns, out)
        self.orders.on_reports(reports, out)
        for position in reports.positions:
            if self.queries.is_newer(reports, position.symbol):
                self.positions.on_report(position, out, is_read=True)
        self.state.positions.has_read = True
        named = {position.symbol for position in reports.positions}
        # A read of all positions leaves flat ones out and may be old: only the symbol's own row proves that it is flat.
        out.effects += [QueryPosition(symbol) for symbol in sorted(self.state.positions.symbols() - named)]
        self._balance(reports.balance)
        self._begin_day(reports, out)
        self.state.read_equity, self.state.equity_ns = reports.balance.equity, reports.requested_ns
        self.state.reconciled_ns, self.state.read_asked_ns = reports.ts_recv, reports.requested_ns
        for held in list(self.state.positions.open.values()):
            # One that still waits for its first word was told of by an old read: the tick asks again, not the answer.
            is_told = held.symbol in named and not held.is_restored
            if is_told and self.queries.is_newer(reports, held.symbol):
                self.stops.guard(held, out)

    def _balance(self, report: BalanceReport) -> None:
        self.state.balance, self.state.balance_taken_ns = report, self.state.now_ns

    def _begin_day(self, reports: VenueReports, out: Outbox) -> None:
        """The first read of the wallet that is asked for on a new day is what the day began with."""
        risk_pct = Decimal(repr(self.state.settings.risk.risk_pct))
        asked_ms = self.state.to_exchange_ns(reports.requested_ns) // NS_PER_MS
        if self.state.day.take_equity(reports.balance.equity, risk_pct, asked_ms):
            out.effects.append(SetFlag(DAY_FLAG, self.state.day.flag()))
