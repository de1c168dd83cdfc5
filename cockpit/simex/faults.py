"""Faults on demand: what goes wrong, where, how often. The well-defined points consult it; nothing is broken here.

Points: every frame before it enters a socket's queue (``SocketFaults.frames``), every REST request before and after it
is applied (``RestFaults.take``). The verbs are those of the fault catalogue.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class SocketFault(msgspec.Struct):
    """What happens to the frames of one channel (``public``, ``private`` or ``trade``)."""

    is_silent: bool = False
    """Frames vanish while the socket stays open."""
    passes_pong: bool = True
    """Answers to pings still leave a silent socket."""
    drop: int = 0
    """This many next frames that are no acknowledgements vanish."""
    repeat: int = 0
    """This many next frames are sent twice."""
    truncate: int = 0
    """This many next frames lose their second half."""


class SocketFaults:
    """Faults of the sockets, per channel."""

    def __init__(self) -> None:
        self._faults: dict[str, SocketFault] = {}
        self.refused: dict[str, int] = {}
        """Connections still to be refused, per channel; -1 refuses for ever."""

    def set(self, channel: str, fault: SocketFault) -> None:
        """Replace the fault of a channel."""
        self._faults[channel] = fault

    def clear(self) -> None:
        """Heal every channel."""
        self._faults.clear()
        self.refused.clear()

    def refuses(self, channel: str) -> bool:
        """True if the next connection of this channel is to be refused; counts it."""
        left = self.refused.get(channel, 0)
        if left > 0:
            self.refused[channel] = left - 1
        return left != 0

    def frames(self, channel: str, frame: str) -> Sequence[str]:
        """What leaves instead of ``frame``."""
        fault = self._faults.get(channel)
        if fault is None:
            return (frame,)
        is_push = '"topic":' in frame[:120]
        if fault.is_silent and (is_push or not fault.passes_pong):
            return ()
        if not is_push:
            return (frame,)
        if fault.drop > 0:
            fault.drop -= 1
            return ()
        if fault.truncate > 0:
            fault.truncate -= 1
            return (frame[: len(frame) // 2],)
        if fault.repeat > 0:
            fault.repeat -= 1
            return (frame, frame)
        return (frame,)


class RestFault(msgspec.Struct):
    """What happens to the next requests of one route (path, or ``*``)."""

    count: int = 1
    """How many requests it hits; -1 all until healed."""
    delay_s: float = 0.0
    """The reply leaves this much later."""
    late_s: float = 0.0
    """The request reaches the exchange this much later."""
    is_dropped: bool = False
    """The request is lost before it is applied; the connection breaks."""
    is_reply_lost: bool = False
    """The request is applied; the connection breaks before the reply."""
    ret_code: int | None = None
    """Answer with this retCode; applied only if ``is_applied``."""
    ret_msg: str = "injected fault"
    status: int | None = None
    """Answer with this HTTP status."""
    body: str | None = None
    """Answer with this body instead of the reply."""
    is_applied: bool = False
    """The exchange carries the request out although the answer says otherwise."""
    symbol: str | None = None
    """Only requests for this symbol."""
    reset_in_ms: int | None = None
    """With ``ret_code`` 10006: the reset header lies this far from now (negative: in the past)."""


class RestFaults:
    """Faults of the REST routes."""

    def __init__(self) -> None:
        self._faults: list[tuple[str, RestFault]] = []

    def add(self, route: str, fault: RestFault) -> None:
        """Queue a fault for ``route`` (a path, or ``*``)."""
        self._faults.append((route, fault))

    def clear(self) -> None:
        """Heal every route."""
        self._faults.clear()

    def take(self, path: str, symbol: str | None) -> RestFault | None:
        """The fault that hits this request, counted down."""
        for entry in self._faults:
            route, fault = entry
            if route not in ("*", path) or (fault.symbol is not None and fault.symbol != symbol):
                continue
            if fault.count > 0:
                fault.count -= 1
                if fault.count == 0:
                    self._faults.remove(entry)
            return fault
        return None
