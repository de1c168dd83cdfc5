"""Every action of the screen by id, and the keys that start it. Key maps are data; a faulty one is refused in words."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from cockpit.domain.errors import ConfigError
from cockpit.ui.spelling import hint
from cockpit.views import texts

FORBIDDEN_FOR_MONEY = frozenset("ABCDFHIMOPQRSZcmntuy0123456789~;<[$?") | {"escape", "enter"}
"""Keys that a broken escape sequence or a terminal's answer can produce: never for money."""

FORBIDDEN = frozenset(
    {"ctrl+a", "ctrl+b", "ctrl+h", "ctrl+i", "ctrl+j", "ctrl+m", "ctrl+o", "ctrl+s", "ctrl+z", "escape", "["}
)
"""Keys that terminals, multiplexers or flow control take for themselves, or that close things here."""

LEAVE_KEYS = ("ctrl+c", "ctrl+q")
"""Always open the leave dialog; not to be mapped."""

CYRILLIC = dict(
    zip(
        "йцукенгшщзфывапролдячсмитьюЙЦУКЕНГШЩЗФЫВАПРОЛДЖЯЧСМИТЬ",
        "qwertyuiopasdfghjklzxcvbnm.QWERTYUIOPASDFGHJKL:ZXCVBNM",
        strict=True,
    )
)
"""Characters of the Russian layout by the physical place of the Latin key. Places of ``[ ; <`` are left out: those
characters are the signs of a broken sequence, which a Cyrillic letter never is."""


class Action(msgspec.Struct, frozen=True):
    """Something a key can do."""

    id: str
    keys: tuple[str, ...]
    words: str
    """What it does, for the help page."""
    is_money: bool = False
    """Sends a command to the engine, or confirms one: it must come alone, and an observer does not have it."""
    legend: str = ""
    """Its one or two words in the key bar."""


ACTIONS: tuple[Action, ...] = (
    Action("signal.approve", ("a",), texts.DO_APPROVE, True, texts.KEY_APPROVE),
    Action("signal.reject", ("d",), texts.DO_REJECT, True, texts.KEY_REJECT),
    Action("signal.snooze", ("z",), texts.DO_SNOOZE, True, texts.KEY_SNOOZE),
    Action("position.close", ("x",), texts.DO_CLOSE, True, texts.KEY_CLOSE),
    Action("position.half", ("h",), texts.DO_HALF, True, texts.KEY_HALF),
    Action("stop.breakeven", ("b",), texts.DO_BREAKEVEN, True, texts.KEY_BREAKEVEN),
    Action("orders.cancel_symbol", ("e",), texts.DO_CANCEL, True, texts.KEY_CANCEL),
    Action("entries.pause", ("p",), texts.DO_PAUSE, True, texts.KEY_PAUSE),
    Action("confirm.go", ("g",), texts.DO_GO, True, texts.KEY_GO),
    Action("flatten.all", ("X",), texts.DO_FLATTEN, True, texts.KEY_FLATTEN),
    Action("queue.next", ("j", "down"), texts.DO_NEXT),
    Action("queue.prev", ("k", "up"), texts.DO_PREVIOUS),
    Action("symbol.next", ("J", "right"), texts.DO_SYMBOL_NEXT),
    Action("symbol.prev", ("K", "left"), texts.DO_SYMBOL_PREVIOUS),
    Action("pane.next", ("tab",), texts.DO_PAGE, legend=texts.KEY_PAGE),
    Action("ladder.centre", ("space",), texts.DO_CENTRE, legend=texts.KEY_CENTRE),
    Action("ladder.coarser", ("+", "="), texts.DO_COARSER),
    Action("ladder.finer", ("-",), texts.DO_FINER),
    Action("ladder.up", ("pageup",), texts.DO_UP),
    Action("ladder.down", ("pagedown",), texts.DO_DOWN),
    Action("view.column", ("v",), texts.DO_COLUMN),
    Action("view.unit", ("u",), texts.DO_UNIT),
    Action("view.walls", ("w",), texts.DO_WALLS),
    Action("layout", ("L",), texts.DO_LAYOUT),
    Action("theme", ("T",), texts.DO_THEME),
    Action("mute", ("m",), texts.DO_MUTE),
    Action("command", (":",), texts.DO_COMMAND, legend=texts.KEY_COMMAND),
    Action("gates", ("i",), texts.DO_GATES, legend=texts.KEY_GATES),
    Action("help", ("?", "f1", ".", ","), texts.DO_HELP, legend=texts.KEY_HELP),
    Action("app.detach", ("q",), texts.DO_DETACH, legend=texts.KEY_DETACH),
)

