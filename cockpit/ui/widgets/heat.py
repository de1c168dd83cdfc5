"""The heat map: price upward, time to the right, the darker the larger what rested there."""

from __future__ import annotations

from itertools import groupby

from cockpit.ui.format import PriceScale, heat
from cockpit.ui.heat import COLUMN_S, Column, History
from cockpit.ui.lines import Cell, Line, fill, fit
from cockpit.ui.widgets.look import Look, title
from cockpit.views import texts

PRICE = 10


def draw(look: Look, width: int, height: int) -> list[Line]:
    """Rows of the pane for the chosen symbol."""
    symbol = look.state.symbol
    history, book = look.heat.of(symbol), look.store.book(symbol)
    room = width - PRICE - 1
    minutes = room * COLUMN_S / 60
    head = title(look, texts.HEAT.format(symbol=symbol, minutes=f"{minutes:.0f}"), width)
    if history is None or book is None or not history.columns:
        return fill([head], height)
    scale = PriceScale(book.tick_size, history.group)
    columns = list(history.columns)[-room:]
    top = history.centre_for(height - 1) + (height - 1) // 2
    rows: list[Line] = []
    for number in range(top, top - height + 1, -1):
        now = columns[-1].middle
        style = "touch" if number in {now, now - 1} else "faint"
        level = (fit(scale.text(number * history.group), PRICE, ">"), style)
        rows.append((level, (" ", "text"), *_cells(look, history, columns, number)))
    return fill([head, *rows], height)


def _cells(look: Look, history: History, columns: list[Column], number: int) -> list[Cell]:
    """One row of the picture as runs of one look."""

    def side(column: Column) -> str:
        return "ask" if number >= column.middle else "bid"

    cells: list[Cell] = []
    for style, run in groupby(columns, key=side):
        cells.append(("".join(heat(column.sizes.get(number, 0.0), history.full, look.glyphs) for column in run), style))
    return cells
