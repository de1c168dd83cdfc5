"""One open position: its fills, its stop as the exchange confirms it, 1R, what became of it.

The exchange is the truth. Fills make prices and money; its position report makes existence and stop.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from cockpit.domain.enums import Side
from cockpit.domain.instrument import Instrument, Lots, Ticks
from cockpit.domain.ledger import SETTLE_COIN
from cockpit.domain.orders import EntryOrigin
from cockpit.domain.positions import FillReport, Position, PositionReport


class OpenPosition:
    """One position that is open now (or closed by the very event being processed)."""

    def __init__(self, symbol: str, side: Side, opened_ns: int) -> None:
        self.symbol, self.side, self.opened_ns = symbol, side, opened_ns
        self.first_exec_id, self.began_ns = "", 0
        """The execution that opened it (a restart books from it on), and its exchange time, 0 if not known."""
        self.origin: EntryOrigin | None = None
        self.fills = Position(symbol)
        self.peak_qty = self.entry_price = Decimal(0)
        """Largest size, and the average of the opening fills."""
        self.exit_value = self.exit_qty = Decimal(0)
        self.report: PositionReport | None = None
        self.last_seq = -1
        self.seen = (0, 0)
        """Sequence and time of change of the newest report taken: what is below tells of the past."""
        self.stop_wanted: Ticks | None = None
        self.stop_confirmed: Ticks | None = None
        self.stop_ack_ns: int | None = None
        """Span from sending the stop to the first report that shows it, ns."""
        self.stop_sent_ns: int | None = None
        self.stop_in_flight = False
        self.stop_request: tuple[Ticks, int, tuple[int, int]] | None = None
        """The stop that was asked for last, when (ns), and what ``seen`` was then."""
        self.stop_restores = self.stop_failures = 0
        """How often a missing stop was asked for again, and how many answers in a row said that nothing came of it."""
        self.naked_since_ns: int | None = opened_ns
        """Since when no stop is known at the exchange; None while one is. A request for it begins the wait anew."""
        self.naked_told_ns: int | None = None
        """Since when the exchange has said that there is none; None while it shows one, or has not spoken yet."""
        self.close_id: str | None = None
        """Link id of the close order that is working."""
        self.exit_wanted = ""
        """Why the position is being closed; it stays until the position is gone, however often an order fails."""
        self.close_tries = self.close_after_ns = 0
        """Tries to close it so far, and the time before which there is no further one."""
        self.exit_reason = ""
        self.carried_gross = self.carried_fees = Decimal(0)
        """Profit and fees from before a late fill took the position up again."""
        self.coin_fees: dict[str, Decimal] = {}
        """Fees paid in other coins than the settlement coin; they are in no sum."""
        self.base: PositionReport | None = None  # the word it was begun with: fills up to its ``seq`` are in it
        self.is_blind = False
        """Begun with an execution by hand before the first read of the account: more may have been held already."""
        self.counted_net = Decimal(0)
        """What the day's book has counted of this trade already."""
        self.best_speed, self.at_breakeven = 0.0, False
        self.flat_since_ns: int | None = None
        """Since when the exchange has said "flat" while executions that explain it are missing."""
        self.is_restored = False
        """Taken from the journal at start and not yet compared with the exchange."""
        self.latency: dict[str, int] = {}
        """Spans of the entry in ms: signal_to_approve, approve_to_ack, ack_to_fill."""

    @property
    def is_foreign(self) -> bool:
        """Not opened by a signal of this product."""
        return self.origin is None

    @property
    def is_naked(self) -> bool:
        """Ours, and without a stop by the exchange's last word; a position of the journal also until that is heard.

        The stop of a new position comes with its first fill: before the first report it is not missing.
        """
        if self.is_foreign:
            return False
        if self.is_restored:
            return True
        return self.report is not None and self.report.qty > 0 and not self.report.stop_loss

    @property
    def is_taken_over(self) -> bool:
        """Begun with what the exchange said: its entry price is not ours to know."""
        return self.base is not None

    @property
    def qty(self) -> Decimal:
        """Unsigned size: by the exchange's report unless fills are newer."""
        if self.report is not None and self.report.seq >= self.last_seq:
            return self.report.qty
        return abs(self.fills.qty)

    @property
    def initial_stop(self) -> Ticks | None:
        """Stop the position was opened with."""
        return None if self.origin is None else self.origin.stop

    @property
    def gross(self) -> Decimal:
        """Realised profit of the whole trade before fees, USDT."""
        return self.carried_gross + self.fills.realised

    @property
    def fees(self) -> Decimal:
        """Fees of the whole trade, USDT."""
        return self.carried_fees + self.fills.fees

    def take_up(self, kept: Mapping[str, Any]) -> None:
        """Take what the journal kept of it: its stop, the newest report that was taken, why it was being closed."""
        self.stop_wanted = kept.get("stop", self.stop_wanted)
        self.seen = tuple(kept.get("seen", self.seen))
        self.exit_wanted = kept.get("exit_wanted", "")

    def take_over(self, base: PositionReport) -> None:
        """Begin with what the exchange says is held (not flat); the fills up to then are not known."""
        self.base, self.side = base, base.side or self.side
        done = self.fills
        self.fills = Position(self.symbol, base.qty * self.side.sign, base.entry_price, done.realised, done.fees)
        self.peak_qty, self.entry_price = base.qty, base.entry_price

    def compare(self, report: PositionReport) -> None:
        """Hold the size against the first read of it: what was held before it was begun is in that word alone."""
        if self.is_blind and report.qty and report.qty * (report.side or self.side).sign != self.fills.qty:
            self.take_over(report)
        self.is_blind = False

    def has_in_base(self, fill: FillReport) -> bool:
        """True for a fill that was in the size already with which the position was begun."""
        return self.base is not None and fill.seq <= self.base.seq

    def ask_stop(self, stop: Ticks, now_ns: int) -> None:
        """A request for this stop leaves now."""
        self.stop_wanted, self.stop_sent_ns, self.stop_in_flight = stop, now_ns, True
        self.stop_request = (stop, now_ns, self.seen)

    def is_stop_busy(self, stop: Ticks, now_ns: int, ttl_ns: int) -> bool:
        """True while an earlier request for another stop than ``stop`` may still arrive, and undo it.

        Args:
            stop: the stop that is wanted next.
            now_ns: engine time.
            ttl_ns: how long after it was sent the exchange takes a request, its ``recv_window`` and a margin.
        """
        if self.stop_request is None or self.stop_request[0] == stop:
            return False
        return now_ns - self.stop_request[1] < ttl_ns

    def pay(self, fill: FillReport) -> Decimal:
        """Note the fee of a fill; returns what of it counts in the settlement coin."""
        if fill.fee_currency == SETTLE_COIN:
            return fill.fee
        self.coin_fees[fill.fee_currency] = self.coin_fees.get(fill.fee_currency, Decimal(0)) + fill.fee
        return Decimal(0)

    def put_on_grid(self, instrument: Instrument) -> None:
        """Count in the ticks of ``instrument`` from now on; the stop at the exchange stays where it is."""
        before = self.origin
        if before is None or before.tick_size is None or before.tick_size == instrument.tick_size:
            return
        self.origin = before.on_grid(instrument, self.side)
        old = before.tick_size
        if self.stop_wanted is not None:
            self.stop_wanted = instrument.ticks_beyond(old * self.stop_wanted, self.side)
        if self.stop_confirmed is not None:
            self.stop_confirmed = instrument.ticks_beyond(old * self.stop_confirmed, self.side)

    def take(self, report: PositionReport | None) -> None:
        """Take what the exchange has said already, if anything."""
        self.report = report
        if report is not None:
            self.seen = (report.seq, report.updated_ms)

    def resume(self, report: PositionReport | None) -> None:
        """A late fill belongs to this trade although it ended: go on with it, and with what an untold end left."""
        if self.fills.qty == 0:
            self.carried_gross, self.carried_fees = self.gross, self.fees
            self.fills = Position(self.symbol)
        self.go_on(report)

    def go_on(self, report: PositionReport | None) -> None:
        """What had ended is open again: the order that closed it is history, the wish to close it is not.

        Args:
            report: what the exchange has said of it since, None if nothing.
        """
        self.exit_reason, self.close_id, self.flat_since_ns = "", None, None
        self.take(report)

    def risk_usdt(self, instrument: Instrument) -> Decimal:
        """1R: loss at the first stop before fees for the largest size held, 0 without a first stop."""
        if self.origin is None:
            return Decimal(0)
        return abs(self.entry_price - instrument.price(self.origin.stop)) * self.peak_qty

    def net_at(self, price: Decimal, fee_rate: Decimal) -> Decimal:
        """Profit if everything left were closed at ``price`` as taker, after all fees, USDT."""
        left = self._left()
        return self.gross + left.unrealised(price) - self.fees - abs(left.qty) * price * fee_rate

    def _left(self) -> Position:
        """What is left: of a position that was begun with an old word, what the newest one says."""
        told = self.report
        if not self.is_taken_over or told is None or told.side is None or told.seq < self.last_seq:
            return self.fills
        return Position(self.symbol, told.qty * told.side.sign, told.entry_price)

    def breakeven(self, instrument: Instrument, fee_rate: Decimal) -> Ticks:
        """Stop price at which closing costs nothing after both fees, rounded to the safe side."""
        price = self.entry_price * (1 + 2 * fee_rate * self.side.sign)
        return instrument.ticks_up(price) if self.side is Side.BUY else instrument.ticks_down(price)

    def note_stop(self, now_ns: int) -> None:
        """Note since when the exchange's word has been that there is no stop; that it has one needs no rules."""
        if self.report is not None and self.report.stop_loss:
            self.naked_since_ns = None
        if not self.is_naked:
            self.naked_told_ns = None
        elif self.naked_told_ns is None:
            self.naked_told_ns = now_ns

    def lots(self, instrument: Instrument, percent: int) -> Lots:
        """``percent`` of the size in whole lots, rounded down."""
        return instrument.lots_down(self.qty * percent / 100)
