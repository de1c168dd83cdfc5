"""Streams over real sockets: they come up, survive what the network does, and keep every wish."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cockpit.adapters.bybit.config import StreamLimits
from cockpit.domain.enums import StreamName
from cockpit.domain.errors import VenueUnavailable
from cockpit.domain.events import AccountPush, FrameRejected, StreamLost, StreamUp, TopicRefused
from cockpit.domain.market import BookDelta, BookSnapshot, Ticker, TouchHeartbeat
from tests.integration.bybit.conftest import QUICK, eventually, running_venue
from tests.support.scripted_http import ScriptedHttp
from tests.support.scripted_ws import ScriptedStreams

GOLDEN = Path(__file__).parents[2] / "data" / "bybit"
TOPICS = ["orderbook.50.AUSDT", "orderbook.1.AUSDT", "publicTrade.AUSDT", "tickers.AUSDT"]


class Frames:
    """A sink that keeps what it is offered."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes]] = []

    def frame(self, ts_recv: int, direction: str, raw: bytes) -> None:
        assert ts_recv > 0
        self.taken.append((direction, raw))

    def close(self) -> None:
        """Nothing is open."""


async def test_both_streams_come_up_and_their_events_arrive_in_order(
    http: ScriptedHttp, streams: ScriptedStreams
) -> None:
    async with running_venue(http.url, streams) as (venue, listener):
        await listener.until(StreamUp, lambda e: e.stream is StreamName.PRIVATE)
        assert streams.connects["public"] == 0
        await venue.subscribe(["AUSDT"])
        await listener.until(StreamUp, lambda e: e.stream is StreamName.PUBLIC)
        await listener.until(BookSnapshot)
        await listener.until(TouchHeartbeat)
        for _ in range(3):
            await streams.push("public", streams.book("delta", "AUSDT"))
        await streams.push("private", (GOLDEN / "private_order.json").read_text())
        push = await listener.until(AccountPush)
        assert [report.client_id for report in push.reports] == ["cs7-b12-e1", ""]
        await listener.until(BookDelta, lambda e: e.update_id == 105)
        assert [event.update_id for event in listener.of(BookDelta)] == [103, 104, 105]
        assert streams.frames("subscribe") == [["order", "execution", "position", "wallet"], TOPICS]


async def test_a_cut_connection_is_reported_made_again_and_subscribed_again(
    http: ScriptedHttp, streams: ScriptedStreams
) -> None:
    async with running_venue(http.url, streams) as (venue, listener):
        await venue.subscribe(["AUSDT"])
        await listener.until(StreamUp, lambda e: e.stream is StreamName.PUBLIC)
        await listener.until(BookSnapshot)
        await streams.abort("public")
        await listener.until(StreamLost, lambda e: e.stream is StreamName.PUBLIC)
        after = len(listener.events)
        await listener.until(StreamUp, lambda e: e.stream is StreamName.PUBLIC, after)
        await listener.until(BookSnapshot, after=after)
        assert streams.frames("subscribe").count(TOPICS) == 2
        assert not [event for event in listener.of(StreamLost) if event.stream is StreamName.PRIVATE]


async def test_refused_connections_are_tried_until_one_is_taken(http: ScriptedHttp, streams: ScriptedStreams) -> None:
    streams.refused_connects = 5
    async with running_venue(http.url, streams, key=None) as (venue, listener):
        await venue.subscribe(["AUSDT"])
        await listener.until(StreamUp)
        assert streams.connects == {"public": 6, "private": 0, "trade": 0}


async def test_silent_public_stream_is_given_up_and_made_again(http: ScriptedHttp, streams: ScriptedStreams) -> None:
    limits = QUICK.model_copy(update={"silence_s": 0.5})
    async with running_venue(http.url, streams, limits=limits, key=None) as (venue, listener):
        await venue.subscribe(["AUSDT"])
        lost = await listener.until(StreamLost)
        assert "silent" in lost.reason
        await listener.until(StreamUp, after=listener.events.index(lost))