BY_ID: Mapping[str, Action] = {action.id: action for action in ACTIONS}


class KeyMap:
    """Which key does what.

    Args:
        keys_of: keys of every action.
        is_observer: money actions do not exist.
    """

    def __init__(self, keys_of: Mapping[str, tuple[str, ...]], *, is_observer: bool = False) -> None:
        self._keys_of = dict(keys_of)
        self._action_of = {key: action_id for action_id, keys in keys_of.items() for key in keys}
        self.is_observer = is_observer

    def action(self, key: str) -> str | None:
        """Id of the action that ``key`` (already translated) starts, None for a key without a meaning."""
        return self._action_of.get(key)

    def shown(self, action_id: str) -> str:
        """The first key of an action, for legends."""
        keys = self._keys_of.get(action_id, ())
        return keys[0] if keys else ""

    def keys(self, action_id: str) -> tuple[str, ...]:
        """All keys of an action."""
        return self._keys_of.get(action_id, ())

    @property
    def money_keys(self) -> frozenset[str]:
        """Keys that must come alone, without the flatten key."""
        return frozenset(
            key
            for action_id, keys in self._keys_of.items()
            if BY_ID[action_id].is_money and action_id != "flatten.all"
            for key in keys
        )

    @property
    def flatten_key(self) -> str:
        """The key of which two presses flatten."""
        return self._keys_of["flatten.all"][0]


def translated(key: str, character: str | None) -> str:
    """The key as the map knows it: a printable one by its character, a Cyrillic one by its physical place."""
    if key == "space" or character == " ":
        return "space"
    if character is None or not character.isprintable():
        return key
    return CYRILLIC.get(character, character)


def build(overrides: Mapping[str, tuple[str, ...]], *, is_observer: bool = False) -> KeyMap:
    """The key map of the defaults and a user's changes.

    Raises:
        ConfigError: unknown ids, keys with two meanings or forbidden keys; all of them are named.
    """
    keys_of = {action.id: overrides.get(action.id, action.keys) for action in ACTIONS}
    problems = faults(overrides, keys_of)
    if problems:
        raise ConfigError(texts.KEYS_WRONG.format(problems="; ".join(problems)))
    return KeyMap(keys_of, is_observer=is_observer)


def faults(overrides: Mapping[str, tuple[str, ...]], keys_of: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Everything that is wrong with a key map, in words."""
    found = [texts.KEYS_UNKNOWN.format(id=name, hint=hint(name, BY_ID)) for name in overrides if name not in BY_ID]
    owner: dict[str, str] = {}
    for action_id, keys in keys_of.items():
        for key in keys:
            if key in owner:
                found.append(texts.KEYS_CONFLICT.format(key=key, first=owner[key], second=action_id))
            owner.setdefault(key, action_id)
            if key in FORBIDDEN or key in LEAVE_KEYS or key.startswith(("alt+", "ctrl+shift+")):
                found.append(texts.KEYS_FORBIDDEN.format(key=key, id=action_id))
            elif BY_ID[action_id].is_money and not _is_fit_for_money(key):
                found.append(texts.KEYS_NOT_FOR_MONEY.format(key=key, id=action_id))
    if len(keys_of["flatten.all"]) != 1:
        found.append(texts.KEYS_ONE_FLATTEN)
    return found


def _is_fit_for_money(key: str) -> bool:
    return len(key) == 1 and key not in FORBIDDEN_FOR_MONEY
