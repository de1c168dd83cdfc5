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
        case "pane.next":
            return to_page(state, (state.page + 1) % len(texts.PAGES))
        case "view.walls":
            return to_page(state, 0 if state.page == 1 else 1)
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


def to_page(state: UiState, page: int) -> UiState:
    """Another page of the panel."""
    return state.but(page=page)
