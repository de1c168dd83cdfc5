"""Boxes over the panes: help, entry gates, the leave dialog, and the curtain of a vanished engine. Pure."""

from __future__ import annotations

from textwrap import wrap

from cockpit.ui.gone import positions_left
from cockpit.ui.keymap import ACTIONS
from cockpit.ui.lines import BLANK, Line, fit, padded, width_of
from cockpit.ui.safe import safe
from cockpit.ui.widgets import gates
from cockpit.ui.widgets.look import Look
from cockpit.views import texts


def draw(look: Look, width: int, height: int) -> list[Line]:
    """The rows of the open overlay on a screen of ``width`` x ``height``, all of one width; none if nothing is open."""
    match look.state.overlay:
        case "help":
            return _boxed(look, texts.HELP_TITLE, _help(look))
        case "gates":
            return _boxed(look, texts.GATES_TITLE, gates.draw(look, width, height))
        case "leave":
            return _boxed(look, texts.LEAVE_TITLE, _leave(look))
        case "gone":
            return _boxed(look, texts.GONE_TITLE, _gone(look, width - 4, height - 2), inner=width - 2)
    return []


def _help(look: Look) -> list[Line]:
    """All keys in two columns."""
    actions = [action for action in ACTIONS if not (action.is_money and look.keys.is_observer)]
    go = look.keys.shown("confirm.go")
    entries = [_help_entry(" ".join(look.keys.keys(action.id)[:2]), action.words.format(go=go)) for action in actions]
    half = (len(entries) + 1) // 2
    right = [*entries[half:], BLANK]
    between = (" ", "dialog")
    rows: list[Line] = [(*left, between, *other) for left, other in zip(entries[:half], right, strict=False)]
    rest = (*texts.HELP_COMMANDS, texts.HELP_LEGEND, texts.HELP_FOOT)
    return [*rows, *(((line, "dialog"),) for line in rest)]


def _help_entry(keys: str, words: str) -> Line:
    return ((fit(keys, 9), "dialog_key"), (fit(words, 27), "dialog"))


def _leave(look: Look) -> list[Line]:
    lines = texts.LEAVE_OBSERVER if look.keys.is_observer else texts.LEAVE_LINES
    return [((line.format(detach=look.keys.shown("app.detach")), "dialog"),) for line in lines]


def _gone(look: Look, width: int, room: int) -> list[Line]:
    """Why, what is open, what to do about it, and when the screen ends. Where room is short, what is open stays."""
    key, until = look.keys.shown("app.detach"), look.state.gone_until
    left = positions_left(look.store)
    end = texts.GONE_STAYS if until is None else texts.GONE_LEAVES
    ranked = [
        (4, look.state.gone or texts.GONE_NO_REASON, "dialog"),
        (3, texts.GONE_OPEN if left else texts.GONE_FLAT, "dialog"),
        *((0, words, "dialog_bad") for words in left),
        (1, texts.GONE_WAYS[0].format(folder=look.folder), "dialog"),
        (5, texts.GONE_WAYS[1].format(folder=look.folder), "dialog"),
        (2, end.format(key=key, left=max(0.0, (until or 0.0) - look.now)), "dialog_key"),
    ]
    rows = [(rank, line, style) for rank, words, style in ranked for line in _wrapped(words, width)]
    last = sorted(rank for rank, _, _ in rows)[: max(1, room)][-1]
    return [((line, style),) for rank, line, style in rows if rank <= last]


def _wrapped(words: str, width: int) -> list[str]:
    return wrap(safe(words), max(width, 8), subsequent_indent="    ", break_on_hyphens=False) or [""]


def _boxed(look: Look, title: str, body: list[Line], *, inner: int = 0) -> list[Line]:
    """Rows in a plain box, as wide as its widest row or ``inner`` cells within."""
    inner = inner or max(width_of(line) for line in body) + 3
    corner, rule, side = ("+", "-", "|") if look.glyphs.is_ascii else ("", "─", "│")
    top = corner or "┌", corner or "┐"
    bottom = corner or "└", corner or "┘"
    head = f" {title} "
    rows: list[Line] = [((f"{top[0]}{rule}{head}{rule * (inner - len(head) - 1)}{top[1]}", "dialog_title"),)]
    edge = (side, "dialog_title")
    rows += [(edge, ("  ", "dialog"), *padded(line, inner - 2, "dialog"), edge) for line in body]
    rows.append(((f"{bottom[0]}{rule * inner}{bottom[1]}", "dialog_title"),))
    return rows
