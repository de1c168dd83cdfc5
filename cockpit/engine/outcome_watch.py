"""Orders whose outcome stays unknown: told when it lasts, and again when it is known (reliability.md P5). Pure."""

from __future__ import annotations

from cockpit.domain.enums import Severity
from cockpit.domain.time import NS_PER_S
from cockpit.engine import locks
from cockpit.engine.state import EngineState, Outbox

ALARM_NS = 15 * NS_PER_S


class OutcomeWatch:
    """Counts how long outcomes have been unknown."""

    def __init__(self, state: EngineState) -> None:
        self.state = state
        self._since_ns: dict[str, int] = {}
        self._told: set[str] = set()

    def on_tick(self, out: Outbox) -> None:
        """Once a second: alarm once for each order, and tell its end."""
        unknown = {order.client_id: order for order in self.state.orders.unknown()}
        for client_id in sorted(self._since_ns.keys() - unknown.keys()):
            since_ns = self._since_ns.pop(client_id)
            if client_id in self._told:
                self._told.discard(client_id)
                self._tell_end(client_id, since_ns, out)
        for client_id, order in unknown.items():
            since_ns = self._since_ns.setdefault(client_id, self.state.now_ns)
            if client_id not in self._told and self.state.now_ns - since_ns >= ALARM_NS:
                self._told.add(client_id)
                text = f"outcome of {client_id} unknown for more than {ALARM_NS // NS_PER_S} s; it may be filled"
                self.state.locks[locks.UNKNOWN] = text
                out.note("unknown_overdue", Severity.CRITICAL, text, order.symbol)
        if not self._told:
            self.state.locks.pop(locks.UNKNOWN, None)

    def _tell_end(self, client_id: str, since_ns: int, out: Outbox) -> None:
        order = self.state.orders.get(client_id)
        word = "gone" if order is None else order.status.value
        text = f"outcome of {client_id} known after {(self.state.now_ns - since_ns) / NS_PER_S:.0f} s: {word}"
        symbol = "" if order is None else order.symbol
        out.note("unknown_resolved", Severity.WARNING, text, symbol)
