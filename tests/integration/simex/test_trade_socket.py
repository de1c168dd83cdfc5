"""The trade socket: its frames are those of bybit-v5.md 12, its faults those of the catalogue."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosed

from cockpit.adapters.system.clock import LiveClock
from cockpit.domain.time import NS_PER_MS

ORDER = {
    "category": "linear",
    "symbol": "BTCUSDT",
    "side": "Buy",
    "orderType": "Limit",
    "qty": "0.01",
    "price": "60000",
}

_ids = count(1)


class Trader:
    """An authenticated trade connection of one exchange."""

    def __init__(self, ready: dict[str, Any], client: Any, control: Callable[..., Any]) -> None:
        self.ready = ready
        self.client = client
        self.control = control

    async def send(self, op: str, argument: Any, **frame: Any) -> str:
        """Send a request; returns its reqId."""
        req_id = f"r{next(_ids)}"
        header = {"X-BAPI-TIMESTAMP": str(now_ms()), "X-BAPI-RECV-WINDOW": "8000"}
        await self.client.send({"reqId": req_id, "header": header, "op": op, "args": [argument]} | frame)
        return req_id

    async def ask(self, op: str, argument: Any, **frame: Any) -> dict[str, Any]:
        """Send a request and wait for its answer."""
        req_id = frame.get("reqId") or await self.send(op, argument, **frame)
        if "reqId" in frame:
            await self.send(op, argument, **frame)
        answer: dict[str, Any] = await self.client.until(lambda told: told.get("reqId") == req_id)
        return answer

    async def pong_ms(self) -> int:
        """The exchange's time out of a pong."""
        await self.client.send({"op": "ping"})
        return int((await self.client.until(lambda told: told.get("op") == "pong"))["data"][0])

    async def orders(self) -> int:
        """Open orders of the account."""
        return len((await self.control(self.ready, "account"))["orders"])


def now_ms() -> int:
    """The exchange's clock is this machine's."""
    return LiveClock().now_ns() // NS_PER_MS


async def authenticate(
    client: Any, ready: dict[str, Any], *, secret: str = "", expires: Any = 4_000_000_000_000
) -> Any:
    signature = hmac.new(
        (secret or ready["api_secret"]).encode(), f"GET/realtime{expires}".encode(), hashlib.sha256
    ).hexdigest()
    await client.send({"req_id": "a", "op": "auth", "args": [ready["api_key"], expires, signature]})
    return await client.until(lambda frame: frame.get("op") == "auth")


@pytest.fixture
def trading(exchange: Any, open_client: Any, control: Any) -> Any:
    @asynccontextmanager
    async def start() -> AsyncIterator[Trader]:
        async with exchange() as ready, open_client(ready["trade"]) as client:
            assert (await authenticate(client, ready))["retCode"] == 0
            yield Trader(ready, client, control)

    return start


async def test_order_is_created_amended_and_cancelled(trading: Any) -> None:
    async with trading() as trader:
        created = await trader.ask("order.create", ORDER | {"orderLinkId": "t-1"})
        assert (created["retCode"], created["op"], created["data"]["orderLinkId"]) == (0, "order.create", "t-1")
        assert {"X-Bapi-Limit", "X-Bapi-Limit-Status", "X-Bapi-Limit-Reset-Timestamp"} < set(created["header"])
        assert {"Traceid", "Timenow"} < set(created["header"])
        assert (created["retExtInfo"], bool(created["connId"])) == ({}, True)
        named = {"category": "linear", "symbol": "BTCUSDT", "orderLinkId": "t-1"}
        assert (await trader.ask("order.amend", named | {"price": "59000"}))["retCode"] == 0
        assert (await trader.ask("order.cancel", named))["retCode"] == 0
        assert (await trader.ask("order.cancel", named))["retCode"] == 110001
        batch = {"category": "linear", "request": [named, named]}
        answer = await trader.ask("order.cancel-batch", batch)
        assert [item["code"] for item in answer["retExtInfo"]["list"]] == [110001, 110001]


async def test_requests_stand_in_the_same_log_as_those_by_rest(trading: Any) -> None:
    async with trading() as trader:
        await trader.ask("order.create", ORDER | {"orderLinkId": "t-1"})
        [entry] = (await trader.control(trader.ready, "requests"))["requests"]
        assert (entry["method"], entry["path"], entry["ret_code"]) == ("WS", "/v5/order/create", 0)
        assert entry["params"]["orderLinkId"] == "t-1"


async def test_request_ids_are_unique_short_and_optional(trading: Any) -> None:
    async with trading() as trader:
        assert (await trader.ask("order.create", ORDER, reqId="same"))["retCode"] == 0
        assert (await trader.ask("order.create", ORDER, reqId="same"))["retCode"] == 20006
        assert (await trader.ask("order.create", ORDER, reqId="x" * 37))["retCode"] == 10001
        await trader.client.send({"op": "order.create", "header": {}, "args": [ORDER]})
        answer = await trader.client.until(lambda told: told.get("op") == "order.create" and "reqId" not in told)
        assert answer["retCode"] == 10001


@pytest.mark.parametrize(
    ("op", "frame", "code"),
    [
        ("order.dance", {}, 10404),
        ("order.create", {"args": []}, 10001),
        ("order.create", {"args": [ORDER, ORDER]}, 10001),
        ("order.create", {"args": ["words"]}, 10001),
        ("order.create", {"header": {}}, 10001),
        ("order.create", {"header": {"X-BAPI-TIMESTAMP": "1000"}}, 10002),
        ("order.create", {"header": {"X-BAPI-TIMESTAMP": 4_000_000_000_000}}, 10002),
    ],
)
async def test_request_that_is_wrong_is_refused(trading: Any, op: str, frame: dict[str, Any], code: int) -> None:
    async with trading() as trader:
        assert (await trader.ask(op, ORDER, **frame))["retCode"] == code
        assert await trader.orders() == 0