async def test_private_stream_without_pong_is_given_up(http: ScriptedHttp, streams: ScriptedStreams) -> None:
    streams.answers_pings = False
    limits = StreamLimits(ping_interval_s=0.2, private_ping_interval_s=0.2, pong_timeout_s=0.3)
    async with running_venue(http.url, streams, limits=limits) as (_, listener):
        lost = await listener.until(StreamLost)
        assert lost.stream is StreamName.PRIVATE
        assert "pong" in lost.reason


async def test_pings_are_answered_and_keep_the_stream(http: ScriptedHttp, streams: ScriptedStreams) -> None:
    limits = StreamLimits(ping_interval_s=0.2, private_ping_interval_s=0.2, pong_timeout_s=2)
    async with running_venue(http.url, streams, limits=limits) as (_, listener):
        await listener.until(StreamUp)
        await eventually(lambda: len(streams.frames("ping")) >= 3)
        assert listener.of(StreamLost) == []


async def test_refused_auth_is_reported_with_the_exchanges_words(http: ScriptedHttp, streams: ScriptedStreams) -> None:
    streams.accepts_auth = False
    async with running_venue(http.url, streams) as (_, listener):
        lost = await listener.until(StreamLost)
        assert "auth refused" in lost.reason
        streams.accepts_auth = True
        await listener.until(StreamUp)


async def test_one_bad_symbol_does_not_lose_the_others(http: ScriptedHttp, streams: ScriptedStreams) -> None:
    streams.bad_topics = {topic.replace("AUSDT", "NOSUCHUSDT") for topic in TOPICS}
    async with running_venue(http.url, streams, key=None) as (venue, listener):
        await venue.subscribe(["AUSDT", "NOSUCHUSDT"])
        await listener.until(StreamUp)
        assert {event.topic for event in listener.of(TopicRefused)} == streams.bad_topics
        await listener.until(BookSnapshot, lambda e: e.symbol == "AUSDT")


@pytest.mark.parametrize(
    "bad",
    [
        '{"topic":"orderbook.50.AUSDT","type":"delta","ts":1,"data":{"s":"AUSDT","b":[["1.5","NaN"]],"a":[],"u":1}}',
        '{"topic":"orderbook.50.AUSDT","type":"del',
        '{"topic":"orderbook.50.AUSDT","type":"delta","ts":1,"data":null}',
    ],
)
async def test_one_bad_frame_is_reported_and_the_stream_goes_on(
    http: ScriptedHttp, streams: ScriptedStreams, bad: str
) -> None:
    async with running_venue(http.url, streams, key=None) as (venue, listener):
        await venue.subscribe(["AUSDT"])
        await listener.until(BookSnapshot)
        await streams.push("public", bad)
        await streams.push("public", streams.book("delta", "AUSDT"))
        assert (await listener.until(FrameRejected)).symbol == "AUSDT"
        await listener.until(BookDelta)
        assert listener.of(StreamLost) == []


async def test_bytes_that_are_no_text_and_huge_frames_do_not_end_the_venue(
    http: ScriptedHttp, streams: ScriptedStreams
) -> None:
    async with running_venue(http.url, streams, key=None) as (venue, listener):
        await venue.subscribe(["AUSDT"])
        await listener.until(BookSnapshot)
        await streams.push("public", b"\xff\xfe\x00")
        await listener.until(FrameRejected)
        await streams.push("public", "x" * (5 * 1024 * 1024))
        lost = await listener.until(StreamLost)
        await listener.until(StreamUp, after=listener.events.index(lost))


async def test_bad_account_frame_is_reported_on_the_private_stream(
    http: ScriptedHttp, streams: ScriptedStreams
) -> None:
    async with running_venue(http.url, streams) as (_, listener):
        await listener.until(StreamUp)
        frame = json.loads((GOLDEN / "private_order.json").read_text())
        frame["data"][0]["qty"] = None
        await streams.push("private", frame)
        assert (await listener.until(FrameRejected)).stream is StreamName.PRIVATE


