"""The trade socket as a state machine without a socket: order requests out, each answer matched by its reqId.

Theory of operation. A session lives as long as one connection and has the shape of ``session.StreamSession``: its
owner opens the socket, hands frames to ``receive``, sends what ``data_to_send`` returns and calls ``on_deadline``.
Requests are taken from when the exchange has said yes to auth until it says that this node restarts (10019); before and
after, ``request`` refuses, so that nothing was sent. An answer without a known reqId belongs to nobody: the request
that waits for it ends at its owner's deadline with an unknown outcome. Nothing is ever sent twice: a frame leaves once,
and one that has not left is withdrawn with ``forget``. Frames: bybit-v5.md 9.2, 9.3 and 12.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from cockpit.adapters.bybit.config import StreamLimits
from cockpit.adapters.bybit.credentials import SecretKey
from cockpit.adapters.bybit.retcodes import CodeClass, class_of, judge
from cockpit.adapters.bybit.session import StreamEvent
from cockpit.adapters.bybit.wire import UNREADABLE
from cockpit.domain.enums import StreamName
from cockpit.domain.errors import OutcomeUnknown, VenueUnavailable
from cockpit.domain.events import FrameRejected, StreamUp
from cockpit.domain.time import NS_PER_MS, NS_PER_S, nanos_from_s

CREATE, CANCEL = "order.create", "order.cancel"
NODE_RESTARTS = 10019
"""Send no more here; what is on its way is answered still (bybit-v5.md 12)."""

_RESET_HEADER = "x-bapi-limit-reset-timestamp"
_MINUTE_NS = 60 * NS_PER_S
_NOTHING: list[StreamEvent] = []


class TradeReply(msgspec.Struct, frozen=True):
    """The exchange's answer to one request, unjudged."""

    req_id: str
    code: int | None
    """None if the answer has no retCode."""
    reason: str
    data: bytes
    reset_ms: int | None
    """When the rate limit ends, exchange time; None if the answer does not say."""

    def result(self) -> bytes:
        """The JSON of ``data`` of a yes.

        Raises:
            VenueRejected: a definite no (``AuthRejected`` and ``VenueThrottled`` are kinds of it).
            OutcomeUnknown: it may have been carried out.
        """
        if self.code is None:
            raise OutcomeUnknown("the answer has no code")
        kind, reason = class_of(self.code), self.reason
        if kind is CodeClass.OK:
            if self.data[:1] == b"{":
                return self.data
            reason = "the answer says OK without data"
        raise judge(kind, self.code, reason, is_read=False, reset_ms=self.reset_ms)


class _Answer(msgspec.Struct, rename="camel"):
    """Any frame of the trade socket."""

    op: str = ""
    req_id: str | None = None
    ret_code: int | None = None
    ret_msg: str | None = ""
    success: bool | None = None
    """In the place of ``ret_code`` in some refusals of auth (bybit-v5.md 9.2)."""
    data: msgspec.Raw = msgspec.Raw()
    header: Any = None


_answer = msgspec.json.Decoder(_Answer)


