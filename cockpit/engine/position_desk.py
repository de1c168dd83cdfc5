"""Positions as the exchange tells them: those of ours that are to be closed are closed until they are gone."""

from __future__ import annotations

from cockpit.domain.enums import OrderRole, Severity
from cockpit.domain.positions import PositionReport
from cockpit.domain.time import NS_PER_S
from cockpit.engine.fill_desk import FillDesk
from cockpit.engine.query_desk import QueryDesk
from cockpit.engine.sending_desk import SendingDesk
from cockpit.engine.state import EngineState, Outbox
from cockpit.engine.stop_desk import StopDesk
from cockpit.execution.open_position import OpenPosition

FLAT_GRACE_NS = 5 * NS_PER_S
ADL_RANK_TOLD = 4
"""From this place in the line for auto-deleveraging on it is told."""


class PositionDesk:
    """Follows the exchange's reports of positions."""

    def __init__(
        self, state: EngineState, sending: SendingDesk, queries: QueryDesk, stops: StopDesk, fills: FillDesk
    ) -> None:
        self.state = state
        self.sending = sending
        self.queries = queries
        self.stops = stops
        self.fills = fills

    def on_report(self, report: PositionReport, out: Outbox, *, is_read: bool = False) -> None:
        """The exchange's word on one position; ``is_read`` where a complete read of the account told it."""
        if report.position_idx:
            self.state.locks["mode"] = (
                f"{report.symbol} is in hedge mode; set the account to one-way mode and start again"
            )
        before = self.state.positions.open.get(report.symbol)
        had_stop = before is not None and before.stop_confirmed is not None
        rank = 0 if before is None or before.report is None else before.report.adl_rank
        position = self.state.positions.on_report(report, is_read=is_read)
        if position is None:
            return
        if report.qty == 0:
            if position.flat_since_ns is None:
                position.flat_since_ns = self.state.now_ns
                self.queries.request_reports(out)
            return
        position.flat_since_ns = None
        if report.adl_rank >= ADL_RANK_TOLD > rank:
            text = f"{report.symbol} is near the front of the line for auto-deleveraging: rank {report.adl_rank} of 5"
            out.note("adl_rank", Severity.WARNING, text, report.symbol)
        self.stops.confirm(position, out)
        if had_stop and position.stop_confirmed is None and position.origin is not None:
            self.stops.restore(position, out)

    def on_tick(self, out: Outbox) -> None:
        """Once a second: what the exchange calls flat and no execution closes, what is to be closed, missing stops."""
        for position in list(self.state.positions.open.values()):
            if self._has_vanished(position):
                self._end_vanished(position, out)
                continue
            if position.exit_wanted:
                self._close_again(position, out)
            if position.flat_since_ns is None:
                self.stops.guard(position, out)  # also while it is being closed: that may take long

    def _has_vanished(self, position: OpenPosition) -> bool:
        """True if it has been called flat for a while, and a read that was asked for since then has not told how.

        An execution that is newer than the word flat, and is booked, opened something after it.
        """
        since = position.flat_since_ns
        if since is None or self.state.now_ns - since < FLAT_GRACE_NS or position.last_seq > position.seen[0]:
            return False
        return self.state.read_asked_ns >= since

    def _close_again(self, position: OpenPosition, out: Outbox) -> None:
        """What is to be closed is tried again, ever slower, until the exchange says that it is gone.

        After a restart it has to say first that it is there. A flatten closes everything by itself, in its own rhythm.
        """
        is_held = not position.is_restored and position.flat_since_ns is None
        is_due = self.state.now_ns >= position.close_after_ns and not self.sending.is_closing(position.symbol, 100)
        if is_held and is_due and not self.state.is_flattening:
            self.sending.close(position.symbol, 100, position.exit_wanted, OrderRole.CLOSE, out)

    def _end_vanished(self, position: OpenPosition, out: Outbox) -> None:
        """The exchange says flat, and a read of the executions since does not tell how: it was closed elsewhere."""
        symbol = position.symbol
        self.state.positions.forget(position)
        text = f"{symbol} is flat at the exchange without our knowing how"
        out.note("position_gone", Severity.WARNING, text, symbol)
        self.fills.end_trade(position, "external", None, out)
