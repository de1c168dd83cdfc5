"""One stream connection as a state machine without a socket: bytes in, events and bytes out.

Theory of operation
-------------------
A session lives as long as one connection. Its owner opens the socket, calls ``open``, hands every received frame to
``receive``, sends what ``data_to_send`` returns after each call, and calls ``on_deadline`` when ``next_deadline``
has passed. When ``failure`` is not empty the connection is of no more use: the owner closes it and starts another
session. Two clocks are given by the caller: ``ts_recv`` (wall time, ns) stamps events and the auth expiry, ``now``
(monotonic, ns) drives every deadline::

    open ──(no key)──────────────────────► subscribing ──all topics answered──► ready
      └──(key)──► authenticating ──yes───►      │                                 │
                        └──no──► failed ◄───────┴──── deadline, bad frames ◄──────┘

Rules, with their reasons:

* Nothing is subscribed before auth is answered with yes: earlier requests are refused (bybit-v5.md 9.2).
* READY (``StreamUp``) is said once, when every wanted topic is answered. A public topic that is refused alone does not
  hold the others back; on the private stream every topic counts, because a missing one would hide fills or orders.
* A JSON ping leaves every 20 s (4 s once the private stream is up: entries rely on its pongs); no pong within 10 s is
  the death of the connection, whatever TCP says.
* Silence of the public stream is death after 4 s once an ``orderbook.1`` topic is active, because the exchange repeats
  that one every 3 s. After the end of a recorded market silence is natural.
* A book without its snapshot says nothing: deltas are dropped from the subscribe request until the snapshot, also those
  of the earlier subscription that arrive during a resync. A snapshot that does not come is asked for again.
* A frame that cannot be understood is dropped and reported with its symbol; three within a minute end the connection.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence

import msgspec

from cockpit.adapters.bybit.config import StreamLimits
from cockpit.adapters.bybit.credentials import SecretKey
from cockpit.adapters.bybit.retcodes import CodeClass, class_of
from cockpit.adapters.bybit.subscriptions import Subscriptions
from cockpit.adapters.bybit.wire import UNREADABLE
from cockpit.domain.enums import StreamName
from cockpit.domain.errors import RemoteProtocolError
from cockpit.domain.events import (
    FrameRejected,
    KeyRefused,
    MarketEnded,
    StreamAnswered,
    StreamUp,
    TopicRefused,
    VenueEvent,
)
from cockpit.domain.market import BookDelta, BookSnapshot, MarketEvent
from cockpit.domain.time import NS_PER_MS, NS_PER_S, nanos_from_s

StreamEvent = MarketEvent | VenueEvent
Decode = Callable[[bytes, int], StreamEvent | None]
"""A frame and its receive time (ns) to an event; raises ``RemoteProtocolError``."""

_USUAL_START = b'{"topic":"'
_MINUTE_NS = 60 * NS_PER_S
_NOTHING: list[StreamEvent] = []


class _Answer(msgspec.Struct, rename={"ret_code": "retCode", "ret_text": "retMsg"}):
    """Any frame that is no data: both shapes in use (bybit-v5.md 9.2 to 9.4)."""

    op: str = ""
    topic: str = ""
    req_id: str | int | None = ""
    success: bool | None = None
    ret_msg: str = ""
    ret_code: int | None = None
    ret_text: str = ""

    @property
    def is_success(self) -> bool:
        return self.ret_code == 0 if self.success is None else self.success

    @property
    def reason(self) -> str:
        return self.ret_msg or self.ret_text or "no reason given"


_answer = msgspec.json.Decoder(_Answer)


class StreamSession:
    """One connection of one stream.

    Args:
        stream: which stream this is; only the public one has books and a silence limit.
        decode: turns data frames into events.
        limits: deadlines.
        key: signs the auth request; None for a stream without auth.
        offset_ns: exchange time minus local time, for the auth expiry.
    """

    def __init__(
        self,
        stream: StreamName,
        decode: Decode,
        limits: StreamLimits,
        *,
        key: SecretKey | None = None,
        offset_ns: int = 0,
    ) -> None:
        self._stream = stream
        self._decode = decode
        self._limits = limits
        self._key = key
        self._ping_interval_ns = nanos_from_s(limits.ping_interval_s)
        self._offset_ns = offset_ns
        self._topics = Subscriptions(nanos_from_s(limits.answer_timeout_s), nanos_from_s(limits.refused_retry_s))
        self._wanted: tuple[str, ...] = ()
        self._touch_topics: tuple[str, ...] = ()
        self._is_authenticated = key is None
        self._is_ready = False
        self._is_ended = False
        self._auth_due: int | None = None
        self._ping_due: int | None = None
        self._pong_due: int | None = None
        self._pings = 0
        self._last_heard = 0
        self._awaiting: dict[str, int] = {}
        self._bad: deque[int] = deque()
        self._outbox: list[bytes] = []
        self.failure = ""
        """Why the connection must be given up; "" while it is fine."""

    @property
    def is_ready(self) -> bool:
        """True once ``StreamUp`` was said."""
        return self._is_ready

    def open(self, ts_recv: int, now: int) -> None:
        """The socket is open: authenticate if there is a key, subscribe otherwise."""
        self._last_heard = now
        self._ping_due = now + self._ping_interval_ns
        if self._key is None:
            self._subscribe(now)
            return
        expires_ms = (ts_recv + self._offset_ns + nanos_from_s(self._limits.auth_lead_s)) // NS_PER_MS
        signature = self._key.sign(f"GET/realtime{expires_ms}")
        self._auth_due = now + nanos_from_s(self._limits.answer_timeout_s)
        frame = {"req_id": "auth", "op": "auth", "args": [self._key.reveal_key(), expires_ms, signature]}
        self._outbox.append(msgspec.json.encode(frame))

    def want(self, topics: Iterable[str], now: int) -> None:
        """Want exactly these topics; before the connection is open they are only remembered."""
        self._wanted = tuple(topics)
        self._touch_topics = tuple(topic for topic in self._wanted if topic.startswith("orderbook.1."))
        if self._is_authenticated and self._ping_due is not None:
            self._subscribe(now)

    def resync(self, symbol: str, now: int) -> None:
        """Ask for a fresh snapshot of a symbol's book."""
        self._renew_books([topic for topic in self._book_topics() if topic.endswith(f".{symbol}")], now)

    def receive(self, frame: bytes, ts_recv: int, now: int) -> Sequence[StreamEvent]:
        """Take one frame and return what it says, in order. Never raises."""
        self._last_heard = now
        try:
            if frame[:10] != _USUAL_START:
                answer = _answer.decode(frame)
                if not answer.topic:
                    return self._answered(answer, ts_recv, now)
            event = self._decode(frame, ts_recv)
        except RemoteProtocolError as error:
            return self._reject(error.reason, error.symbol, ts_recv, now)
        except UNREADABLE as error:
            return self._reject(str(error), "", ts_recv, now)
        if event is None:
            return _NOTHING
        if self._awaiting and self._is_without_snapshot(event):
            return _NOTHING
        if isinstance(event, MarketEnded):
            self._is_ended = True
        return [event]

    @property
    def has_data_to_send(self) -> bool:
        """True if ``data_to_send`` would return something."""
        return bool(self._outbox) or self._topics.has_frames

    def give_up(self, reason: str) -> None:
        """End this connection for a reason that its owner knows; the first reason stays."""
        self.failure = self.failure or reason

    def data_to_send(self) -> list[bytes]:
        """The frames to send now, in order."""
        frames, self._outbox = self._outbox + self._topics.take_frames(), []
        return frames

    def next_deadline(self) -> int | None:
        """The earliest time at which ``on_deadline`` has something to do, ns of the monotonic clock."""
        times = (
            self._auth_due,
            self._ping_due,
            self._pong_due,
            self._silence_due(),
            self._topics.next_deadline(),
            min(self._awaiting.values(), default=None),
        )
        return min((time for time in times if time is not None), default=None)

    def on_deadline(self, now: int) -> None:
        """Do what has become due: ping, give up, ask again."""
        limits = self._limits
        silence_due = self._silence_due()
        if self._auth_due is not None and self._auth_due <= now:
            self.give_up(f"no answer to auth in {limits.answer_timeout_s:g} s")
        elif self._pong_due is not None and self._pong_due <= now:
            self.give_up(f"no pong in {limits.pong_timeout_s:g} s")
        elif silence_due is not None and silence_due <= now:
            self.give_up(f"silent for {limits.silence_s:g} s")
        else:
            self.give_up(self._topics.on_deadline(now))
        if not self.failure:
            self._ping_if_due(now)
            late = {symbol for symbol, at in self._awaiting.items() if at <= now}
            self._renew_books([topic for topic in self._book_topics() if topic.rpartition(".")[2] in late], now)

    def _answered(self, answer: _Answer, ts_recv: int, now: int) -> Sequence[StreamEvent]:
        if answer.op == "pong" or answer.ret_msg == "pong":
            self._pong_due = None
            is_told = self._stream is StreamName.PRIVATE and self._is_ready
            return [StreamAnswered(self._stream, ts_recv)] if is_told else _NOTHING
        if answer.op == "auth":
            return self._auth_answered(answer, ts_recv, now)
        req_id = "" if answer.req_id is None else str(answer.req_id)
        refused = self._topics.answer(req_id, answer.is_success, answer.reason, now)
        events: list[StreamEvent] = [TopicRefused(topic, reason, ts_recv) for topic, reason in refused]
        return events + self._ready_event(ts_recv, now)

    def _auth_answered(self, answer: _Answer, ts_recv: int, now: int) -> Sequence[StreamEvent]:
        self._auth_due = None
        if not answer.is_success:
            self.give_up(f"auth refused: {answer.reason}")
            code = answer.ret_code or 0
            return [KeyRefused(code, answer.reason, ts_recv)] if class_of(code) is CodeClass.AUTH else _NOTHING
        self._is_authenticated = True
        self._subscribe(now)
        return self._ready_event(ts_recv, now)

    def _ready_event(self, ts_recv: int, now: int) -> list[StreamEvent]:
        is_public = self._stream is StreamName.PUBLIC
        is_up = self._topics.is_settled if is_public else self._topics.is_complete
        if self._is_ready or not self._is_authenticated or not is_up:
            return []
        self._is_ready = True
        if not is_public:
            self._ping_interval_ns = nanos_from_s(self._limits.private_ping_interval_s)
            self._ping_due = now + self._ping_interval_ns
        return [StreamUp(self._stream, ts_recv)]

    def _subscribe(self, now: int) -> None:
        self._topics.want(self._wanted, now)
        books = self._book_topics()
        symbols = {topic.rpartition(".")[2] for topic in books}
        self._awaiting = {symbol: at for symbol, at in self._awaiting.items() if symbol in symbols}
        self._await([topic for topic in books if not self._topics.is_active(topic)], now)

    def _renew_books(self, topics: Sequence[str], now: int) -> None:
        self._topics.renew(topics, now)
        self._await(topics, now)

    def _await(self, topics: Iterable[str], now: int) -> None:
        due = now + nanos_from_s(self._limits.snapshot_timeout_s)
        self._awaiting.update({topic.rpartition(".")[2]: due for topic in topics})

    def _book_topics(self) -> list[str]:
        return [t for t in self._wanted if t.startswith("orderbook.") and not t.startswith("orderbook.1.")]

    def _is_without_snapshot(self, event: StreamEvent) -> bool:
        if isinstance(event, BookDelta):
            return event.symbol in self._awaiting
        if isinstance(event, BookSnapshot):
            self._awaiting.pop(event.symbol, None)
        return False

    def _reject(self, reason: str, symbol: str, ts_recv: int, now: int) -> Sequence[StreamEvent]:
        self._bad.append(now)
        while self._bad[0] <= now - _MINUTE_NS:
            self._bad.popleft()
        if len(self._bad) >= self._limits.bad_frames_per_minute:
            self.give_up(f"{len(self._bad)} frames within a minute could not be understood: {reason}")
        return [FrameRejected(self._stream, reason, symbol, ts_recv)]

    def _silence_due(self) -> int | None:
        if self._is_ended or not any(self._topics.is_active(topic) for topic in self._touch_topics):
            return None
        return self._last_heard + nanos_from_s(self._limits.silence_s)

    def _ping_if_due(self, now: int) -> None:
        if self._ping_due is None or self._ping_due > now:
            return
        self._pings += 1
        self._outbox.append(msgspec.json.encode({"req_id": f"p{self._pings}", "op": "ping"}))
        self._ping_due = now + self._ping_interval_ns
        if self._pong_due is None:
            self._pong_due = now + nanos_from_s(self._limits.pong_timeout_s)
