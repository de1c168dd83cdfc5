"""Which topics one connection has, wants and was refused. Frames as values; no socket, no clock.

Theory of operation. Each request frame gets exactly one answer, found by its ``req_id``. A frame with one bad topic is
refused as a whole and none of its topics is subscribed (bybit-v5.md 9.4), so the topics of a refused frame are asked
for again one by one; a topic refused alone is reported once and asked for again from time to time. "already subscribed"
is a success. A topic is subscribed anew (for a fresh snapshot) by unsubscribing, awaiting the answer, and subscribing:
subscribing an active topic again brings no snapshot.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum, auto

import msgspec

_CHUNK = 100
_ALREADY = "already subscribed"


class _State(Enum):
    PENDING = auto()
    ACTIVE = auto()
    REFUSED = auto()


class _Request(msgspec.Struct):
    op: str
    topics: tuple[str, ...]
    deadline: int
    subscribes_after: bool = False


class Subscriptions:
    """Topics of one connection."""

    def __init__(self, answer_timeout_ns: int, refused_retry_ns: int) -> None:
        self._answer_timeout = answer_timeout_ns
        self._retry_after = refused_retry_ns
        self._topics: dict[str, _State] = {}
        self._reported: set[str] = set()
        self._requests: dict[str, _Request] = {}
        self._retries: dict[str, int] = {}
        self._count = 0
        self._outbox: list[bytes] = []

    @property
    def is_settled(self) -> bool:
        """True if every wanted topic is active or refused."""
        return all(state is not _State.PENDING for state in self._topics.values())

    @property
    def is_complete(self) -> bool:
        """True if every wanted topic is active."""
        return all(state is _State.ACTIVE for state in self._topics.values())

    def is_active(self, topic: str) -> bool:
        """True if the exchange acknowledged ``topic``."""
        return self._topics.get(topic) is _State.ACTIVE

    @property
    def has_frames(self) -> bool:
        """True if ``take_frames`` would return something."""
        return bool(self._outbox)

    def take_frames(self) -> list[bytes]:
        """The request frames made since the last call, in order."""
        frames, self._outbox = self._outbox, []
        return frames

    def want(self, topics: Iterable[str], now: int) -> None:
        """Want exactly ``topics``: subscribe the new ones, unsubscribe those no longer named."""
        wanted = list(dict.fromkeys(topics))
        gone = [topic for topic in self._topics if topic not in set(wanted)]
        asked = [topic for topic in gone if self._topics[topic] is not _State.REFUSED]
        for topic in gone:
            del self._topics[topic]
            self._retries.pop(topic, None)
        self._send("unsubscribe", asked, now)
        self._subscribe([topic for topic in wanted if topic not in self._topics], now)

    def renew(self, topics: Iterable[str], now: int) -> None:
        """Subscribe active topics anew; the others are under way already or refused."""
        for topic in topics:
            if self.is_active(topic):
                self._topics[topic] = _State.PENDING
                self._send("unsubscribe", [topic], now, subscribes_after=True)

    def answer(self, req_id: str, is_success: bool, reason: str, now: int) -> list[tuple[str, str]]:
        """Take an answer; returns the topics refused for the first time, with the exchange's words.

        An answer without id belongs to the oldest open request: answers come in the order of requests.
        """
        request = self._requests.pop(req_id or next(iter(self._requests), ""), None)
        if request is None:
            return []
        if request.subscribes_after:
            self._subscribe([topic for topic in request.topics if topic in self._topics], now)
        elif not is_success and len(request.topics) > 1:
            for topic in request.topics:
                self._send(request.op, [topic], now)
        elif request.op == "subscribe":
            if not is_success and _ALREADY not in reason:
                return self._refuse(request.topics[0], reason, now)
            self._activate(request.topics)
        return []

    def next_deadline(self) -> int | None:
        """When ``on_deadline`` has something to do, ns of the monotonic clock."""
        times = [request.deadline for request in self._requests.values()]
        times += self._retries.values()
        return min(times, default=None)

    def on_deadline(self, now: int) -> str:
        """Ask for refused topics again; returns why the connection is useless, "" if it is not."""
        for request in self._requests.values():
            if request.deadline <= now:
                return f"no answer to {request.op} of {', '.join(request.topics[:3])}"
        due = [topic for topic, at in self._retries.items() if at <= now]
        for topic in due:
            del self._retries[topic]
            self._send("subscribe", [topic], now)
        return ""

    def _subscribe(self, topics: Sequence[str], now: int) -> None:
        self._topics.update(dict.fromkeys(topics, _State.PENDING))
        for start in range(0, len(topics), _CHUNK):
            self._send("subscribe", topics[start : start + _CHUNK], now)

    def _activate(self, topics: Iterable[str]) -> None:
        for topic in topics:
            if topic in self._topics:
                self._topics[topic] = _State.ACTIVE

    def _refuse(self, topic: str, reason: str, now: int) -> list[tuple[str, str]]:
        if topic not in self._topics:
            return []
        self._topics[topic] = _State.REFUSED
        self._retries[topic] = now + self._retry_after
        if topic in self._reported:
            return []
        self._reported.add(topic)
        return [(topic, reason)]

    def _send(self, op: str, topics: Sequence[str], now: int, *, subscribes_after: bool = False) -> None:
        if not topics:
            return
        self._count += 1
        req_id = f"s{self._count}"
        self._requests[req_id] = _Request(op, tuple(topics), now + self._answer_timeout, subscribes_after)
        self._outbox.append(msgspec.json.encode({"req_id": req_id, "op": op, "args": list(topics)}))
