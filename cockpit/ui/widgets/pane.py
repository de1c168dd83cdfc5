"""The one widget that puts rows on the terminal: cached strips, and a redraw of changed cells only."""

from __future__ import annotations

from collections.abc import Callable

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from cockpit.ui.lines import BLANK, Line, cleaned, padded
from cockpit.ui.theme import Theme
from cockpit.ui.widgets.strips import LeanStrip, changed_cells, strip_of

Builder = Callable[[int, int], list[Line]]
"""Rows for a width and a height in cells."""


class Pane(Widget):
    """Rows made by a builder, shown without borders or padding."""

    DEFAULT_CSS = "Pane { width: auto; height: auto; }"

    def __init__(self, build: Builder, theme: Theme) -> None:
        super().__init__()
        self._build = build
        self._theme = theme
        self._built: list[Line] = []
        """Rows as the builder made them: most are the same in the next frame, and that is all that is asked of them."""
        self._lines: list[Line] = []
        """The same rows, safe and in full width."""
        self._strips: list[LeanStrip] = []
        self._width = 0

    def retheme(self, theme: Theme) -> None:
        """Use other looks from now on."""
        self._theme = theme
        self._strips = []
        self.refresh()

    def uncovered(self) -> None:
        """Something stood over the pane: do not count on what the terminal has."""
        for strip in self._strips:
            strip.forget_sent()

    def draw(self) -> int:
        """Build the rows and redraw the cells that differ; how many rows did."""
        width, height = self.outer_size  # the same as ``size`` without border and padding, and much cheaper to ask
        if not width or not height:
            return 0
        if width != self._width or len(self._strips) != height:
            self._rebuild(width, height)
            self.refresh()
            return height
        built = self._rows(width, height)
        regions = [self._replace(y, line) for y, line in enumerate(built) if line != self._built[y]]
        self._built = built
        if regions:
            self.refresh(*regions)
        return len(regions)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The cached strips of the wanted rows."""
        width, height = self.outer_size
        if width != self._width or len(self._strips) != height:
            self._rebuild(width, height)
        strips: list[LeanStrip] = self._strips[crop.y : crop.bottom]
        strips += [strip_of(padded(BLANK, self._width), self._width, self._theme)] * (crop.height - len(strips))
        if crop.x == 0 and crop.width == self._width:
            return list(strips)
        return [strip.part(crop.x, crop.right) for strip in strips]

    def _rows(self, width: int, height: int) -> list[Line]:
        lines = self._build(width, height)
        return lines[:height] + [BLANK] * (height - len(lines))

    def _rebuild(self, width: int, height: int) -> None:
        self._width = width
        self._built = self._rows(width, height)
        self._lines = [padded(cleaned(line), width) for line in self._built]
        self._strips = [strip_of(line, width, self._theme) for line in self._lines]

    def _replace(self, y: int, line: Line) -> Region:
        """Put another row in place; the region that must be sent."""
        line = padded(cleaned(line), self._width)
        strip = strip_of(line, self._width, self._theme)
        first, last = strip.follow(self._strips[y], changed_cells(self._lines[y], line, self._width))
        self._lines[y] = line
        self._strips[y] = strip
        return Region(first, y, last - first, 1)
