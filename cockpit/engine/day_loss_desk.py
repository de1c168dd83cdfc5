"""The day's loss limit: when it is reached, what is made sure first, and when the lock may go. Pure rules.

The books can be behind the exchange: a position that was closed while the streams were away goes on losing in them. So
a loss that an open position makes, or that equity alone shows, keeps entries off at once and becomes the day's lock
when the account has been read since. The wallet tells a withdrawal at once and the transaction log seconds later: what
equity shows is a loss only by a log that was read so much later.
"""

from __future__ import annotations

from decimal import Decimal

from cockpit.domain.enums import Severity
from cockpit.domain.time import NS_PER_MS, NS_PER_S
from cockpit.engine.effects import RequestReports, SetFlag
from cockpit.engine.ledger_desk import LedgerDesk
from cockpit.engine.locks import DAY_LOSS, DAY_LOSS_FLAG
from cockpit.engine.signal_desk import SignalDesk
from cockpit.engine.state import DAY_NS, EngineState, Outbox

DAY_LOSS_CHECK = "day loss check"
EQUITY_FELL = "equity has fallen by the day's limit; the transaction log is being read"
BOOKS_LOSE = "open positions have lost the day's limit by our books; the account is being read"
Held = frozenset[tuple[str, str, Decimal]]


class DayLossDesk:
    """Locks entries for the rest of the exchange's day once the limit is reached."""

    def __init__(self, state: EngineState, signals: SignalDesk, ledger: LedgerDesk) -> None:
        self.state = state
        self.signals = signals
        self.ledger = ledger
        self._day = 0
        """Exchange day (number since 1970) in which the limit was reached."""
        self._low_since_ns: int | None = None
        """Since when equity alone says that the limit is reached."""
        self._read: tuple[int, Decimal] | None = None
        """The first read of the account since then: when it was asked for, and its equity. A later one would wait for
        a later log, without end where reads come more often than the log settles."""
        self._losing: tuple[int, Held] | None = None
        """When our books first said so, and the positions that were open then."""

    def recover(self, flag: str) -> None:
        """Take up the lock of an earlier run; ``flag`` is the day it was set on, "" for none."""
        if flag:
            self._day = int(flag)
            self.state.locks[DAY_LOSS] = "day loss limit reached before the last start"

    @property
    def is_holding(self) -> bool:
        """True while the lock may not be taken off: the day is the same, or the loss is still there."""
        is_today = self.state.exchange_ns // DAY_NS <= self._day
        return DAY_LOSS in self.state.locks and (is_today or self._is_reached())

    def on_tick(self, out: Outbox) -> None:
        """Once a second: look at the day's loss."""
        if DAY_LOSS in self.state.locks or not (self._is_reached() or self._losing or self._is_equity_low()):
            self._forget()
            return
        if self._is_at_limit(self.signals.day_pnl()) and self._losing is None:
            self._losing = (self.state.now_ns, self._held())
            self._read_account(out)
        is_certain = self._is_equity_certain(out) if self._losing is None else self._are_books_certain()
        if not is_certain:
            self.state.locks[DAY_LOSS_CHECK] = EQUITY_FELL if self._losing is None else BOOKS_LOSE
            return
        is_real = self._is_equity_low() if self._losing is None else self._is_loss_real(self._losing[1])
        self._forget()
        if is_real:
            self._lock(out)

    def _lock(self, out: Outbox) -> None:
        text = f"day loss limit of {self.state.settings.risk.day_loss_limit_r:g} R reached"
        self.state.locks[DAY_LOSS] = text
        self._day = self.state.exchange_ns // DAY_NS
        out.effects.append(SetFlag(DAY_LOSS_FLAG, str(self._day)))
        out.note("day_loss", Severity.CRITICAL, text)

    def _forget(self) -> None:
        self._low_since_ns = self._losing = self._read = None
        self.state.locks.pop(DAY_LOSS_CHECK, None)

    def _is_reached(self) -> bool:
        return self._is_at_limit(self.signals.worst_day_pnl())

    def _is_at_limit(self, pnl: Decimal) -> bool:
        day = self.state.day
        return day.r_usdt > 0 and pnl / day.r_usdt <= -Decimal(repr(self.state.settings.risk.day_loss_limit_r))

    def _are_books_certain(self) -> bool:
        """True if nothing is open, or once the account was read since the loss was first seen."""
        assert self._losing is not None
        return not self.state.positions.open or self.state.read_asked_ns >= self._losing[0]

    def _is_loss_real(self, held: Held) -> bool:
        """A loss that was reached counts although the price has come back, if the positions were really held."""
        return held == self._held() or self._is_at_limit(self.signals.day_pnl())

    def _held(self) -> Held:
        positions = self.state.positions.open.values()
        return frozenset((held.symbol, held.first_exec_id, held.fills.qty) for held in positions)

    def _is_equity_certain(self, out: Outbox) -> bool:
        """True once the wallet was read since, and the log when it has settled: a withdrawal is in both, no loss."""
        state = self.state
        if self._low_since_ns is None:
            self._low_since_ns = state.now_ns
            self._read_account(out)
        if self._read is None or not self._knows_moves(self._read[0]):
            is_since = state.equity_ns >= self._low_since_ns and self._knows_moves(state.equity_ns)
            if state.read_equity is None or not is_since:
                return False
            self._read = state.equity_ns, state.read_equity
        settled_ns = self._read[0] + round(state.settings.execution.ledger_settle_s * NS_PER_S)
        if state.day.ledger_ns >= settled_ns:
            return True
        if state.now_ns >= settled_ns or state.day.ledger_ns < self._read[0]:  # most rows are there at once
            self.ledger.ask()
        return False

    def _knows_moves(self, read_ns: int) -> bool:
        """True for a read of the account that was asked for after the newest deposit or withdrawal of today."""
        return self.state.to_exchange_ns(read_ns) > self.state.day.last_move_ms * NS_PER_MS + NS_PER_S

    def _is_equity_low(self) -> bool:
        """By the read alone: a push that came later may be older than it, and a loss made good later counts."""
        return self._read is not None and self._is_at_limit(self.signals.pnl_by(self._read[1]))

    def _read_account(self, out: Outbox) -> None:
        now_ns = self.state.now_ns
        out.effects.append(RequestReports(self.state.exchange_ns // NS_PER_MS - 60_000, now_ns))
