"""The one screen: every pane mounted once, placed by the plan of the terminal's size."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from textual.app import ComposeResult
from textual.geometry import NULL_OFFSET, Region, Size, Spacing
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.screen import Screen
from textual.widget import Widget

from cockpit.ui.layout import Plan
from cockpit.ui.lines import Line
from cockpit.ui.theme import Theme
from cockpit.ui.widgets import bars, heat, ladder_dom, ladder_scalp, overlays, panels, positions, signals
from cockpit.ui.widgets.look import Look
from cockpit.ui.widgets.pane import Builder, Pane

PaneBuilder = Callable[[Look, int, int], list[Line]]

BUILDERS: dict[str, PaneBuilder] = {
    "header": bars.header,
    "alert": bars.alert,
    "keys": bars.keys,
    "frame": bars.frame,
    "placard": bars.placard,
    "too_small": bars.too_small,
    "log_line": panels.log_line,
    "signals": signals.draw,
    "positions": positions.draw,
    "walls": panels.walls,
    "wall_map": panels.wall_map,
    "heat": heat.draw,
    "orders": panels.orders,
    "risk": panels.risk,
    "flow": panels.flow,
    "tape": panels.tape,
    "links": panels.links,
    "tasks": panels.tasks,
    "log": panels.log,
    "watch": panels.watch,
}
"""Panes other than ladders and overlay."""

COPIES = {"ladder": 4, "frame": 21}
"""How many of a kind a plan may ask for, counted by index."""

LookOf = Callable[[str], Look]
"""What to draw from, for a symbol ("" for the chosen one)."""


class _Planned(Layout):
    """Places panes where the plan says; panes without a place are not shown."""

    name = "planned"

    def __init__(self, screen: CockpitScreen) -> None:
        self._screen = screen

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        """Textual's question for the places of ``children``."""
        del parent, greedy
        placements = []
        for child in children:
            region = self._screen.region_of(child, size)
            if region is not None:
                placements.append(WidgetPlacement(region, NULL_OFFSET, Spacing(), child, 0, True))
        return placements


class CockpitScreen(Screen[None]):
    """All panes of the cockpit.

    Args:
        look_of: what to draw from.
        theme: looks.
        plan: places for the first size.
    """

    DEFAULT_CSS = """
    CockpitScreen { layers: base overlay; overflow: hidden; }
    #overlay { layer: overlay; }
    """

    def __init__(self, look_of: LookOf, theme: Theme, plan: Plan) -> None:
        super().__init__()
        self._look_of = look_of
        self._looks = theme
        self._plan = plan
        self._symbols: tuple[str, ...] = ()
        self._panes: dict[tuple[str, int], Pane] = {}
        self._overlay_lines: list[Line] = []
        self._planned = _Planned(self)

    @property
    def layout(self) -> Layout:
        """Panes stand where the plan says."""
        return self._planned

    def compose(self) -> ComposeResult:
        """Every pane once; later only their rows change."""
        for name in (*BUILDERS, "ladder"):
            for index in range(COPIES.get(name, 1)):
                pane = Pane(self._builder(name, index), self._looks)
                self._panes[name, index] = pane
                yield pane
        overlay = Pane(lambda _width, _height: self._overlay_lines, self._looks)
        overlay.id = "overlay"
        self._panes["overlay", 0] = overlay
        yield overlay

    def region_of(self, child: Widget, size: Size) -> Region | None:
        """Place of a pane, None where it has none."""
        if child.id == "overlay":
            return self._overlay_region(size)
        slot = next((slot for slot in self._plan.slots if self._panes.get((slot.pane, slot.index)) is child), None)
        return None if slot is None else Region(slot.x, slot.y, slot.width, slot.height)

    def show(self, plan: Plan, symbols: tuple[str, ...]) -> None:
        """Use another plan or other ladder symbols from the next frame on."""
        self._symbols = symbols
        if plan != self._plan:
            self._plan = plan
            self._lay_out_again()

    def retheme(self, theme: Theme) -> None:
        """Other looks for every pane."""
        self._looks = theme
        for pane in self._panes.values():
            pane.retheme(theme)

    def draw(self) -> int:
        """Build every placed pane anew and redraw the rows that differ; how many did."""
        self._draw_overlay()
        return sum(pane.draw() for pane in self._placed())

    def _lay_out_again(self) -> None:
        """A child's wish for a layout is what makes Textual forget the old places."""
        if self._panes:
            self._panes["header", 0].refresh(layout=True)

    def _placed(self) -> Iterable[Pane]:
        for slot in self._plan.slots:
            yield self._panes[slot.pane, slot.index]
        if self._overlay_lines:
            yield self._panes["overlay", 0]

    def _draw_overlay(self) -> None:
        lines = overlays.draw(self._look_of(""), self.size.width, self.size.height)
        if len(lines) != len(self._overlay_lines):
            self._lay_out_again()
            for pane in self._panes.values():
                pane.uncovered()
        self._overlay_lines = lines

    def _overlay_region(self, size: Size) -> Region | None:
        if not self._overlay_lines:
            return None
        width = min(size.width, sum(len(text) for text, _ in self._overlay_lines[0]))
        height = min(size.height, len(self._overlay_lines))
        return Region((size.width - width) // 2, (size.height - height) // 2, width, height)

    def _builder(self, name: str, index: int) -> Builder:
        if name != "ladder":
            build: PaneBuilder = BUILDERS[name]

            def pane(width: int, height: int) -> list[Line]:
                return build(self._look_of(""), width, height)

            return pane

        def ladder(width: int, height: int) -> list[Line]:
            symbol = self._symbols[index] if index < len(self._symbols) else ""
            draw = ladder_dom.draw if self._plan.ladder_style == "dom" else ladder_scalp.draw
            return draw(self._look_of(symbol), width, height)

        return ladder