async def test_time_stamp_may_be_a_number(trading: Any) -> None:
    async with trading() as trader:
        header = {"X-BAPI-TIMESTAMP": now_ms()}
        assert (await trader.ask("order.create", ORDER, header=header))["retCode"] == 0


async def test_authentication_comes_first_and_once(exchange: Any, open_client: Any) -> None:
    async with exchange() as ready, open_client(ready["trade"]) as client:
        await client.send({"reqId": "1", "header": {}, "op": "order.create", "args": [ORDER]})
        assert (await client.receive())["retCode"] == 10404
        assert (await authenticate(client, ready))["retCode"] == 0
        assert (await authenticate(client, ready))["retCode"] == 20001
        async with open_client(ready["trade"]) as other:
            assert (await authenticate(other, ready, secret="wrong"))["retCode"] == 10004
        async with open_client(ready["trade"]) as other:
            assert (await authenticate(other, ready, expires=1_000))["retCode"] == 10001


async def test_eleventh_order_of_a_second_is_refused_with_its_reset(trading: Any) -> None:
    async with trading() as trader:
        sent = [await trader.send("order.create", ORDER) for _ in range(11)]
        answers = [await trader.client.until(lambda told, name=name: told.get("reqId") == name) for name in sent]
        assert [answer["retCode"] for answer in answers] == [0] * 10 + [10006]
        assert int(answers[-1]["header"]["X-Bapi-Limit-Reset-Timestamp"]) > 0


async def test_lost_request_and_lost_answer_break_the_line(trading: Any) -> None:
    for fault, orders in (({"is_dropped": True}, 0), ({"is_reply_lost": True}, 1)):
        async with trading() as trader:
            await trader.control(trader.ready, "fault/trade", op="order.create", **fault)
            with pytest.raises(ConnectionClosed):
                await trader.ask("order.create", ORDER)
            assert await trader.orders() == orders


@pytest.mark.parametrize(("is_applied", "orders"), [(True, 1), (False, 0)])
@pytest.mark.parametrize("code", [10006, 10016, 10019, 10404, 10429, 20003, 20006])
async def test_injected_code_is_answered(trading: Any, code: int, is_applied: bool, orders: int) -> None:
    async with trading() as trader:
        await trader.control(trader.ready, "fault/trade", op="order.create", ret_code=code, is_applied=is_applied)
        assert (await trader.ask("order.create", ORDER))["retCode"] == code
        assert await trader.orders() == orders
        assert (await trader.ask("order.create", ORDER))["retCode"] == 0


async def test_late_request_meets_the_time_window_and_a_late_answer_is_overtaken(trading: Any) -> None:
    async with trading() as trader:
        header = {"X-BAPI-TIMESTAMP": str(now_ms()), "X-BAPI-RECV-WINDOW": "100"}
        await trader.control(trader.ready, "fault/trade", op="*", late_s=0.4)
        assert (await trader.ask("order.create", ORDER, header=header))["retCode"] == 10002
        await trader.control(trader.ready, "fault/trade", op="order.create", delay_s=0.4)
        first = await trader.send("order.create", ORDER)
        second = await trader.send("order.create", ORDER)
        answered = [told["reqId"] for told in [await trader.client.receive(), await trader.client.receive()]]
        assert answered == [second, first]


async def test_silence_keeps_pongs_and_swallows_answers_to_orders(trading: Any) -> None:
    async with trading() as trader:
        await trader.control(trader.ready, "fault/socket", channel="trade", is_silent=True)
        await trader.send("order.create", ORDER)
        assert await trader.pong_ms() > 0
        assert await trader.orders() == 1
        await trader.control(trader.ready, "heal", now=True)
        assert (await trader.ask("order.create", ORDER))["retCode"] == 0


async def test_answer_is_truncated_repeated_or_words(trading: Any) -> None:
    async with trading() as trader:
        await trader.control(trader.ready, "fault/socket", channel="trade", repeat=1)
        await trader.send("order.create", ORDER)
        assert await trader.client.receive() == await trader.client.receive()
        await trader.control(trader.ready, "fault/trade", op="order.create", body="<html>", is_applied=True)
        await trader.send("order.create", ORDER)
        assert await trader.client.socket.recv() == "<html>"
        await trader.control(trader.ready, "fault/socket", channel="trade", truncate=1)
        await trader.send("order.create", ORDER)
        assert not str(await trader.client.socket.recv()).endswith("}")
        assert await trader.orders() == 3


async def test_half_open_socket_takes_nothing_and_a_reset_one_is_gone(trading: Any) -> None:
    async with trading() as trader:
        await trader.control(trader.ready, "fault/socket", channel="trade", half_open=True)
        await trader.client.send({"op": "ping"})
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await trader.client.receive()
    async with trading() as trader:
        await trader.control(trader.ready, "fault/socket", channel="trade", reset=True)
        with pytest.raises(ConnectionClosed):
            await trader.client.receive()


async def test_faults_that_a_socket_cannot_have_are_refused(trading: Any) -> None:
    async with trading() as trader:
        url = f"{trader.ready['control']}/fault/trade"
        for fault in ({"status": 502}, {"drip_bytes_per_s": 20}, {"stale_s": 5}):
            body = {"op": "order.create", **fault}
            assert (await asyncio.to_thread(requests.post, url, json=body, timeout=5)).status_code == 400
