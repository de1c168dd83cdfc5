"""The emergency flatten: each symbol with its acknowledgement."""

from __future__ import annotations

from cockpit.ui.format import short_symbol
from cockpit.ui.lines import Line, fill, fit, spread
from cockpit.ui.widgets.look import Look
from cockpit.views import texts
from cockpit.views.model import FlattenRow


def draw(look: Look, width: int, height: int) -> list[Line]:
    """Rows of the pane."""
    view = look.store.flatten
    is_flat = view.state == "flat"
    words = {"flat": texts.FLATTEN_FLAT, "dust": texts.FLATTEN_DUST}.get(view.state, texts.FLATTEN_RUNNING)
    head = spread(((f" {texts.FLATTEN} ", "armed"),), ((f" {words} ", "ok" if is_flat else "armed"),), width)
    rows = [_row(look, row, width) for row in view.rows]
    if not rows:
        rows = [((f" {texts.FLATTEN_NOTHING}", "dim"),)]
    detail: list[Line] = [((fit(f" {view.detail}", width), "dim"),)] if view.detail else []
    return fill([head, *rows, *detail], height)


def _row(look: Look, row: FlattenRow, width: int) -> Line:
    sign, style = {
        "flat": (look.glyphs.ok, "ok"),
        "failed": (look.glyphs.bad, "bad"),
        "dust": (look.glyphs.bad, "bad"),
    }.get(row.state, (look.glyphs.unknown, "warn"))
    left = ((f" {sign} ", style), (fit(short_symbol(row.symbol), 5), "strong"), (f" {fit(row.state, 7)}", style),
            (f"{row.detail}", "dim"))  # fmt: skip
    return spread(left, ((f" {row.ms}ms" if row.ms is not None else "", "text"),), width)
