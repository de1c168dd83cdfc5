"""Whatever the exchange sends, the session neither raises nor forgets a wanted topic."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cockpit.adapters.bybit.config import StreamLimits
from cockpit.adapters.bybit.public import PublicDecoder
from cockpit.adapters.bybit.session import StreamSession
from cockpit.domain.enums import StreamName
from cockpit.domain.events import StreamUp, TopicRefused

TOPICS = [f"{kind}.{symbol}" for symbol in ("AUSDT", "BUSDT") for kind in ("orderbook.50", "publicTrade")]


def session() -> StreamSession:
    made = StreamSession(StreamName.PUBLIC, PublicDecoder().decode, StreamLimits())
    made.want(TOPICS, 0)
    made.open(0, 0)
    return made


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_any_frames_never_raise(frames: list[bytes]) -> None:
    stream = session()
    for count, frame in enumerate(frames):
        stream.receive(frame, count, count)
        stream.data_to_send()
        stream.on_deadline(count)


@given(st.sets(st.sampled_from(TOPICS)), st.randoms(use_true_random=False))
def test_every_topic_is_active_or_reported_whatever_the_order_of_answers(bad: set[str], random: Any) -> None:
    stream = session()
    told: set[str] = set()
    ups = 0
    waiting = [json.loads(frame) for frame in stream.data_to_send()]
    while waiting:
        request = waiting.pop(random.randrange(len(waiting)))
        refused = sorted(bad & set(request["args"]))
        reason = f"error:handler not found,topic:{refused[0]}" if refused else ""
        answer = {"success": not refused, "ret_msg": reason, "req_id": request["req_id"], "op": request["op"]}
        for event in stream.receive(json.dumps(answer).encode(), 1, 1):
            if isinstance(event, TopicRefused):
                told.add(event.topic)
            ups += isinstance(event, StreamUp)
        waiting += [json.loads(frame) for frame in stream.data_to_send()]
    assert told == bad
    assert ups == 1
