"""Positions that are none of ours: told, never closed, given a stop if an operator or the policy says so (F60)."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from cockpit.domain.enums import Severity, Side
from cockpit.domain.events import Outcome, StopAnswer
from cockpit.domain.orders import StopRequest
from cockpit.domain.time import NS_PER_S
from cockpit.engine.effects import SetStop
from cockpit.engine.query_desk import QueryDesk
from cockpit.engine.state import EngineState, Outbox
from cockpit.execution.config import ForeignNaked

AGAIN_NS = 5 * NS_PER_S
"""Least pause between two stops for the same position."""


class ForeignPosition(msgspec.Struct, frozen=True):
    """What is known of a position that no signal of ours opened."""

    symbol: str
    side: Side
    qty: Decimal
    price: Decimal
    """Mark price, or the entry price while none is known."""
    stop: Decimal | None
    position_idx: int


class ForeignDesk:
    """Tells of foreign positions and protects them on demand."""

    def __init__(self, state: EngineState, queries: QueryDesk) -> None:
        self.state = state
        self.queries = queries
        self._told: set[str] = set()
        self._asked_ns: dict[str, int] = {}
        """When a stop was sent for a symbol's foreign position."""
        self._tries: dict[str, int] = {}

    def on_reports(self, out: Outbox) -> None:
        """After a read of the account: a position that no execution of ours explains is told once."""
        found = self.state.positions.unclaimed
        for symbol in sorted(found.keys() - self._told):
            report = found[symbol]
            stop = f"stop {report.stop_loss}" if report.stop_loss else "WITHOUT a stop (:protect sets one)"
            text = f"foreign position: {report.side} {report.qty} {symbol} at {report.entry_price}, {stop}"
            severity = Severity.WARNING if report.stop_loss else Severity.CRITICAL
            out.note("foreign_position", severity, text, symbol)
        self._told = set(found)

    def on_tick(self, out: Outbox) -> None:
        """Once a second: with the policy "protect" naked foreign positions get a stop, a few times at most."""
        naked = {position.symbol: position for position in self._all() if not position.stop}
        self._tries = {symbol: tries for symbol, tries in self._tries.items() if symbol in naked}
        execution = self.state.settings.execution
        if execution.foreign_naked is not ForeignNaked.PROTECT or self.state.is_flattening:
            return
        for symbol in sorted(naked):
            if self._tries.get(symbol, 0) < execution.max_stop_restores and not self.protect(symbol, out):
                self._tries[symbol] = self._tries.get(symbol, 0) + 1

    def protect(self, symbol: str, out: Outbox) -> str:
        """Put a stop at the configured distance behind a foreign position. Returns "" or why nothing was sent."""
        position = next((each for each in self._all() if each.symbol == symbol), None)
        instrument = self.state.instrument(symbol)
        if position is None:
            return f"no foreign position in {symbol}; positions of ours have their stops"
        if position.stop:
            return f"{symbol} has a stop already, at {position.stop}"
        if instrument is None:
            return f"the trading rules of {symbol} are being read; try again"
        if self.state.now_ns - self._asked_ns.get(symbol, -AGAIN_NS) < AGAIN_NS:
            return f"a stop for {symbol} is on its way"
        self._asked_ns[symbol] = self.state.now_ns
        if (followed := self.state.symbols.get(symbol)) is not None:
            followed.ask_stop(self.state.now_ns)
        self.queries.note_action(symbol)
        execution = self.state.settings.execution
        distance = position.price * Decimal(repr(execution.foreign_stop_pct)) / 100 * position.side.sign
        stop = instrument.ticks_beyond(position.price - distance, position.side)
        out.effects.append(
            SetStop(
                StopRequest(
                    symbol=symbol,
                    stop_loss=stop,
                    trigger_by=execution.stop_trigger_by,
                    position_idx=position.position_idx,
                    tick_size=instrument.tick_size,
                )
            )
        )
        text = f"foreign position {symbol}: stop {instrument.price_text(stop)} is being set"
        out.note("foreign_stop", Severity.WARNING, text, symbol)
        return ""

    def on_answer(self, answer: StopAnswer, out: Outbox) -> None:
        """What came of a stop for a foreign position."""
        if answer.symbol not in self._asked_ns or not any(each.symbol == answer.symbol for each in self._all()):
            return
        self.queries.request_reports(out)
        if answer.outcome is not Outcome.YES:
            text = f"stop of the foreign position {answer.symbol} {answer.outcome}: {answer.reason}"
            out.note("foreign_stop", Severity.CRITICAL, text, answer.symbol)

    def _all(self) -> list[ForeignPosition]:
        """Foreign positions, whether their executions were seen or not."""
        held = self.state.positions
        reports = [position.report for position in held.open.values() if position.is_foreign]
        found = []
        for report in (*held.unclaimed.values(), *(report for report in reports if report is not None)):
            if report.side is None or not report.qty:
                continue
            price = report.mark_price or report.entry_price
            found.append(
                ForeignPosition(report.symbol, report.side, report.qty, price, report.stop_loss, report.position_idx)
            )
        return found
