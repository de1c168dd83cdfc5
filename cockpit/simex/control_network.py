"""Control verbs of the line between clients and the exchange as a whole. Loopback only, unsigned."""

from __future__ import annotations

from typing import Any

from cockpit.simex.exchange import Exchange
from cockpit.simex.faults import RequestFault, SocketFault

FOR_EVER_S = 86_400.0
"""Longer than anybody waits; a request that is held back so long is too old to be obeyed (recv_window)."""
NO_TOPIC = "\0"
"""A text that no topic holds: faults of it hit answers to requests alone."""
DIRECTIONS = ("in", "out", "both")


class Line:
    """The verbs of one exchange; each takes the fields of a control request."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def part(self, params: dict[str, Any]) -> dict[str, Any]:
        """``net/part``: nothing passes in one ``direction`` until ``heal``; no connection breaks, nobody is told.

        ``in``: what clients send does not arrive, pushes go on. ``out``: requests are carried out, nothing comes back.
        ``both``: neither.
        """
        direction = params["direction"]
        if direction not in DIRECTIONS:
            raise ValueError(f"direction is none of {', '.join(DIRECTIONS)}")
        arrives = direction == "out"
        topic = NO_TOPIC if direction == "in" else ""
        for faults in (self._exchange.rest_faults, self._exchange.trade_faults):
            faults.add("*", RequestFault(count=-1, late_s=0.0 if arrives else FOR_EVER_S, delay_s=FOR_EVER_S))
        for channel in self._exchange.hubs:
            self._exchange.socket_faults.set(channel, SocketFault(is_silent=True, passes_pong=False, topic=topic))
        return {}
