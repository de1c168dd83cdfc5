"""Boxes over the panes: help, entry gates, the leave dialog, and the curtain of a vanished engine. Pure."""

from __future__ import annotations

from math import ceil
from textwrap import wrap

from cockpit.ui.gone import positions_left
from cockpit.ui.keymap import ACTIONS
from cockpit.ui.lines import BLANK, Line, fit, padded, width_of
from cockpit.ui.safe import safe
from cockpit.ui.widgets import gates
from cockpit.ui.widgets.look import Look
from cockpit.views import texts

AROUND = 5
"""Cells of a box beside its widest row."""


def draw(look: Look, width: int, height: int) -> list[Line]:
    """The rows of the open overlay on a screen of ``width`` x ``height``, all of one width; none if nothing is open."""
    match look.state.overlay:
        case "help":
            return _boxed(look, texts.HELP_TITLE, _help(look, width, height - 2), width)
        case "gates":
            return _boxed(look, texts.GATES_TITLE, gates.draw(look, width, height), width)
        case "leave":
            return _boxed(look, texts.LEAVE_TITLE, _leave(look), width)
        case "gone":
            return _boxed(look, texts.GONE_TITLE, _gone(look, width - 4, height - 2), width, is_wide=True)
    return []


def _help(look: Look, width: int, room: int) -> list[Line]:
    """All keys in two columns, or in one; what finds no room is counted in the last row, which says how to leave."""
    actions = [action for action in ACTIONS if not (action.is_money and look.keys.is_observer)]
    go = look.keys.shown("confirm.go")
    entries = [_help_entry(" ".join(look.keys.keys(action.id)[:2]), action.words.format(go=go)) for action in actions]
    half = (len(entries) + 1) // 2
    right = [*entries[half:], BLANK]
    between = (" ", "dialog")
    rows: list[Line] = entries
    if width >= 2 * width_of(entries[0]) + AROUND + 1:
        rows = [(*left, between, *other) for left, other in zip(entries[:half], right, strict=False)]
    rows = [*rows, *(((line, "dialog"),) for line in (*texts.HELP_COMMANDS, texts.HELP_LEGEND))]
    left_out = len(rows) - max(0, room - 1)
    foot = texts.HELP_FOOT if left_out <= 0 else texts.HELP_CUT.format(count=left_out)
    return [*rows[: max(0, room - 1)], ((foot, "dialog"),)]


def _help_entry(keys: str, words: str) -> Line:
    return ((fit(keys, 9), "dialog_key"), (fit(words, 27), "dialog"))


def _leave(look: Look) -> list[Line]:
    lines = texts.LEAVE_LINES if look.may_command else texts.LEAVE_OBSERVER
    detach, go = look.keys.shown("app.detach"), look.keys.shown("confirm.go")
    return [((line.format(detach=detach, go=go), "dialog"),) for line in lines]


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
        (2, end.format(key=key, left=max(0, ceil((until or 0.0) - look.now))), "dialog_key"),
    ]
    rows = [(rank, line, style) for rank, words, style in ranked for line in _wrapped(words, width)]
    last = sorted(rank for rank, _, _ in rows)[: max(1, room)][-1]
    return [((line, style),) for rank, line, style in rows if rank <= last]


def _wrapped(words: str, width: int) -> list[str]:
    return wrap(safe(words), max(width, 8), subsequent_indent="    ", break_on_hyphens=False) or [""]


def _boxed(look: Look, title: str, body: list[Line], width: int, *, is_wide: bool = False) -> list[Line]:
    """Rows in a plain box, as wide as its widest row or as the whole screen, and never wider than that."""
    widest = width if is_wide else max(width_of(line) for line in body) + AROUND
    inner = max(4, min(widest, width) - 2)
    corner, rule, side = ("+", "-", "|") if look.glyphs.is_ascii else ("", "─", "│")
    top = corner or "┌", corner or "┐"
    bottom = corner or "└", corner or "┘"
    head = f" {title} "
    rows: list[Line] = [((f"{top[0]}{rule}{head}{rule * (inner - len(head) - 1)}{top[1]}", "dialog_title"),)]
    edge = (side, "dialog_title")
    rows += [(edge, ("  ", "dialog"), *padded(line, inner - 2, "dialog"), edge) for line in body]
    rows.append(((f"{bottom[0]}{rule * inner}{bottom[1]}", "dialog_title"),))
    return rows
