"""May we talk to the exchange at all: a refused key, a banned address, an exchange under maintenance. Pure rules.

A refused key and a ban halt the engine: nothing but probes leaves, and the operator is told what protects the positions
meanwhile and what to do by hand. Maintenance is waited for. In none of them does anything begin again by itself before
the account has been read completely.
"""

from __future__ import annotations

from cockpit.domain.enums import Severity
from cockpit.domain.events import KeyRefused, ReportsFailed, StreamAnswered, VenueHealth, VenueReports
from cockpit.domain.time import NS_PER_S
from cockpit.engine import locks
from cockpit.engine.state import EngineState, Outbox
from cockpit.engine.story import clock_text

ALARM_AGAIN_NS = 60 * NS_PER_S
"""A halt with an open position is told this often."""
BAN_SHIFT_NS = 5 * NS_PER_S
"""An end of the silence that differs by less is the same ban."""
DOWN_ANSWERS = 3
"""So many answers in a row that say "not at service" are maintenance; fewer with a stream gone as well."""
DOWN_ANSWERS_WITHOUT_STREAM = 2


class AccessDesk:
    """The key, the address and the exchange's own service."""

    def __init__(self, state: EngineState) -> None:
        self.state = state
        self._down_answers = 0
        self._failed_ns = 0
        self._alarmed_ns = 0

    def on_event(self, event: StreamAnswered | KeyRefused | VenueHealth, out: Outbox) -> bool:
        """Does the exchange talk to us. True when a ban has ended and the account must be read anew."""
        match event:
            case StreamAnswered():
                self.state.private_answered_ns = event.ts_recv
            case KeyRefused():
                self._key_refused(event, out)
            case _:
                return self._health(event, out)
        return False

    def _key_refused(self, event: KeyRefused, out: Outbox) -> None:
        """The exchange refused the key (reliability.md F21, F22, F24): halt, and say what to do."""
        self.state.key_refused_ns = event.ts_recv
        if locks.KEY not in self.state.locks:
            self.state.locks[locks.KEY] = f"key refused: {event.reason} (code {event.code})"
            self._alarm(out)

    def _health(self, event: VenueHealth, out: Outbox) -> bool:
        """What may be sent (reliability.md F17)."""
        self.state.venue = event
        until_ns, before_ns = event.silent_until_ns, self.state.banned_until_ns
        self.state.banned_until_ns = until_ns
        if until_ns is None:
            return self.state.locks.pop(locks.BAN, None) is not None
        if before_ns is None or until_ns - before_ns > BAN_SHIFT_NS:
            text = f"HTTP 403: this address sends nothing but flatten before {clock_text(until_ns)} UTC"
            self.state.locks[locks.BAN] = text
            self._alarm(out)
        else:
            self.state.banned_until_ns = before_ns
        return False

    def on_failed(self, event: ReportsFailed, out: Outbox) -> None:
        """A read of the account failed; when the exchange says again and again that it is away, it is (F86)."""
        out.note("reports", Severity.WARNING, f"reading the account failed: {event.reason}")
        self._failed_ns = event.ts_recv
        self._down_answers = self._down_answers + 1 if event.is_service_down else 0
        needed = DOWN_ANSWERS if all(self.state.streams.values()) else DOWN_ANSWERS_WITHOUT_STREAM
        if self._down_answers < needed or locks.MAINTENANCE in self.state.locks:
            return
        self.state.locks[locks.MAINTENANCE] = "the exchange is under maintenance; stops stand there"
        text = f"the exchange does not serve ({event.reason}); it is asked slowly and read completely afterwards"
        out.note("maintenance", Severity.CRITICAL, text)

    def on_reports(self, _event: VenueReports, out: Outbox) -> None:
        """The account was read completely: the exchange serves."""
        self._down_answers = 0
        if self.state.locks.pop(locks.MAINTENANCE, None) is not None:
            text = "the exchange is back; the account has been read"
            out.note("maintenance_over", Severity.WARNING, text)

    def on_tick(self, out: Outbox) -> None:
        """Once a second: a halt that leaves a position to its stop must not be overlooked."""
        is_halted = locks.KEY in self.state.locks or locks.BAN in self.state.locks
        if is_halted and self.state.positions.symbols() and self.state.now_ns - self._alarmed_ns >= ALARM_AGAIN_NS:
            self._alarm(out)

    @property
    def is_read_due(self) -> bool:
        """Time to read the account again.

        Soon after a read that failed, while what was missed may still be told by an old snapshot, and while a position
        of ours could lose its stop without a push that tells it; rarely while the exchange answers nothing of use: then
        it is probed, not polled.
        """
        state, config = self.state, self.state.settings.execution
        if not state.locks.keys().isdisjoint((locks.KEY, locks.BAN, locks.MAINTENANCE)):
            last_ns = max(state.reconciled_ns or 0, self._failed_ns)
            return state.now_ns - last_ns >= config.probe_s * NS_PER_S
        if state.reconciled_ns is None:
            return True
        is_settling = state.now_ns - state.private_up_ns < config.settling_s * NS_PER_S
        is_holding = any(held.origin is not None for held in state.positions.open.values())
        pause_s = config.short_reconcile_s if is_settling or is_holding else config.reconcile_s
        return state.now_ns - state.reconciled_ns >= pause_s * NS_PER_S

    def _alarm(self, out: Outbox) -> None:
        self._alarmed_ns = self.state.now_ns
        reason = self.state.locks.get(locks.KEY) or self.state.locks[locks.BAN]
        held = "; ".join(self._protection(symbol) for symbol in sorted(self.state.positions.symbols()))
        close = f". {held}. Close with the exchange's own app if you must" if held else ""
        mend = ". Mend the key, then resume" if locks.KEY in self.state.locks else ""
        out.note("halted", Severity.CRITICAL, f"HALTED, {reason}{close}{mend}")

    def _protection(self, symbol: str) -> str:
        """What stands at the exchange for a position, as it was told last."""
        position = self.state.positions.open.get(symbol)
        report = self.state.positions.unclaimed.get(symbol) if position is None else position.report
        if report is None or not report.stop_loss:
            return f"{symbol} has NO stop that we know of"
        return f"{symbol} has its stop {report.stop_loss} at the exchange"