async def test_resync_brings_a_fresh_snapshot(http: ScriptedHttp, streams: ScriptedStreams) -> None:
    async with running_venue(http.url, streams, key=None) as (venue, listener):
        with pytest.raises(VenueUnavailable):
            await venue.resync("AUSDT")
        await venue.subscribe(["AUSDT"])
        await listener.until(BookSnapshot)
        await listener.until(StreamUp)
        after = len(listener.events)
        await venue.resync("AUSDT")
        await listener.until(BookSnapshot, after=after)
        assert streams.frames("unsubscribe") == [["orderbook.50.AUSDT"]]


async def test_changed_wish_changes_the_subscriptions(http: ScriptedHttp, streams: ScriptedStreams) -> None:
    async with running_venue(http.url, streams, key=None) as (venue, listener):
        await venue.subscribe(["AUSDT"])
        await listener.until(StreamUp)
        await venue.subscribe(["BUSDT"])
        await listener.until(BookSnapshot, lambda e: e.symbol == "BUSDT")
        assert streams.frames("unsubscribe") == [TOPICS]
        await streams.abort("public")
        lost = await listener.until(StreamLost)
        await listener.until(StreamUp, after=listener.events.index(lost))
        assert streams.frames("subscribe")[-1][0] == "orderbook.50.BUSDT"


async def test_ticker_of_a_new_connection_starts_from_its_own_snapshot(
    http: ScriptedHttp, streams: ScriptedStreams
) -> None:
    snapshot = json.loads((GOLDEN / "public_ticker_snapshot.json").read_text())
    delta = snapshot | {"type": "delta", "data": {"symbol": "SOLUSDT", "lastPrice": "150"}}
    async with running_venue(http.url, streams, key=None) as (venue, listener):
        await venue.subscribe(["AUSDT"])
        await listener.until(StreamUp)
        await streams.push("public", snapshot)
        await listener.until(Ticker)
        await streams.abort("public")
        lost = await listener.until(StreamLost)
        await listener.until(StreamUp, after=listener.events.index(lost))
        await streams.push("public", delta)
        await streams.push("public", snapshot)
        ticker = await listener.until(Ticker, after=listener.events.index(lost))
        assert ticker.last_price == 151.25


async def test_f026_a_reader_that_does_not_keep_up_loses_markets_but_no_account_event(
    http: ScriptedHttp, streams: ScriptedStreams
) -> None:
    limits = QUICK.model_copy(update={"max_backlog": 100})
    async with running_venue(http.url, streams, limits=limits) as (venue, listener):
        await listener.until(StreamUp)
        await venue.subscribe(["AUSDT"])
        await listener.until(BookSnapshot)
        wallet = (GOLDEN / "private_wallet.json").read_text()
        async with listener.more:  # the reader stands still while it cannot note what it read
            for _ in range(3):
                await streams.push("private", wallet)
            for _ in range(300):
                await streams.push("public", streams.book("delta", "AUSDT"))
            await eventually(lambda: streams.connects["public"] == 2)
        lost = await listener.until(StreamLost)
        assert "keep up" in lost.reason
        assert len(listener.of(AccountPush)) == 3
        await listener.until(BookSnapshot, after=listener.events.index(lost))


async def test_every_frame_is_offered_to_the_sink_except_the_key(http: ScriptedHttp, streams: ScriptedStreams) -> None:
    sink = Frames()
    async with running_venue(http.url, streams, sink=sink) as (venue, listener):
        await venue.subscribe(["AUSDT"])
        await listener.until(BookSnapshot)
        await streams.push("private", (GOLDEN / "private_order.json").read_text())
        await listener.until(AccountPush)
    received = [raw for direction, raw in sink.taken if direction == "recv"]
    sent = [raw for direction, raw in sink.taken if direction == "send"]
    assert any(b"orderbook.50.AUSDT" in raw for raw in received)
    assert any(b'"order"' in raw for raw in received)
    assert [json.loads(raw)["op"] for raw in sent].count("subscribe") == 2
    assert not any(b"testkey" in raw for raw in received + sent)
