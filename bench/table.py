"""Rows of measurements and how they are printed. Nothing is measured here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

WITHIN, MISSED, NO_BUDGET = "within", "MISSED", ""
COLUMNS = ("metric", "budget", "measured", "unit", "verdict", "x bare decode", "x peer model")


class Row(NamedTuple):
    """One figure. ``measured`` is None where there is none; ``why`` then says so."""

    metric: str
    measured: float | None
    unit: str = ""
    budget: float | None = None
    is_floor: bool = False
    """True: the budget is the least, not the most."""
    why: str = ""
    """Why there is no figure, or what to know about it."""
    times_bare: float | None = None
    """Cost in multiples of a bare msgspec decode of the same bytes, same run."""
    times_peer: float | None = None
    """How many times cheaper than the model of a peer (bench/peers.py), same run."""

    @property
    def verdict(self) -> str:
        """Within the budget or not."""
        if self.measured is None:
            return "not measured"
        if self.budget is None:
            return NO_BUDGET
        is_within = self.measured >= self.budget if self.is_floor else self.measured <= self.budget
        return WITHIN if is_within else MISSED


class Section(NamedTuple):
    """Rows that were measured together."""

    title: str
    rows: list[Row]


def missing(metric: str, why: str, unit: str = "", budget: float | None = None, is_floor: bool = False) -> Row:
    """A row without a figure."""
    return Row(metric, None, unit, budget, is_floor, why)


def number(value: float | None) -> str:
    """Three significant digits, thousands apart."""
    if value is None:
        return ""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def lines(section: Section) -> Iterable[str]:
    """The section as text: a title, a head, a line a row, and remarks below."""
    body = [_cells(row) for row in section.rows]
    used = [at for at in range(len(COLUMNS)) if at < 5 or any(cells[at] for cells in body)]
    table = [[COLUMNS[at] for at in used], *([cells[at] for at in used] for cells in body)]
    widths = [max(len(cells[at]) for cells in table) for at in range(len(used))]
    yield f"\n{section.title}"
    for cells in table:
        numbers = {1, 2, 5, 6}
        aligned = (
            text.rjust(width) if used[at] in numbers else text.ljust(width)
            for at, (text, width) in enumerate(zip(cells, widths, strict=True))
        )
        yield "  ".join(aligned).rstrip()
    for row in section.rows:
        if row.why:
            yield f"  {row.metric}: {row.why}"


def _cells(row: Row) -> list[str]:
    budget = "" if row.budget is None else ("≥ " if row.is_floor else "≤ ") + number(row.budget)
    measured = "-" if row.measured is None else number(row.measured)
    return [
        row.metric,
        budget,
        measured,
        row.unit,
        row.verdict,
        number(row.times_bare),
        number(row.times_peer),
    ]
