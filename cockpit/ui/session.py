"""One operator at one engine, without a terminal: keys and views in, commands and the next state out."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from cockpit.domain import commands
from cockpit.link.client import LinkEvent
from cockpit.ui import command_line, desk, gone, keyboard, layout, store, view_keys
from cockpit.ui.axis import Recentre
from cockpit.ui.config import UiConfig
from cockpit.ui.heat import Heat
from cockpit.ui.isolation import Verdict
from cockpit.ui.keymap import KeyMap
from cockpit.ui.result import QuitKind, ScreenResult
from cockpit.ui.widgets.ladder import EDGES, follow_axis, hold_bar
from cockpit.views import texts
from cockpit.views.frames import Bye, CommandReply, Role, ViewFrame

DONE_SHOWN_S, REFUSED_SHOWN_S = 4.0, 10.0
CLOSED_SHOWN_S = 30.0
"""A trade that ended stands on the alert line until the operator's next word, or for so long."""


class Doors(msgspec.Struct, frozen=True):
    """What a session asks of its surroundings."""

    send: Callable[[desk.Order], None]
    """Send a command; the verdict comes back by ``answered`` or ``lost``."""
    theme: Callable[[str], str]
    """Use the theme of this name ("" for the next one); the words to say about it."""
    end: Callable[[ScreenResult], None]
    """End the screen."""


