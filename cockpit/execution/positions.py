"""Every position of the account: which one an execution belongs to, whether it must wait, which report is old.

A report older than a fill that is already booked (by ``seq``) is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from itertools import dropwhile

import msgspec

from cockpit.domain.enums import TRADING, ExecType, OrderRole, Side
from cockpit.domain.ids import origin_of, role_of
from cockpit.domain.instrument import Instrument
from cockpit.domain.orders import EntryOrigin
from cockpit.domain.positions import FillReport, Position, PositionReport
from cockpit.execution.open_position import OpenPosition
from cockpit.execution.unclaimed import UnclaimedPositions
from cockpit.ports.journal import TradeRow

KEPT_ENDED = 50


class PositionManager:
    """Every position of the account, and the executions that made them."""

    def __init__(self, seen_exec_ids: set[str] | None = None, last_seqs: dict[str, int] | None = None) -> None:
        """Begin with the executions that are booked already, and the newest sequence of them by symbol."""
        self.open: dict[str, OpenPosition] = {}
        self._unclaimed = UnclaimedPositions(last_seqs)
        self.has_read = False
        """The account has been read completely since the start."""
        self._seen = seen_exec_ids or set()
        self._ended: dict[str, OpenPosition] = {}
        """Our last closed trades by id: an execution that comes late belongs to its trade."""
        self._vanished: dict[str, OpenPosition] = {}
        """By symbol, what the exchange called flat while executions that explain it were missing."""
        self.last_gain: Decimal | None = Decimal(0)
        """Gross profit of the execution booked last; None where its entry price is not ours to know."""

    @property
    def unclaimed(self) -> dict[str, PositionReport]:
        """By symbol, positions that the exchange reports and no fill of ours explains (yet)."""
        return self._unclaimed.held

    def mark_booked(self, exec_id: str) -> None:
        """An execution counts as booked from now on."""
        self._seen.add(exec_id)

    def knows(self, exec_id: str) -> bool:
        """True if an execution has been booked."""
        return exec_id in self._seen

    def is_early(self, fill: FillReport, *, is_entry_due: bool, is_read: bool) -> bool:
        """True if a fill does not fit the fills booked so far: those before it have not been heard of.

        It closes more than they have opened; or one by hand opens, and others may have closed what they have left (the
        stop, a close of ours); or the exchange has told of a position that none of them explains.

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
            is_opening = is_by_hand and fill.closed_qty == 0 and not is_read and position is not vanished
            is_too_much = _is_too_much(fill, position.fills.qty, is_by_hand=is_by_hand)
            return not position.has_in_base(fill) and (is_too_much or is_opening)
        base = self._unclaimed.base_of(fill)
        is_ended = base is None and self._unclaimed.is_told(fill.symbol)
        if not is_read and (is_ended or not self.has_read):
            return True  # so is what closed that one, or what was done while no engine ran
        if base is None or base.side is None or fill.seq <= base.seq:
            return fill.closed_qty > 0 and not is_read
        return not is_read or _is_too_much(fill, base.qty * base.side.sign, is_by_hand=is_by_hand)

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

        A fill that changes a foreign position of which no fill is known starts from what the exchange said of it; one
        that closes what nobody has told of starts from what it closes.
        """
        base, report = self._unclaimed.base_of(fill), self._unclaimed.claim(fill.symbol)
        vanished = self._vanished.pop(fill.symbol, None)
        ended = self._ended.pop(origin_of(fill.client_id) or "", None)
        if vanished is not None and ended in (None, vanished) and _is_of(vanished, fill):
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
        elif base is None and vanished is None and not is_told and fill.closed_qty > 0:
            position.take_over(_closed_by(fill))
        else:
            position.is_blind = not (self.has_read or is_told)
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
        self._unclaimed.claim(position.symbol)
        told = position.report
        if told is not None and told.seq >= position.last_seq and told.qty and told.side is not position.side:
            self._unclaimed.note(told)  # turned round by hand: what is there now is not ours
        seq = position.last_seq if position.report is None else max(position.last_seq, position.report.seq)
        self._unclaimed.void_before(position.symbol, seq)

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

    def on_report(self, report: PositionReport, *, is_read: bool = False) -> OpenPosition | None:
        """Apply the exchange's word on a position; returns ours if the symbol has one and the word is not stale.

        Args:
            report: the word.
            is_read: it is of a complete read of the account, whose executions are booked.
        """
        position = self.open.get(report.symbol)
        if position is None:
            self._unclaimed.on_report(report)
            return None
        version = (report.seq, report.updated_ms)
        if report.seq < position.last_seq or version < position.seen:
            return None
        if position.is_taken_over and report.side not in (None, position.side):
            position.take_over(report)  # it was begun with an old word
        if is_read:
            position.compare(report)
        position.report, position.seen = report, version
        position.is_restored = False
        return position

    def remember(self, row: TradeRow) -> None:
        """Keep a trade that ended before this start, for executions that come late."""
        seen = tuple(row.parameters.get("seen", (-1, 0)))
        self._unclaimed.void_before(row.symbol, seen[0])
        self._vanished.pop(row.symbol, None)  # what an earlier trade left was over when this one began
        if (origin := _origin_of(row)) is None:
            return
        position = OpenPosition(row.symbol, Side(row.direction), row.opened_ns)
        position.origin, position.seen = origin, seen
        position.first_exec_id = row.first_exec_id
        position.peak_qty, position.entry_price = row.qty, row.entry_price
        position.carried_gross, position.carried_fees = row.gross_pnl, row.fees
        position.counted_net = row.net_pnl
        position.take_up(row.parameters)
        if (left := row.parameters.get("left")) is not None:
            position.fills = msgspec.convert(left, Position, strict=False)
            if row.exit_price is not None:
                position.exit_qty = row.qty - abs(position.fills.qty)
                position.exit_value = row.exit_price * position.exit_qty
            self._vanished[row.symbol] = position
        self._ended[row.trade_id] = position

    def restore(
        self, row: TradeRow, fills: Iterable[FillReport], entry_of: Callable[[str], EntryOrigin | None]
    ) -> None:
        """Take up a trade that the journal left open, out of the executions that made it.

        Args:
            row: the trade as it was written last.
            fills: executions of its symbol since about when it was opened, in booking order.
            entry_of: what an entry of ours was sent for, by link id: one of another trade may have filled late into it.
        """
        origin = _origin_of(row)
        own = list(dropwhile(lambda fill: fill.exec_id != row.first_exec_id, fills))
        if own and (base := row.parameters.get("base")) is not None:
            self.open[row.symbol] = begun = OpenPosition(row.symbol, Side(row.direction), row.opened_ns)
            begun.first_exec_id, begun.began_ns = row.first_exec_id, own[0].ts_event
            begun.take_over(msgspec.convert(base, PositionReport, strict=False))
        for fill in own:
            is_its_own = origin_of(fill.client_id) == row.trade_id
            # What it was begun with stands in the row: nothing is guessed from its first execution.
            self.on_fill(fill, origin if is_its_own else entry_of(fill.client_id), is_entry_due=True)
        if (position := self.open.get(row.symbol)) is not None:
            position.is_restored = True
            position.take_up(row.parameters)

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


def _closed_by(fill: FillReport) -> PositionReport:
    """The position that a fill closed, as far as it tells."""
    return PositionReport(
        symbol=fill.symbol, side=fill.side.opposite, qty=fill.closed_qty, entry_price=fill.price, seq=fill.seq - 1
    )


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
