"""What is left when the engine is gone: every position it last told of, in words that stay in the shell. Pure."""

from __future__ import annotations

from cockpit.ui.store import Store
from cockpit.views import texts
from cockpit.views.model import PositionRow

SHOWN_S = 3.0
"""How long the curtain stands before the screen ends by itself."""


def positions_left(store: Store) -> tuple[str, ...]:
    """One line for each position of the last frame, with its stop as the exchange had acknowledged it."""
    return tuple(_words(row) for row in store.positions.rows)


def farewell(positions: tuple[str, ...], folder: str = "") -> str:
    """What stays in the shell under the screen; "" where nothing was open. ``folder`` as in ``Look``."""
    return "\n".join((texts.LEFT_TITLE, *positions, texts.LEFT_FLATTEN.format(folder=folder))) if positions else ""


def _words(row: PositionRow) -> str:
    stop = texts.LEFT_STOP.get(row.stop_state, texts.LEFT_NO_STOP) if row.stop else texts.LEFT_NO_STOP
    return texts.LEFT_POSITION.format(
        side=texts.LONG if row.is_long else texts.SHORT, qty=row.qty, symbol=row.symbol, entry=row.entry,
        stop=stop.format(stop=row.stop),
    )  # fmt: skip
