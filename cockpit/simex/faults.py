"""Faults on demand: what goes wrong, where, how often. The well-defined points consult it; nothing is broken here.

Points: every frame before it enters a socket's queue (``SocketFaults.frames``), every subscription
(``SocketFaults.refusal``), every request by REST or over the trade socket before and after it is applied
(``RequestFaults.take``), every accepted order before it meets the book (``OrderFaults.take``). The verbs are those of
the fault catalogue.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from cockpit.simex.limits import Allowance

_TOPIC = '"topic":"'
_ORDER_OP = '"op":"order.'


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
    delay_s: float = 0.0
    """Frames leave this much later, in their order."""
    reorder: int = 0
    """This many next frames leave together, the last one first."""
    slow_ack_s: float = 0.0
    """Answers to requests (auth, subscribe, ping) leave this much later."""
    nack: str = ""
    """Subscriptions to topics that hold this text are refused."""
    topic: str = ""
    """Faults of frames hit only those whose topic holds this text."""
    held: list[str] = []
    """Frames that wait for the last one of ``reorder``."""

    def shuffled(self, frame: str) -> Sequence[str]:
        """Hold ``frame`` back until ``reorder`` of them are there, then let them go backwards."""
        self.held.append(frame)
        if len(self.held) < self.reorder:
            return ()
        frames, self.held, self.reorder = self.held[::-1], [], 0
        return frames


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

    def refusal(self, channel: str, topics: Sequence[str]) -> str:
        """Why one of these topics cannot be subscribed to; empty if all can."""
        fault = self._faults.get(channel)
        if fault is None or not fault.nack:
            return ""
        return next((f"error:handler not found,topic:{name}" for name in topics if fault.nack in name), "")

    def delay_s(self, channel: str, frame: str) -> float:
        """How much later ``frame`` leaves."""
        fault = self._faults.get(channel)
        if fault is None:
            return 0.0
        topic = topic_of(frame)
        if topic is None:
            return fault.slow_ack_s
        return fault.delay_s if fault.topic in topic else 0.0

    def frames(self, channel: str, frame: str) -> Sequence[str]:
        """What leaves instead of ``frame``."""
        fault = self._faults.get(channel)
        if fault is None:
            return (frame,)
        topic = topic_of(frame)
        if fault.is_silent and (not fault.passes_pong if topic is None else fault.topic in topic):
            return ()
        if topic is None or fault.topic not in topic:
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
        if fault.reorder > 0:
            return fault.shuffled(frame)
        return (frame,)


def topic_of(frame: str) -> str | None:
    """The topic of a push, the op of an answer to an order (``order.create``); None for any other answer."""
    start = frame.find(_TOPIC, 0, 120)
    if start >= 0:
        start += len(_TOPIC)
    elif (start := frame.find(_ORDER_OP)) >= 0:
        start += len(_ORDER_OP) - len("order.")
    return None if start < 0 else frame[start : frame.find('"', start)]


class RequestFault(msgspec.Struct):
    """What happens to the next requests of one route: a REST path, an op of the trade socket, or ``*``."""

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
    """REST alone: answer with this HTTP status."""
    body: str | None = None
    """Answer with this body instead of the reply."""
    is_applied: bool = False
    """The exchange carries the request out although the answer says otherwise."""
    symbol: str | None = None
    """Only requests for this symbol."""
    reset_in_ms: int | None = None
    """With ``ret_code`` 10006: the reset header lies this far from now (negative: in the past)."""
    drip_bytes_per_s: float = 0.0
    """REST alone: the body of the reply leaves byte by byte at this pace."""
    stale_s: float = 0.0
    """REST alone: a read is answered from the account as it was this long ago, but not before the fault was set."""

    @property
    def is_carried_out(self) -> bool:
        """True if the exchange does what was asked, whatever it answers."""
        replaces = self.ret_code is not None or self.status is not None or self.body is not None
        return self.is_applied or not replaces

    @property
    def is_of_rest(self) -> bool:
        """True if a socket cannot have this fault."""
        return self.status is not None or self.drip_bytes_per_s > 0 or self.stale_s > 0

    def headers(self, now_ms: int) -> dict[str, str]:
        """Rate headers of an injected refusal."""
        return {} if self.reset_in_ms is None else Allowance(False, 10, 0, now_ms + self.reset_in_ms).headers()


class RequestFaults:
    """Faults of the requests of one way in."""

    def __init__(self) -> None:
        self._faults: list[tuple[str, RequestFault]] = []

    def add(self, route: str, fault: RequestFault) -> None:
        """Queue a fault for ``route``."""
        self._faults.append((route, fault))

    def clear(self) -> None:
        """Heal every route."""
        self._faults.clear()

    def take(self, path: str, symbol: str | None) -> RequestFault | None:
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


class OrderFault(msgspec.Struct):
    """What happens to the next orders that are accepted."""

    count: int = 1
    """How many orders it hits; -1 all until healed."""
    symbol: str | None = None
    """Only orders of this symbol."""
    is_stop_ignored: bool = False
    """The order is taken without the stop and the take-profit attached to it."""
    shift_ticks: int = 0
    """The limit price is moved by this much without a word."""
    reject_after_s: float | None = None
    """The order is acknowledged, and rejected this much later without having met the book."""
    reject_reason: str = "EC_Others"
    """What a rejected order names as its reason."""


class OrderFaults:
    """Faults of accepted orders."""

    def __init__(self) -> None:
        self._faults: list[OrderFault] = []

    def add(self, fault: OrderFault) -> None:
        """Queue a fault."""
        self._faults.append(fault)

    def clear(self) -> None:
        """Heal."""
        self._faults.clear()

    def take(self, symbol: str) -> OrderFault | None:
        """The fault that hits an order of ``symbol``, counted down."""
        for fault in self._faults:
            if fault.symbol in (None, symbol):
                fault.count -= fault.count > 0
                if fault.count == 0:
                    self._faults.remove(fault)
                return fault
        return None