class TradeSession:
    """One connection of the trade socket.

    Args:
        limits: deadlines.
        key: signs the auth request.
        offset_ns: exchange time minus local time, for the auth expiry.
        on_reply: is told each answer to a request that waits for one.
    """

    def __init__(
        self, limits: StreamLimits, key: SecretKey, offset_ns: int, on_reply: Callable[[TradeReply], None]
    ) -> None:
        self._limits = limits
        self._key = key
        self._offset_ns = offset_ns
        self._on_reply = on_reply
        self._is_authenticated = False
        self._is_leaving = False
        self._auth_due: int | None = None
        self._ping_due: int | None = None
        self._pong_due: int | None = None
        self._bad: deque[int] = deque()
        self._control: list[bytes] = []
        self._unsent: dict[str, bytes] = {}
        self.waiting: set[str] = set()
        """Requests that have left and are not answered."""
        self.failure = ""
        """Why the connection must be given up; "" while it is fine."""

    @property
    def is_ready(self) -> bool:
        """True once ``StreamUp`` was said."""
        return self._is_authenticated

    @property
    def takes_requests(self) -> bool:
        """True while a request would be sent."""
        return self._is_authenticated and not self._is_leaving and not self.failure

    def open(self, ts_recv: int, now: int) -> None:
        """The socket is open: authenticate."""
        expires_ms = (ts_recv + self._offset_ns + nanos_from_s(self._limits.auth_lead_s)) // NS_PER_MS
        signature = self._key.sign(f"GET/realtime{expires_ms}")
        frame = {"req_id": "auth", "op": "auth", "args": [self._key.reveal_key(), expires_ms, signature]}
        self._control.append(msgspec.json.encode(frame))
        self._auth_due = now + nanos_from_s(self._limits.answer_timeout_s)
        self._ping_due = now + nanos_from_s(self._limits.ping_interval_s)

    def request(self, req_id: str, op: str, params: dict[str, Any], stamp_ms: int, window_ms: int) -> None:
        """Queue one request.

        Args:
            req_id: unique, at most 36 characters.
            op: ``CREATE`` or ``CANCEL``.
            params: as by REST.
            stamp_ms: exchange time; the request is refused there later than ``window_ms`` after it.
            window_ms: time-to-live of the request.

        Raises:
            VenueUnavailable: the session is not ready; nothing was sent.
        """
        if not self.takes_requests:
            raise VenueUnavailable("the trade socket is not ready; nothing was sent")
        header = {"X-BAPI-TIMESTAMP": str(stamp_ms), "X-BAPI-RECV-WINDOW": str(window_ms)}
        self._unsent[req_id] = msgspec.json.encode({"reqId": req_id, "header": header, "op": op, "args": [params]})

    def forget(self, req_id: str, now: int) -> bool:
        """Nobody waits for this request any more; True if it never left, and now never will.

        A request without an answer makes the connection suspect: a ping leaves at once.
        """
        if self._unsent.pop(req_id, None) is not None:
            return True
        self.waiting.discard(req_id)
        if self._ping_due is not None:
            self._ping_due = min(self._ping_due, now)
        self._leave_if_done()
        return False

    def receive(self, frame: bytes, ts_recv: int, now: int) -> Sequence[StreamEvent]:
        """Take one frame; answers to requests go to ``on_reply``. Never raises."""
        try:
            answer = _answer.decode(frame)
        except UNREADABLE as error:
            return self._reject(str(error), ts_recv, now)
        if answer.op == "pong" or answer.ret_msg == "pong":
            self._pong_due = None
            return _NOTHING
        if answer.op == "auth":
            return self._auth_answered(answer, ts_recv)
        if answer.req_id is None:
            words = f"an answer without reqId: op {answer.op!r}, code {answer.ret_code}: {answer.ret_msg}"
            return self._reject(words, ts_recv, now)
        self._answered(answer, answer.req_id)
        return _NOTHING

    @property
    def has_data_to_send(self) -> bool:
        """True if ``data_to_send`` would return something."""
        return bool(self._control or self._unsent)

    def data_to_send(self) -> list[bytes]:
        """The frames to send now, in order; their requests count as sent from here on."""
        frames = [*self._control, *self._unsent.values()]
        self.waiting.update(self._unsent)
        self._control.clear()
        self._unsent.clear()
        return frames

    def give_up(self, reason: str) -> None:
        """End this connection; the first reason stays."""
        self.failure = self.failure or reason

    def next_deadline(self) -> int | None:
        """The earliest time at which ``on_deadline`` has something to do, ns of the monotonic clock."""
        times = (self._auth_due, self._ping_due, self._pong_due)
        return min((time for time in times if time is not None), default=None)

    def on_deadline(self, now: int) -> None:
        """Do what has become due: ping, or give up."""
        limits = self._limits
        if self._auth_due is not None and self._auth_due <= now:
            self.give_up(f"no answer to auth in {limits.answer_timeout_s:g} s")
        elif self._pong_due is not None and self._pong_due <= now:
            self.give_up(f"no pong in {limits.pong_timeout_s:g} s")
        elif self._ping_due is not None and self._ping_due <= now:
            self._control.append(b'{"op":"ping"}')
            self._ping_due = now + nanos_from_s(limits.ping_interval_s)
            if self._pong_due is None:
                self._pong_due = now + nanos_from_s(limits.pong_timeout_s)

    def _auth_answered(self, answer: _Answer, ts_recv: int) -> Sequence[StreamEvent]:
        self._auth_due = None
        is_success = answer.ret_code == 0 if answer.success is None else answer.success
        if not is_success:
            self.give_up(f"auth refused: {answer.ret_msg or 'no reason given'} (code {answer.ret_code})")
        if not is_success or self._is_authenticated:
            return _NOTHING
        self._is_authenticated = True
        return [StreamUp(StreamName.TRADE, ts_recv)]

    def _answered(self, answer: _Answer, req_id: str) -> None:
        """Hand an answer over; one that comes after its deadline is of no use."""
        if answer.ret_code == NODE_RESTARTS:
            self._is_leaving = True
        if req_id in self.waiting:
            self.waiting.discard(req_id)
            data, reset = bytes(answer.data), _reset_ms(answer.header)
            self._on_reply(TradeReply(req_id, answer.ret_code, answer.ret_msg or "", data, reset))
        self._leave_if_done()

    def _leave_if_done(self) -> None:
        if self._is_leaving and not self.waiting:
            self.give_up("this node of the exchange restarts")

    def _reject(self, reason: str, ts_recv: int, now: int) -> Sequence[StreamEvent]:
        self._bad.append(now)
        while self._bad[0] <= now - _MINUTE_NS:
            self._bad.popleft()
        if len(self._bad) >= self._limits.bad_frames_per_minute:
            self.give_up(f"{len(self._bad)} frames within a minute could not be understood: {reason}")
        return [FrameRejected(StreamName.TRADE, reason, "", ts_recv)]


def _reset_ms(header: Any) -> int | None:
    """When the rate limit ends; the keys of the header vary in case."""
    if not isinstance(header, dict):
        return None
    text = next((str(value) for name, value in header.items() if name.lower() == _RESET_HEADER), "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 16 else None
