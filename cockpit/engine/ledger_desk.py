"""The exchange's money is the truth: compares our books with its transaction log, and begins the day's loss from it.

Every read has three outcomes: equal, different, or no information. A difference keeps entries off at once, is read
again, and if it stays it locks until the operator has looked (reliability.md P8, P17, C.1). The desk sends no orders.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from cockpit.domain.enums import Severity
from cockpit.domain.events import LedgerFailed, LedgerRead, VenueReports
from cockpit.domain.ledger import SETTLE_COIN, LedgerRow
from cockpit.domain.time import NS_PER_MS, NS_PER_S
from cockpit.engine.effects import FillBooked, FlowBooked, ReadLedger, RequestReports, SetFlag
from cockpit.engine.locks import LEDGER
from cockpit.engine.state import DAY_FLAG, DAY_NS, EngineState, Outbox
from cockpit.execution.ledger import EXACT, OVERLAP_MS, Difference, MoneyBook, OpenProfit
from cockpit.ports.journal import LEDGER_CURSOR_FLAG, Recovery

MISMATCH = "money mismatch"
MISMATCH_FLAG = "money_mismatch"
ACCEPTED_FLAG = "ledger_accepted_ms"
READING = LEDGER
"""Lock while the log has not been read, or is being read again because of a difference. It goes by itself."""
RETRY_NS = 3 * NS_PER_S
STALE_READS = 3
"""Without a complete read for this many periods nothing is known any more."""


class LedgerDesk:
    """Asks for the transaction log, compares, tells and locks."""

    def __init__(self, state: EngineState, recovery: Recovery) -> None:
        self.state = state
        self.compared_ns: int | None = None
        """Engine time of the last complete read, None before the first."""
        self.difference: Difference | None = None
        """What did not agree in the last read."""
        self._recovery = recovery
        self._book = MoneyBook(0)
        self._limit_ms = 0
        """Exchange time up to which the last read was compared."""
        self._is_asked = False
        self._due_ns = 0
        self._started_ns = 0
        self._suspects: dict[str, int] = {}
        """Engine time at which each thing that differs and is not yet certain was seen first, by its name."""
        self._reread_ns = 0
        """When the last complete read that reaches far enough was asked for, 0 while executions wait for another."""
        self._is_day_known = False
        state.locks[READING] = "the transaction log has not been read yet"

    def recover(self) -> None:
        """Take up cursor, lock and lately booked executions of an earlier run."""
        flags = self._recovery.settings
        cursor_ms, open_profits = _cursor(flags.get(LEDGER_CURSOR_FLAG, ""))
        self._book = MoneyBook(
            max(self.state.books_since_ms, int(flags.get(ACCEPTED_FLAG, 0))), cursor_ms, open_profits
        )
        self._started_ns = self.state.now_ns
        for fill in self._recovery.ledger_fills:
            self._book.book(fill)
        self._book.know_flows(self._recovery.flow_ids, self.state.exchange_ns // NS_PER_MS)
        if text := flags.get(MISMATCH_FLAG):
            self.state.locks[MISMATCH] = text

    def on_booked(self, out: Outbox) -> None:
        """Whatever executions this step has booked."""
        for output in out.outputs:
            if isinstance(output, FillBooked):
                self._book.book(output.fill)

    def on_tick(self, out: Outbox) -> None:
        """Once a second: read when it is time, and say so when nothing could be read for long."""
        state = self.state
        if not self._is_asked and state.reconciled_ns is not None and state.now_ns >= self._due_ns:
            self._is_asked = True
            out.effects.append(ReadLedger(self._since_ms()))
        known_ns = self.compared_ns or self._started_ns
        if state.now_ns - known_ns > STALE_READS * self._period_ns:
            state.locks.setdefault(READING, "the transaction log could not be read for long")

    def ask(self) -> None:
        """Read at the next tick."""
        self._due_ns = 0

    def accept(self, out: Outbox) -> None:
        """The operator has looked: what differs until now is his, and the comparison begins anew from here."""
        if self.state.locks.pop(MISMATCH, None) is None:
            return
        self._book.since_ms = max(self._book.since_ms, self._limit_ms)
        if self.difference is not None:
            self._settle(self.difference, out)
        self.difference = None
        self._clear_suspicion()
        out.effects += [SetFlag(MISMATCH_FLAG, ""), SetFlag(ACCEPTED_FLAG, str(self._book.since_ms))]

    def on_reports(self, reports: VenueReports, *, are_fills_waiting: bool) -> None:
        """A complete read of the account: what it did not tell, no later one will, unless executions wait for more.

        One that does not reach back to what differs proves nothing of it.
        """
        if are_fills_waiting:
            self._reread_ns = 0
        elif self.difference is None or reports.since_ms <= self._oldest_ms(self.difference):
            self._reread_ns = reports.requested_ns

    def on_failed(self, event: LedgerFailed, out: Outbox) -> None:
        """No information: nothing is concluded, it is asked again."""
        self._is_asked = False
        self._due_ns = self.state.now_ns + RETRY_NS
        out.note("ledger", Severity.WARNING, f"reading the transaction log failed: {event.reason}")

    def on_read(self, read: LedgerRead, out: Outbox) -> None:
        """A complete read of the log."""
        self._is_asked = False
        self.compared_ns = self.state.now_ns
        self._due_ns = self.state.now_ns + self._period_ns
        self._limit_ms = read.until_ms - round(self.state.settings.execution.ledger_settle_s * 1000)
        self._take_day(read, out)
        for row in self._book.new_flows(read):
            self._tell_flow(row, out)
        difference = self._book.compare(read, self._limit_ms, self._is_flat)
        if difference.amounts:
            self._differs(difference, out)
        else:
            self._agrees(difference, out)

    # --------------------------------------------------------------------------------------------------- comparison

    def _is_flat(self, symbol: str) -> bool:
        return symbol not in self.state.positions.symbols()

    def _agrees(self, comparison: Difference, out: Outbox) -> None:
        if self._suspects:
            out.note("ledger", Severity.INFO, "the difference to the transaction log has been explained")
        self.difference = None
        self._clear_suspicion()
        self._settle(comparison, out)

    def _settle(self, comparison: Difference, out: Outbox) -> None:
        """The next comparison goes on from here, in this run or the next one."""
        self._book.settle(self._limit_ms, comparison.open)
        known = {
            symbol: profit for symbol, profit in self._book.open.items() if profit.is_void or abs(profit.gap) > EXACT
        }
        kept = msgspec.json.encode(known).decode()
        out.effects.append(SetFlag(LEDGER_CURSOR_FLAG, f"{self._book.cursor_ms};{kept}"))

    def _clear_suspicion(self) -> None:
        self._suspects.clear()
        if self._is_day_known:
            self.state.locks.pop(READING, None)

    def _differs(self, difference: Difference, out: Outbox) -> None:
        """Off at once; certain when one and the same thing outlives a new read of the account and some time."""
        self.difference = difference
        if MISMATCH in self.state.locks:
            self._clear_suspicion()
            self._lock(difference, out)
            return
        now_ns = self.state.now_ns
        self._due_ns = now_ns + RETRY_NS
        if not self._suspects:
            out.note("ledger", Severity.WARNING, f"money differs, reading again: {difference.text}")
        self._suspects = {name: self._suspects.get(name, now_ns) for name in difference.names}
        if any(self._is_certain(seen_ns) for seen_ns in self._suspects.values()):
            self._clear_suspicion()
            self._lock(difference, out)
            return
        self.state.locks[READING] = "our books and the transaction log differ; both are read again"
        if max(self._suspects.values()) > self._reread_ns:
            out.effects.append(RequestReports(max(0, self._oldest_ms(difference) - OVERLAP_MS), now_ns))

    def _oldest_ms(self, difference: Difference) -> int:
        """Exchange time of the oldest execution that may be missing in our books."""
        return difference.since_ms or self._book.cursor_ms

    def _is_certain(self, seen_ns: int) -> bool:
        return seen_ns <= self._reread_ns and self.state.now_ns - seen_ns >= self._confirm_ns

    def _lock(self, difference: Difference, out: Outbox) -> None:
        text = f"{MISMATCH}: {difference.text}"
        if self.state.locks.get(MISMATCH) == text:
            return
        self.state.locks[MISMATCH] = text
        out.effects.append(SetFlag(MISMATCH_FLAG, text))
        out.note("money_mismatch", Severity.CRITICAL, text)

    def _tell_flow(self, row: LedgerRow, out: Outbox) -> None:
        out.outputs.append(FlowBooked(row))
        what = f"{row.kind} {row.symbol}".strip()
        text = f"not by an execution of ours: {what} {row.change:+f} {row.currency}"
        out.note("external_flow", Severity.WARNING, text)

    # ----------------------------------------------------------------------------------------------------- the day

    def _take_day(self, read: LedgerRead, out: Outbox) -> None:
        """What of today's change of the wallet was no trading, and, after a start, what the day began with."""
        day, balance = self.state.day, self.state.balance
        midnight_ms = (day.day or 0) * DAY_NS // NS_PER_MS
        rows = [row for row in read.rows if row.currency == SETTLE_COIN and row.ts_ms >= midnight_ms]
        day.note_moves((row.row_id, row.ts_ms, row.moved) for row in rows)
        day.ledger_ns = read.requested_ns
        if self._is_day_known or balance is None or read.since_ms > midnight_ms:
            return
        if not rows and self.state.balance_taken_ns > read.requested_ns:
            self._due_ns = self.state.now_ns + RETRY_NS  # the wallet may know of more than this log does
            return
        self._is_day_known = True
        wallet = rows[-1].balance if rows else balance.wallet_balance
        lowest = total = Decimal(0)
        for row in rows:
            total += row.change - row.moved
            lowest = min(lowest, total)
        if day.reconstruct(wallet - sum((row.change for row in rows), Decimal(0)), lowest):
            out.effects.append(SetFlag(DAY_FLAG, day.flag()))

    def _since_ms(self) -> int:
        since_ms = self._book.cursor_ms - OVERLAP_MS
        if not self._is_day_known:
            since_ms = min(since_ms, (self.state.day.day or 0) * DAY_NS // NS_PER_MS)
        return max(0, since_ms)

    @property
    def _period_ns(self) -> int:
        return round(self.state.settings.execution.ledger_s * NS_PER_S)

    @property
    def _confirm_ns(self) -> int:
        return round(self.state.settings.execution.ledger_confirm_s * NS_PER_S)


def _cursor(flag: str) -> tuple[int, dict[str, OpenProfit]]:
    """What an earlier run has left: exchange time, and the profits to be judged when their symbols are flat."""
    cursor_ms, _, kept = flag.partition(";")
    return int(cursor_ms or 0), msgspec.json.decode(kept or "{}", type=dict[str, OpenProfit])
