"""What clients asked for: the last private requests, by REST or over the trade socket, and how many there were."""

from __future__ import annotations

from collections import deque
from typing import Any

import msgspec

LOG_LENGTH = 5000
SOCKET = "WS"
"""In the place of a request's HTTP method if it came over the trade socket."""


class LoggedRequest(msgspec.Struct):
    """One private request, for inspection by tests."""

    number: int
    at_ms: int
    method: str
    """GET, POST, or ``SOCKET``."""
    path: str
    """The REST route; of a request over the trade socket the route that does the same."""
    params: dict[str, Any]
    ret_code: int | None = None
    """None while it is under way, and when no reply was sent."""


class RequestLog:
    """The requests of one exchange."""

    def __init__(self) -> None:
        self.entries: deque[LoggedRequest] = deque(maxlen=LOG_LENGTH)
        self.counts: dict[str, int] = {}
        """Requests per path, public ones included."""
        self._number = 0

    def add(
        self, at_ms: int, method: str, path: str, params: dict[str, Any], *, is_private: bool = True
    ) -> LoggedRequest:
        """Count a request; a private one is kept."""
        self.counts[path] = self.counts.get(path, 0) + 1
        self._number += 1
        entry = LoggedRequest(self._number, at_ms, method, path, params)
        if is_private:
            self.entries.append(entry)
        return entry
