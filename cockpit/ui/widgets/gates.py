"""The entry gates, every one: verdict, value, threshold and age of the evidence. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from cockpit.ui.format import short_symbol
from cockpit.ui.lines import BLANK, Line, cut, fit
from cockpit.ui.widgets.look import Look, gate_order, gate_words, header_of, shown_gate
from cockpit.views import texts
from cockpit.views.model import GateView

WIDEST = 132
NARROWEST = 34
"""A column narrower than this has no room for a gate; then all gates stand under each other."""
AROUND = 5
"""Cells that the box around takes."""
GAP = 3
TIGHT_GAP = 1
"""Between the columns where every cell is needed."""
ROOMY = 90
NEEDED, AGE = 10, 4
"""Least cells of a gate's threshold, with the blank before it, and of its age."""


def draw(look: Look, width: int, height: int) -> list[Line]:
    """Rows for a screen of ``width`` x ``height``: why entries are off, then the gates; closed ones stay longest."""
    inner = min(width, WIDEST) - AROUND
    account, symbol = look.store.risk.gates, look.store.gates(look.state.symbol)
    rows = _verdict(look, inner)
    room = height - 2 - len(rows) - 1
    gap = GAP if inner >= ROOMY else TIGHT_GAP
    column = (inner - gap) // 2
    if column < NARROWEST:
        every = gate_order([*account, *symbol])
        rows += [_gate(look, gate, inner) for gate in _kept(every, room)]
    else:
        between = (" " * gap, "dialog")
        rows.append((*_title(texts.GATES_ACCOUNT, column), between, *_title(_of(look), column)))
        left, right = (_column(look, gates, column, room - 1) for gates in (account, symbol))
        blank: Line = ((" " * column, "dialog"),)
        for row in range(max(len(left), len(right))):
            one, other = (side[row] if row < len(side) else blank for side in (left, right))
            rows.append((*one, between, *other))
    return [*rows, ((cut(texts.HELP_FOOT, inner), "dialog"),)]


def _verdict(look: Look, width: int) -> list[Line]:
    """The state and its reasons, in two rows whatever they are."""
    view = header_of(look)
    why = "; ".join(view.blocks) or view.closed
    words = f"{texts.ENTRIES} {view.entries}" + (f": {why}" if why else "")
    style = "dialog_title" if view.entries == "ENABLED" else "dialog_bad"
    first, *rest = wrap(words, width) or [""]
    second: Line = ((fit(cut(" ".join(rest), width), width), style),) if rest else BLANK
    return [((fit(first, width), style),), second]


def _of(look: Look) -> str:
    return texts.GATES_SYMBOL.format(symbol=short_symbol(look.state.symbol))


def _title(words: str, width: int) -> Line:
    return ((fit(words, width), "dialog_key"),)


def _column(look: Look, gates: Sequence[GateView], width: int, room: int) -> list[Line]:
    if not gates:
        return [((fit(f"  {texts.NO_DATA}", width), "dialog"),)]
    return [_gate(look, gate, width) for gate in _kept(gates, room)]


def _kept(gates: Sequence[GateView], room: int) -> list[GateView]:
    """As many gates as there is room for, in their order; open ones are left out first."""
    spare = max(0, len(gates) - room)
    kept: list[GateView] = []
    for gate in reversed(gates):
        if gate.state == "ok" and spare:
            spare -= 1
            continue
        kept.append(gate)
    return kept[::-1][:room]


def _gate(look: Look, gate: GateView, width: int) -> Line:
    """Sign, name, value, threshold, age; the sign says the verdict without colour."""
    gate = shown_gate(look, gate)
    is_open = gate.state == "ok"
    sign = look.glyphs.ok if is_open else look.glyphs.bad
    room = width - 2 - AGE
    name, value, threshold = gate_words(gate, room, max(NEEDED, room // 3))
    style = "dialog" if is_open else "dialog_bad"
    return (
        (f"{sign} ", "dialog_ok" if is_open else "dialog_bad"),
        (name + value, style),
        (threshold, "dialog_dim"),
        (fit(_age(gate.age_ms), AGE, ">"), "dialog_dim"),
    )


def _age(age_ms: int | None) -> str:
    """Three characters and a unit at most."""
    if age_ms is None:
        return ""
    seconds = age_ms // 1000
    if seconds < 100:
        return f"{seconds}s"
    return f"{seconds // 60}m" if seconds < 6_000 else f"{min(999, seconds // 3_600)}h"
