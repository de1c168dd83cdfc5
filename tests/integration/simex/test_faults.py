"""Faults and foreign actors through the control routes, seen by unmodified clients."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import requests
from pybit.exceptions import FailedRequestError, InvalidRequestError
from websockets.exceptions import ConnectionClosed, InvalidStatus

LINEAR = {"category": "linear", "symbol": "BTCUSDT"}
RESTING = {**LINEAR, "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "60000"}
CREATE = "/v5/order/create"


async def open_orders(pybit: Any) -> list[dict[str, Any]]:
    return list((await asyncio.to_thread(pybit.get_open_orders, **LINEAR))["result"]["list"])


async def test_lost_request_is_not_applied_and_lost_reply_is(exchange: Any, pybit_session: Any, control: Any) -> None:
    async with exchange() as ready:
        pybit = pybit_session(ready)
        await control(ready, "fault/rest", route=CREATE, is_dropped=True)
        with pytest.raises(requests.exceptions.ConnectionError):
            await asyncio.to_thread(pybit.place_order, **RESTING)
        assert await open_orders(pybit) == []
        await control(ready, "fault/rest", route=CREATE, is_reply_lost=True)
        with pytest.raises(requests.exceptions.ConnectionError):
            await asyncio.to_thread(pybit.place_order, **RESTING, orderLinkId="lost")
        assert [row["orderLinkId"] for row in await open_orders(pybit)] == ["lost"]
        await asyncio.to_thread(pybit.place_order, **RESTING)


async def test_injected_code_is_answered_with_or_without_effect(
    exchange: Any, pybit_session: Any, control: Any
) -> None:
    async with exchange() as ready:
        pybit = pybit_session(ready)
        for is_applied, orders in ((False, 0), (True, 1)):
            await control(ready, "fault/rest", route=CREATE, ret_code=10016, is_applied=is_applied)
            with pytest.raises(InvalidRequestError) as caught:
                await asyncio.to_thread(pybit.place_order, **RESTING)
            assert caught.value.status_code == 10016
            assert len(await open_orders(pybit)) == orders


async def test_reply_can_be_html_or_a_status(exchange: Any, pybit_session: Any, control: Any) -> None:
    async with exchange() as ready:
        pybit = pybit_session(ready)
        await control(ready, "fault/rest", route="*", body="<html></html>")
        with pytest.raises(FailedRequestError):
            await asyncio.to_thread(pybit.get_account_info)
        await control(ready, "fault/rest", route="*", status=403)
        with pytest.raises(FailedRequestError) as caught:
            await asyncio.to_thread(pybit.get_account_info)
        assert caught.value.status_code == 403


async def test_late_request_arrives_after_the_client_gave_up(exchange: Any, pybit_session: Any, control: Any) -> None:
    async with exchange() as ready:
        pybit = pybit_session(ready)
        pybit.timeout = 0.2
        await control(ready, "fault/rest", route=CREATE, late_s=0.6)
        with pytest.raises(requests.exceptions.ReadTimeout):
            await asyncio.to_thread(pybit.place_order, **RESTING)
        assert await open_orders(pybit) == []
        async with asyncio.timeout(10):
            while not await open_orders(pybit):
                pass


async def test_silent_public_channel_still_answers_pings(exchange: Any, open_client: Any, control: Any) -> None:
    async with exchange() as ready, open_client(f"{ready['public']}/linear") as client:
        await client.subscribe("orderbook.50.BTCUSDT")
        await client.until(lambda frame: frame.get("type") == "delta")
        await control(ready, "fault/socket", channel="public", is_silent=True)
        await client.send({"op": "ping"})
        await client.until(lambda frame: frame.get("op") == "ping")
        await client.send({"op": "ping", "req_id": 2})
        frame = await client.receive()
        while "topic" in frame:
            frame = await client.receive()
        assert frame["req_id"] == 2
        await control(ready, "heal", now=True)
        await client.until(lambda frame: frame.get("type") == "delta")


async def test_dropped_frame_leaves_a_gap(exchange: Any, open_client: Any, control: Any) -> None:
    async with exchange() as ready, open_client(f"{ready['public']}/linear") as client:
        await client.subscribe("orderbook.50.BTCUSDT")
        last = (await client.until(lambda frame: "topic" in frame))["data"]["u"]
        await control(ready, "fault/socket", channel="public", drop=1)
        gaps = 0
        while not gaps:
            now = (await client.until(lambda frame: "topic" in frame))["data"]["u"]
            gaps += now != last + 1
            last = now


@pytest.mark.parametrize(("fault", "code"), [({"close": 1000}, 1000), ({"reset": True}, 1006)])
async def test_channel_can_be_closed_or_broken(
    exchange: Any, open_client: Any, control: Any, fault: dict[str, Any], code: int
) -> None:
    async with exchange() as ready, open_client(f"{ready['public']}/linear") as client:
        await client.subscribe("orderbook.50.BTCUSDT")
        await control(ready, "fault/socket", channel="public", **fault)
        with pytest.raises(ConnectionClosed) as caught:
            await client.until(lambda frame: False)
        received = caught.value.rcvd
        assert (received.code if received is not None else 1006) == code


async def test_connections_can_be_refused(exchange: Any, open_client: Any, control: Any) -> None:
    async with exchange() as ready:
        await control(ready, "fault/socket", channel="private", refuse=1)
        with pytest.raises(InvalidStatus):
            async with open_client(ready["private"]):
                pass
        async with open_client(ready["private"]):
            pass


async def test_stop_fires_after_a_price_jump(exchange: Any, pybit_session: Any, control: Any) -> None:
    async with exchange() as ready:
        pybit = pybit_session(ready)
        order = {**LINEAR, "side": "Buy", "orderType": "Market", "qty": "0.01", "stopLoss": "64000"}
        await asyncio.to_thread(pybit.place_order, **order)
        await control(ready, "market/jump", symbol="BTCUSDT", factor=0.97)
        async with asyncio.timeout(10):
            while (await control(ready, "account"))["positions"]:
                pass
        fills = (await control(ready, "account"))["executions"]
        assert fills[-1]["stopOrderType"] == "StopLoss"
        assert float(fills[-1]["execPrice"]) < 63_500


async def test_foreign_hand_cancels_the_stop(exchange: Any, pybit_session: Any, control: Any) -> None:
    async with exchange() as ready:
        order = {**LINEAR, "side": "Buy", "orderType": "Market", "qty": "0.01", "stopLoss": "60000"}
        await asyncio.to_thread(pybit_session(ready).place_order, **order)
        assert len((await control(ready, "manual/cancel", symbol="BTCUSDT"))["cancelled"]) == 1
        assert (await control(ready, "account"))["positions"][0]["stopLoss"] == "0"


async def test_liquidation_adl_and_funding_are_booked_by_their_kind(
    exchange: Any, pybit_session: Any, control: Any
) -> None:
    async with exchange() as ready:
        order = {**LINEAR, "side": "Buy", "orderType": "Market", "qty": "0.02"}
        await asyncio.to_thread(pybit_session(ready).place_order, **order)
        await control(ready, "funding", symbol="BTCUSDT", rate="0.0001")
        await control(ready, "adl", symbol="BTCUSDT", share="0.5")
        await control(ready, "liquidate", symbol="BTCUSDT")
        account = await control(ready, "account")
        kinds = [row["execType"] for row in account["executions"]]
        assert list(dict.fromkeys(kinds)) == ["Trade", "Funding", "AdlTrade", "BustTrade"]
        assert account["positions"] == []


async def test_request_log_and_counters_tell_what_was_asked(exchange: Any, pybit_session: Any, control: Any) -> None:
    async with exchange() as ready:
        await asyncio.to_thread(pybit_session(ready).place_order, **RESTING)
        rows = (await control(ready, "requests"))["requests"]
        assert [(row["path"], row["params"]["qty"], row["ret_code"]) for row in rows] == [(CREATE, "0.01", 0)]
        assert (await control(ready, "counters"))["requests"] == {CREATE: 1}


async def test_account_survives_a_restart(exchange: Any, pybit_session: Any, control: Any, tmp_path: Path) -> None:
    config = {"account_file": tmp_path / "account.bin"}
    async with exchange(**config) as ready:
        order = {**LINEAR, "side": "Buy", "orderType": "Market", "qty": "0.01", "stopLoss": "50000", "orderLinkId": "k"}
        await asyncio.to_thread(pybit_session(ready).place_order, **order)
        before = await control(ready, "account")
    assert (tmp_path / "account.bin").stat().st_mode & 0o777 == 0o600
    async with exchange(**config) as ready:
        after = await control(ready, "account")
        assert after["executions"] == before["executions"]
        assert after["wallet"]["totalWalletBalance"] == before["wallet"]["totalWalletBalance"]
        assert [row["orderId"] for row in after["orders"]] == [row["orderId"] for row in before["orders"]]
        with pytest.raises(InvalidRequestError) as caught:
            await asyncio.to_thread(pybit_session(ready).place_order, **{**order, "stopLoss": "50001"})
        assert caught.value.status_code == 110072
