"""The public socket keeps the rules of bybit-v5.md 9 and 10, seen through a real client."""

from __future__ import annotations

from typing import Any

import pytest


def apply(book: dict[str, dict[str, str]], data: dict[str, Any]) -> None:
    for side in ("b", "a"):
        for price, size in data[side]:
            if size == "0":
                book[side].pop(price, None)
            else:
                book[side][price] = size


@pytest.mark.parametrize("depth", [50, 200, 1000])
async def test_book_starts_with_a_snapshot_and_stays_whole(exchange: Any, open_client: Any, depth: int) -> None:
    async with exchange(seed=3) as ready, open_client(f"{ready['public']}/linear") as client:
        topic = f"orderbook.{depth}.BTCUSDT"
        assert (await client.subscribe(topic))["success"] is True
        book: dict[str, dict[str, str]] = {"b": {}, "a": {}}
        last_u = None
        for number in range(12):
            frame = await client.until(lambda frame: frame.get("topic") == topic)
            assert frame["type"] == ("snapshot" if number == 0 else "delta")
            assert last_u is None or frame["data"]["u"] == last_u + 1
            last_u = frame["data"]["u"]
            apply(book, frame["data"])
            assert max(map(float, book["b"])) < min(map(float, book["a"]))
            assert len(book["b"]) <= depth
            assert len(book["b"]) == len(book["a"]) or depth == 1000


async def test_late_subscriber_sees_the_same_book(exchange: Any, open_client: Any) -> None:
    topic = "orderbook.200.ETHUSDT"
    async with (
        exchange() as ready,
        open_client(f"{ready['public']}/linear") as early,
        open_client(f"{ready['public']}/linear") as late,
    ):
        await early.subscribe(topic)
        books: list[dict[str, dict[str, str]]] = [{"b": {}, "a": {}}, {"b": {}, "a": {}}]
        for _ in range(5):
            apply(books[0], (await early.until(lambda frame: frame.get("topic") == topic))["data"])
        await late.subscribe(topic)
        frame = await late.until(lambda frame: frame.get("topic") == topic)
        assert frame["type"] == "snapshot"
        apply(books[1], frame["data"])
        update_id = 0
        while update_id < frame["data"]["u"]:
            missed = await early.until(lambda frame: frame.get("topic") == topic)
            update_id = missed["data"]["u"]
            if update_id <= frame["data"]["u"]:
                apply(books[0], missed["data"])
        assert books[0] == books[1]


async def test_touch_is_repeated_with_the_same_update_id(exchange: Any, open_client: Any) -> None:
    async with exchange(speed=0.001) as ready, open_client(f"{ready['public']}/linear") as client:
        await client.subscribe("orderbook.1.AVAXUSDT")
        topic = "orderbook.1.AVAXUSDT"
        first = await client.until(lambda frame: frame.get("topic") == topic)
        again = await client.until(lambda frame: frame.get("topic") == topic)
        assert again["type"] == "snapshot"
        assert again["data"] == first["data"]


async def test_one_bad_topic_fails_the_whole_request(exchange: Any, open_client: Any) -> None:
    async with exchange() as ready, open_client(f"{ready['public']}/linear") as client:
        ack = await client.subscribe("orderbook.50.BTCUSDT", "orderbook.500.BTCUSDT")
        assert ack["success"] is False
        assert ack["ret_msg"] == "error:handler not found,topic:orderbook.500.BTCUSDT"
        assert (await client.subscribe("orderbook.50.BTCUSDT"))["success"] is True


async def test_second_subscription_is_refused_and_first_goes_on(exchange: Any, open_client: Any) -> None:
    async with exchange() as ready, open_client(f"{ready['public']}/linear") as client:
        await client.subscribe("orderbook.50.BTCUSDT")
        ack = await client.subscribe("orderbook.50.BTCUSDT")
        assert ack["ret_msg"] == "error:already subscribed,topic:orderbook.50.BTCUSDT"
        frame = await client.until(lambda frame: frame.get("type") == "delta")
        assert frame["topic"] == "orderbook.50.BTCUSDT"


async def test_unsubscribing_and_subscribing_again_gives_a_snapshot(exchange: Any, open_client: Any) -> None:
    async with exchange() as ready, open_client(f"{ready['public']}/linear") as client:
        await client.subscribe("orderbook.50.BTCUSDT")
        await client.until(lambda frame: frame.get("type") == "delta")
        await client.send({"op": "unsubscribe", "args": ["orderbook.50.BTCUSDT"]})
        await client.until(lambda frame: frame.get("op") == "unsubscribe")
        await client.subscribe("orderbook.50.BTCUSDT")
        frame = await client.until(lambda frame: "topic" in frame)
        assert frame["type"] == "snapshot"


async def test_ping_and_invalid_requests_are_answered(exchange: Any, open_client: Any) -> None:
    async with exchange() as ready, open_client(f"{ready['public']}/linear") as client:
        await client.send({"op": "ping", "req_id": 42})
        pong = await client.receive()
        assert (pong["op"], pong["ret_msg"], pong["req_id"], pong["success"]) == ("ping", "pong", 42, True)
        await client.send({"op": "nonsense"})
        assert (await client.receive())["ret_msg"] == "error:invalid op"
        await client.socket.send("{")
        assert (await client.receive())["ret_msg"].startswith("Failed to decode incoming data:")


async def test_trades_and_tickers_have_bybits_fields(exchange: Any, open_client: Any) -> None:
    async with exchange() as ready, open_client(f"{ready['public']}/linear") as client:
        await client.subscribe("publicTrade.BTCUSDT", "tickers.BTCUSDT")
        ticker = await client.until(lambda frame: frame.get("topic") == "tickers.BTCUSDT")
        assert ticker["type"] == "snapshot"
        assert {"lastPrice", "markPrice", "indexPrice", "price24hPcnt", "turnover24h", "fundingRate"} <= set(
            ticker["data"]
        )
        trade = await client.until(lambda frame: frame.get("topic") == "publicTrade.BTCUSDT")
        assert {"T", "s", "S", "v", "p", "L", "i", "BT", "seq"} <= set(trade["data"][0])
