"""Positions from first fill to last: fills booked once, stop as the exchange confirms it, 1R, what became of it.

The exchange is the truth. Fills make prices and money; its position report makes existence and stop. A report
older than a fill that is already booked (by ``seq``) is dropped.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import dropwhile

import msgspec

from cockpit.domain.enums import TRADING, ExecType, OrderRole, Side
from cockpit.domain.ids import origin_of, role_of
from cockpit.domain.instrument import Instrument, Lots, Ticks
from cockpit.domain.ledger import SETTLE_COIN
from cockpit.domain.orders import EntryOrigin
from cockpit.domain.positions import FillReport, Position, PositionReport
from cockpit.ports.journal import TradeRow

KEPT_ENDED = 50


class OpenPosition:
    """One position that is open now (or closed by the very event being processed)."""

    def __init__(self, symbol: str, side: Side, opened_ns: int) -> None:
        self.symbol, self.side, self.opened_ns = symbol, side, opened_ns
        self.first_exec_id, self.began_ns = "", 0
        """The execution that opened it (a restart books from it on), and its exchange time, 0 if not known."""
        self.origin: EntryOrigin | None = None
        self.fills = Position(symbol)
        self.peak_qty = Decimal(0)
        self.entry_price = Decimal(0)
        """Average of the opening fills."""
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
        self.base: PositionReport | None = None
        """What the exchange said of it before any fill was booked: it has all those up to its ``seq`` in it."""
        self.counted_net = Decimal(0)
        """What the day's book has counted of this trade already."""
        self.best_speed = 0.0
        self.at_breakeven = False
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

    def take_over(self, base: PositionReport) -> None:
        """Begin with what the exchange says is held (not flat); the fills up to then are not known."""
        self.base, self.side = base, base.side or self.side
        done = self.fills
        self.fills = Position(self.symbol, base.qty * self.side.sign, base.entry_price, done.realised, done.fees)
        self.peak_qty, self.entry_price = base.qty, base.entry_price

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


