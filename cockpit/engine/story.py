"""The engine's story: one line of text for each output that a person should know of. Pure, but for its own memory."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

import msgspec

from cockpit.detectors.wall import Wall, WallEvent
from cockpit.domain.enums import BookSide, OrderPath, OrderStatus, Side
from cockpit.domain.ledger import SETTLE_COIN
from cockpit.domain.time import NS_PER_S
from cockpit.engine.effects import (
    ApprovalRefused,
    BookStateChanged,
    CommandAnswered,
    EntriesChanged,
    FillBooked,
    Noted,
    OrderAnswered,
    OrderChanged,
    Output,
    PositionClosed,
    PositionOpened,
    SignalDecided,
    Step,
    StopConfirmed,
)
from cockpit.engine.signal_desk import AUTO
from cockpit.ports.journal import TradeRow
from cockpit.signals.base import Signal, SignalRaised
from cockpit.views import texts
from cockpit.views.model import ClosedRow, LogLine

KEPT = 200
CLOSED_KEPT = 5


class StoryLine(msgspec.Struct, frozen=True):
    """One line, with the ids that a money line carries in the log; "" where there is none."""

    severity: str
    symbol: str
    text: str
    ids: dict[str, str]


class Story:
    """The last lines, newest first."""

    def __init__(self) -> None:
        self.lines: deque[LogLine] = deque(maxlen=KEPT)
        self.closed: deque[ClosedRow] = deque(maxlen=CLOSED_KEPT)
        """The last trades that ended, newest first."""
        self._number = 0
        self._closed = 0

    def add(self, step: Step) -> list[StoryLine]:
        """Tell what a step did; returns its lines for the log."""
        told = [line for line in map(_line, step.outputs) if line is not None]
        for output in step.outputs:
            if isinstance(output, PositionClosed):
                self._closed += 1
                self.closed.appendleft(_closed(output.trade, self._closed))
        for line in told:
            self._number += 1
            self.lines.appendleft(LogLine(self._number, clock_text(step.now_ns), line.severity, line.symbol, line.text))
        return told


def clock_text(now_ns: int) -> str:
    """``HH:MM:SS`` in UTC."""
    seconds = now_ns // NS_PER_S % 86_400
    return f"{seconds // 3_600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _closed(trade: TradeRow, number: int) -> ClosedRow:
    return ClosedRow(
        number=number,
        symbol=trade.symbol,
        is_long=trade.direction == Side.BUY.value,
        qty=f"{trade.qty}",
        reason=trade.exit_reason.replace("_", " "),
        money=_money_text(trade.net_pnl, sign=True),
        r="" if trade.r_multiple is None else f"{trade.r_multiple:+.2f}R",
    )


def _line(output: Output) -> StoryLine | None:
    match output:
        case WallEvent():
            return _wall(output)
        case SignalRaised(signal):
            text = texts.LINE_SIGNAL_RAISED.format(price=f"{signal.wall.price:g}", **_signal_words(signal))
            return StoryLine("info", signal.symbol, text, {"signal_id": signal.signal_id})
        case SignalDecided():
            return _decided(output)
        case ApprovalRefused():
            return _refused(output)
        case Noted():
            return StoryLine(output.severity.value, output.symbol, output.text, {})
        case EntriesChanged(reasons):
            text = texts.LINE_ENTRIES_OFF.format(reasons="; ".join(reasons)) if reasons else texts.LINE_ENTRIES_ON
            return StoryLine("warning" if reasons else "info", "", text, {})
        case BookStateChanged(symbol, is_valid, reason):
            text = texts.LINE_BOOK_VALID if is_valid else texts.LINE_BOOK_INVALID.format(reason=reason)
            return StoryLine("info" if is_valid else "warning", symbol, text, {})
        case CommandAnswered():
            return _command(output)
        case OrderAnswered():
            return _answered(output)
        case _:
            return _money(output)


def _wall(event: WallEvent) -> StoryLine | None:
    wall: Wall = event.wall
    side = texts.LETTER_BID if wall.side is BookSide.BID else texts.LETTER_ASK
    words = {"side": side, "price": f"{wall.price:g}"}
    match event.kind:
        case "new":
            text = texts.LINE_WALL_NEW.format(usd=f"{wall.notional_usdt:,.0f}", **words)
        case "eaten":
            text = texts.LINE_WALL_EATEN.format(percent=f"{wall.eaten_ratio * 100:.0f}", **words)
        case "pulled":
            text = texts.LINE_WALL_PULLED.format(percent=f"{wall.pulled_ratio * 100:.0f}", **words)
        case _:
            traded, pulled = f"{wall.eaten_ratio * 100:.0f}", f"{wall.pulled_ratio * 100:.0f}"
            text = texts.LINE_WALL_GONE.format(reason=wall.end_reason, traded=traded, pulled=pulled, **words)
    return StoryLine("info", wall.symbol, text, {})


def _signal_words(signal: Signal) -> dict[str, str]:
    return {
        "id": signal.signal_id,
        "code": texts.SIGNAL_CODES.get(signal.kind.value, signal.kind.value),
        "direction": texts.LETTER_LONG if signal.direction is Side.BUY else texts.LETTER_SHORT,
    }


def _decided(output: SignalDecided) -> StoryLine:
    reason = f": {output.reason}" if output.reason else ""
    text = texts.LINE_SIGNAL_ENDED.format(state=output.state, reason=reason, **_signal_words(output.signal))
    return StoryLine("info", output.signal.symbol, text, {"signal_id": output.signal.signal_id})


def _refused(output: ApprovalRefused) -> StoryLine | None:
    """A person's refused command has a line of its own."""
    if output.operator != AUTO:
        return None
    text = texts.LINE_AUTO_REFUSED.format(reason=output.reason, **_signal_words(output.signal))
    return StoryLine("warning", output.signal.symbol, text, {"signal_id": output.signal.signal_id})


