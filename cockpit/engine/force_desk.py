"""Executions that nobody ordered: the exchange liquidates a position or takes a part of it (ADL). Told and locked here.

Their booking is like that of any other execution; this desk only raises the alarm (reliability.md F76, F77).
"""

from __future__ import annotations

from collections.abc import Mapping

from cockpit.domain.enums import ExecType, Severity
from cockpit.domain.positions import FillReport
from cockpit.engine.effects import FillBooked, QueryPosition
from cockpit.engine.locks import LIQUIDATION, OPERATOR_CLEARS
from cockpit.engine.state import EngineState, Outbox


class ForceDesk:
    """Watches booked executions for those of the exchange itself."""

    def __init__(self, state: EngineState) -> None:
        self.state = state

    def recover(self, flags: Mapping[str, str]) -> None:
        """A liquidation of an earlier run still keeps entries off."""
        if text := flags.get(OPERATOR_CLEARS[LIQUIDATION]):
            self.state.locks[LIQUIDATION] = text

    def on_booked(self, out: Outbox) -> None:
        """Look at the executions that this step has booked."""
        for output in list(out.outputs):
            if not isinstance(output, FillBooked):
                continue
            if output.fill.exec_type is ExecType.LIQUIDATION:
                self._liquidated(output.fill, out)
            elif output.fill.exec_type is ExecType.ADL:
                self._deleveraged(output.fill, out)

    def _liquidated(self, fill: FillReport, out: Outbox) -> None:
        """Stops and limits did not hold: nothing goes on before somebody has looked."""
        text = f"liquidated by the exchange: {fill.side} {fill.qty} {fill.symbol} at {fill.price}"
        if LIQUIDATION not in self.state.locks:
            self.state.lock_until_resumed(LIQUIDATION, text, out)
        out.note(LIQUIDATION, Severity.CRITICAL, text, fill.symbol)

    @staticmethod
    def _deleveraged(fill: FillReport, out: Outbox) -> None:
        """A part is gone, the rest is still ours: its stop is looked at anew."""
        text = f"auto-deleveraged by the exchange: {fill.side} {fill.qty} {fill.symbol} at {fill.price}"
        out.note("adl", Severity.CRITICAL, text, fill.symbol)
        out.effects.append(QueryPosition(fill.symbol))
