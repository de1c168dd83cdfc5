"""Whatever comes over the trade socket, the session neither raises nor takes it for an answer that it is not."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cockpit.adapters.bybit.config import StreamLimits
from cockpit.adapters.bybit.credentials import SecretKey
from cockpit.adapters.bybit.trade import CREATE, TradeReply, TradeSession
from cockpit.domain.errors import VenueError

GOOD = {
    "reqId": "1", "retCode": 0, "retMsg": "OK", "op": "order.create", "data": {"orderId": "o", "orderLinkId": "l"},
    "retExtInfo": {}, "header": {"X-Bapi-Limit-Reset-Timestamp": "1"}, "connId": "c",
}  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def started(replies: list[TradeReply]) -> TradeSession:
    """A session with one request on its way."""
    session = TradeSession(StreamLimits(), SecretKey("k", "s"), 0, replies.append)
    session.open(0, 0)
    session.receive(b'{"op":"auth","retCode":0}', 0, 0)
    session.request("1", CREATE, {"symbol": "AUSDT"}, 1, 3000)
    session.data_to_send()
    return session


def judged(replies: list[TradeReply]) -> list[bytes]:
    """What was taken for a yes; every other answer is one of the outcomes."""
    found = []
    for reply in replies:
        try:
            found.append(reply.result())
        except VenueError:
            continue
    return found


@given(st.lists(st.binary(max_size=80), max_size=20))
def test_any_bytes_never_raise_and_are_never_a_yes(frames: list[bytes]) -> None:
    replies: list[TradeReply] = []
    session = started(replies)
    for count, frame in enumerate(frames):
        session.receive(frame, count, count)
        session.on_deadline(count)
        session.data_to_send()
    assert judged(replies) == []


@given(st.dictionaries(st.sampled_from(sorted(GOOD)), JSON, min_size=1), st.sets(st.sampled_from(sorted(GOOD))))
def test_a_damaged_answer_is_a_yes_only_if_what_matters_of_it_is_whole(changes: dict[str, Any], gone: set[str]) -> None:
    frame = {name: value for name, value in (GOOD | changes).items() if name not in gone}
    replies: list[TradeReply] = []
    started(replies).receive(json.dumps(frame).encode(), 1, 1)
    if judged(replies):
        assert frame["reqId"] == "1"
        assert frame["retCode"] == 0
        assert isinstance(frame["data"], dict)


@given(st.integers(0, len(json.dumps(GOOD)) - 1))
def test_a_truncated_answer_answers_nothing(length: int) -> None:
    replies: list[TradeReply] = []
    session = started(replies)
    session.receive(json.dumps(GOOD).encode()[:length], 1, 1)
    assert replies == []
    assert session.waiting == {"1"}


@given(st.lists(st.sampled_from(["1", "2", "3", "x", None]), max_size=8), st.randoms(use_true_random=False))
def test_each_request_is_answered_once_at_most_whatever_comes_in_whatever_order(ids: list[Any], random: Any) -> None:
    replies: list[TradeReply] = []
    session = started(replies)
    for req_id in ("2", "3"):
        session.request(req_id, CREATE, {}, 1, 3000)
    session.data_to_send()
    for req_id in ids:
        frame = GOOD | {"reqId": req_id, "retCode": random.choice([0, 10016, 110007])}
        session.receive(json.dumps(frame).encode(), 1, 1)
    answered = [reply.req_id for reply in replies]
    assert len(set(answered)) == len(answered)
    assert set(answered) <= {"1", "2", "3"} & {str(req_id) for req_id in ids}
