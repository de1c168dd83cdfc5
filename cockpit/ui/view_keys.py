"""Keys that change only the screen: selection, symbol, ladder, pages, units, overlays. Pure reducers."""

from __future__ import annotations

from cockpit.ui.axis import coarser, finer, scrolled
from cockpit.ui.format import PriceScale
from cockpit.ui.store import Store, UiState, moved, next_symbol, say
from cockpit.ui.widgets.positions import UNITS
from cockpit.views import texts

COLUMNS = ("traded", "cumulative", "off")
LAYOUTS = ("auto", "one")
SCROLL_ROWS = 5
SHORT_S = 2.0
WALLS_PAGE = "WALLS"
PAGE_KEYS = ("pane.next", "view.walls")


def act(action: str, state: UiState, store: Store, now: float) -> UiState:
    """The state after a view key."""
    match action:
        case "queue.next":
            return moved(state, store, 1, now)
        case "queue.prev":
            return moved(state, store, -1, now)
        case "symbol.next" | "symbol.prev":
            return next_symbol(state.but(armed=None), 1 if action == "symbol.next" else -1)
        case "app.detach":
            return state.but(overlay="leave", armed=None)
        case "help" | "gates":
            return state.but(overlay=action)
        case "command":
            return state.but(overlay="command", typed="", armed=None, note=None)
    return _ladder(action, state, store, now) or _choice(action, state, now)


def _ladder(action: str, state: UiState, store: Store, now: float) -> UiState | None:
    axis = state.axes.get(state.symbol)
    match action:
        case "ladder.centre":
            return state.but(axes={name: kept for name, kept in state.axes.items() if name != state.symbol})
        case "ladder.up" | "ladder.down" if axis is not None:
            rows = SCROLL_ROWS if action == "ladder.up" else -SCROLL_ROWS
            return state.but(axes={**state.axes, state.symbol: scrolled(axis, rows)})
        case "ladder.coarser" | "ladder.finer" if state.symbol in state.groups:
            change = coarser if action == "ladder.coarser" else finer
            group = change(state.groups[state.symbol])
            book = store.book(state.symbol)
            step = PriceScale(book.tick_size, group).step if book is not None else ""
            state = state.but(groups={**state.groups, state.symbol: group})
            return say(state, texts.GROUP_IS.format(group=group, step=step), now, "alert_info", SHORT_S)
    return None


def _choice(action: str, state: UiState, now: float) -> UiState:
    match action:
        case "view.column":
            column = (state.column + 1) % len(COLUMNS)
            words = texts.COLUMN_IS.format(name=COLUMNS[column])
            return say(state.but(column=column), words, now, "alert_info", SHORT_S)
        case "view.unit":
            unit = (state.unit + 1) % len(UNITS)
            return say(state.but(unit=unit), texts.UNIT_IS.format(name=UNITS[unit]), now, "alert_info", SHORT_S)
        case "layout":
            layout = "auto" if state.layout == "one" else "one"
            return say(state.but(layout=layout), texts.LAYOUT_IS.format(name=layout), now, "alert_info", SHORT_S)
        case "mute":
            words = texts.MUTE_OFF if state.is_muted else texts.MUTE_ON
            return say(state.but(is_muted=not state.is_muted), words, now, "alert_info", SHORT_S)
    return state


def turn(action: str, state: UiState, pages: tuple[str, ...], now: float) -> UiState:
    """The state after a page key, on a screen whose panel has ``pages``."""
    if not pages:
        return say(state, texts.NO_PAGES, now, "alert_info")
    shown = texts.PAGES[state.page]
    if action == "view.walls":
        page = pages[0] if shown == WALLS_PAGE else WALLS_PAGE
    else:
        page = pages[(pages.index(shown) + 1) % len(pages) if shown in pages else 1]
    words = texts.PAGE_IS.format(name=page, pages=" ".join(pages))
    return say(state.but(page=texts.PAGES.index(page)), words, now, "alert_info", SHORT_S)
