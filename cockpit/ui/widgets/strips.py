"""Rows as the terminal gets them: strips without reference cycles, and only the cells of a row that changed.

Measured reasons: Textual's own strips refer to themselves, and collecting them costs pauses of a tenth of a second; and
it sends a changed row from the start of its widget, which on a ladder is several times what changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from cockpit.ui.lines import Line
from cockpit.ui.safe import cells
from cockpit.ui.theme import Theme


class LeanStrip(Strip):
    """A strip that keeps no reference to itself and knows which of its cells the terminal does not have yet.

    Textual's compositor asks ``render`` for a whole row and ``crop`` followed by ``render`` for a part of one, from the
    row's start; the part then begins with a step over the cells that the terminal has already.
    """

    __slots__ = ["changed_from", "changed_to", "is_sent"]

    def __init__(self, segments: Iterable[Segment], cell_length: int) -> None:
        super().__init__(segments, cell_length)
        self.changed_from = 0
        self.changed_to = cell_length
        self.is_sent = False

    def divide(self, cuts: Iterable[int]) -> Sequence[Strip]:
        """The whole strip where it is not really cut (the usual case), else the parts; never remembered."""
        kept = [cut for cut in cuts if cut <= self.cell_length]
        if kept == [self.cell_length]:
            return [self]
        parts, start = [], 0
        for segments, end in zip(Segment.divide(self._segments, kept), kept, strict=False):
            parts.append(LeanStrip(segments, end - start))
            start = end
        return parts

    def crop(self, start: int, end: int | None = None) -> Strip:
        """Cells ``start`` to ``end``; from the start, without those that the terminal has."""
        last = self.cell_length if end is None else min(end, self.cell_length)
        if start == 0 and not self.is_sent and 0 < self.changed_from < last:
            return _Tail(self, last)
        return super().crop(start, end)

    def render(self, console: Console) -> str:
        """The terminal's sequences: each style as its difference to the one before."""
        self.is_sent = True
        if self._render_cache is None:
            self._render_cache = _sequences(self._segments, console._color_system or ColorSystem.TRUECOLOR)
        return self._render_cache

    def part(self, start: int, end: int) -> Strip:
        """Plain cells ``start`` to ``end``, whatever the terminal has."""
        return super().crop(start, end)

    def follow(self, old: LeanStrip, changed: tuple[int, int]) -> tuple[int, int]:
        """Take the place of ``old``, from which the cells ``changed`` differ; the cells that must be sent."""
        first, last = changed
        if not old.is_sent:
            first, last = min(first, old.changed_from), max(last, old.changed_to)
        self.changed_from, self.changed_to = first, last
        return first, last

    def forget_sent(self) -> None:
        """Something else has been on these cells: next time all of them must be sent."""
        self.changed_from, self.changed_to, self.is_sent = 0, self.cell_length, False


class _Tail(Strip):
    """The changed end of a row."""

    def __init__(self, row: LeanStrip, end: int) -> None:
        super().__init__(row.part(row.changed_from, end), end - row.changed_from)
        self._row = row
        self._skip = row.changed_from

    def render(self, console: Console) -> str:
        """A step over what is there already, then the changed cells."""
        self._row.is_sent = True
        sequences = _sequences(self._segments, console._color_system or ColorSystem.TRUECOLOR)
        return f"\x1b[{self._skip}C{sequences}"


def strip_of(line: Line, width: int, theme: Theme) -> LeanStrip:
    """A row as the terminal gets it. ``line`` is safe and ``width`` cells wide already."""
    return LeanStrip([Segment(text, theme.style(style)) for text, style in line if text], width)


def changed_cells(old: Line, new: Line, width: int) -> tuple[int, int]:
    """(first, one past last) cell in which two rows of equal width differ, counted in whole pieces of the row."""
    front = 0
    for before, after in zip(old, new, strict=False):
        if before != after:
            break
        front += cells(after[0])
    back = 0
    for before, after in zip(reversed(old), reversed(new), strict=False):
        if before != after or front + back + cells(after[0]) > width:
            break
        back += cells(after[0])
    return front, max(front, width - back)


def _sequences(segments: Iterable[Segment], color_system: ColorSystem) -> str:
    parts: list[str] = []
    now: tuple[int, tuple[str, ...], tuple[str, ...]] = (0, (), ())
    for text, style, _ in segments:
        wanted = _codes(style, color_system) if style is not None else (0, (), ())
        if wanted != now:
            parts.append(_change(now, wanted))
            now = wanted
        parts.append(text)
    if now != (0, (), ()):
        parts.append("\x1b[0m")
    return "".join(parts)


Codes = tuple[int, tuple[str, ...], tuple[str, ...]]
_CODES: dict[tuple[Style, ColorSystem], Codes] = {}


def _codes(style: Style, color_system: ColorSystem) -> Codes:
    """(attributes, foreground codes, background codes) of a style; styles are few, so they are all remembered."""
    known = _CODES.get((style, color_system))
    if known is None:
        color, ground = style.color, style.bgcolor
        known = (
            style._attributes & style._set_attributes,
            tuple(color.downgrade(color_system).get_ansi_codes()) if color is not None else (),
            tuple(ground.downgrade(color_system).get_ansi_codes(foreground=False)) if ground is not None else (),
        )
        _CODES[style, color_system] = known
    return known


_ATTRIBUTE_CODES = {0: "1", 1: "2", 2: "3", 3: "4", 4: "5", 6: "7", 8: "9"}


def _change(now: Codes, wanted: Codes) -> str:
    """The shortest plain SGR sequence from one look to another."""
    must_reset = now[0] & ~wanted[0] or (now[1] and not wanted[1]) or (now[2] and not wanted[2])
    codes = ["0"] if must_reset else []
    base: Codes = (0, (), ()) if must_reset else now
    codes += [code for bit, code in _ATTRIBUTE_CODES.items() if wanted[0] & ~base[0] & (1 << bit)]
    if wanted[1] != base[1]:
        codes += wanted[1]
    if wanted[2] != base[2]:
        codes += wanted[2]
    return f"\x1b[{';'.join(codes)}m"
