"""The stream session without a socket: auth, acks, heartbeat, silence, resync, bad frames."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from cockpit.adapters.bybit.config import StreamLimits
from cockpit.adapters.bybit.credentials import SecretKey
from cockpit.adapters.bybit.public import PublicDecoder
from cockpit.adapters.bybit.session import StreamEvent, StreamSession
from cockpit.domain.enums import StreamName
from cockpit.domain.events import FrameRejected, KeyRefused, MarketEnded, StreamAnswered, StreamUp, TopicRefused
from cockpit.domain.market import BookDelta, BookSnapshot, TouchHeartbeat

S = 1_000_000_000
WALL = 1_700_000_000_000_000_000
TOPICS = ["orderbook.50.AUSDT", "orderbook.1.AUSDT", "publicTrade.AUSDT", "tickers.AUSDT"]


DEEP = b'{"a":' * 100_000
DEEPER = b'{"topic":"tickers.AUSDT","data":' + b"[" * 100_000


class Driver:
    """Plays the socket: keeps the clock, collects what the session sends."""

    def __init__(
        self,
        topics: Sequence[str] = TOPICS,
        stream: StreamName = StreamName.PUBLIC,
        key: SecretKey | None = None,
        offset_ns: int = 0,
    ) -> None:
        self.now = 0
        self.sent: list[dict[str, Any]] = []
        self.session = StreamSession(stream, PublicDecoder().decode, StreamLimits(), key=key, offset_ns=offset_ns)
        self.session.want(topics, self.now)
        self.session.open(WALL, self.now)
        self.collect()

    def collect(self) -> list[dict[str, Any]]:
        frames = [json.loads(frame) for frame in self.session.data_to_send()]
        self.sent += frames
        return frames

    def feed(self, frame: dict[str, Any] | bytes) -> list[StreamEvent]:
        raw = frame if isinstance(frame, bytes) else json.dumps(frame, separators=(",", ":")).encode()
        return list(self.session.receive(raw, WALL + self.now, self.now))

    def advance(self, seconds: float) -> list[dict[str, Any]]:
        """Let time pass, firing every deadline on the way; returns what was sent meanwhile."""
        end = self.now + round(seconds * S)
        sent: list[dict[str, Any]] = []
        while not self.session.failure:
            due = self.session.next_deadline()
            if due is None or due > end:
                break
            self.now = max(self.now, due)
            self.session.on_deadline(self.now)
            sent += self.collect()
        self.now = end
        return sent

    def ack(self, request: dict[str, Any], success: bool = True, reason: str = "") -> list[StreamEvent]:
        return self.feed(
            {"success": success, "ret_msg": reason, "conn_id": "c", "req_id": request["req_id"], "op": request["op"]}
        )

    def ready(self) -> Driver:
        self.ack(self.sent[-1])
        self.feed(book("snapshot", 1))
        return self


def book(kind: str, update: int, symbol: str = "AUSDT", depth: int = 50) -> dict[str, Any]:
    data = {"s": symbol, "b": [["1.5", "2"]], "a": [["1.6", "1"]], "u": update, "seq": update}
    return {"topic": f"orderbook.{depth}.{symbol}", "type": kind, "ts": 5, "data": data, "cts": 4}


def test_public_stream_is_up_after_the_ack() -> None:
    driver = Driver()
    assert driver.sent == [{"req_id": "s1", "op": "subscribe", "args": TOPICS}]
    assert driver.ack(driver.sent[0]) == [StreamUp(StreamName.PUBLIC, WALL)]
    assert driver.session.is_ready


def test_data_may_come_before_the_ack() -> None:
    driver = Driver()
    assert isinstance(driver.feed(book("snapshot", 1))[0], BookSnapshot)
    assert isinstance(driver.feed(book("delta", 2))[0], BookDelta)
    assert driver.ack(driver.sent[0]) == [StreamUp(StreamName.PUBLIC, WALL)]
    assert isinstance(driver.feed(book("delta", 3))[0], BookDelta)


def test_ack_with_an_integer_id_or_without_any_is_understood() -> None:
    driver = Driver()
    assert driver.feed({"success": True, "ret_msg": "", "req_id": "", "op": "subscribe"}) != []
    other = Driver()
    assert other.feed({"retCode": 0, "retMsg": "OK", "req_id": None, "op": "subscribe"}) != []


def test_auth_comes_first_and_nothing_else_before_its_answer() -> None:
    key = SecretKey("testkey", "testsecret")
    driver = Driver(["order", "wallet"], StreamName.PRIVATE, key, offset_ns=2 * S)
    [auth] = driver.sent
    assert auth["op"] == "auth"
    assert auth["args"][:2] == ["testkey", 1_700_000_000_000 + 2_000 + 10_000]
    assert auth["args"][2] == key.sign(f"GET/realtime{auth['args'][1]}")
    assert driver.feed({"success": True, "ret_msg": "", "op": "auth", "conn_id": "c"}) == []
    [subscribe] = driver.collect()
    assert subscribe["args"] == ["order", "wallet"]
    assert driver.ack(subscribe) == [StreamUp(StreamName.PRIVATE, WALL)]


def test_auth_vector_of_the_protocol_page() -> None:
    key = SecretKey("testkey", "testsecret")
    expected = "6a806639d27b1c24c3808a191e9d0274d0c9d3a04a160233856d65840dfda2c8"
    assert key.sign("GET/realtime1700000010000") == expected


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"success": False, "ret_msg": "Params Error", "op": "auth", "conn_id": "c"}, []),
        (
            {"op": "auth", "success": False, "retCode": 10003, "retMsg": "Invalid apikey", "connId": "c"},
            [KeyRefused(10003, "Invalid apikey", WALL)],
        ),
        ({"op": "auth", "retCode": 10004, "retMsg": "error sign"}, [KeyRefused(10004, "error sign", WALL)]),
        ({"op": "auth", "retCode": 10016, "retMsg": "internal"}, []),
    ],
)
def test_refused_auth_ends_the_connection_and_a_refused_key_is_told(
    answer: dict[str, Any], told: list[StreamEvent]
) -> None:
    driver = Driver(["order"], StreamName.PRIVATE, SecretKey("k", "s"))
    assert driver.feed(answer) == told
    assert driver.session.failure.startswith("auth refused")
    assert driver.collect() == []


def test_late_auth_is_awaited_and_missing_auth_ends_the_connection() -> None:
    driver = Driver(["order"], StreamName.PRIVATE, SecretKey("k", "s"))
    assert driver.advance(8) == []
    driver.feed({"success": True, "ret_msg": "", "op": "auth", "conn_id": "c"})
    assert driver.collect()[0]["op"] == "subscribe"
    silent = Driver(["order"], StreamName.PRIVATE, SecretKey("k", "s"))
    silent.advance(10)
    assert "auth" in silent.session.failure


def test_one_bad_topic_does_not_lose_the_others() -> None:
    driver = Driver()
    assert driver.ack(driver.sent[0], False, "error:handler not found,topic:tickers.AUSDT") == []
    singles = driver.collect()
    assert [frame["args"] for frame in singles] == [[topic] for topic in TOPICS]
    for frame in singles[:3]:
        assert driver.ack(frame) == []
    assert driver.ack(singles[3], False, "error:handler not found,topic:tickers.AUSDT") == [
        TopicRefused("tickers.AUSDT", "error:handler not found,topic:tickers.AUSDT", WALL),
        StreamUp(StreamName.PUBLIC, WALL),
    ]


def test_refused_topic_is_tried_again_and_reported_once() -> None:
    driver = Driver(["tickers.AUSDT"])
    driver.ack(driver.sent[0], False, "no")
    driver.feed({"op": "pong"})
    sent = [frame for frame in driver.advance(29) if frame["op"] == "subscribe"]
    assert sent == []
    driver.feed({"op": "pong"})
    [again] = [frame for frame in driver.advance(1) if frame["op"] == "subscribe"]
    assert again["args"] == ["tickers.AUSDT"]
    assert driver.ack(again, False, "no") == []


def test_private_stream_is_not_up_while_a_topic_is_refused() -> None:
    driver = Driver(["order", "execution"], StreamName.PRIVATE, SecretKey("k", "s"))
    driver.feed({"success": True, "ret_msg": "", "op": "auth"})
    [both] = driver.collect()
    driver.ack(both, False, "bad topic")
    one, two = driver.collect()
    driver.ack(one)
    assert driver.ack(two, False, "bad topic") == [TopicRefused("execution", "bad topic", WALL)]
    assert not driver.session.is_ready
    driver.advance(21)
    driver.feed({"op": "pong"})
    [again] = [frame for frame in driver.advance(9) if frame["op"] == "subscribe"]
    assert driver.ack(again) == [StreamUp(StreamName.PRIVATE, WALL + 30 * S)]


def test_already_subscribed_is_a_success() -> None:
    driver = Driver(["tickers.AUSDT"])
    events = driver.ack(driver.sent[0], False, "error:already subscribed,topic:tickers.AUSDT")
    assert events == [StreamUp(StreamName.PUBLIC, WALL)]


def test_missing_ack_ends_the_connection_after_its_deadline() -> None:
    driver = Driver(["tickers.AUSDT"])
    driver.advance(9.9)
    assert driver.session.failure == ""
    driver.advance(0.1)
    assert "no answer to subscribe of tickers.AUSDT" in driver.session.failure


def test_ping_every_20_s_and_death_without_pong() -> None:
    driver = Driver(["tickers.AUSDT"])
    driver.ack(driver.sent[0])
    assert driver.advance(19.9) == []
    [ping] = driver.advance(0.1)
    assert ping["op"] == "ping"
    driver.advance(9)
    assert driver.feed({"success": True, "ret_msg": "pong", "conn_id": "c", "req_id": "p1", "op": "ping"}) == []
    [ping] = driver.advance(11)
    driver.advance(10)
    assert driver.session.failure == "no pong in 10 s"


def test_private_stream_is_pinged_every_4_s_once_it_is_up_and_its_pongs_are_told() -> None:
    driver = Driver(["order"], StreamName.PRIVATE, SecretKey("k", "s"))
    driver.feed({"success": True, "ret_msg": "", "op": "auth"})
    [subscribe] = driver.collect()
    driver.ack(subscribe)
    assert driver.advance(3.9) == []
    [ping] = driver.advance(0.1)
    assert ping["op"] == "ping"
    pong = {"req_id": "p1", "op": "pong", "args": ["1675418560633"], "conn_id": "c"}
    assert driver.feed(pong) == [StreamAnswered(StreamName.PRIVATE, WALL + 4 * S)]
    driver.advance(13.9)
    assert driver.session.failure == ""
    driver.advance(0.1)
    assert driver.session.failure == "no pong in 10 s"


def test_silence_of_the_public_stream_ends_it_after_4_s() -> None:
    driver = Driver().ready()
    driver.advance(3.9)
    assert isinstance(driver.feed(book("snapshot", 1, depth=1))[0], TouchHeartbeat)
    driver.advance(3.9)
    assert driver.session.failure == ""
    driver.advance(0.1)
    assert driver.session.failure == "silent for 4 s"


def test_silence_is_allowed_without_the_touch_topic_and_after_the_market_ended() -> None:
    quiet = Driver(["tickers.AUSDT"])
    quiet.ack(quiet.sent[0])
    quiet.advance(19)
    assert quiet.session.failure == ""
    ended = Driver().ready()
    frame = {"topic": "tickers.AUSDT", "type": "snapshot", "data": {"symbol": "AUSDT", "ended": True}, "ts": 1}
    assert ended.feed(frame) == [MarketEnded(WALL)]
    ended.advance(19)
    assert ended.session.failure == ""


def test_deltas_before_the_snapshot_are_dropped() -> None:
    driver = Driver()
    assert driver.feed(book("delta", 9)) == []
    driver.ack(driver.sent[0])
    assert driver.feed(book("delta", 10)) == []
    assert len(driver.feed(book("snapshot", 11))) == 1
    assert len(driver.feed(book("delta", 12))) == 1


def test_resync_unsubscribes_waits_and_subscribes() -> None:
    driver = Driver().ready()
    driver.session.resync("AUSDT", driver.now)
    [leave] = driver.collect()
    assert (leave["op"], leave["args"]) == ("unsubscribe", ["orderbook.50.AUSDT"])
    assert driver.feed(book("delta", 2)) == []
    assert driver.ack(leave) == []
    [enter] = driver.collect()
    assert (enter["op"], enter["args"]) == ("subscribe", ["orderbook.50.AUSDT"])
    assert driver.feed(book("delta", 3)) == []
    assert len(driver.feed(book("snapshot", 1))) == 1
    assert driver.ack(enter) == []
    assert len(driver.feed(book("delta", 2))) == 1


def test_resync_during_a_resync_sends_nothing_more() -> None:
    driver = Driver().ready()
    driver.session.resync("AUSDT", driver.now)
    driver.session.resync("AUSDT", driver.now)
    driver.session.resync("BUSDT", driver.now)
    assert len(driver.collect()) == 1


def test_resync_of_one_symbol_leaves_the_others_alone() -> None:
    driver = Driver(["orderbook.50.AUSDT", "orderbook.50.BAUSDT"])
    driver.ack(driver.sent[0])
    driver.feed(book("snapshot", 1))
    driver.feed(book("snapshot", 1, "BAUSDT"))
    driver.session.resync("AUSDT", driver.now)
    assert driver.collect()[0]["args"] == ["orderbook.50.AUSDT"]
    assert len(driver.feed(book("delta", 2, "BAUSDT"))) == 1


def test_snapshot_that_never_comes_is_asked_for_again() -> None:
    driver = Driver(["orderbook.50.AUSDT"])
    driver.ack(driver.sent[0])
    [leave] = driver.advance(10)
    assert leave["op"] == "unsubscribe"
    driver.ack(leave)
    [enter] = driver.collect()
    assert enter["op"] == "subscribe"


def test_wanting_other_symbols_subscribes_and_unsubscribes_the_difference() -> None:
    driver = Driver(["tickers.AUSDT", "tickers.BUSDT"])
    driver.ack(driver.sent[0])
    driver.session.want(["tickers.BUSDT", "tickers.CUSDT"], driver.now)
    leave, enter = driver.collect()
    assert (leave["op"], leave["args"]) == ("unsubscribe", ["tickers.AUSDT"])
    assert (enter["op"], enter["args"]) == ("subscribe", ["tickers.CUSDT"])
    assert driver.ack(leave) == driver.ack(enter) == []


def test_many_topics_go_out_in_several_frames() -> None:
    topics = [f"tickers.S{number}USDT" for number in range(250)]
    driver = Driver(topics)
    assert [len(frame["args"]) for frame in driver.sent] == [100, 100, 50]
    assert driver.ack(driver.sent[0]) == driver.ack(driver.sent[2]) == []
    assert driver.ack(driver.sent[1]) == [StreamUp(StreamName.PUBLIC, WALL)]


def test_bad_frame_is_reported_with_its_symbol_and_the_stream_goes_on() -> None:
    driver = Driver().ready()
    [event] = driver.feed(b'{"topic":"orderbook.50.AUSDT","type":"delta","ts":17')
    assert isinstance(event, FrameRejected)
    assert (event.stream, event.symbol) == (StreamName.PUBLIC, "AUSDT")
    assert len(driver.feed(book("delta", 2))) == 1


def test_three_bad_frames_within_a_minute_end_the_connection() -> None:
    driver = Driver(["tickers.AUSDT"])
    driver.ack(driver.sent[0])
    for second in range(60):
        driver.feed({"op": "pong"})
        if second in {0, 29}:
            driver.feed(b"garbage")
        driver.advance(1)
    driver.feed(b"garbage")
    assert driver.session.failure == ""
    driver.feed(b"garbage")
    assert "could not be understood" in driver.session.failure


@pytest.mark.parametrize("raw", [b"", b"[]", b"17", b'{"op":5}', b"\xff\xfe", b'{"success":"perhaps"}', DEEP, DEEPER])
def test_odd_frames_never_raise(raw: bytes) -> None:
    assert isinstance(Driver().feed(raw)[0], FrameRejected)
