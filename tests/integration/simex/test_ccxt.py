"""ccxt 4.5.90, an independent client, works on the simulated exchange unmodified, URLs apart."""

from __future__ import annotations

import asyncio
import decimal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import ccxt.pro
import pytest

SYMBOL = "BTC/USDT:USDT"


@pytest.fixture(autouse=True)
def decimals_of_its_own() -> Iterator[None]:
    """ccxt sets the rounding of the thread it runs in."""
    with decimal.localcontext():
        yield


@asynccontextmanager
async def ccxt_client(ready: dict[str, Any]) -> AsyncIterator[Any]:
    public = {kind: f"{ready['public']}/{kind}" for kind in ("spot", "inverse", "option", "linear")}
    spot = {"unified": ready["private"], "nonUnified": ready["private"]}
    private = {"spot": spot, "contract": ready["private"], "usdc": ready["private"], "trade": ready["trade"]}
    rest = dict.fromkeys(("spot", "futures", "v2", "public", "private"), ready["rest"])
    client = ccxt.pro.bybit(
        {
            "apiKey": ready["api_key"],
            "secret": ready["api_secret"],
            "options": {"fetchMarkets": {"types": ["linear"]}, "defaultType": "swap"},
            "urls": {"api": {**rest, "ws": {"public": public, "private": private}}},
        }
    )
    try:
        yield client
    finally:
        await client.close()


async def test_markets_books_orders_positions_and_balance(exchange: Any) -> None:
    async with exchange() as ready, ccxt_client(ready) as client:
        markets = await client.load_markets()
        assert markets[SYMBOL]["precision"] == {
            "amount": 0.001,
            "price": 0.1,
            "cost": None,
            "base": None,
            "quote": None,
        } or (markets[SYMBOL]["precision"]["price"] == 0.1)
        book = await client.fetch_order_book(SYMBOL)
        assert book["bids"][0][0] < book["asks"][0][0]
        order = await client.create_order(SYMBOL, "limit", "buy", 0.01, 60000)
        assert order["id"]
        assert [row["id"] for row in await client.fetch_open_orders(SYMBOL)] == [order["id"]]
        await client.cancel_order(order["id"], SYMBOL)
        await client.create_order(SYMBOL, "market", "buy", 0.01)
        positions = await client.fetch_positions([SYMBOL])
        assert [(row["side"], row["contracts"]) for row in positions] == [("long", 0.01)]
        balance = await client.fetch_balance()
        assert 9990 < balance["USDT"]["total"] < 10010


async def test_pro_streams_books_and_orders(exchange: Any) -> None:
    async with exchange() as ready, ccxt_client(ready) as client:
        book = await asyncio.wait_for(client.watch_order_book(SYMBOL, 50), 10)
        assert book["bids"][0][0] < book["asks"][0][0]
        watching = asyncio.create_task(client.watch_orders(SYMBOL))
        while not watching.done():
            await client.create_order(SYMBOL, "limit", "buy", 0.01, 60000)
            await asyncio.wait({watching}, timeout=0.5)
        orders = watching.result()
        assert orders[0]["status"] == "open"
        assert orders[0]["price"] == 60000
