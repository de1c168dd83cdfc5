"""A relayed market repeats its upstream and breaks when the upstream breaks. The upstream is a second exchange."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from cockpit.domain.errors import ConfigError

SYMBOLS = ("BTCUSDT", "ETHUSDT")


def relay_of(upstream: dict[str, Any], **more: Any) -> dict[str, Any]:
    urls = {"relay_public_url": f"{upstream['public']}/linear", "relay_rest_url": upstream["rest"]}
    return {"market": "relay", "symbols": SYMBOLS, "relay_retry_s": 0.05, **urls, **more}


@contextlib.asynccontextmanager
async def accepted(open_client: Any, relay: dict[str, Any]) -> AsyncIterator[Any]:
    """A client of a relay, as soon as the relay has its upstream."""
    async with contextlib.AsyncExitStack() as stack:
        async with asyncio.timeout(15):
            while True:
                try:
                    client = await stack.enter_async_context(open_client(f"{relay['public']}/linear"))
                    break
                except InvalidStatus:
                    continue
        yield client


async def test_relay_repeats_the_books_of_its_upstream(exchange: Any, open_client: Any) -> None:
    topic = "orderbook.50.BTCUSDT"
    async with (
        exchange() as upstream,
        exchange(**relay_of(upstream)) as relay,
        accepted(open_client, relay) as client,
        open_client(f"{upstream['public']}/linear") as direct,
    ):
        await direct.subscribe(topic)
        await client.subscribe(topic)
        relayed: dict[int, Any] = {}
        for _ in range(10):
            frame = await client.until(lambda frame: frame.get("topic") == topic)
            relayed[frame["data"]["seq"]] = frame
        common = 0
        while common < 3:
            frame = await direct.until(lambda frame: frame.get("topic") == topic)
            other = relayed.get(frame["data"]["seq"])
            if other is not None and frame["type"] == other["type"] == "delta":
                assert (other["data"]["b"], other["data"]["a"]) == (frame["data"]["b"], frame["data"]["a"])
                assert (other["ts"], other["cts"]) == (frame["ts"], frame["cts"])
                common += 1


async def test_loss_of_the_upstream_closes_our_public_sockets(exchange: Any, open_client: Any, control: Any) -> None:
    topic = "orderbook.50.BTCUSDT"
    async with exchange() as upstream, exchange(**relay_of(upstream)) as relay:
        async with accepted(open_client, relay) as client:
            await client.subscribe(topic)
            await client.until(lambda frame: frame.get("type") == "delta")
            await control(upstream, "fault/socket", channel="public", reset=True, refuse=-1)
            with pytest.raises(ConnectionClosed):
                await client.until(lambda frame: False)
        with pytest.raises(InvalidStatus):
            async with open_client(f"{relay['public']}/linear"):
                pass
        assert (await control(relay, "status"))["lost"] is True
        await control(upstream, "heal", now=True)
        async with accepted(open_client, relay) as client:
            await client.subscribe(topic)
            assert (await client.until(lambda frame: frame.get("topic") == topic))["type"] == "snapshot"


async def test_gap_in_the_upstream_counts_as_loss(exchange: Any, open_client: Any, control: Any) -> None:
    async with (
        exchange() as upstream,
        exchange(**relay_of(upstream)) as relay,
        accepted(open_client, relay) as client,
    ):
        await client.subscribe("orderbook.50.BTCUSDT")
        await control(upstream, "fault/socket", channel="public", drop=20)
        with pytest.raises(ConnectionClosed):
            await client.until(lambda frame: False)


async def test_symbol_unknown_upstream_is_a_configuration_error(exchange: Any) -> None:
    async with exchange() as upstream:
        with pytest.raises(ConfigError, match="NOPEUSDT"):
            async with exchange(**relay_of(upstream, symbols=("NOPEUSDT",))):
                pass
