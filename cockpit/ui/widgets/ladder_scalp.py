"""The one-sided ladder: traded, eaten, size with its bar, price, marks. For 80 columns and for several side by side."""

from __future__ import annotations

from functools import lru_cache

from cockpit.ui.axis import Axis
from cockpit.ui.format import Glyphs, bar
from cockpit.ui.lines import BLANK, Line, fit
from cockpit.ui.widgets.ladder import (
    LadderRow,
    centre_line,
    eaten,
    eaten_style,
    full_bar,
    is_blind,
    lay,
    own_cells,
    price_cells,
    side_style,
    size_cells,
    touch_cell,
    traded_text,
    waiting,
    wall_tag,
)
from cockpit.ui.widgets.look import Look
from cockpit.views import texts
from cockpit.views.numbers import size6

TRADED, CUMULATIVE = 0, 1


class Columns:
    """Widths of the columns in a ladder of ``width`` cells."""

    def __init__(self, width: int) -> None:
        is_narrow = width < 44
        self.tape = 6 if is_narrow else 7
        self.eaten = 4 if is_narrow else 5
        self.size = 6 if is_narrow else 7
        self.price = 9 if is_narrow else 10
        self.mark = 3 if is_narrow else 6
        self.bar = max(0, width - self.tape - self.eaten - self.size - 1 - 1 - self.price - 2 - self.mark)


def draw(look: Look, width: int, height: int) -> list[Line]:
    """Rows of the ladder of ``look.symbol``."""
    book = look.store.book(look.symbol)
    axis = look.state.axes.get(look.symbol)
    head = _head(look, width)
    if book is None or axis is None:
        return [head, *[BLANK] * max(0, height // 2 - 2), waiting(look, width)]
    ladder = lay(book, axis, look.glyphs)
    looks = (width, look.state.column, full_bar(look), is_blind(look, book), look.glyphs)
    rows = [centre_line(look, book, axis, width) if row is None else _row(row, *looks) for row in ladder.rows]
    return [head, _edge(ladder.above, width), *rows, _edge(ladder.below, width)]


def _edge(text: str, width: int) -> Line:
    return ((fit(text, width), "mark"),) if text else BLANK


def _head(look: Look, width: int) -> Line:
    columns = Columns(width)
    symbol_is_head = len(look.state.symbols) > 1 and look.is_wide
    if symbol_is_head:
        return _symbol_head(look, width)
    names = (
        fit((texts.COL_TAPE, texts.COL_CUM, "")[look.state.column], columns.tape, ">"),
        fit(texts.COL_EATEN, columns.eaten, ">"),
        fit(texts.COL_SIZE, columns.size, ">"),
        " " * (columns.bar + 2),
        fit(texts.COL_PRICE, columns.price, ">"),
        "  " + fit(texts.COL_MARK, columns.mark),
    )
    return (("".join(names), "title"),)


def _symbol_head(look: Look, width: int) -> Line:
    """Head of one of several ladders: its symbol, row step and activity."""
    book, flow = look.store.book(look.symbol), look.store.flow(look.symbol)
    axis: Axis | None = look.state.axes.get(look.symbol)
    is_chosen = look.symbol == look.state.symbol
    name = f"[{look.symbol}]" if is_chosen else f" {look.symbol} "
    words = f" x{axis.group}" if axis is not None else ""
    if book is not None:
        words += f"  {book.age_ms}ms"
    if flow is not None:
        words += f"  {texts.TPM} {flow.tpm_60s}".replace(" {value}", "")
    return ((fit(name, len(name)), "strong" if is_chosen else "dim"), (fit(words, width - len(name)), "faint"))


@lru_cache(maxsize=512)
def _row(row: LadderRow, width: int, column: int, full: float, stale: bool, glyphs: Glyphs) -> Line:
    """One price; most rows of a ladder are the same in the next frame."""
    columns = Columns(width)
    tape, tape_style = _tape(row, column)
    style = side_style(row, is_stale=stale)
    bar_style = "stale" if stale else side_style(row, is_stale=False, suffix="_bar")
    return (
        (fit(tape, columns.tape, ">"), "stale" if stale else tape_style),
        (fit(eaten(row, columns.eaten), columns.eaten, ">"), "stale" if stale else eaten_style(row)),
        *size_cells(row, columns.size, style),
        (wall_tag(row), style if row.wall else "text"),
        (fit(bar(row.size, full, columns.bar, glyphs), columns.bar), bar_style),
        (" ", "text"),
        *price_cells(row, columns.price, is_stale=stale),
        touch_cell(row, is_stale=stale),
        (" ", "text"),
        *own_cells(row, columns.mark, glyphs),
    )


def _tape(row: LadderRow, column: int) -> tuple[str, str]:
    if column == TRADED:
        return traded_text(row)
    if column == CUMULATIVE and row.cumulative:
        return size6(row.cumulative), "dim"
    return "", "faint"
