"""What a symbol must be before its first entry: its leverage set and confirmed, its position mode known. Pure rules.

Leverage is set while the symbol is flat and never changed under an open position; a row that shows another one, set by
hand, closes the symbol to entries until it is set again. The mode is read, never switched: a row of the symbol's own
position in one-way mode is the evidence, and only the exchange makes it.
"""

from __future__ import annotations

from decimal import Decimal

from cockpit.domain.enums import Severity
from cockpit.domain.events import AccountPush, LeverageAnswer, Outcome, VenueReports
from cockpit.domain.positions import PositionReport
from cockpit.domain.time import NS_PER_S
from cockpit.engine.effects import Noted, QueryPosition, SetLeverage
from cockpit.engine.state import EngineState, Outbox

BATCH = 4
"""Requests a second: less than half of what Bybit allows (bybit-v5.md 3.2)."""
RETRY_NS = 10 * NS_PER_S


class LeverageDesk:
    """Brings every symbol to the configured leverage, and learns its position mode."""

    def __init__(self, state: EngineState) -> None:
        self.state = state

    def on_tick(self, out: Outbox) -> None:
        """Once a second: ask for a few symbols that are flat and not confirmed, or of unknown mode."""
        if self.state.reconciled_ns is None:
            return
        self._ask_modes(out)
        held = self.state.positions.symbols()
        waiting = [
            symbol
            for symbol in self.state.symbols.values()
            if not symbol.has_leverage
            and symbol.instrument is not None
            and symbol.symbol not in held
            and self.state.now_ns - symbol.leverage_asked_ns >= RETRY_NS
        ]
        for symbol in waiting[:BATCH]:
            symbol.leverage_asked_ns = self.state.now_ns
            out.effects.append(SetLeverage(symbol.symbol, self.state.settings.risk.leverage))

    def _ask_modes(self, out: Outbox) -> None:
        now_ns = self.state.now_ns
        unknown = [
            symbol
            for symbol in self.state.symbols.values()
            if symbol.mode_read_ns is None and now_ns - symbol.mode_asked_ns >= RETRY_NS
        ]
        for symbol in unknown[:BATCH]:
            symbol.mode_asked_ns = now_ns
            out.effects.append(QueryPosition(symbol.symbol))

    def on_push(self, push: AccountPush) -> None:
        """Rows of positions, flat ones too, tell mode and leverage."""
        for report in push.reports:
            if isinstance(report, PositionReport):
                self._learn_mode(report)
                self._learn_leverage(report)

    def _learn_leverage(self, report: PositionReport) -> None:
        """Another leverage than ours; a row from about when it was asked for may still show the one before."""
        symbol, wanted = self.state.symbols.get(report.symbol), self.state.settings.risk.leverage
        if symbol is None or report.leverage in (None, wanted):
            return
        if self.state.now_ns - symbol.leverage_asked_ns >= RETRY_NS:
            symbol.has_leverage = False

    def _learn_mode(self, report: PositionReport) -> None:
        symbol = self.state.symbols.get(report.symbol)
        if symbol is not None:
            symbol.mode_read_ns = None if report.position_idx else self.state.now_ns

    def on_answer(self, answer: LeverageAnswer, out: Outbox) -> None:
        """The exchange answered; an unknown outcome is asked again, setting it twice does no harm."""
        symbol = self.state.symbols.get(answer.symbol)
        if symbol is None:
            return
        symbol.has_leverage = answer.outcome is Outcome.YES
        if answer.outcome is Outcome.NO:
            text = f"leverage of {answer.symbol} refused: {answer.reason}"
            out.outputs.append(Noted(event="leverage", severity=Severity.WARNING, text=text, symbol=answer.symbol))

    def on_reports(self, reports: VenueReports) -> None:
        """An open position shows its leverage: what it has is what counts until it is flat."""
        wanted = Decimal(self.state.settings.risk.leverage)
        for position in reports.positions:
            self._learn_mode(position)
            symbol = self.state.symbols.get(position.symbol)
            if symbol is not None and position.leverage is not None:
                symbol.has_leverage = position.leverage == wanted
