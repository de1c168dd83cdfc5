"""Stops of open positions: confirmed by the exchange alone, put back when missing, else the position is closed."""

from __future__ import annotations

from cockpit.domain.enums import OrderRole, Severity
from cockpit.domain.events import Outcome, StopAnswer
from cockpit.domain.time import NS_PER_MS, NS_PER_S
from cockpit.engine.effects import PositionChanged, StopConfirmed
from cockpit.engine.locks import STOP_GUARD
from cockpit.engine.query_desk import QueryDesk
from cockpit.engine.sending_desk import SendingDesk
from cockpit.engine.state import EngineState, Outbox
from cockpit.engine.trades import trade_row
from cockpit.execution.open_position import OpenPosition

NAKED_NS = 4 * NS_PER_S
"""What the exchange has called naked for as long is closed at the next tick: within 5 s (reliability.md P1)."""
RETRY_NS = NS_PER_S // 2
"""Pause after a request that came to nothing."""
MAX_FAILURES = 2
"""So many requests in a row that came to nothing close the position (reliability.md F66)."""
STOP_FAILED = "stop_loss_failed"


class StopDesk:
    """Guards the stop of every position of ours."""

    def __init__(self, state: EngineState, sending: SendingDesk, queries: QueryDesk) -> None:
        self.state = state
        self.sending = sending
        self.queries = queries

    def on_answer(self, answer: StopAnswer, out: Outbox) -> None:
        """The exchange answered a stop request, or nobody did in time."""
        if (symbol := self.state.symbols.get(answer.symbol)) is not None:
            symbol.answer_stop(self.state.now_ns, is_unknown=answer.outcome is Outcome.UNKNOWN)
        position = self.state.positions.open.get(answer.symbol)
        if position is None or not position.stop_in_flight or answer.stop_loss != position.stop_wanted:
            return  # it is about an earlier position, or the exchange has shown the stop already
        position.stop_in_flight = False
        self.queries.request_reports(out)
        if answer.outcome is Outcome.YES:
            return
        text = f"stop of {answer.symbol} {answer.outcome}: {answer.reason}"
        out.note("stop", Severity.CRITICAL, text, answer.symbol)
        if position.stop_confirmed is not None:
            position.stop_wanted = position.stop_confirmed
            if answer.outcome is Outcome.NO:  # what may have arrived stays in the journal: it is the better one
                out.outputs.append(PositionChanged(trade_row(self.state, position, self.state.now_ns)))
            return
        position.stop_failures += 1
        if answer.outcome is Outcome.NO and not answer.is_retryable:
            self.sending.close(answer.symbol, 100, STOP_FAILED, OrderRole.CLOSE, out)
        elif position.stop_failures >= MAX_FAILURES:
            self._give_up(position, f"could not be set, {position.stop_failures} times in a row", out)
        else:
            position.naked_since_ns = self.state.now_ns + RETRY_NS - self._wait_ns

    def confirm(self, position: OpenPosition, out: Outbox) -> None:
        """Compare the wanted stop with the one that the exchange's last report shows."""
        position.note_stop(self.state.now_ns)
        instrument = self.state.instrument(position.symbol)
        if instrument is None:
            return
        wanted = position.stop_wanted
        is_confirmed = self.state.positions.confirm_stop(position, instrument, self.state.now_ns)
        confirmed, origin = position.stop_confirmed, position.origin
        is_moved = is_confirmed and origin is not None and confirmed != origin.stop
        if origin is not None and (is_moved or position.stop_wanted != wanted):  # a restart must know it too
            out.outputs.append(PositionChanged(trade_row(self.state, position, self.state.now_ns)))
        if not is_confirmed or confirmed is None:
            return
        position.stop_in_flight = False
        beyond = (confirmed - position.breakeven(instrument, self.state.fee_rate)) * position.side.sign
        position.at_breakeven = beyond >= 0
        out.outputs.append(
            StopConfirmed(
                symbol=position.symbol,
                price=instrument.price_text(confirmed),
                ms=None if position.stop_ack_ns is None else position.stop_ack_ns // NS_PER_MS,
                signal_id="" if position.origin is None else position.origin.trade_id,
            )
        )

    def guard(self, position: OpenPosition, out: Outbox) -> None:
        """Once a second: restore the stop of a position of ours that is missing, or close what stays without one."""
        since, told = position.naked_since_ns, position.naked_told_ns
        if position.origin is None or since is None:
            return
        if told is not None and self.state.now_ns - told >= NAKED_NS and not position.exit_wanted:
            self._give_up(position, f"has been missing for {(self.state.now_ns - told) / NS_PER_S:.0f} s", out)
        elif self.state.now_ns - since < self._wait_ns:
            return
        elif position.is_restored:
            self.queries.request_reports(out)  # what the journal remembers may be older than the exchange's stop
        else:
            self.restore(position, out)

    def restore(self, position: OpenPosition, out: Outbox) -> None:
        """Put a missing stop back; after too many times close the position, and go on until that has worked."""
        stop = position.stop_wanted
        if stop is None or position.stop_in_flight or self.sending.is_stop_busy(position, stop):
            return
        is_often = position.stop_restores >= self.state.settings.execution.max_stop_restores
        if is_often and not position.exit_wanted:
            self._give_up(position, f"was put back {position.stop_restores} times and is gone again", out)
            return
        text = f"stop of {position.symbol} is missing at the exchange"
        out.note("stop_missing", Severity.CRITICAL, text, position.symbol)
        position.naked_since_ns = self.state.now_ns
        position.stop_restores += 1
        self.sending.move_stop(position, stop, out)

    def _give_up(self, position: OpenPosition, what: str, out: Outbox) -> None:
        """Close a position that cannot be protected. Entries wait until an operator has looked why."""
        if position.exit_wanted:
            position.naked_since_ns = self.state.now_ns + RETRY_NS - self._wait_ns
            return  # it is being closed already, in a rhythm of its own; until that works the stop is tried too
        reason = f"the stop of {position.symbol} {what}: the position is being closed; find out why, then resume"
        if STOP_GUARD not in self.state.locks:
            self.state.lock_until_resumed(STOP_GUARD, reason, out)
            out.note("stop_missing", Severity.CRITICAL, reason, position.symbol)
        self.sending.close(position.symbol, 100, STOP_FAILED, OrderRole.CLOSE, out)

    @property
    def _wait_ns(self) -> int:
        return round(self.state.settings.execution.stop_check_s * NS_PER_S)
