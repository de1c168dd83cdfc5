"""Rows of the journal as aligned text for people. Figures are rounded only here: --json and --csv are exact."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from cockpit.cli.narration import LONGEST_LINE
from cockpit.domain.text import safe
from cockpit.domain.time import NS_PER_S

DIGITS = 8
"""Significant digits of a number; the part before its point is always whole."""
MONEY = frozenset({"net_pnl", "gross_pnl", "fees", "risk_usdt", "average_win", "average_loss", "max_drawdown"})
RATIOS = frozenset({"r_multiple", "expectancy_r", "profit_factor", "win_rate"})
EXACT = frozenset({"qty"})
"""What counts in lots, and has no more digits than the exchange gives it."""


def table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> str:
    """One line a row under the names of the columns; columns of numbers stand to the right."""
    lines = [[name.removesuffix("_ns") for name in columns]]
    lines += [[_cell(name, row.get(name)) for name in columns] for row in rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(columns))]
    numeric = [_is_numeric(name, [row.get(name) for row in rows]) for name in columns]
    pads = [str.rjust if is_right else str.ljust for is_right in numeric]
    padded = ([pad(cell, width) for pad, cell, width in zip(pads, line, widths, strict=True)] for line in lines)
    return "\n".join("  ".join(cells).rstrip() for cells in padded)


def figures(stats: dict[str, Any]) -> str:
    """Statistics: a name and a value a line, then a line a day."""
    told = {name: _cell(name, value) for name, value in stats.items() if name != "days"}
    width = max(map(len, told.values()))
    lines = [f"{name:<16}{value:>{width}}" for name, value in told.items()]
    days = stats["days"]
    return "\n".join(lines + ([table(days, tuple(days[0]))] if days else []))


def plain(value: Decimal | float, digits: int = DIGITS) -> str:
    """A number without an exponent, rounded to so many significant digits behind the point."""
    number = value if isinstance(value, Decimal) else Decimal(repr(value))
    if not number.is_finite():
        return str(value)
    text = f"{round(number, max(0, digits - 1 - number.adjusted())):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _is_numeric(name: str, values: Sequence[Any]) -> bool:
    known = [value for value in values if value is not None]
    return not name.endswith("_ns") and bool(known) and all(isinstance(each, int | float | Decimal) for each in known)


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "-"
    if name.endswith("_ns"):
        return datetime.fromtimestamp(value / NS_PER_S, UTC).strftime("%Y-%m-%d %H:%M:%S")
    if name in MONEY:
        return f"{value:.4f}"
    if name in RATIOS:
        return f"{value:.2f}"
    if isinstance(value, Decimal) and name in EXACT:
        return f"{value:f}"
    if isinstance(value, Decimal | float):
        return plain(value)
    if isinstance(value, dict | list):
        return msgspec.json.encode(value).decode()
    return safe(str(value), LONGEST_LINE)
