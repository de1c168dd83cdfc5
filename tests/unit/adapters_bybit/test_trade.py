"""The trade session without a socket: auth, requests and their answers, heartbeat, restarting nodes, bad frames."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cockpit.adapters.bybit.config import StreamLimits
from cockpit.adapters.bybit.credentials import SecretKey
from cockpit.adapters.bybit.session import StreamEvent
from cockpit.adapters.bybit.trade import CANCEL, CREATE, TradeReply, TradeSession
from cockpit.domain.enums import StreamName
from cockpit.domain.errors import (
    AuthRejected,
    OutcomeUnknown,
    ServiceDown,
    VenueError,
    VenueRejected,
    VenueThrottled,
    VenueUnavailable,
)
from cockpit.domain.events import FrameRejected, StreamUp

S = 1_000_000_000
WALL = 1_700_000_000_000_000_000
KEY = SecretKey("testkey", "testsecret")
AUTHENTICATED = {"retCode": 0, "retMsg": "OK", "op": "auth", "connId": "c"}


class Driver:
    """Plays the socket: keeps the clock, collects frames and replies."""

    def __init__(self, *, is_authenticated: bool = True, offset_ns: int = 0) -> None:
        self.now = 0
        self.replies: list[TradeReply] = []
        self.session = TradeSession(StreamLimits(), KEY, offset_ns, self.replies.append)
        self.session.open(WALL, self.now)
        self.sent = self.collect()
        if is_authenticated:
            self.feed(AUTHENTICATED)

    def collect(self) -> list[dict[str, Any]]:
        return [json.loads(frame) for frame in self.session.data_to_send()]

    def feed(self, frame: Any) -> list[StreamEvent]:
        raw = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
        return list(self.session.receive(raw, WALL + self.now, self.now))

    def request(self, req_id: str = "1", op: str = CREATE, **params: Any) -> None:
        self.session.request(req_id, op, params, 1_711_001_595_207, 3000)

    def answer(self, req_id: str = "1", code: int = 0, **fields: Any) -> dict[str, Any]:
        frame = {"reqId": req_id, "retCode": code, "retMsg": "words", "op": CREATE, "data": {"orderId": "o"}}
        return frame | {"retExtInfo": {}, "header": {}, "connId": "c"} | fields

    def advance(self, seconds: float) -> list[dict[str, Any]]:
        """Let time pass, firing every deadline on the way; returns what was sent meanwhile."""
        end, sent = self.now + round(seconds * S), []
        while not self.session.failure:
            due = self.session.next_deadline()
            if due is None or due > end:
                break
            self.now = max(self.now, due)
            self.session.on_deadline(self.now)
            sent += self.collect()
        self.now = end
        return sent


def test_auth_is_the_first_frame_and_its_yes_makes_the_stream_ready() -> None:
    driver = Driver(is_authenticated=False, offset_ns=2 * S)
    [auth] = driver.sent
    assert auth["op"] == "auth"
    assert auth["args"][:2] == ["testkey", 1_700_000_000_000 + 2_000 + 10_000]
    assert auth["args"][2] == KEY.sign(f"GET/realtime{auth['args'][1]}")
    assert not driver.session.takes_requests
    assert driver.feed(AUTHENTICATED) == [StreamUp(StreamName.TRADE, WALL)]
    assert driver.session.takes_requests


def test_before_the_yes_nothing_is_sent() -> None:
    driver = Driver(is_authenticated=False)
    with pytest.raises(VenueUnavailable, match="nothing was sent"):
        driver.request()
    assert driver.collect() == []


@pytest.mark.parametrize(
    "answer",
    [
        {"retCode": 10004, "retMsg": "Invalid sign", "op": "auth", "connId": "c"},
        {"retCode": 10001, "retMsg": "Params Error", "op": "auth", "connId": "c"},
        {"op": "auth", "success": False, "retCode": 10003, "retMsg": "Invalid apikey", "connId": "c"},
        {"op": "auth"},
    ],
)
def test_refused_auth_ends_the_connection(answer: dict[str, Any]) -> None:
    driver = Driver(is_authenticated=False)
    assert driver.feed(answer) == []
    assert driver.session.failure.startswith("auth refused")
    assert not driver.session.takes_requests


def test_missing_auth_ends_the_connection() -> None:
    driver = Driver(is_authenticated=False)
    driver.advance(10)
    assert "auth" in driver.session.failure


def test_repeated_yes_is_not_told_twice() -> None:
    assert Driver().feed(AUTHENTICATED) == []


def test_request_has_the_frame_of_the_protocol_page_with_the_parameters_of_rest() -> None:
    driver = Driver()
    driver.request("ck-1", category="linear", symbol="ETHUSDT", orderLinkId="cs1-a1-e1")
    assert driver.collect() == [
        {
            "reqId": "ck-1",
            "header": {"X-BAPI-TIMESTAMP": "1711001595207", "X-BAPI-RECV-WINDOW": "3000"},
            "op": "order.create",
            "args": [{"category": "linear", "symbol": "ETHUSDT", "orderLinkId": "cs1-a1-e1"}],
        }
    ]
    assert driver.collect() == []


def test_answers_find_their_requests_in_any_order_and_once() -> None:
    driver = Driver()
    driver.request("1")
    driver.request("2", CANCEL)
    driver.collect()
    driver.feed(driver.answer("2", op=CANCEL))
    driver.feed(driver.answer("1"))
    driver.feed(driver.answer("1"))
    driver.feed(driver.answer("never"))
    assert [reply.req_id for reply in driver.replies] == ["2", "1"]
    assert driver.replies[1].result() == b'{"orderId": "o"}'


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (10001, VenueRejected),
        (110007, VenueRejected),
        (10002, VenueRejected),
        (10006, VenueThrottled),
        (10403, VenueThrottled),
        (10404, VenueThrottled),
        (10429, OutcomeUnknown),
        (10003, AuthRejected),
        (33004, AuthRejected),
        (10000, OutcomeUnknown),
        (10016, ServiceDown),
        (10019, ServiceDown),
        (20003, OutcomeUnknown),
        (20006, OutcomeUnknown),
        (424242, OutcomeUnknown),
    ],
)
def test_each_code_is_judged_as_by_rest(code: int, kind: type[VenueError]) -> None:
    driver = Driver()
    driver.request()
    driver.collect()
    driver.feed(driver.answer(code=code))
    with pytest.raises(kind) as caught:
        driver.replies[0].result()
    assert type(caught.value) is kind


@pytest.mark.parametrize("fields", [{"data": None}, {"data": []}, {"data": "o"}, {"retCode": None}])
def test_yes_without_substance_is_unknown(fields: dict[str, Any]) -> None:
    driver = Driver()
    driver.request()
    driver.collect()
    driver.feed(driver.answer(**fields))
    with pytest.raises(OutcomeUnknown):
        driver.replies[0].result()


@pytest.mark.parametrize("name", ["X-Bapi-Limit-Reset-Timestamp", "x-bapi-limit-reset-timestamp"])
@pytest.mark.parametrize(("value", "reset_ms"), [("1711001595208", 1711001595208), (5, 5), ("soon", None), ("", None)])
def test_rate_limit_tells_its_reset_in_any_case_of_the_header(name: str, value: Any, reset_ms: int | None) -> None:
    driver = Driver()
    driver.request()
    driver.collect()
    driver.feed(driver.answer(code=10006, header={name: value, "traceId": "x"}))
    with pytest.raises(VenueThrottled) as caught:
        driver.replies[0].result()
    assert caught.value.reset_ms == reset_ms


def test_restarting_node_gets_nothing_more_and_answers_what_is_on_its_way() -> None:
    driver = Driver()
    for req_id in ("1", "2", "3"):
        driver.request(req_id)
    driver.collect()
    driver.feed(driver.answer("1", code=10019))
    assert driver.session.failure == ""
    with pytest.raises(VenueUnavailable):
        driver.request("4")
    driver.feed(driver.answer("2"))
    assert driver.session.failure == ""
    driver.session.forget("3", driver.now)
    assert "restarts" in driver.session.failure
    assert [reply.req_id for reply in driver.replies] == ["1", "2"]


def test_request_that_has_not_left_is_withdrawn_and_one_that_has_left_is_not() -> None:
    driver = Driver()
    driver.request("1")
    assert driver.session.forget("1", driver.now)
    assert driver.collect() == []
    driver.request("2")
    assert [frame["reqId"] for frame in driver.collect()] == ["2"]
    assert not driver.session.forget("2", driver.now)
    driver.feed(driver.answer("2"))
    assert driver.replies == []


def test_ping_leaves_every_20_s_and_no_pong_in_10_s_is_the_end() -> None:
    driver = Driver()
    assert driver.advance(20) == [{"op": "ping"}]
    driver.feed({"retCode": 0, "retMsg": "OK", "op": "pong", "data": ["1711002002529"], "connId": "c"})
    assert driver.advance(20) == [{"op": "ping"}]
    driver.advance(10)
    assert driver.session.failure == "no pong in 10 s"


def test_request_without_an_answer_makes_the_connection_suspect_at_once() -> None:
    driver = Driver()
    driver.request()
    driver.collect()
    driver.now += 3 * S
    driver.session.forget("1", driver.now)
    assert driver.advance(0) == [{"op": "ping"}]
    driver.advance(10)
    assert "pong" in driver.session.failure


@pytest.mark.parametrize(
    "frame",
    [b"", b"{", b"<html>", b"[]", b'"words"', b"\xff\xfe", b"{}", b'{"reqId":1,"retCode":0}', b'{"a":' * 100_000],
)
def test_frame_that_makes_no_sense_is_told_and_three_of_them_end_the_connection(frame: bytes) -> None:
    driver = Driver()
    driver.request()
    driver.collect()
    for count in range(3):
        assert driver.session.failure == "" or count == 3
        [event] = driver.feed(frame)
        assert isinstance(event, FrameRejected)
        assert event.stream is StreamName.TRADE
    assert "could not be understood" in driver.session.failure
    assert driver.replies == []
    assert driver.session.waiting == {"1"}


def test_refusal_without_a_request_id_is_told_and_answers_nothing() -> None:
    driver = Driver()
    driver.request()
    driver.collect()
    [event] = driver.feed({"retCode": 10005, "retMsg": "Permission denied", "op": "order.create", "connId": "c"})
    assert isinstance(event, FrameRejected)
    assert "10005" in event.reason
    assert driver.replies == []
