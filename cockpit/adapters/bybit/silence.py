"""The silence after HTTP 403: what may leave this address meanwhile. Pure: times are ns of the monotonic clock.

Bybit lifts the ban of an address by itself if nothing is sent for ten minutes (bybit-v5.md 3.1). Only a flatten may ask
on, slowly (reliability.md F17).
"""

from __future__ import annotations

from cockpit.domain.time import NS_PER_S

PROBE_PAUSE_NS = 15 * NS_PER_S


class Silence:
    """Of one address.

    Args:
        pause_ns: how long a ban lasts from the last time that it was told.
    """

    def __init__(self, pause_ns: int) -> None:
        self._pause_ns = pause_ns
        self._until_ns = 0
        self._next_probe_ns: dict[str, int] = {}

    def begin(self, now_ns: int) -> None:
        """The exchange has answered with the ban."""
        self._until_ns = now_ns + self._pause_ns

    def left_ns(self, now_ns: int) -> int:
        """How long only calls of a flatten may leave, 0 when all may."""
        return max(0, self._until_ns - now_ns)

    def may_probe(self, what: str, now_ns: int) -> bool:
        """True if a flatten may send one call of a kind: always without a ban, under it once in 15 s."""
        if not self.left_ns(now_ns):
            return True
        if now_ns < self._next_probe_ns.get(what, 0):
            return False
        self._next_probe_ns[what] = now_ns + PROBE_PAUSE_NS
        return True
