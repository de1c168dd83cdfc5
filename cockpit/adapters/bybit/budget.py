"""How many requests may leave, counted at the one place where they do: per route and in total. No network here.

Theory of operation. Bybit counts private requests per route over a rolling second and all requests of an address over
five (bybit-v5.md 3). Ordinary calls together keep to a share of those limits (half); what is above it belongs to
flatten alone. Ordinary calls count flatten's requests too: a running flatten makes everything else wait, never the
other way round. A refusal for its rate closes the route (or everything) to ordinary calls, longer each time; to flatten
for a second at most. Calls are counted in the worker threads and looked at in the loop: hence the lock.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping

import msgspec

from cockpit.domain.errors import VenueUnavailable
from cockpit.domain.time import NS_PER_MS, NS_PER_S

PER_SECOND: Mapping[str, int] = {
    "/v5/order/create": 10,
    "/v5/order/amend": 10,
    "/v5/order/cancel": 10,
    "/v5/order/cancel-all": 10,
    "/v5/order/realtime": 50,
    "/v5/order/history": 50,
    "/v5/execution/list": 50,
    "/v5/position/list": 50,
    "/v5/position/closed-pnl": 50,
    "/v5/position/set-leverage": 10,
    "/v5/position/trading-stop": 10,
    "/v5/account/wallet-balance": 50,
    "/v5/account/info": 50,
    "/v5/account/transaction-log": 25,
    "/v5/account/fee-rate": 5,
    "/v5/user/query-api": 10,
}
"""Published requests a second of an account without a tier; other routes have the limit of the address alone."""

WINDOW_NS = 1_200 * NS_PER_MS
"""A second and what the way may push together: what left within this time may arrive within a second."""
TOTAL = "all routes"
TOTAL_LIMIT = 600
TOTAL_WINDOW_NS = 5_200 * NS_PER_MS
_LONGEST_PAUSE_NS = 30 * NS_PER_S
_CALM_NS = 60 * NS_PER_S
_FLATTEN_PAUSE_NS = NS_PER_S


class OverBudget(VenueUnavailable):
    """The request did not leave: our own limit. ``wait_ns`` is the time after which it may."""

    def __init__(self, route: str, wait_ns: int) -> None:
        super().__init__(f"own request limit of {route} reached; nothing was sent")
        self.wait_ns = wait_ns


class Room(msgspec.Struct, frozen=True):
    """What is left of the ordinary share on the fullest route."""

    percent: float
    route: str


class _Window:
    """Requests of one route (or of all), and until when it is closed after a refusal."""

    def __init__(self, limit: int, span_ns: int) -> None:
        self.limit = limit
        self.span_ns = span_ns
        self.taken: deque[int] = deque()
        self.refused_ns = 0
        self.refusals = 0
        self.closed_until_ns = 0

    def forget(self, now_ns: int) -> None:
        while self.taken and self.taken[0] <= now_ns - self.span_ns:
            self.taken.popleft()

    def wait_ns(self, now_ns: int, share: float, *, is_flatten: bool) -> int:
        """0 if one more may leave now, else the time to wait."""
        closed_ns = self.closed_until_ns - now_ns
        if is_flatten:
            closed_ns = min(closed_ns, self.refused_ns + _FLATTEN_PAUSE_NS - now_ns)
        if closed_ns > 0:
            return closed_ns
        limit = self.limit if is_flatten else self.ordinary(share)
        if len(self.taken) < limit:
            return 0
        return self.taken[len(self.taken) - limit] + self.span_ns - now_ns

    def ordinary(self, share: float) -> int:
        return max(1, int(self.limit * share))

    def refuse(self, now_ns: int, until_ns: int) -> None:
        """The exchange refused for the rate: closed until it says, and twice as long as the last time at least."""
        self.refusals = self.refusals + 1 if now_ns - self.refused_ns < _CALM_NS else 1
        self.refused_ns = now_ns
        pause_ns = min(NS_PER_S << (self.refusals - 1), _LONGEST_PAUSE_NS)
        self.closed_until_ns = max(self.closed_until_ns, min(until_ns, now_ns + _LONGEST_PAUSE_NS), now_ns + pause_ns)


class RequestBudget:
    """Requests of one process. Times are ns of the monotonic clock.

    Args:
        share: fraction of the published limits that ordinary calls may use.
    """

    def __init__(self, share: float) -> None:
        self._share = share
        self._lock = threading.Lock()
        self._routes = {route: _Window(limit, WINDOW_NS) for route, limit in PER_SECOND.items()}
        self._total = _Window(TOTAL_LIMIT, TOTAL_WINDOW_NS)

    def take(self, route: str, now_ns: int, *, is_flatten: bool = False) -> None:
        """Count one request that leaves now.

        Raises:
            OverBudget: it may not; nothing is counted.
        """
        with self._lock:
            windows = [window for window in (self._routes.get(route), self._total) if window is not None]
            for window in windows:
                window.forget(now_ns)
            wait_ns = max(window.wait_ns(now_ns, self._share, is_flatten=is_flatten) for window in windows)
            if wait_ns > 0:
                raise OverBudget(route, wait_ns)
            for window in windows:
                window.taken.append(now_ns)

    def refused(self, route: str, now_ns: int, until_ns: int, *, is_everything: bool) -> None:
        """The exchange refused a request for its rate.

        Args:
            route: path of the request.
            now_ns: monotonic time.
            until_ns: when it may be asked again, monotonic time; 0 if it did not say.
            is_everything: the refusal is about this address or the exchange's load, not about the route.
        """
        with self._lock:
            window = self._total if is_everything else self._routes.get(route, self._total)
            window.refuse(now_ns, until_ns)

    def room(self, now_ns: int) -> Room:
        """What is left of the ordinary share on the fullest route: 100 % when nothing was sent."""
        with self._lock:
            rooms = [Room(self._percent(self._total, now_ns), TOTAL)]
            rooms += [Room(self._percent(window, now_ns), route) for route, window in self._routes.items()]
        return min(rooms, key=lambda room: room.percent)

    def _percent(self, window: _Window, now_ns: int) -> float:
        window.forget(now_ns)
        if window.closed_until_ns > now_ns:
            return 0.0
        limit = window.ordinary(self._share)
        return max(0.0, 100.0 * (limit - len(window.taken)) / limit)
