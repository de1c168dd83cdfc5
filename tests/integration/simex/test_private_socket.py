"""The private socket: authentication, topics, and what is pushed when orders live and die."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from typing import Any

import pytest

LINEAR = {"category": "linear", "symbol": "BTCUSDT"}
TOPICS = ("order", "execution", "position", "wallet")


async def authenticate(client: Any, ready: dict[str, Any], *, expires: Any = None) -> dict[str, Any]:
    stamp = expires if expires is not None else 4_000_000_000_000
    text = f"GET/realtime{stamp}".encode()
    signature = hmac.new(ready["api_secret"].encode(), text, hashlib.sha256).hexdigest()
    await client.send({"req_id": "a", "op": "auth", "args": [ready["api_key"], stamp, signature]})
    return await client.until(lambda frame: frame.get("op") == "auth")


def of(topic: str) -> Any:
    return lambda frame: frame.get("topic") == topic


@pytest.mark.parametrize("expires", [4_000_000_000_000, "4000000000000"])
async def test_authentication_takes_a_number_or_a_text(exchange: Any, open_client: Any, expires: Any) -> None:
    async with exchange() as ready, open_client(ready["private"]) as client:
        assert (await authenticate(client, ready, expires=expires))["success"] is True


async def test_expired_authentication_is_refused(exchange: Any, open_client: Any) -> None:
    async with exchange() as ready, open_client(ready["private"]) as client:
        answer = await authenticate(client, ready, expires=1_000)
        assert (answer["success"], answer["ret_msg"]) == (False, "Params Error")


async def test_topics_need_authentication_first(exchange: Any, open_client: Any) -> None:
    async with exchange() as ready, open_client(ready["private"]) as client:
        assert (await client.subscribe("order"))["success"] is False
        await authenticate(client, ready)
        assert (await client.subscribe("order"))["success"] is True
        assert (await client.subscribe("nonsense"))["success"] is False
        assert (await client.subscribe("wallet", "position", "position.linear"))["success"] is False


async def test_private_pong_has_its_own_shape(exchange: Any, open_client: Any) -> None:
    async with exchange() as ready, open_client(ready["private"]) as client:
        await client.send({"op": "ping", "req_id": "p"})
        pong = await client.receive()
        assert (pong["op"], pong["req_id"]) == ("pong", "p")
        assert int(pong["args"][0]) > 0


async def test_entry_with_stop_is_pushed_on_all_topics(exchange: Any, open_client: Any, pybit_session: Any) -> None:
    async with exchange() as ready, open_client(ready["private"]) as client:
        await authenticate(client, ready)
        await client.subscribe(*TOPICS)
        order = {"side": "Buy", "orderType": "Market", "qty": "0.01", "stopLoss": "50000", "orderLinkId": "e-1"}
        await asyncio.to_thread(pybit_session(ready).place_order, **LINEAR, **order)
        orders = (await client.until(of("order")))["data"]
        assert (orders[0]["orderLinkId"], orders[0]["orderStatus"]) == ("e-1", "Filled")
        stop = next(row for row in orders if row["stopOrderType"] == "StopLoss")
        assert (stop["orderStatus"], stop["parentOrderLinkId"], stop["reduceOnly"]) == ("Untriggered", "e-1", True)
        fills = (await client.until(of("execution")))["data"]
        assert sum(float(row["execQty"]) for row in fills) == 0.01
        position = (await client.until(of("position")))["data"][0]
        assert (position["side"], position["size"], position["stopLoss"]) == ("Buy", "0.010", "50000.0")
        wallet = (await client.until(of("wallet")))["data"][0]
        paid = sum(float(row["execFee"]) for row in fills)
        assert float(wallet["totalWalletBalance"]) == pytest.approx(10_000 - paid)


async def test_closed_position_is_pushed_flat_and_without_reduce_only_flag(
    exchange: Any, open_client: Any, pybit_session: Any, control: Any
) -> None:
    async with exchange() as ready, open_client(ready["private"]) as client:
        order = {"side": "Sell", "orderType": "Market", "qty": "0.01"}
        await asyncio.to_thread(pybit_session(ready).place_order, **LINEAR, **order)
        await authenticate(client, ready)
        await client.subscribe("position", "order")
        await control(ready, "manual/close", symbol="BTCUSDT")
        closing = (await client.until(of("order")))["data"][0]
        assert (closing["createType"], closing["orderLinkId"]) == ("CreateByClosing", "")
        flat = (await client.until(of("position")))["data"][0]
        assert (flat["side"], flat["size"], flat["entryPrice"]) == ("", "0.000", "0")
        assert "isReduceOnly" not in flat