def _command(output: CommandAnswered) -> StoryLine:
    action = texts.ACTION_WORDS.get(output.action, output.action)
    if output.accepted:
        return StoryLine("info", "", texts.LINE_COMMAND_TAKEN.format(action=action, operator=output.operator), {})
    return StoryLine("warning", "", texts.LINE_COMMAND_REFUSED.format(action=action, reason=output.reason), {})


def _answered(output: OrderAnswered) -> StoryLine | None:
    """Which way an order took, where there are two."""
    words = {"id": output.client_id, "outcome": output.outcome.value, "ms": output.ms}
    ids = {"order_id": output.client_id}
    if output.is_detour:
        return StoryLine("warning", output.symbol, texts.LINE_ANSWERED_BY_DETOUR.format(**words), ids)
    if output.path is OrderPath.SOCKET:
        return StoryLine("money", output.symbol, texts.LINE_ANSWERED_BY_SOCKET.format(**words), ids)
    return None


def _money(output: Output) -> StoryLine | None:
    match output:
        case OrderChanged():
            if output.status is OrderStatus.INTENT:
                return None
            reason = f": {output.reason}" if output.reason else ""
            text = texts.LINE_ORDER.format(
                id=output.client_id or output.order_id,
                side=output.side.value,
                status=output.status.value,
                reason=reason,
            )
            ids = {"order_id": output.client_id or output.order_id, "signal_id": output.signal_id}
            return StoryLine("money", output.symbol, text, ids)
        case FillBooked(fill):
            fee = _money_text(fill.fee) if fill.fee_currency == SETTLE_COIN else f"{fill.fee:f} {fill.fee_currency}"
            text = texts.LINE_FILL.format(side=fill.side.value, qty=fill.qty, price=fill.price, fee=fee)
            return StoryLine(
                "money", fill.symbol, text, {"order_id": fill.client_id or fill.order_id, "exec_id": fill.exec_id}
            )
        case PositionOpened(trade):
            direction = texts.LETTER_LONG if trade.direction == Side.BUY.value else texts.LETTER_SHORT
            text = texts.LINE_OPENED.format(direction=direction, qty=trade.qty, price=trade.entry_price)
            return StoryLine("money", trade.symbol, text, {"position_id": trade.trade_id})
        case PositionClosed(trade):
            direction = texts.LETTER_LONG if trade.direction == Side.BUY.value else texts.LETTER_SHORT
            r = "" if trade.r_multiple is None else f"{trade.r_multiple:+.2f} R"
            net = _money_text(trade.net_pnl, sign=True)
            text = texts.LINE_CLOSED.format(direction=direction, qty=trade.qty, reason=trade.exit_reason, net=net, r=r)
            return StoryLine("money", trade.symbol, text, {"position_id": trade.trade_id})
        case StopConfirmed():
            ms = "" if output.ms is None else f" {output.ms} ms"
            text = texts.LINE_STOP.format(price=output.price, ms=ms)
            return StoryLine("money", output.symbol, text, {"position_id": output.signal_id})
        case _:
            return None


def _money_text(value: Decimal, *, sign: bool = False) -> str:
    return f"{value:+.2f}" if sign else f"{value:.2f}"
