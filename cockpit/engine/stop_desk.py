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
from cockpit.execution.positions import OpenPosition


class StopDesk:
    """Guards the stop of every position of ours."""

    def __init__(self, state: EngineState, sending: SendingDesk, queries: QueryDesk) -> None:
        self.state = state
        self.sending = sending
        self.queries = queries

    def on_answer(self, answer: StopAnswer, out: Outbox) -> None:
        """The exchange answered a stop request."""
        position = self.state.positions.open.get(answer.symbol)
        if position is None or not position.stop_in_flight or answer.stop_loss != position.stop_wanted:
            return  # it is about an earlier position, or the exchange has shown the stop already
        position.settle_stop(is_taken=answer.outcome is Outcome.YES)
        self.queries.request_reports(out)
        if answer.outcome is Outcome.YES:
            return
        text = f"stop of {answer.symbol} {answer.outcome}: {answer.reason}"
        out.note("stop", Severity.CRITICAL, text, answer.symbol)
        if position.stop_confirmed is not None:
            position.stop_wanted = position.stop_confirmed
        elif answer.outcome is Outcome.NO and not answer.is_retryable:
            self.sending.close(answer.symbol, 100, "stop_loss_failed", OrderRole.CLOSE, out)

    def confirm(self, position: OpenPosition, out: Outbox) -> None:
        """Compare the wanted stop with the one that the exchange's last report shows."""
        instrument = self.state.instrument(position.symbol)
        if instrument is None or not self.state.positions.confirm_stop(position, instrument, self.state.now_ns):
            return
        if position.stop_in_flight:
            position.settle_stop(is_taken=True)
        confirmed = position.stop_confirmed
        assert confirmed is not None
        if position.origin is not None and confirmed != position.origin.stop:
            out.outputs.append(PositionChanged(trade_row(self.state, position, self.state.now_ns)))
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
        """Restore the stop of a position of ours that has been without one for too long."""
        since = position.naked_since_ns
        limit_ns = round(self.state.settings.execution.stop_check_s * NS_PER_S)
        if position.origin is None or since is None or self.state.now_ns - since < limit_ns:
            return
        if position.is_restored:
            self.queries.request_reports(out)  # what the journal remembers may be older than the exchange's stop
        else:
            self.restore(position, out)

    def restore(self, position: OpenPosition, out: Outbox) -> None:
        """Put a missing stop back; after too many times close the position instead."""
        stop = position.stop_wanted
        if stop is None or position.stop_in_flight or self.sending.is_stop_busy(position, stop):
            return
        text = f"stop of {position.symbol} is missing at the exchange"
        out.note("stop_missing", Severity.CRITICAL, text, position.symbol)
        if position.stop_restores >= self.state.settings.execution.max_stop_restores:
            if STOP_GUARD not in self.state.locks:
                reason = f"the stop of {position.symbol} vanished {position.stop_restores + 1} times: who removes it?"
                self.state.lock_until_resumed(STOP_GUARD, reason, out)
            self.sending.close(position.symbol, 100, "stop_loss_failed", OrderRole.CLOSE, out)
            return
        position.naked_since_ns = self.state.now_ns
        position.is_restoring = True
        self.sending.move_stop(position, stop, out)
