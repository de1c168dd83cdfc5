"""The command line: what is typed behind ``:``. Pure."""

from __future__ import annotations

import msgspec

from cockpit.domain import commands
from cockpit.domain.enums import Approval
from cockpit.ui.desk import Desk, Move, Order
from cockpit.ui.store import Store, UiState, say, with_symbol
from cockpit.views import texts

NAMES = (
    "auto", "cancel", "close", "detach", "gates", "help", "manual", "observe", "pause", "protect", "quit", "resume",
    "symbol", "theme",
)  # fmt: skip
_FREE = frozenset({"detach", "gates", "help", "symbol", "theme", "quit"})
"""Commands that send nothing by themselves; an observer has only these."""

CLOSED = ""  # overlay
MAX_TYPED = 60


def is_for_engine(name: str) -> bool:
    """Whether a command of this name sends something."""
    return name in NAMES and name not in _FREE


class Line(msgspec.Struct, frozen=True):
    """A finished line."""

    text: str
    is_observer: bool = False


class Typing(msgspec.Struct, frozen=True):
    """The state after a key of the command line, and the finished line if there is one."""

    state: UiState
    line: str | None = None


def typed(key: str, state: UiState) -> Typing:
    """A key in the command line: a character, backspace, tab (completion), escape or enter."""
    match key:
        case "escape":
            return Typing(state.but(overlay=CLOSED, typed=""))
        case "backspace":
            return Typing(state.but(typed=state.typed[:-1]) if state.typed else state.but(overlay=CLOSED))
        case "tab":
            return Typing(state.but(typed=completed(state.typed, state)))
        case "enter":
            return Typing(state.but(overlay=CLOSED, typed=""), state.typed.strip())
    return Typing(state.but(typed=(state.typed + key)[:MAX_TYPED]))


def completed(text: str, state: UiState) -> str:
    """The typed text with its last word completed as far as it is certain."""
    name, space, argument = text.partition(" ")
    if not space:
        return _common([known for known in NAMES if known.startswith(name)], name)
    if name == "symbol":
        return f"symbol {_common([known for known in state.symbols if known.startswith(argument.upper())], argument)}"
    return text


def run(line: Line, desk: Desk, state: UiState, store: Store, now: float) -> Move:
    """Carry out a finished line. ``detach`` and ``theme`` are the caller's."""
    name, _, argument = line.text.partition(" ")
    if not name:
        return Move(state)
    if name not in NAMES:
        return Move(say(state, texts.NO_SUCH_COMMAND.format(name=name), now))
    if line.is_observer and name not in _FREE:
        return Move(say(state, texts.OBSERVER_REFUSED, now))
    if name in {"auto", "quit", "help", "gates", "symbol"}:
        return Move(_screen_only(name, argument.strip(), state, now))
    return _money(name, argument.strip(), desk, state, store, now)


def _screen_only(name: str, argument: str, state: UiState, now: float) -> UiState:
    if name == "symbol":
        return _symbol(argument.upper(), state, now)
    return state.but(overlay={"auto": "auto", "quit": "leave", "help": "help", "gates": "gates"}[name], typed="")


def _money(name: str, argument: str, desk: Desk, state: UiState, store: Store, now: float) -> Move:
    match name:
        case "close":
            return _close(argument, desk, state, store, now)
        case "cancel":
            return desk.act("orders.cancel_symbol", state, store, now)
        case "protect":
            return desk.protect(state, store, now)
        case "pause":
            return Move(state, Order(commands.PauseEntries(), texts.SAY_PAUSE))
        case "resume":
            return desk.resume(state, store, now)
    return desk.approval(Approval(name), state)


def run_auto(line: str, desk: Desk, state: UiState, now: float) -> Move:
    """The typed word behind ``:auto``."""
    if line != texts.AUTO_WORD:
        return Move(say(state, texts.AUTO_NOT_TYPED.format(word=texts.AUTO_WORD), now))
    return desk.approval(Approval.AUTO, state)


def _close(argument: str, desk: Desk, state: UiState, store: Store, now: float) -> Move:
    percent = int(argument) if argument.isascii() and argument.isdigit() else (100 if not argument else 0)
    if not 1 <= percent <= 100:
        return Move(say(state, texts.CLOSE_PERCENT, now))
    return desk.close(percent, state, store, now)


def _symbol(name: str, state: UiState, now: float) -> UiState:
    found = next((symbol for symbol in state.symbols if symbol in {name, f"{name}USDT"}), None)
    if found is None:
        return say(state, texts.NO_SUCH_SYMBOL.format(name=name), now)
    return with_symbol(state, found)


def _common(names: list[str], typed_so_far: str) -> str:
    """The longest beginning that all ``names`` share, at least what was typed."""
    if not names:
        return typed_so_far
    shortest = min(names, key=len)
    length = next((index for index in range(len(shortest)) if len({name[index] for name in names}) > 1), len(shortest))
    return shortest[:length] if length >= len(typed_so_far) else typed_so_far