class PositionManager:
    """Every position of the account, and the executions that made them."""

    def __init__(self, seen_exec_ids: set[str] | None = None, last_seqs: dict[str, int] | None = None) -> None:
        """Begin with the executions that are booked already, and the newest sequence of them by symbol."""
        self.open: dict[str, OpenPosition] = {}
        self.unclaimed: dict[str, PositionReport] = {}
        """Positions the exchange reports and no fill of ours explains (yet)."""
        self._seen = seen_exec_ids or set()
        self._closed_seq = last_seqs or {}
        """Sequence of the fill that closed the last position of a symbol: older reports tell of the past."""
        self._first_told: dict[str, PositionReport] = {}
        """By symbol, the first report of what no fill explained: fills that are newer come on top of that."""
        self._flat_told: dict[str, int] = {}
        """By symbol of these, the sequence of the first word that it was flat again: what is newer is another one."""
        self._ended: dict[str, OpenPosition] = {}
        """Our last closed trades by id: an execution that comes late belongs to its trade."""
        self._vanished: dict[str, OpenPosition] = {}
        """By symbol, what the exchange called flat while executions that explain it were missing."""
        self.last_gain: Decimal | None = Decimal(0)
        """Gross profit of the execution booked last; None where its entry price is not ours to know."""

    def mark_booked(self, exec_id: str) -> None:
        """An execution counts as booked from now on."""
        self._seen.add(exec_id)

    def knows(self, exec_id: str) -> bool:
        """True if an execution has been booked."""
        return exec_id in self._seen

    def is_early(self, fill: FillReport, *, is_entry_due: bool, is_read: bool = False) -> bool:
        """True if a fill does not fit the fills booked so far: those before it have not been heard of.

        It closes more than they have opened; or one by hand opens against what they have left, which others must have
        closed; or the exchange has told of a position that none of them explains.

        Args:
            fill: an execution that is not booked yet, and of no entry of ours.
            is_entry_due: an entry of ours on the symbol has executions that have not come yet.
            is_read: a complete read told it, after all that were before it.
        """
        if fill.exec_type is not ExecType.TRADE:  # a forced one raises its alarm at once
            return False
        is_by_hand = role_of(fill.client_id) is None and not fill.stop_order_type
        position = self.open.get(fill.symbol)
        if position is None and is_entry_due:  # a new trade of ours says nothing of what an earlier one left
            return is_by_hand or fill.closed_qty > 0
        vanished = self._vanished.get(fill.symbol)
        if position is None and vanished is not None:
            position = vanished if _is_of(vanished, fill) else None
            if position is None and not is_read:
                return True  # what closed the last one is missing
        if position is not None:
            return not position.has_in_base(fill) and _is_too_much(fill, position.fills.qty, is_by_hand=is_by_hand)
        base = self._base_of(fill)
        if base is None and fill.symbol in self._first_told and not is_read:
            return True  # so is what closed that one
        if base is None or base.side is None or fill.seq <= base.seq:
            return fill.closed_qty > 0
        return not is_read or _is_too_much(fill, base.qty * base.side.sign, is_by_hand=is_by_hand)

    def _base_of(self, fill: FillReport) -> PositionReport | None:
        """What the exchange told first of the position that a fill changes, None if it was flat again before."""
        flat_seq = self._flat_told.get(fill.symbol)
        return self._first_told.get(fill.symbol) if flat_seq is None or fill.seq <= flat_seq else None

    def on_fill(
        self, fill: FillReport, origin: EntryOrigin | None, *, is_entry_due: bool = False
    ) -> OpenPosition | None:
        """Book one execution that is not booked yet.

        Args:
            fill: the execution.
            origin: where the order came from, if it is an entry of ours.
            is_entry_due: an entry of ours on the symbol has executions that have not come yet: they explain what the
                exchange says is held.

        Returns:
            The position it changed (size 0 when it closed it), None for funding and the like on no position.
        """
        position = self.open.get(fill.symbol)
        self.last_gain = Decimal(0)
        if fill.exec_type not in TRADING:
            if position is not None:
                position.fills = msgspec.structs.replace(position.fills, fees=position.fills.fees + position.pay(fill))
            return position
        if position is None:
            position = self._begin(fill, is_entry_due=is_entry_due)
            self.open[fill.symbol] = position
        if origin is not None and position.origin is None:
            self._claim(position, origin)
        if position.has_in_base(fill):
            self.last_gain = self._book_of_before(position, fill)
        else:
            self.last_gain = self._book(position, _closing_part(position, fill) if origin is None else fill)
        if position.fills.qty == 0:
            self.forget(position)
        return position

    def _begin(self, fill: FillReport, *, is_entry_due: bool) -> OpenPosition:
        """The position that a fill on no position belongs to: a trade that it comes late for, or a new one.

        A fill that changes a foreign position of which no fill is known starts from what the exchange said of it.
        """
        base, report = self._base_of(fill), self.unclaimed.get(fill.symbol)
        self._disown(fill.symbol)
        vanished = self._vanished.pop(fill.symbol, None)
        ended = self._ended.pop(origin_of(fill.client_id) or "", None)
        if vanished is not None and _is_of(vanished, fill):
            vanished.go_on(report)
            return vanished
        if ended is not None:
            ended.resume(report)
            return ended
        position = OpenPosition(fill.symbol, fill.side, fill.ts_recv)
        position.first_exec_id, position.began_ns = fill.exec_id, fill.ts_event
        position.naked_since_ns = min(fill.ts_event, fill.ts_recv)  # an execution heard of late has waited already
        position.take(report)
        is_told = is_entry_due or role_of(fill.client_id) is OrderRole.ENTRY
        is_after = base is not None and (base.seq < fill.seq or fill.closed_qty == fill.qty)
        if base is not None and not is_told and is_after:
            position.take_over(base)
        return position

    def _claim(self, position: OpenPosition, origin: EntryOrigin) -> None:
        """An entry of ours joins a position that was foreign; its trade may have ended once and goes on with it."""
        position.origin, position.stop_wanted = origin, origin.stop
        ended = self._ended.pop(origin.trade_id, None)
        if ended is not None:
            position.carried_gross, position.carried_fees = ended.gross, ended.fees
            position.counted_net, position.first_exec_id = ended.counted_net, ended.first_exec_id
            left = ended.fills
            if left.side is not None:  # it ended untold: what closed it is still to come
                position.fills = position.fills.apply_fill(left.side, left.avg_price, abs(left.qty), Decimal(0))
                position.side = position.fills.side or position.side

    def forget(self, position: OpenPosition) -> None:
        """A position is over; reports from its life time are void from now on."""
        if position.origin is not None:
            self._ended[position.origin.trade_id] = position
            if len(self._ended) > KEPT_ENDED:
                del self._ended[next(iter(self._ended))]
        if position.fills.qty != 0:
            self._vanished[position.symbol] = position
        self.open.pop(position.symbol, None)
        self._disown(position.symbol)
        told = position.report
        if told is not None and told.seq >= position.last_seq and told.qty and told.side is not position.side:
            self._note_foreign(told)  # turned round by hand: what is there now is not ours
        seq = position.last_seq if position.report is None else max(position.last_seq, position.report.seq)
        self._closed_seq[position.symbol] = seq

    @staticmethod
    def _book_of_before(position: OpenPosition, fill: FillReport) -> None:
        """Book a fill that the position was begun with: its size is in already, its fee and profit are not."""
        gain = (fill.price - position.fills.avg_price) * min(fill.closed_qty, fill.qty) * fill.side.opposite.sign
        fees = position.fills.fees + position.pay(fill)
        position.fills = msgspec.structs.replace(position.fills, realised=position.fills.realised + gain, fees=fees)

    @staticmethod
    def _book(position: OpenPosition, fill: FillReport) -> Decimal | None:
        """Book a fill; returns its gross profit, None where the entry price is not ours to know."""
        is_opening = fill.side is position.side
        before = position.fills
        position.fills = before.apply_fill(fill.side, fill.price, fill.qty, position.pay(fill))
        position.last_seq = max(position.last_seq, fill.seq)
        gain = position.fills.realised - (before.realised if before.qty else 0)
        if is_opening:
            position.entry_price = position.fills.avg_price
            position.peak_qty = max(position.peak_qty, abs(position.fills.qty))
            return gain
        closed = min(fill.qty, abs(before.qty))
        position.exit_value += closed * fill.price
        position.exit_qty += closed
        # The side that is left decides: a fill larger than the position turns it round.
        if position.fills.qty * before.qty < 0:
            position.side = Side.BUY if position.fills.qty > 0 else Side.SELL
            position.entry_price, position.peak_qty = position.fills.avg_price, abs(position.fills.qty)
            position.exit_value = position.exit_qty = Decimal(0)
        return None if position.is_taken_over else gain

    def on_report(self, report: PositionReport) -> OpenPosition | None:
        """Apply the exchange's word on a position; returns ours if the symbol has one and the word is not stale."""
        position = self.open.get(report.symbol)
        if position is None:
            self._unexplained(report)
            return None
        version = (report.seq, report.updated_ms)
        if report.seq < position.last_seq or version < position.seen:
            return None
        if position.is_taken_over and report.side not in (None, position.side):
            position.take_over(report)  # it was begun with an old word
        position.report, position.seen = report, version
        position.is_restored = False
        return position

    def _unexplained(self, report: PositionReport) -> None:
        """A report of a symbol that we hold no position in."""
        known = self.unclaimed.get(report.symbol)
        newest = max(self._closed_seq.get(report.symbol, -1), -1 if known is None else known.seq)
        if report.seq < newest:
            return
        if report.qty == 0:
            self.unclaimed.pop(report.symbol, None)  # the fills that closed it may still come, and need its base
            if report.symbol in self._first_told:
                self._flat_told.setdefault(report.symbol, report.seq)
        else:
            self._note_foreign(report)

    def _note_foreign(self, report: PositionReport) -> None:
        self.unclaimed[report.symbol] = report
        self._first_told.setdefault(report.symbol, report)

    def _disown(self, symbol: str) -> None:
        """Forget what was told of a symbol and not explained."""
        for told in (self.unclaimed, self._first_told, self._flat_told):
            told.pop(symbol, None)

    def remember(self, row: TradeRow) -> None:
        """Keep a trade that ended before this start, for executions that come late."""
        seen = tuple(row.parameters.get("seen", (-1, 0)))
        self._closed_seq[row.symbol] = max(self._closed_seq.get(row.symbol, -1), seen[0])
        self._vanished.pop(row.symbol, None)  # what an earlier trade left was over when this one began
        origin = _origin_of(row)
        if origin is None:
            return
        position = OpenPosition(row.symbol, Side(row.direction), row.opened_ns)
        position.origin, position.seen = origin, seen
        position.first_exec_id = row.first_exec_id
        position.peak_qty, position.entry_price = row.qty, row.entry_price
        position.carried_gross, position.carried_fees = row.gross_pnl, row.fees
        position.counted_net = row.net_pnl
        position.stop_wanted = row.parameters.get("stop")
        if (left := row.parameters.get("left")) is not None:
            position.fills = msgspec.convert(left, Position, strict=False)
            if row.exit_price is not None:
                position.exit_qty = row.qty - abs(position.fills.qty)
                position.exit_value = row.exit_price * position.exit_qty
            self._vanished[row.symbol] = position
        self._ended[row.trade_id] = position

    def restore(self, row: TradeRow, fills: Iterable[FillReport]) -> None:
        """Take up a trade that the journal left open, out of the executions that made it.

        Args:
            row: the trade as it was written last.
            fills: executions of its symbol since about when it was opened, in booking order.
        """
        origin = _origin_of(row)
        own = list(dropwhile(lambda fill: fill.exec_id != row.first_exec_id, fills))
        if own and (base := row.parameters.get("base")) is not None:
            self.open[row.symbol] = begun = OpenPosition(row.symbol, Side(row.direction), row.opened_ns)
            begun.first_exec_id, begun.began_ns = row.first_exec_id, own[0].ts_event
            begun.take_over(msgspec.convert(base, PositionReport, strict=False))
        for fill in own:
            self.on_fill(fill, origin if origin_of(fill.client_id) == row.trade_id else None)
        position = self.open.get(row.symbol)
        if position is not None:
            position.is_restored = True
            position.stop_wanted = row.parameters.get("stop", position.stop_wanted)
            position.seen = tuple(row.parameters.get("seen", position.seen))

    def confirm_stop(self, position: OpenPosition, instrument: Instrument, now_ns: int) -> bool:
        """Compare the reported stop with the wanted one; True when it was confirmed just now."""
        reported = position.report.stop_loss if position.report is not None else None
        if not reported:
            if position.stop_confirmed is not None:
                position.naked_since_ns = now_ns
            position.stop_confirmed = None
            return False
        position.naked_since_ns = None
        position.stop_failures = 0
        stop = instrument.nearest_ticks(float(reported))
        is_of_before = position.stop_request is not None and position.stop_request[2] == position.seen
        if not position.stop_in_flight and not is_of_before:
            position.stop_wanted = stop  # moved by hand or by an earlier run: the exchange is the truth
        if stop == position.stop_confirmed:
            return False
        position.stop_confirmed = stop
        if position.stop_sent_ns is not None:
            position.stop_ack_ns = max(0, now_ns - position.stop_sent_ns)
            position.stop_sent_ns = None
        return True

    def put_on_grid(self, instrument: Instrument) -> None:
        """Let everything known of a symbol count in the ticks of ``instrument``."""
        for position in (*self.open.values(), *self._ended.values()):
            if position.symbol == instrument.symbol:
                position.put_on_grid(instrument)

    def symbols(self) -> set[str]:
        """Symbols with a position, ours or not."""
        return set(self.open) | set(self.unclaimed)


