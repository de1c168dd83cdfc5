"""What an action does, decided on what is shown: a command with its words, an armed question, or a refusal. Pure."""

from __future__ import annotations

import msgspec

from cockpit.domain import commands
from cockpit.domain.enums import Approval
from cockpit.domain.ids import SignalId
from cockpit.ui.config import UiConfig
from cockpit.ui.store import Armed, Store, UiState, marked_position, say, selected_signal
from cockpit.views import texts
from cockpit.views.model import PositionRow, SignalRow
from cockpit.views.texts import RESUMABLE

ARMED_S = 5.0
"""How long an armed action waits for its confirmation."""


class Order(msgspec.Struct, frozen=True):
    """A command on its way: what it is, in words, and what stood on screen."""

    command: commands.Command
    words: str
    seen: str = ""
    signal_id: str = ""


class Move(msgspec.Struct, frozen=True):
    """The next state and perhaps a command to send."""

    state: UiState
    order: Order | None = None


class Desk:
    """The operator's side of the protocol.

    Args:
        config: confirmation level and times.
        go_key: the confirming key, for words.
    """

    def __init__(self, config: UiConfig, go_key: str) -> None:
        self._config = config
        self._go_key = go_key

    def act(self, action: str, state: UiState, store: Store, now: float) -> Move:
        """Carry out a money action (not flatten). Every action but ``confirm.go`` first drops what was armed."""
        if action == "confirm.go":
            return self._go(state, now)
        state = state.but(armed=None)
        match action:
            case "signal.approve":
                return self._approve(state, store, now)
            case "signal.reject" | "signal.snooze":
                return self._dismiss(action, state, store, now)
            case "position.close":
                return self.close(100, state, store, now)
            case "position.half":
                return self.close(50, state, store, now)
            case "stop.breakeven":
                return self._breakeven(state, store, now)
            case "orders.cancel_symbol":
                order = Order(commands.CancelEntryOrders(state.symbol), texts.SAY_CANCEL.format(symbol=state.symbol))
                return Move(state, order)
            case "entries.pause":
                return self._pause_or_resume(state, store, now)
        return Move(state)

    def close(self, percent: int, state: UiState, store: Store, now: float) -> Move:
        """Arm (or at ``fast`` send, when it is a part) the closing of the marked position."""
        row = marked_position(state, store)
        if row is None:
            return Move(say(state, texts.NO_POSITION, now))
        words = texts.SAY_CLOSE.format(
            percent=percent, side=_side(row), qty=row.qty, symbol=row.symbol, environment=_environment(store)
        )
        order = Order(commands.ClosePosition(row.symbol, percent), words, _seen_position(row))
        if percent < 100 and self._config.confirm == "fast":
            return Move(state, order)
        return self.arm(order, state, now)

    def protect(self, state: UiState, store: Store, now: float) -> Move:
        """Arm a stop for the marked position, which is foreign and has none."""
        row = marked_position(state, store)
        if row is None:
            return Move(say(state, texts.NO_POSITION, now))
        words = texts.SAY_PROTECT.format(side=_side(row), qty=row.qty, symbol=row.symbol)
        return self.arm(Order(commands.ProtectPosition(row.symbol), words, _seen_position(row)), state, now)

    def resume(self, state: UiState, store: Store, now: float) -> Move:
        """Arm the resuming of entries."""
        words = texts.SAY_RESUME.format(environment=_environment(store))
        return self.arm(Order(commands.ResumeEntries(), words), state, now)

    def approval(self, approval: Approval, state: UiState) -> Move:
        """Change who approves."""
        return Move(state, Order(commands.SetApproval(approval), texts.SAY_APPROVAL.format(approval=approval.value)))

    def arm(self, order: Order, state: UiState, now: float) -> Move:
        """Ask for the confirming key."""
        armed = Armed(order.words, order.command, order.seen, now, now + ARMED_S, order.signal_id)
        return Move(state.but(armed=armed, note=None))

    def _approve(self, state: UiState, store: Store, now: float) -> Move:
        row = selected_signal(state, store)
        refusal = self._why_not(row, state, store, now)
        if row is None or refusal:
            return Move(say(state, refusal, now))
        ticket = row.ticket
        words = texts.SAY_APPROVE.format(
            signal=f"{row.code} {row.direction}", side=ticket.side, qty=ticket.qty, symbol=row.symbol,
            entry=ticket.entry, stop=ticket.stop, risk=ticket.risk_money,
        )  # fmt: skip
        command = commands.ApproveSignal(SignalId(row.signal_id), row.content_hash)
        order = Order(command, words, _seen_signal(row), row.signal_id)
        if self._config.confirm == "strict":
            return self.arm(order, state, now)
        return Move(state.but(sent=state.sent | {row.signal_id}), order)

    def _why_not(self, row: SignalRow | None, state: UiState, store: Store, now: float) -> str:
        """Why the screen itself does not even ask the engine, "" if it does."""
        if row is None:
            return texts.NO_SIGNAL
        if row.signal_id in state.sent:
            return texts.CARD_SENT.format(words=f"{row.code} {row.direction} {row.symbol}")
        if row.state == "sending":
            return texts.CARD_NOT_LIVE.format(state=row.state)
        if row.ticket.refusal:
            return texts.TICKET_REFUSED.format(reason=row.ticket.refusal)
        if row.remaining_ms <= store.age_of("signals", now) * 1000:
            return texts.CARD_EXPIRED
        seen = min(store.seen_for(row, now), now - state.signal_since)
        if seen * 1000 < self._config.min_seen_ms:
            return texts.CARD_TOO_NEW.format(ms=round(seen * 1000))
        return ""

    def _dismiss(self, action: str, state: UiState, store: Store, now: float) -> Move:
        row = selected_signal(state, store)
        if row is None:
            return Move(say(state, texts.NO_SIGNAL, now))
        signal = f"{row.code} {row.direction} {row.symbol}"
        if action == "signal.reject":
            reject = commands.RejectSignal(SignalId(row.signal_id))
            return Move(state, Order(reject, texts.SAY_REJECT.format(signal=signal), _seen_signal(row)))
        snooze = commands.SnoozeSignal(SignalId(row.signal_id))
        return Move(state, Order(snooze, texts.SAY_SNOOZE.format(signal=signal), _seen_signal(row)))

    def _breakeven(self, state: UiState, store: Store, now: float) -> Move:
        row = marked_position(state, store)
        if row is None:
            return Move(say(state, texts.NO_POSITION, now))
        words = texts.SAY_BREAKEVEN.format(side=_side(row), qty=row.qty, symbol=row.symbol, price=row.breakeven)
        return Move(state, Order(commands.MoveStopToBreakeven(row.symbol), words, _seen_position(row)))

    def _pause_or_resume(self, state: UiState, store: Store, now: float) -> Move:
        header = store.header
        if header is None or header.entries not in RESUMABLE:
            return Move(state, Order(commands.PauseEntries(), texts.SAY_PAUSE))
        return self.resume(state, store, now)

    def _go(self, state: UiState, now: float) -> Move:
        armed = state.armed
        if armed is None:
            return Move(say(state, texts.NOTHING_ARMED, now))
        if self._config.confirm == "strict" and (now - armed.since) * 1000 < self._config.min_seen_ms:
            return Move(say(state, texts.GO_TOO_SOON.format(go=self._go_key, ms=self._config.min_seen_ms), now))
        state = state.but(armed=None)
        if armed.signal_id:
            state = state.but(sent=state.sent | {armed.signal_id})
        return Move(state, Order(armed.command, armed.words, armed.seen, armed.signal_id))


