"""What the engine said last, what of it stands on screen, and what only the screen knows. Reducers are pure.

Views arrive at any time; ``commit`` moves the newest to the screen once a frame. Commands are decided on what was
*shown*, never on what merely arrived, so that nobody approves what he could not see.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from cockpit.domain.commands import Command
from cockpit.ui.axis import Axis
from cockpit.views.frames import Role, ViewFrame
from cockpit.views.model import (
    BookView,
    ClosedRow,
    FlattenView,
    FlowView,
    GatesView,
    GateView,
    HeaderView,
    HealthView,
    LogView,
    OrdersView,
    PositionRow,
    PositionsView,
    RiskView,
    SignalRow,
    SignalsView,
    View,
    WallsView,
    WatchlistView,
)

V = TypeVar("V", bound=View)

SIGNAL, POSITION = "signal", "position"

SILENCE_S = 2.0
"""An engine that says nothing for longer than this may hang: its prices are not to be believed."""

FLAT_SHOWN_S = 15.0
"""How long a flatten's acknowledgements stay after everything is flat."""


class Store:
    """The views of one attachment."""

    def __init__(self) -> None:
        self._arrived: dict[str, tuple[View, float]] = {}
        self._shown: dict[str, tuple[View, float]] = {}
        self._first_seen: dict[tuple[str, str], float] = {}
        self.last_news: float | None = None
        """Monotonic seconds of the last word from the engine."""
        self.role: Role | None = None

    def receive(self, frame: ViewFrame, now: float) -> None:
        """Keep a view until the next frame is drawn."""
        self._arrived[frame.section] = (frame.view, now)
        self.last_news = now

    def commit(self, now: float, *, are_cards_shown: bool = True) -> None:
        """Show what arrived.

        Args:
            now: monotonic s.
            are_cards_shown: whether the queue is on screen at all; a card that is not cannot have been read.
        """
        self._shown.update(self._arrived)
        self._arrived.clear()
        cards = {(row.signal_id, row.content_hash) for row in self.signals.rows} if are_cards_shown else set()
        self._first_seen = {card: self._first_seen.get(card, now) for card in cards}

    def seen_for(self, row: SignalRow, now: float) -> float:
        """Seconds that a card with just this content has been on screen."""
        return now - self._first_seen.get((row.signal_id, row.content_hash), now)

    def age_of(self, section: str, now: float) -> float:
        """Seconds since the shown view of a section arrived."""
        held = self._shown.get(section)
        return 0.0 if held is None else now - held[1]

    def silence(self, now: float) -> float:
        """Seconds since the engine last said anything."""
        return 0.0 if self.last_news is None else now - self.last_news

    @property
    def is_controller(self) -> bool:
        """True unless the engine said that another screen commands."""
        return self.role is None or self.role.is_controller

    @property
    def header(self) -> HeaderView | None:
        """None until the engine has sent one."""
        return self._view("header", HeaderView)

    @property
    def signals(self) -> SignalsView:
        """The queue."""
        return self._view("signals", SignalsView) or SignalsView()

    @property
    def positions(self) -> PositionsView:
        """Open positions."""
        return self._view("positions", PositionsView) or PositionsView()

    @property
    def closed(self) -> list[ClosedRow] | None:
        """The trades that ended last, newest first; None until the engine has told of positions."""
        view = self._view("positions", PositionsView)
        return None if view is None else view.closed

    @property
    def orders(self) -> OrdersView:
        """Open orders."""
        return self._view("orders", OrdersView) or OrdersView()

    @property
    def walls(self) -> WallsView:
        """Walls of all symbols."""
        return self._view("walls", WallsView) or WallsView()

    @property
    def watchlist(self) -> WatchlistView:
        """All symbols."""
        return self._view("watchlist", WatchlistView) or WatchlistView()

    @property
    def risk(self) -> RiskView:
        """Limits and room."""
        return self._view("risk", RiskView) or RiskView()

    @property
    def health(self) -> HealthView:
        """Tasks and links."""
        return self._view("health", HealthView) or HealthView()

    @property
    def flatten(self) -> FlattenView:
        """The emergency flatten."""
        return self._view("flatten", FlattenView) or FlattenView()

    @property
    def log(self) -> LogView:
        """The engine's story."""
        return self._view("log", LogView) or LogView()

    def book(self, symbol: str) -> BookView | None:
        """Book of a watched symbol, None before it came."""
        return self._view(f"book:{symbol}", BookView)

    def gates(self, symbol: str) -> list[GateView]:
        """Entry gates of a watched symbol."""
        view = self._view(f"gates:{symbol}", GatesView)
        return [] if view is None else view.gates

    def flow(self, symbol: str) -> FlowView | None:
        """Flow of a watched symbol, None before it came."""
        return self._view(f"flow:{symbol}", FlowView)

    def _view(self, section: str, kind: type[V]) -> V | None:
        held = self._shown.get(section)
        return held[0] if held is not None and isinstance(held[0], kind) else None


class Armed(msgspec.Struct, frozen=True):
    """An action that waits for the confirming key."""

    words: str
    command: Command
    seen: str
    since: float
    until: float
    signal_id: str = ""


class Note(msgspec.Struct, frozen=True):
    """What the alert line says."""

    text: str
    style: str
    until: float


class BarScale(msgspec.Struct, frozen=True):
    """The row size at which a ladder's bar is full, held for a while so that bars do not flicker."""

    group: int
    full: float
    since: float