def _is_of(vanished: OpenPosition, fill: FillReport) -> bool:
    """True for a fill from before the word that a position is flat, and for one that closes just what it left."""
    is_close = fill.side is not vanished.side and fill.closed_qty == abs(vanished.fills.qty)
    return is_close or fill.seq <= vanished.seen[0]


def _is_too_much(fill: FillReport, left: Decimal, *, is_by_hand: bool) -> bool:
    """True if a fill closes more than is left (signed), or less than one by hand would."""
    held = max(-left * fill.side.sign, Decimal(0))
    least = min(fill.qty, held) if is_by_hand else Decimal(0)
    return not least <= fill.closed_qty <= held


def _closing_part(position: OpenPosition, fill: FillReport) -> FillReport:
    """What of a fill ends a position that it turns round; what it opens beyond is foreign, and told by reports."""
    if fill.side is position.side or not 0 < fill.closed_qty < fill.qty:
        return fill
    return msgspec.structs.replace(fill, qty=fill.closed_qty, fee=fill.fee * fill.closed_qty / fill.qty)


def _origin_of(row: TradeRow) -> EntryOrigin | None:
    """Where a journaled trade of ours came from, None for a foreign one."""
    return msgspec.convert(row.parameters["origin"], EntryOrigin) if "origin" in row.parameters else None
