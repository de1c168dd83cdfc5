"""One test for each control verb that bends the exchange: what a client sees of it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from typing import Any

import pytest
import requests
from pybit.exceptions import InvalidRequestError

BTC = "BTCUSDT"
LINEAR = {"category": "linear", "symbol": BTC}
RESTING = {**LINEAR, "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "60000"}
MARKET = {**LINEAR, "side": "Buy", "orderType": "Market", "qty": "0.01"}
CREATE = "/v5/order/create"
CLOSE = {**LINEAR, "side": "Sell", "orderType": "Market", "qty": "0", "reduceOnly": True, "closeOnTrigger": True}


async def subscribe_private(socket: Any, ready: dict[str, Any], *topics: str) -> dict[str, Any]:
    expires = 9_999_999_999_999
    signed = hmac.new(ready["api_secret"].encode(), f"GET/realtime{expires}".encode(), hashlib.sha256).hexdigest()
    await socket.send({"op": "auth", "args": [ready["api_key"], expires, signed]})
    await socket.until(lambda frame: frame.get("op") == "auth")
    answer: dict[str, Any] = await socket.subscribe(*topics)
    return answer


async def positions(pybit: Any) -> list[dict[str, Any]]:
    return list((await asyncio.to_thread(pybit.get_positions, **LINEAR))["result"]["list"])


async def rows(pybit: Any) -> list[dict[str, Any]]:
    return list((await asyncio.to_thread(pybit.get_open_orders, **LINEAR))["result"]["list"])


async def test_reply_drips_byte_by_byte(exchange: Any, control: Any) -> None:
    async with exchange() as ready:
        route = "/v5/market/time"
        whole = await asyncio.to_thread(requests.get, ready["rest"] + route, timeout=5)
        await control(ready, "fault/rest", route=route, drip_bytes_per_s=2000)
        dripped = await asyncio.to_thread(requests.get, ready["rest"] + route, timeout=5)
        assert dripped.json().keys() == whole.json().keys()
        await control(ready, "fault/rest", route=route, drip_bytes_per_s=1)
        with pytest.raises(requests.exceptions.ConnectionError):  # no byte comes in time, although bytes come
            await asyncio.to_thread(requests.get, ready["rest"] + route, timeout=0.3)


async def test_stale_read_shows_the_account_as_it_was(exchange: Any, pybit_session: Any, control: Any) -> None:
    async with exchange() as ready:
        pybit = pybit_session(ready)
        await control(ready, "fault/rest", route="/v5/position/list", stale_s=60, count=1)
        await asyncio.to_thread(pybit.place_order, **MARKET)
        assert (await positions(pybit))[0]["size"] == "0.000"
        assert (await positions(pybit))[0]["size"] == "0.010"


async def test_frames_of_one_topic_leave_later_and_in_their_order(
    exchange: Any, open_client: Any, control: Any
) -> None:
    async with exchange() as ready, open_client(ready["public"] + "/linear") as socket:
        await control(ready, "fault/socket", channel="public", delay_s=0.5, topic="tickers.BTCUSDT")
        await socket.subscribe("tickers.BTCUSDT", "tickers.ETHUSDT")
        first = await socket.until(lambda frame: "topic" in frame)
        assert first["topic"] == "tickers.ETHUSDT"
        late = await socket.until(lambda frame: frame.get("topic") == "tickers.BTCUSDT")
        assert late["type"] == "snapshot"


async def test_frames_leave_last_one_first(exchange: Any, open_client: Any, control: Any) -> None:
    async with exchange() as ready, open_client(ready["public"] + "/linear") as socket:
        await socket.subscribe("orderbook.50.BTCUSDT")
        await socket.until(lambda frame: frame.get("type") == "snapshot")
        await control(ready, "fault/socket", channel="public", reorder=3, topic="orderbook.50")
        seen = [(await socket.until(lambda frame: frame.get("type") == "delta"))["data"]["u"] for _ in range(60)]
        swapped = next(index for index in range(60) if seen[index + 1] < seen[index])
        assert seen[swapped : swapped + 3] == [seen[swapped], seen[swapped] - 1, seen[swapped] - 2]
        assert sorted(seen) == list(range(min(seen), max(seen) + 1))


async def test_answers_of_a_socket_leave_later(exchange: Any, open_client: Any, control: Any) -> None:
    async with exchange() as ready, open_client(ready["public"] + "/linear") as socket:
        await control(ready, "fault/socket", channel="public", slow_ack_s=0.3)
        await socket.send({"op": "subscribe", "args": ["tickers.BTCUSDT"], "req_id": "s"})
        first = await socket.receive()
        assert first.get("topic") == "tickers.BTCUSDT"
        await socket.until(lambda frame: frame.get("op") == "subscribe")


async def test_topic_is_refused_by_name(exchange: Any, open_client: Any, control: Any) -> None:
    async with exchange() as ready:
        await control(ready, "fault/socket", channel="private", nack="execution")
        async with open_client(ready["private"]) as socket:
            refused = await subscribe_private(socket, ready, "execution")
            assert not refused["success"]
            assert "execution" in refused["ret_msg"]
            assert (await socket.subscribe("order"))["success"]


async def test_exchange_time_is_put_off(exchange: Any, pybit_session: Any, control: Any) -> None:
    async with exchange() as ready:
        pybit = pybit_session(ready)
        before = (await asyncio.to_thread(pybit.get_server_time))["result"]["timeSecond"]
        await control(ready, "clock", shift_s=3600)
        after = (await asyncio.to_thread(pybit.get_server_time))["result"]["timeSecond"]
        assert 3600 <= int(after) - int(before) < 3630
        with pytest.raises(InvalidRequestError) as caught:
            await asyncio.to_thread(pybit.get_account_info)
        assert caught.value.status_code == 10002


async def test_thin_book_fills_a_market_order_in_part(exchange: Any, pybit_session: Any, control: Any) -> None:
    async with exchange() as ready:
        pybit = pybit_session(ready)
        await control(ready, "market/thin", symbol=BTC, levels=1, lots=3)
        await asyncio.to_thread(pybit.place_order, **MARKET)
        assert (await positions(pybit))[0]["size"] == "0.003"
        await control(ready, "market/thin", symbol=BTC)
        await asyncio.to_thread(pybit.place_order, **MARKET)
        assert (await positions(pybit))[0]["size"] == "0.013"


async def test_crossed_book_is_sent_once(exchange: Any, open_client: Any, control: Any) -> None:
    async with exchange() as ready, open_client(ready["public"] + "/linear") as socket:
        await socket.subscribe("orderbook.50.BTCUSDT")
        await socket.until(lambda frame: frame.get("type") == "snapshot")
        await control(ready, "market/crossed", symbol=BTC)
        crossed = await socket.until(lambda frame: frame.get("type") == "snapshot")
        assert float(crossed["data"]["b"][0][0]) > float(crossed["data"]["a"][0][0])


async def test_halted_symbol_takes_no_order_and_fires_no_stop(exchange: Any, pybit_session: Any, control: Any) -> None:
    async with exchange() as ready:
        pybit = pybit_session(ready)
        await asyncio.to_thread(pybit.place_order, **MARKET)
        await control(ready, "market/halt", symbol=BTC)
        with pytest.raises(InvalidRequestError) as caught:
            await asyncio.to_thread(pybit.place_order, **CLOSE)
        assert caught.value.status_code == 110074
        listed = (await asyncio.to_thread(pybit.get_instruments_info, **LINEAR))["result"]["list"]
        assert listed == []
        await control(ready, "market/halt", symbol=BTC, is_halted=False)
        await asyncio.to_thread(pybit.place_order, **CLOSE)
        assert (await positions(pybit))[0]["size"] == "0.000"


async def test_new_rules_are_announced_and_obeyed(exchange: Any, pybit_session: Any, control: Any) -> None:
    async with exchange() as ready:
        pybit = pybit_session(ready)
        await asyncio.to_thread(pybit.place_order, **{**MARKET, "qty": "0.013"})
        await control(ready, "market/rules", symbol=BTC, qty_step="0.01", tick_size="1", max_qty="0.5")
        entry = (await asyncio.to_thread(pybit.get_instruments_info, **LINEAR))["result"]["list"][0]
        assert entry["lotSizeFilter"]["qtyStep"] == "0.01"
        assert entry["priceFilter"]["tickSize"] == "1"
        for wrong in ({"qty": "0.013"}, {"price": "60000.5"}, {"qty": "0.51"}):
            with pytest.raises(InvalidRequestError) as caught:
                await asyncio.to_thread(pybit.place_order, **{**RESTING, **wrong})
            assert caught.value.status_code == 10001
        await asyncio.to_thread(pybit.place_order, **RESTING)
        await asyncio.to_thread(pybit.place_order, **CLOSE)
        assert (await positions(pybit))[0]["size"] == "0.000"


async def test_hedged_symbol_has_a_row_a_side(exchange: Any, pybit_session: Any, control: Any) -> None:
    async with exchange() as ready:
        pybit = pybit_session(ready)
        await asyncio.to_thread(pybit.place_order, **{**MARKET, "side": "Sell"})
        await control(ready, "account/mode", symbol=BTC, is_hedged=True)
        assert [(row["positionIdx"], row["side"], row["size"]) for row in await positions(pybit)] == [
            (1, "", "0"),
            (2, "Sell", "0.010"),
        ]
        with pytest.raises(InvalidRequestError) as caught:
            await asyncio.to_thread(pybit.place_order, **RESTING)
        assert caught.value.status_code == 10001
        await asyncio.to_thread(pybit.place_order, **{**CLOSE, "side": "Buy", "positionIdx": 2})
        assert [row["size"] for row in await positions(pybit)] == ["0.000", "0"]


async def test_margin_mode_is_switched_by_hand(exchange: Any, pybit_session: Any, control: Any) -> None:
    async with exchange() as ready:
        await control(ready, "account/mode", margin_mode="REGULAR_MARGIN")
        told = await asyncio.to_thread(pybit_session(ready).get_account_info)
        assert told["result"]["marginMode"] == "REGULAR_MARGIN"


async def test_order_is_rejected_after_its_acknowledgement(
    exchange: Any, pybit_session: Any, open_client: Any, control: Any
) -> None:
    async with exchange() as ready, open_client(ready["private"]) as socket:
        pybit = pybit_session(ready)
        await subscribe_private(socket, ready, "order")
        await control(ready, "fault/order", reject_after_s=0.1, reject_reason="EC_NoEnoughQtyToFill")
        await asyncio.to_thread(pybit.place_order, **RESTING, orderLinkId="doomed")
        pushed = (await socket.until(lambda frame: frame.get("topic") == "order"))["data"][0]
        told = (pushed["orderLinkId"], pushed["orderStatus"], pushed["rejectReason"])
        assert told == ("doomed", "Rejected", "EC_NoEnoughQtyToFill")
        assert await rows(pybit) == []


async def test_attached_stop_is_ignored(exchange: Any, pybit_session: Any, control: Any) -> None:
    async with exchange() as ready:
        pybit = pybit_session(ready)
        await control(ready, "fault/order", is_stop_ignored=True)
        await asyncio.to_thread(pybit.place_order, **MARKET, stopLoss="50000")
        assert (await positions(pybit))[0]["stopLoss"] == "0"
        await asyncio.to_thread(pybit.place_order, **MARKET, stopLoss="50000")
        assert (await positions(pybit))[0]["stopLoss"] == "50000.0"


async def test_limit_price_is_moved_without_a_word(exchange: Any, pybit_session: Any, control: Any) -> None:
    async with exchange() as ready:
        pybit = pybit_session(ready)
        await control(ready, "fault/order", shift_ticks=-7)
        await asyncio.to_thread(pybit.place_order, **RESTING)
        assert [row["price"] for row in await rows(pybit)] == ["59999.3"]


@pytest.mark.parametrize(("direction", "orders"), [("in", 0), ("out", 1), ("both", 0)])
async def test_partition_lets_requests_hang_and_orders_arrive_only_where_it_is_open(
    exchange: Any, pybit_session: Any, control: Any, direction: str, orders: int
) -> None:
    async with exchange() as ready:
        pybit = pybit_session(ready)
        pybit.timeout = 0.5
        await control(ready, "net/part", direction=direction)
        with pytest.raises(requests.exceptions.ReadTimeout):
            await asyncio.to_thread(pybit.place_order, **RESTING)
        await control(ready, "heal", now=True)
        pybit.timeout = 5
        assert len(await rows(pybit)) == orders


@pytest.mark.parametrize(("direction", "comes"), [("in", True), ("out", False), ("both", False)])
async def test_partition_silences_sockets_and_breaks_none(
    exchange: Any, open_client: Any, control: Any, direction: str, comes: bool
) -> None:
    async with exchange() as ready, open_client(ready["public"] + "/linear") as socket:
        await socket.subscribe("orderbook.50.BTCUSDT")
        await control(ready, "net/part", direction=direction)
        await socket.send({"op": "ping", "req_id": "lost"})
        with pytest.raises(requests.exceptions.ReadTimeout):
            await asyncio.to_thread(requests.get, ready["rest"] + "/v5/market/time", timeout=1)
        if comes:
            await socket.until(lambda frame: frame.get("type") == "delta")
        await control(ready, "heal", now=True)
        await socket.send({"op": "ping", "req_id": "answered"})
        await socket.until(lambda frame: frame.get("req_id") == "answered")
        assert "lost" not in [frame.get("req_id") for frame in socket.frames]
        await socket.until(lambda frame: frame.get("type") == "delta")


async def test_level_of_the_book_is_put_there_by_hand(exchange: Any, open_client: Any, control: Any) -> None:
    async with exchange() as ready, open_client(ready["public"] + "/linear") as socket:
        await socket.subscribe("orderbook.200.BTCUSDT")
        first = await socket.until(lambda frame: frame.get("type") == "snapshot")
        shown = [price for price, _ in first["data"]["b"]]
        price = next(text for text in (f"{float(price) - 0.1:.1f}" for price in shown[30:]) if text not in shown)
        await control(ready, "market/book", symbol=BTC, bids=[[price, "777.5"]])
        await socket.until(lambda frame: [price, "777.500"] in frame.get("data", {}).get("b", []))


async def test_book_of_a_symbol_that_is_no_multiple_of_its_tick_is_refused(exchange: Any) -> None:
    async with exchange() as ready:
        answer = await asyncio.to_thread(
            requests.post,
            f"{ready['control']}/market/book",
            json={"symbol": BTC, "bids": [["60000.0123", "1"]]},
            timeout=5,
        )
        assert answer.status_code == 400
