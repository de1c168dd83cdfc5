"""A row of the screen as plain data: cells of text, each with the name of a style. No terminal, no colours here."""

from __future__ import annotations

from rich.cells import set_cell_size

from cockpit.ui.safe import cells, safe

Cell = tuple[str, str]
"""(text, style name of the theme)."""

Line = tuple[Cell, ...]
"""One row, left to right."""

BLANK: Line = ()


def fit(text: str, width: int, align: str = "<") -> str:
    """``text`` made safe and exactly ``width`` cells wide: cut at the end, padded by ``align`` (``<`` ``>`` ``^``)."""
    clean = safe(text)
    taken = cells(clean)
    if taken > width:
        return cut(clean, width)
    gap = width - taken
    if align == "<":
        return clean + " " * gap
    if align == ">":
        return " " * gap + clean
    return " " * (gap // 2) + clean + " " * (gap - gap // 2)


def cut(text: str, width: int) -> str:
    """``text`` in at most ``width`` cells, with a dot run's first dot as the sign that something is missing."""
    clean = safe(text)
    if cells(clean) <= width:
        return clean
    if width <= 1:
        return set_cell_size(clean, max(width, 0))
    return set_cell_size(clean, width - 1) + "~"


def cleaned(line: Line) -> Line:
    """``line`` with every text made safe; the last gate before the terminal."""
    return tuple((safe(text), style) for text, style in line)


def width_of(line: Line) -> int:
    """Cells that ``line`` takes."""
    return sum(cells(text) for text, _ in line)


def padded(line: Line, width: int, style: str = "text") -> Line:
    """``line`` in exactly ``width`` cells: cut at the end or padded with ``style``."""
    taken = width_of(line)
    if taken == width:
        return line
    if taken < width:
        return (*line, (" " * (width - taken), style))
    kept: list[Cell] = []
    room = width
    for text, name in line:
        size = cells(text)
        if size >= room:
            kept.append((fit(text, room) if size > room else text, name))
            break
        kept.append((text, name))
        room -= size
    return tuple(kept)


def spread(left: Line, right: Line, width: int, style: str = "text") -> Line:
    """``left`` at the left edge and ``right`` at the right one; ``left`` gives way."""
    right_width = width_of(right)
    if right_width >= width:
        return padded(right, width, style)
    return (*padded(left, width - right_width, style), *right)


def fill(lines: list[Line], height: int) -> list[Line]:
    """Exactly ``height`` rows."""
    return lines[:height] + [BLANK] * (height - len(lines))