class Session:
    """What the operator sees, means and sends.

    Args:
        config: the screen's settings.
        keys: the key map; of an observer without money keys.
        symbols: symbols of the engine as its greeting named them.
        doors: the surroundings.
    """

    def __init__(self, config: UiConfig, keys: KeyMap, symbols: tuple[str, ...], doors: Doors) -> None:
        self._config = config
        self._keys = keys
        self._doors = doors
        self._keyboard = keyboard.Keyboard(keys, config.quiet_ms / 1000)
        self._desk = desk.Desk(config, keys.shown("confirm.go"))
        self._recentre = Recentre(config.recentre_edge_percent, config.recentre_rows)
        self._quit_kind: QuitKind | None = None
        self._has_heard_bye = False
        self._last_closed: int | None = None
        self._known_signals: set[str] = set()
        self.store = store.Store()
        self.heat = Heat()
        self.state = store.UiState(symbols=symbols, symbol=symbols[0] if symbols else "", layout=config.layout)
        self.plan = layout.plan(80, 24)
        self.watched: tuple[str, ...] = ()

    @property
    def keys_due(self) -> float | None:
        """When to call ``poll``, monotonic s; None if nothing waits."""
        return self._keyboard.due

    @property
    def flatten_until(self) -> float | None:
        """Until when a second flatten press executes."""
        return self._keyboard.flatten_until

    def settle(self, size: tuple[int, int], now: float) -> None:
        """Show what arrived, and fit state, plan, watched symbols and ladder axes to it."""
        self.store.commit(now, are_cards_shown=self._are_cards_shown(now))
        self.state = store.settle(self.state, self.store, now)
        self._tell_closed(now)
        if self.state.armed is not None and now >= self.state.armed.until:
            self._say(texts.ARM_ENDED, now, "alert_info", armed=None)
        self.fit(size)
        self.watched = store.watched(self.state, self.plan.ladders)
        slot = self.plan.slot(layout.LADDER)
        is_held = self.state.armed is not None or self.flatten_until is not None
        for symbol in self.watched:
            book = self.store.book(symbol)
            if book is not None and slot is not None:
                rows = slot.height - EDGES
                state = follow_axis(self.state, book, rows, self._recentre, is_held=is_held, now=now)
                self.state = hold_bar(state, book, now)
                self.heat.sample(book, state.groups.get(symbol, 1), now)

    def _tell_closed(self, now: float) -> None:
        """Say which trades ended since the last frame; a failure that stands on the alert line is left there first."""
        closed, last, note = self.store.closed, self._last_closed, self.state.note
        if closed is None or (note is not None and note.style == "alert_bad"):
            return
        self._last_closed = closed[0].number if closed else 0
        new = [] if last is None else [row for row in closed if row.number > last]
        if new:
            row, more = new[0], texts.CLOSED_MORE.format(count=len(new) - 1) if len(new) > 1 else ""
            words = {"side": texts.LONG if row.is_long else texts.SHORT, "qty": row.qty, "symbol": row.symbol,
                     "reason": row.reason, "money": row.money, "r": row.r}  # fmt: skip
            forms = [form.format(**words) + more for form in (texts.CLOSED, texts.CLOSED_SHORT)]
            self.state = store.say(self.state, self._that_fits(*forms), now, "alert_info", CLOSED_SHOWN_S)

    def _are_cards_shown(self, now: float) -> bool:
        is_covered = self.state.overlay != "" or store.is_flatten_shown(self.state, self.store, now)
        return self.plan.slot("signals") is not None and not is_covered

    def fit(self, size: tuple[int, int]) -> None:
        """Choose the plan for a terminal of ``size`` (columns, rows)."""
        state = self.state
        page = texts.PAGES[state.page]
        self.plan = layout.plan(*size, page=page, symbols=len(state.symbols), layout=state.layout)

    def has_new_signal(self) -> bool:
        """True once for each card that was not there before (and the bell is on)."""
        ids = {row.signal_id for row in self.store.signals.rows}
        is_new = bool(ids - self._known_signals)
        self._known_signals = ids
        return is_new and self._config.bell and not self.state.is_muted

    # Keys

    def press(self, key: str, character: str | None, now: float) -> bool:
        """A key that arrived at ``now``; True if it meant something at once."""
        return self._carry_out(self._keyboard.press(key, character, self.state.overlay, now), now)

    def poll(self, now: float) -> bool:
        """Keys that time has released or refused; True if there were any."""
        return self._carry_out(self._keyboard.poll(now), now)

    def _carry_out(self, intents: list[keyboard.Intent], now: float) -> bool:
        for intent in intents:
            self._one(intent, now)
        return bool(intents)

    def _one(self, intent: keyboard.Intent, now: float) -> None:
        match intent:
            case keyboard.View("theme"):
                self._say(self._doors.theme(""), now, "alert_info")
            case keyboard.View(action):
                self.view_action(action, now)
            case keyboard.Money(action):
                self._money(action, now)
            case keyboard.Typed(key):
                self._typed(key, now)
            case keyboard.Dismiss():
                self._dismiss(now)
            case keyboard.Leave():
                self._leave()
            case keyboard.Flatten(verdict):
                self._flatten(verdict, now)
            case keyboard.Refused(words):
                self._say(words, now)

    def view_action(self, action: str, now: float) -> None:
        """An action of the screen alone."""
        if action in view_keys.PAGE_KEYS:
            self.state = view_keys.turn(action, self.state, self.plan.pages, now)
        else:
            self.state = view_keys.act(action, self.state, self.store, now)

    def _money(self, action: str, now: float) -> None:
        if not self.store.is_controller and (not self.state.overlay or action.startswith("quit.")):
            self._not_in_control(now)
        elif action in {"quit.protected", "quit.flatten"}:
            order = desk.quit_engine(is_flatten=action == "quit.flatten")
            self._do(self._desk.arm(order, self.state.but(overlay=""), now))
        elif self.state.overlay:
            self._dismiss(now)
        else:
            self._do(self._desk.act(action, self.state, self.store, now))

    def _not_in_control(self, now: float) -> None:
        who = "" if self.store.role is None else self.store.role.controller
        key, flatten = self._keys.shown("app.detach"), self._keys.flatten_key
        self._say(texts.NOT_IN_CONTROL.format(who=who, key=key, flatten=flatten), now, overlay="")

    def _flatten(self, verdict: Verdict, now: float) -> None:
        key = self._keys.flatten_key
        if self.state.overlay == "gone":
            self._keyboard.disarm()
            self._say(texts.GONE_FLATTEN.format(key=self._keys.shown("app.detach")), now, "alert_bad")
        elif self._keys.is_observer:
            self._keyboard.disarm()
            self._say(texts.FLATTEN_OBSERVER.format(key=key), now)
        elif verdict is Verdict.FIRE_FLATTEN:
            self._do(desk.fire_flatten(self.state, self.store, now))
        elif verdict is Verdict.DISARM_FLATTEN:
            self._say(texts.FLATTEN_DISARMED, now)
        elif self.store.flatten.is_running:
            self._keyboard.disarm()
            self._say(texts.FLATTEN_ALREADY, now, "alert_bad")
        else:
            self._do(desk.Move(self.state.but(armed=None, overlay=""), desk.arm_flatten()))
            if verdict is Verdict.REARM_FLATTEN:
                self._say(texts.FLATTEN_REARMED.format(key=key), now, "alert_bad")

    def _dismiss(self, now: float) -> None:
        if self.state.armed is not None:
            self._say(texts.ARM_DROPPED, now, "alert_info", armed=None)
        if self.state.overlay != "gone":
            self.state = self.state.but(overlay="", was_flattening=False, flat_since=None)

    def _typed(self, key: str, now: float) -> None:
        overlay = self.state.overlay
        typing = command_line.typed(key, self.state)
        self.state = typing.state
        if typing.line is None:
            return
        name, _, argument = typing.line.partition(" ")
        if overlay == "auto":
            self._do(command_line.run_auto(typing.line, self._desk, self.state, now))
        elif name == "detach":
            self._leave()
        elif name == "theme":
            self._say(self._doors.theme(argument.strip()), now, "alert_info")
        else:
            is_observer = self._keys.is_observer
            line = command_line.Line(typing.line, is_observer=is_observer)
            if not self.store.is_controller and command_line.is_for_engine(name):
                self._not_in_control(now)
            else:
                self._do(command_line.run(line, self._desk, self.state, self.store, now))

    def _leave(self) -> None:
        if self.state.overlay == "gone":
            self.leave_gone(by_operator=True)
        else:
            self._doors.end(ScreenResult("detached"))

    def _that_fits(self, long: str, short: str) -> str:
        """The longer of two texts, where the alert line has room for it."""
        line = self.plan.slot(layout.ALERT)
        return long if line is not None and len(long) < line.width else short

    def _say(self, text: str, now: float, style: str = "alert_warn", **changes: object) -> None:
        self.state = store.say(self.state.but(**changes), text, now, style)

    # Engine

    def _do(self, move: desk.Move) -> None:
        self.state = move.state
        if move.order is None:
            return
        if isinstance(move.order.command, commands.Shutdown):
            self._quit_kind = "quit_flatten" if move.order.command.flatten else "quit_leave_protected"
        self._doors.send(move.order)

    def answered(self, order: desk.Order, reply: CommandReply, now: float) -> None:
        """The engine's verdict on a command."""
        if reply.accepted:
            text = texts.DONE.format(words=order.words)
            self.state = store.say(self.state, text, now, "alert_info", DONE_SHOWN_S)
            return
        self._undo(order)
        text = self._that_fits(
            texts.REFUSED.format(words=order.words, reason=reply.reason),
            texts.REFUSED_SHORT.format(verb=order.words.partition(" ")[0], reason=reply.reason),
        )
        self.state = store.say(self.state, text, now, "alert_bad", REFUSED_SHOWN_S)

    def lost(self, order: desk.Order, now: float) -> None:
        """The engine went away before its verdict: whether the command arrived is unknown."""
        if not isinstance(order.command, commands.Shutdown):
            self._undo(order)
            text = texts.SEND_FAILED.format(words=order.words)
            self.state = store.say(self.state, text, now, "alert_bad", REFUSED_SHOWN_S)

    def _undo(self, order: desk.Order) -> None:
        self.state = self.state.but(sent=self.state.sent - {order.signal_id})
        if isinstance(order.command, commands.Shutdown):
            self._quit_kind = None
        if isinstance(order.command, commands.FlattenAll):
            self.state = self.state.but(is_flatten_sent=False)

    def heard(self, event: LinkEvent, now: float) -> str:
        """Take a word of the engine; its last one, if it says good-bye."""
        match event:
            case ViewFrame():
                self.store.receive(event, now)
            case Role():
                was, self.store.role = self.store.role, event
                if was is not None and was.is_controller != event.is_controller:
                    self._control_changed(was, event, now)
            case Bye(reason):
                self._has_heard_bye = True
                return reason
        return ""

    def _control_changed(self, was: Role, now_is: Role, now: float) -> None:
        """Say who commands. What a command of the shell came for still stands when it has left again."""
        if not now_is.is_controller:
            self._say(_taken_by(now_is.controller), now)
        elif was.controller.partition(" ")[0] not in texts.CONTROL_OF:
            self._say(texts.NOW_CONTROLLER, now)

    def engine_ended(self, reason: str, now: float) -> None:
        """No more words will come: the wanted end of a quit, or the curtain.

        An engine that died without a word leaves its curtain up while anything was open, until the operator has seen
        it. One that said good-bye was stopped by somebody, or starts itself again and the screen must come back to it.
        """
        if self._quit_kind is not None:
            self._doors.end(ScreenResult(self._quit_kind, reason))
            return
        self._keyboard.disarm()
        self.store.commit(now, are_cards_shown=False)
        waits = bool(self.store.positions.rows) and not self._has_heard_bye
        until = None if waits else now + gone.SHOWN_S
        self.state = self.state.but(overlay="gone", gone=reason, gone_until=until, armed=None)

    def leave_gone(self, *, by_operator: bool = False) -> None:
        """End the screen of a vanished engine, with what it last told of the positions."""
        left = gone.positions_left(self.store)
        self._doors.end(ScreenResult("engine_gone", self.state.gone, by_operator=by_operator, positions=left))


def _taken_by(controller: str) -> str:
    """What it means that another client took control: a command of the shell says what it is by its first word."""
    command, _, who = controller.partition(" ")
    return texts.CONTROL_OF.get(command, texts.NOT_CONTROLLER).format(controller=controller, who=who)
