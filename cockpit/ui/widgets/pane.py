"""The one widget that puts rows on the terminal: its own cached strips, and a redraw of changed rows only.

Measured reasons: Textual's stock path re-wraps each line in a fresh strip and loses its rendered text, and its
strips are reference cycles; both cost more than everything else that a frame does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from cockpit.ui.lines import BLANK, Line, padded
from cockpit.ui.safe import safe
from cockpit.ui.theme import Theme

Builder = Callable[[int, int], list[Line]]
"""Rows for a width and a height in cells."""


class LeanStrip(Strip):
    """A strip that keeps no reference to itself and writes only what changes between neighbouring cells."""

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

    def render(self, console: Console) -> str:
        """The terminal's sequences: each style as its difference to the one before."""
        if self._render_cache is None:
            self._render_cache = _sequences(self._segments, console._color_system or ColorSystem.TRUECOLOR)
        return self._render_cache


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


def strip_of(line: Line, width: int, theme: Theme) -> LeanStrip:
    """A row as the terminal gets it. Every text passes ``safe`` here, whoever made it."""
    cells = padded(line, width)
    return LeanStrip([Segment(safe(text, 1000), theme.style(style)) for text, style in cells if text], width)


class Pane(Widget):
    """Rows made by a builder, shown without borders or padding."""

    DEFAULT_CSS = "Pane { width: auto; height: auto; }"

    def __init__(self, build: Builder, theme: Theme) -> None:
        super().__init__()
        self._build = build
        self._theme = theme
        self._lines: list[Line] = []
        self._strips: list[LeanStrip] = []
        self._width = 0

    def retheme(self, theme: Theme) -> None:
        """Use other looks from now on."""
        self._theme = theme
        self._strips = []
        self._lines = []
        self.draw()

    def draw(self) -> int:
        """Build the rows and redraw those that differ; how many did."""
        width, height = self.size
        if not width or not height:
            return 0
        if width != self._width or len(self._strips) != height:
            self._rebuild(width, height)
            self.refresh()
            return height
        lines = self._built(width, height)
        changed = [y for y, line in enumerate(lines) if line != self._lines[y]]
        for y in changed:
            self._strips[y] = strip_of(lines[y], width, self._theme)
        self._lines = lines
        if changed:
            self.refresh(*(Region(0, y, width, 1) for y in changed))
        return len(changed)

    def _built(self, width: int, height: int) -> list[Line]:
        lines = self._build(width, height)
        return lines[:height] + [BLANK] * (height - len(lines))

    def _rebuild(self, width: int, height: int) -> None:
        self._width = width
        self._lines = self._built(width, height)
        self._strips = [strip_of(line, width, self._theme) for line in self._lines]

    def render_lines(self, crop: Region) -> list[Strip]:
        """The cached strips of the wanted rows."""
        if self.size.width != self._width or len(self._strips) != self.size.height:
            self._rebuild(*self.size)
        strips = self._strips[crop.y : crop.bottom]
        missing = crop.height - len(strips)
        if missing > 0:
            strips = strips + [strip_of(BLANK, crop.width, self._theme)] * missing
        if crop.x == 0 and crop.width == self._width:
            return list(strips)
        return [strip.crop(crop.x, crop.right) for strip in strips]
