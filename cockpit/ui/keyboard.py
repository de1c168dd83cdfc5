"""From keys as they arrive to what the operator meant: translation, isolation, dialogs, command line. Pure."""

from __future__ import annotations

import msgspec

from cockpit.ui.isolation import Isolation, Outcome, Verdict
from cockpit.ui.keymap import BY_ID, LEAVE_KEYS, KeyMap, translated
from cockpit.views import texts

ENTER = "enter!"
"""Enter in the command line: it acts only when it came alone, like a money key."""

LEAVE_ACTIONS = {"leave:l": "quit.protected", "leave:f": "quit.flatten"}
"""Money keys of the leave dialog."""


class View(msgspec.Struct, frozen=True):
    """An action of the screen alone."""

    action: str


class Money(msgspec.Struct, frozen=True):
    """An action that may send a command; it came alone."""

    action: str


class Typed(msgspec.Struct, frozen=True):
    """A key of the command line: one character, backspace, tab, escape or enter."""

    key: str


class Dismiss(msgspec.Struct, frozen=True):
    """A key that only closes what is open."""


class Leave(msgspec.Struct, frozen=True):
    """Leave the screen now."""


class Flatten(msgspec.Struct, frozen=True):
    """What the flatten key did."""

    verdict: Verdict


class Refused(msgspec.Struct, frozen=True):
    """A key that was ignored, and why."""

    words: str


Intent = View | Money | Typed | Dismiss | Leave | Flatten | Refused


class Keyboard:
    """One operator's keys.

    Args:
        keys: the key map.
        quiet_s: the isolation rule's quiet time.
    """

    def __init__(self, keys: KeyMap, quiet_s: float) -> None:
        self._keys = keys
        alone = keys.money_keys | set(LEAVE_ACTIONS) | {ENTER}
        self._isolation = Isolation(frozenset(alone), keys.flatten_key, quiet_s)

    @property
    def due(self) -> float | None:
        """When to poll, monotonic s."""
        return self._isolation.due

    @property
    def flatten_until(self) -> float | None:
        """Until when a second flatten press executes."""
        return self._isolation.armed_until

    def disarm(self) -> None:
        """Forget an armed flatten."""
        self._isolation.disarm()

    def press(self, key: str, character: str | None, overlay: str, now: float) -> list[Intent]:
        """A key that arrived at ``now`` while ``overlay`` was open ("" for none)."""
        name = key if overlay in {"command", "auto"} else translated(key, character)
        if overlay in {"command", "auto"}:
            fed = ENTER if key == "enter" else ("escape" if key == "escape" else "text")
        elif overlay == "leave" and f"leave:{name}" in LEAVE_ACTIONS and not self._keys.is_observer:
            fed = f"leave:{name}"
        else:
            fed = name
        intents = [intent for outcome in self._isolation.feed(fed, now) for intent in self._meant(outcome)]
        return intents + self._at_once(name, character, fed, overlay)

    def poll(self, now: float) -> list[Intent]:
        """What time alone decides."""
        return [intent for outcome in self._isolation.poll(now) for intent in self._meant(outcome)]

    def _at_once(self, name: str, character: str | None, fed: str, overlay: str) -> list[Intent]:
        """Keys without consequences act as they come."""
        if overlay in {"command", "auto"}:
            return self._typed(name, character)
        if name in LEAVE_KEYS or (overlay in {"leave", "gone"} and self._keys.action(name) == "app.detach"):
            return [Leave()] if overlay in {"leave", "gone"} else [View("app.detach")]
        action = self._keys.action(name)
        is_money = action is not None and BY_ID[action].is_money
        if overlay and fed not in LEAVE_ACTIONS and not is_money:
            return [Dismiss()]
        if action is None or is_money:
            return [Dismiss()] if name == "escape" else []
        return [View(action)]

    def _typed(self, name: str, character: str | None) -> list[Intent]:
        if name in {"backspace", "tab", "escape"}:
            return [Typed(name)]
        if name == "enter" or character is None or not character.isprintable():
            return []
        return [Typed(character)]

    def _meant(self, outcome: Outcome) -> list[Intent]:
        match outcome.verdict:
            case Verdict.RELEASED if outcome.key == ENTER:
                return [Typed("enter")]
            case Verdict.RELEASED:
                return self._released(outcome.key)
            case Verdict.REFUSED_TOGETHER:
                words = texts.ENTER_TOGETHER if outcome.key == ENTER else texts.TOGETHER
                return [Refused(words.format(key=outcome.key.removeprefix("leave:")))]
            case Verdict.REFUSED_LOCKED:
                return [Refused(texts.LOCKED.format(key=outcome.key.removeprefix("leave:").removesuffix("!")))]
        return [Flatten(outcome.verdict)]

    def _released(self, key: str) -> list[Intent]:
        action = LEAVE_ACTIONS.get(key) or self._keys.action(key)
        if action is None:
            return []
        if self._keys.is_observer:
            return [Refused(texts.OBSERVER_REFUSED)]
        return [Money(action)]