def arm_flatten() -> Order:
    """First press: entries off, nothing closed."""
    return Order(commands.ArmFlatten(), texts.SAY_ARM)


def fire_flatten(state: UiState, store: Store, now: float) -> Move:
    """Second press: close everything, unless that is already under way."""
    if store.flatten.is_running or state.is_flatten_sent:
        return Move(say(state, texts.FLATTEN_ALREADY, now, "alert_bad"))
    rows = store.positions.rows
    words = texts.SAY_FLATTEN.format(count=len(rows), environment=_environment(store))
    seen = "; ".join(_seen_position(row) for row in rows)
    state = say(state.but(is_flatten_sent=True, armed=None), texts.FLATTEN_SENT, now, "alert_bad")
    return Move(state, Order(commands.FlattenAll(), words, seen))


def quit_engine(*, is_flatten: bool) -> Order:
    """End the engine, with everything flattened before or with positions left to their stops."""
    words = texts.SAY_QUIT_FLATTEN if is_flatten else texts.SAY_QUIT_PROTECTED
    return Order(commands.Shutdown(leave_protected=not is_flatten, flatten=is_flatten), words)


def _side(row: PositionRow) -> str:
    return texts.LONG if row.is_long else texts.SHORT


def _environment(store: Store) -> str:
    return store.header.environment if store.header is not None else ""


def _seen_position(row: PositionRow) -> str:
    return texts.SEEN_POSITION.format(
        side=_side(row), qty=row.qty, symbol=row.symbol, entry=row.entry, mark=row.mark,
        r=row.pnl_r, money=row.pnl_money, stop=row.stop, state=row.stop_state,
    )  # fmt: skip


def _seen_signal(row: SignalRow) -> str:
    """The card as it stood on screen."""
    gates = ", ".join(f"{gate.name} {gate.value} {gate.threshold} {gate.state}" for gate in row.gates)
    ticket = row.ticket
    order = f"{ticket.side} {ticket.qty} @{ticket.entry} SL {ticket.stop} TP {ticket.take_profit}"
    return f"{row.code} {row.direction} {row.symbol} {row.price}; {row.headline}; {order}; {gates}"