class UiState(msgspec.Struct, frozen=True, kw_only=True):
    """What only the screen knows."""

    symbol: str = ""
    symbols: tuple[str, ...] = ()
    cursor: str = SIGNAL
    """On which list j and k stand: signal or position."""
    signal_id: str = ""
    signal_since: float = 0.0
    """Since when this signal is the selected one, monotonic s."""
    position: str = ""
    """Symbol of the position the operator moved to, "" while none was chosen."""
    page: int = 0
    unit: int = 0
    column: int = 0
    layout: str = "auto"
    is_muted: bool = False
    overlay: str = ""
    """"", help, gates, leave, command, auto or gone."""
    typed: str = ""
    armed: Armed | None = None
    note: Note | None = None
    sent: frozenset[str] = frozenset()
    """Signals whose approval is under way."""
    groups: dict[str, int] = {}
    axes: dict[str, Axis] = {}
    bars: dict[str, BarScale] = {}
    gone: str = ""
    """The last word of an engine that is gone."""
    gone_until: float | None = None
    """When the screen then ends by itself, monotonic s; None while it waits for the operator."""
    is_flatten_sent: bool = False
    was_flattening: bool = False
    """This screen saw the flatten run; its acknowledgements stay a while after."""
    flat_since: float | None = None

    def but(self, **changes: object) -> UiState:
        """This state with some fields changed."""
        return msgspec.structs.replace(self, **changes)


def say(state: UiState, text: str, now: float, style: str = "alert_warn", seconds: float = 6.0) -> UiState:
    """Show a text on the alert line for a while."""
    return state.but(note=Note(text, style, now + seconds))


def settle(state: UiState, store: Store, now: float) -> UiState:
    """The state made to fit what is shown now: selection by id, notes that end, symbols that exist."""
    header = store.header
    if header is not None and tuple(header.symbols) != state.symbols:
        symbols = tuple(header.symbols)
        symbol = state.symbol if state.symbol in symbols else (symbols[0] if symbols else "")
        state = state.but(symbols=symbols, symbol=symbol)
    if state.note is not None and now >= state.note.until:
        state = state.but(note=None)
    ids = [row.signal_id for row in store.signals.rows]
    if state.signal_id not in ids and (ids or state.signal_id):
        state = state.but(signal_id=ids[0] if ids else "", signal_since=now)
    if state.sent - set(ids):
        state = state.but(sent=state.sent & set(ids))
    state = _settle_flatten(state, store.flatten.state, now)
    if state.position and all(row.symbol != state.position for row in store.positions.rows):
        state = state.but(position="", cursor=SIGNAL)
    return state


def _settle_flatten(state: UiState, word: str, now: float) -> UiState:
    if state.is_flatten_sent and word in {"running", "dust", "flat"}:
        state = state.but(is_flatten_sent=False)
    if word in {"running", "dust"} and (not state.was_flattening or state.flat_since is not None):
        return state.but(was_flattening=True, flat_since=None)
    if word == "flat" and state.was_flattening and state.flat_since is None:
        return state.but(flat_since=now)
    return state


def is_flatten_shown(state: UiState, store: Store, now: float) -> bool:
    """Whether the flatten's list covers the queue: while it runs, and for a while (or until dismissed) after."""
    if store.flatten.is_running:
        return True
    return store.flatten.state == "flat" and state.flat_since is not None and now - state.flat_since < FLAT_SHOWN_S


def selected_signal(state: UiState, store: Store) -> SignalRow | None:
    """The card that approve, reject and snooze act on."""
    return next((row for row in store.signals.rows if row.signal_id == state.signal_id), None)


def marked_position(state: UiState, store: Store) -> PositionRow | None:
    """The position that close, half and breakeven act on: the chosen one, else the shown symbol's, else the first."""
    rows = store.positions.rows
    for wanted in (state.position, state.symbol):
        found = next((row for row in rows if row.symbol == wanted), None)
        if found is not None:
            return found
    return rows[0] if rows else None


def moved(state: UiState, store: Store, step: int, now: float) -> UiState:
    """The cursor one item on (+1) or back (-1) through signals, then positions."""
    items = [(SIGNAL, row.signal_id) for row in store.signals.rows]
    items += [(POSITION, row.symbol) for row in store.positions.rows]
    if not items:
        return state
    marked = marked_position(state, store)
    here = (SIGNAL, state.signal_id) if state.cursor == SIGNAL else (POSITION, marked.symbol if marked else "")
    index = items.index(here) + step if here in items else 0
    kind, name = items[max(0, min(len(items) - 1, index))]
    if kind == POSITION:
        return state.but(cursor=POSITION, position=name)
    since = state.signal_since if name == state.signal_id else now
    return state.but(cursor=SIGNAL, signal_id=name, signal_since=since)


def next_symbol(state: UiState, step: int) -> UiState:
    """The neighbouring symbol of the list, round the ends; its ladder centres anew."""
    if not state.symbols:
        return state
    index = state.symbols.index(state.symbol) if state.symbol in state.symbols else 0
    return with_symbol(state, state.symbols[(index + step) % len(state.symbols)])


def with_symbol(state: UiState, symbol: str) -> UiState:
    """Show another symbol; its ladder centres anew."""
    axes = {name: axis for name, axis in state.axes.items() if name != symbol}
    return state.but(symbol=symbol, axes=axes)


def watched(state: UiState, ladders: int) -> tuple[str, ...]:
    """The symbols whose books are on screen: the shown one, in a window of its neighbours."""
    if not state.symbols:
        return ()
    count = max(1, min(ladders, len(state.symbols), 4))
    index = state.symbols.index(state.symbol) if state.symbol in state.symbols else 0
    start = min(index // count * count, len(state.symbols) - count)
    return state.symbols[start : start + count]
