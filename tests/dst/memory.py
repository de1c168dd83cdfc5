"""What an engine remembers, to hold it against what the next one takes up: nothing may live in memory alone."""

from __future__ import annotations

from collections.abc import Container

from cockpit.engine.core import TradingCore
from cockpit.engine.journal_writer import JournalWriter
from cockpit.engine.locks import OPERATOR_CLEARS
from cockpit.engine.trades import trade_id_of
from tests.dst.oracle import OWN

STOP, WISH = "stop of ", "wish to close "
"""An engine may know more than its predecessor: a start goes on with a flatten at once."""
Memory = dict[str, str]


def is_all_written(writer: JournalWriter) -> bool:
    """True if nothing that the engine has told waits for the disk."""
    return not (writer._rows or writer._is_writing or writer._flags)


def memory_of(core: TradingCore, intents: Container[str], *, is_new: bool) -> Memory:
    """Positions, orders whose end is not known, and durable locks, each in words that can be compared.

    Args:
        core: an engine.
        intents: the orders on disk. While it cannot be written closes leave without being there.
        is_new: it has just started, and may have made orders in its first step already: they are left out.
    """
    state = core.state
    found: Memory = {}
    for symbol, held in state.positions.open.items():
        size, money = f"{held.side} {held.fills.qty.normalize():f}", f"{held.gross:.8f} - {held.fees:.8f}"
        found[symbol] = f"{trade_id_of(held)}: {size}, {money}"
        if held.exit_wanted:
            found[f"{WISH}{symbol}"] = "wanted"
        # Of a move that may have arrived the journal keeps the better stop, and the engine what it has seen.
        is_sure = held.stop_request is None or held.stop_request[0] == held.stop_wanted
        if not held.is_foreign and is_sure:
            found[f"{STOP}{symbol}"] = str(held.stop_wanted)
    for order in (*state.orders.in_flight(), *(order for order in state.orders.open_orders() if order.is_own)):
        is_of_before = not order.client_id.startswith(f"{OWN}{state.settings.epoch}-")
        if order.client_id in intents and (is_of_before or not is_new):
            found[order.client_id] = "not ended"
    for lock in state.locks:
        if lock in OPERATOR_CLEARS:
            found[lock] = "locked"
    found["flatten"] = str(core.flatten.flatten.is_running)
    found["approval"] = state.approval.value
    return found


def difference(before: Memory, after: Memory) -> str:
    """What the next engine does not hold as the killed one did, "" if nothing."""
    names = sorted(before.keys() | {name for name in after if not name.startswith((STOP, WISH))})
    lost = [f"{n}: {before.get(n)} -> {after.get(n)}" for n in names if before.get(n) != after.get(n)]
    return "; ".join(lost)
