"""The two-sided ladder: bids left of the price, asks right, with traded, cumulative and pull/stack columns."""

from __future__ import annotations

from functools import lru_cache

from cockpit.ui.format import Glyphs, bar, bar_left
from cockpit.ui.lines import BLANK, Cell, Line, fit
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
    waiting,
    wall_tag,
)
from cockpit.ui.widgets.look import Look
from cockpit.views import texts
from cockpit.views.numbers import signed, size5, size6

OWN, SUM, SIZE, TRADED, PRICE, TOUCH, PULL = 5, 5, 6, 6, 9, 1, 6
OFF = 2
"""Value of the column choice that hides what was traded."""


def draw(look: Look, width: int, height: int) -> list[Line]:
    """Rows of the ladder of ``look.symbol``."""
    book = look.store.book(look.symbol)
    axis = look.state.axes.get(look.symbol)
    bars = _bar_width(width)
    if book is None or axis is None:
        return [_head(bars), *[BLANK] * max(0, height // 2 - 2), waiting(look, width)]
    ladder = lay(book, axis, look.glyphs)
    looks = (bars, look.state.column != OFF, full_bar(look), is_blind(look, book), look.glyphs)
    rows = [centre_line(look, book, axis, width) if row is None else _row(row, *looks) for row in ladder.rows]
    return [_head(bars), _edge(ladder.above, width), *rows, _edge(ladder.below, width)]


def _bar_width(width: int) -> int:
    fixed = OWN + 2 * (SUM + SIZE + 1 + TRADED) + PRICE + TOUCH + PULL
    return max(2, (width - fixed) // 2)


def _edge(text: str, width: int) -> Line:
    return ((fit(text, width), "mark"),) if text else BLANK


def _head(bars: int) -> Line:
    names = (
        fit(texts.COL_OWN, OWN), fit(texts.COL_CUM, SUM, ">"), " " * bars,
        fit(texts.COL_BID, SIZE, ">"), " ", fit(texts.COL_SOLD, TRADED, ">"), fit(texts.COL_PRICE, PRICE, ">"),
        " " * TOUCH, fit(" " + texts.COL_BOUGHT, TRADED), " ", fit(texts.COL_ASK, SIZE, ">"), " " * bars,
        fit(texts.COL_CUM, SUM, ">"), fit(texts.COL_PULL, PULL, ">"),
    )  # fmt: skip
    return (("".join(names), "title"),)


@lru_cache(maxsize=512)
def _row(row: LadderRow, bars: int, traded: bool, full: float, stale: bool, glyphs: Glyphs) -> Line:
    """One price; most rows of a ladder are the same in the next frame."""
    sold = size6(row.sold) if row.sold and traded else ""
    bought = f" {size6(row.bought)}" if row.bought and traded else ""
    empty: list[Cell] = [(" " * (SUM + bars + SIZE + 1), "text")]
    return (
        *own_cells(row, OWN, glyphs),
        *(_bid(row, bars, full, glyphs, stale=stale) if row.bid else empty),
        (fit(sold, TRADED, ">"), "stale" if stale else "sell"),
        *price_cells(row, PRICE, is_stale=stale),
        touch_cell(row, is_stale=stale),
        (fit(bought, TRADED), "stale" if stale else "buy"),
        *(_ask(row, bars, full, glyphs, stale=stale) if row.ask else empty),
        _pull(row, stale=stale),
    )


def _bid(row: LadderRow, bars: int, full: float, glyphs: Glyphs, *, stale: bool) -> list[Cell]:
    style = side_style(row, is_stale=stale)
    depth = bar_left(row.bid, full, bars, glyphs)
    return [
        (fit(size5(row.cumulative), SUM, ">"), "stale" if stale else "faint"),
        (fit(depth, bars, ">"), "stale" if stale else "bid_bar"),
        *size_cells(row, SIZE, style),
        (wall_tag(row), style if row.wall else "text"),
    ]


def _ask(row: LadderRow, bars: int, full: float, glyphs: Glyphs, *, stale: bool) -> list[Cell]:
    style = side_style(row, is_stale=stale)
    depth = bar(row.ask, full, bars, glyphs)
    return [
        (wall_tag(row), style if row.wall else "text"),
        *size_cells(row, SIZE, style),
        (fit(depth, bars), "stale" if stale else "ask_bar"),
        (fit(size5(row.cumulative), SUM, ">"), "stale" if stale else "faint"),
    ]


def _pull(row: LadderRow, *, stale: bool) -> Cell:
    """The wall's fate, else how the size changed without trades."""
    if row.wall is not None:
        return fit(eaten(row, PULL), PULL, ">"), "stale" if stale else eaten_style(row)
    if row.change:
        return fit(signed(row.change), PULL, ">"), "stale" if stale else "dim"
    return " " * PULL, "text"
