"""pybit 5.17 works on the simulated exchange unmodified, URLs apart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from pybit.exceptions import InvalidRequestError

LINEAR = {"category": "linear", "symbol": "BTCUSDT"}


async def call(function: Callable[..., Any], **params: Any) -> Any:
    return (await asyncio.to_thread(function, **params))["result"]


async def test_public_and_account_reads_work(exchange: Any, pybit_session: Any) -> None:
    async with exchange() as ready:
        pybit = pybit_session(ready)
        assert int((await call(pybit.get_server_time))["timeSecond"]) > 0
        assert (await call(pybit.get_instruments_info, **LINEAR))["list"][0]["priceFilter"]["tickSize"] == "0.1"
        assert (await call(pybit.get_tickers, **LINEAR))["list"][0]["symbol"] == "BTCUSDT"
        book = await call(pybit.get_orderbook, **LINEAR, limit=50)
        assert float(book["b"][0][0]) < float(book["a"][0][0])
        wallet = await call(pybit.get_wallet_balance, accountType="UNIFIED", coin="USDT")
        assert wallet["list"][0]["coin"][0]["walletBalance"] == "10000"
        assert (await call(pybit.get_account_info))["marginMode"] == "ISOLATED_MARGIN"
        assert (await call(pybit.get_api_key_information))["readOnly"] == 0
        assert (await call(pybit.get_positions, **LINEAR))["list"][0]["size"] == "0.000"
        fees = await call(pybit.get_fee_rates, **LINEAR)
        assert fees["list"][0] == {"symbol": "BTCUSDT", "takerFeeRate": "0.00055", "makerFeeRate": "0.0002"}


async def test_instruments_are_paged_by_cursor(exchange: Any, pybit_session: Any) -> None:
    async with exchange() as ready:
        pybit, seen, cursor = pybit_session(ready), [], ""
        while True:
            page = await call(pybit.get_instruments_info, category="linear", limit=3, cursor=cursor)
            seen += [row["symbol"] for row in page["list"]]
            cursor = page["nextPageCursor"]
            if not cursor:
                break
        assert len(seen) == len(set(seen)) == 8


async def test_order_rests_is_amended_and_cancelled(exchange: Any, pybit_session: Any) -> None:
    async with exchange() as ready:
        pybit = pybit_session(ready)
        placed = await call(
            pybit.place_order, **LINEAR, side="Buy", orderType="Limit", qty="0.01", price="60000", orderLinkId="a-1"
        )
        rows = (await call(pybit.get_open_orders, **LINEAR))["list"]
        assert [(row["orderId"], row["orderStatus"], row["price"]) for row in rows] == [
            (placed["orderId"], "New", "60000.0")
        ]
        await call(pybit.amend_order, **LINEAR, orderLinkId="a-1", price="60001.5", qty="0.02")
        row = (await call(pybit.get_open_orders, **LINEAR, orderLinkId="a-1"))["list"][0]
        assert (row["price"], row["qty"]) == ("60001.5", "0.020")
        await call(pybit.cancel_order, **LINEAR, orderId=placed["orderId"])
        assert (await call(pybit.get_open_orders, **LINEAR))["list"] == []
        closed = (await call(pybit.get_order_history, **LINEAR))["list"][0]
        assert (closed["orderStatus"], closed["cancelType"], closed["leavesQty"]) == (
            "Cancelled",
            "CancelByUser",
            "0.000",
        )


async def test_market_order_opens_a_position_with_its_stop_and_closes_by_quantity_zero(
    exchange: Any, pybit_session: Any
) -> None:
    async with exchange() as ready:
        pybit = pybit_session(ready)
        last = float((await call(pybit.get_tickers, **LINEAR))["list"][0]["markPrice"])
        stop = f"{last * 0.98:.0f}.0"
        order = {"side": "Buy", "orderType": "Market", "qty": "0.01", "stopLoss": stop, "slTriggerBy": "MarkPrice"}
        await call(pybit.place_order, **LINEAR, **order, tpslMode="Full")
        position = (await call(pybit.get_positions, **LINEAR))["list"][0]
        assert (position["side"], position["size"], position["stopLoss"]) == ("Buy", "0.010", stop)
        stops = (await call(pybit.get_open_orders, **LINEAR, orderFilter="StopOrder"))["list"]
        assert [(row["stopOrderType"], row["orderStatus"], row["qty"]) for row in stops] == [
            ("StopLoss", "Untriggered", "0.010")
        ]
        await call(
            pybit.place_order, **LINEAR, side="Sell", orderType="Market", qty="0", reduceOnly=True, closeOnTrigger=True
        )
        assert (await call(pybit.get_positions, **LINEAR))["list"][0]["size"] == "0.000"
        assert (await call(pybit.get_open_orders, **LINEAR))["list"] == []
        executions = (await call(pybit.get_executions, **LINEAR))["list"]
        log = (await call(pybit.get_transaction_log))["list"]
        wallet = (await call(pybit.get_wallet_balance, accountType="UNIFIED"))["list"][0]
        assert {row["execType"] for row in executions} == {"Trade"}
        assert wallet["totalWalletBalance"] == log[0]["cashBalance"]
        assert (await call(pybit.get_closed_pnl, **LINEAR))["list"][0]["closedSize"] == "0.010"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"qty": "0.0001"}, 10001),
        ({"qty": "0.0015"}, 10001),
        ({"qty": "100000"}, 10001),
        ({"price": "60000.05"}, 10001),
        ({"price": "1e5"}, 10001),
        ({"positionIdx": 1}, 10001),
        ({"symbol": "NOPEUSDT"}, 10001),
        ({"qty": "20"}, 110007),
        ({"reduceOnly": True}, 110017),
        ({"qty": "0.001", "price": "4000"}, 110094),
        ({"stopLoss": "61000"}, 10001),
        ({"triggerPrice": "1000", "triggerDirection": 1}, 110092),
        ({"triggerPrice": "900000", "triggerDirection": 2}, 110093),
    ],
)
async def test_refusals_carry_bybits_code(exchange: Any, pybit_session: Any, change: dict[str, Any], code: int) -> None:
    async with exchange() as ready:
        pybit = pybit_session(ready)
        order = {**LINEAR, "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "60000", **change}
        with pytest.raises(InvalidRequestError) as caught:
            await call(pybit.place_order, **order)
        assert caught.value.status_code == code


async def test_duplicate_link_id_is_refused(exchange: Any, pybit_session: Any) -> None:
    async with exchange() as ready:
        pybit = pybit_session(ready)
        order = {**LINEAR, "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "60000", "orderLinkId": "x"}
        await call(pybit.place_order, **order)
        with pytest.raises(InvalidRequestError) as caught:
            await call(pybit.place_order, **order)
        assert caught.value.status_code == 110072


async def test_wrong_secret_and_wrong_clock_are_refused(exchange: Any, pybit_session: Any) -> None:
    async with exchange() as ready:
        for change, code in (({"api_secret": "wrong"}, 10004), ({"api_key": "wrong"}, 10003)):
            with pytest.raises(InvalidRequestError) as caught:
                await call(pybit_session({**ready, **change}).get_account_info)
            assert caught.value.status_code == code
        slow = pybit_session(ready)
        slow.recv_window = 0
        with pytest.raises(InvalidRequestError) as caught:
            await call(slow.get_account_info)
        assert caught.value.status_code == 10002


async def test_rate_limit_is_told_and_enforced(exchange: Any, pybit_session: Any) -> None:
    async with exchange(order_ack_delay_ms=0) as ready:
        pybit = pybit_session(ready)
        codes = []
        for _ in range(12):
            try:
                await call(pybit.cancel_all_orders, **LINEAR)
                codes.append(0)
            except InvalidRequestError as error:
                codes.append(error.status_code)
                headers = error.resp_headers
        assert 10006 in codes
        assert headers["X-Bapi-Limit"] == "10"
        assert headers["X-Bapi-Limit-Status"] == "0"


async def test_pybit_sockets_deliver_books_and_order_updates(
    exchange: Any, pybit_session: Any, monkeypatch: Any
) -> None:
    import pybit.unified_trading as unified

    async with exchange() as ready:
        monkeypatch.setattr(unified, "PUBLIC_WSS", ready["public"] + "/{CHANNEL_TYPE}")
        monkeypatch.setattr(unified, "PRIVATE_WSS", ready["private"])
        loop = asyncio.get_running_loop()
        got: asyncio.Queue[Any] = asyncio.Queue()

        def keep(message: Any) -> None:
            loop.call_soon_threadsafe(got.put_nowait, message)

        keys = {"api_key": ready["api_key"], "api_secret": ready["api_secret"], "private_auth_expire": 10}
        public = await asyncio.to_thread(lambda: unified.WebSocket(testnet=False, channel_type="linear"))
        private = await asyncio.to_thread(lambda: unified.WebSocket(testnet=False, channel_type="private", **keys))
        try:
            await asyncio.to_thread(public.orderbook_stream, 50, "BTCUSDT", keep)
            assert (await asyncio.wait_for(got.get(), 10))["topic"] == "orderbook.50.BTCUSDT"
            await asyncio.to_thread(private.order_stream, keep)
            order = {"side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "60000"}
            await call(pybit_session(ready).place_order, **LINEAR, **order)
            async with asyncio.timeout(10):
                while (message := await got.get())["topic"] != "order":
                    pass
            assert message["data"][0]["orderStatus"] == "New"
        finally:
            await asyncio.to_thread(public.exit)
            await asyncio.to_thread(private.exit)
