"""The trade stream on real sockets: when it is ready, how it comes back, and what it never does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random

import pytest

from cockpit.adapters.bybit.backoff import ConnectBudget
from cockpit.adapters.bybit.credentials import SecretKey
from cockpit.adapters.bybit.merge import EventQueue
from cockpit.adapters.bybit.streams import StreamShell
from cockpit.adapters.bybit.trade import CREATE, TradeReply
from cockpit.adapters.bybit.trade_stream import TradeStream
from cockpit.adapters.system.clock import LiveClock
from cockpit.domain.errors import OutcomeUnknown, VenueUnavailable
from tests.integration.bybit.conftest import QUICK, eventually
from tests.support.scripted_ws import ScriptedStreams

KEY = SecretKey("testkey", "testsecret")


@asynccontextmanager
async def keeping(
    streams: ScriptedStreams, budget: ConnectBudget | None = None, beat: Callable[[], None] = lambda: None
) -> AsyncIterator[TradeStream]:
    """A trade stream that is kept alive."""
    shell = StreamShell(
        limits=QUICK, clock=LiveClock(), rng=Random(7), budget=budget or ConnectBudget(500), queue=EventQueue(1000)
    )
    stream = TradeStream(streams.trade, KEY, shell, lambda: 0)
    task = asyncio.create_task(stream.keep(beat))
    try:
        yield stream
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def call(stream: TradeStream, deadline_s: float = 3.0) -> TradeReply:
    return await stream.call(CREATE, {"symbol": "AUSDT"}, 3000, deadline_s)


def sent(streams: ScriptedStreams) -> int:
    """Orders that have arrived."""
    return len(streams.frames(CREATE))


async def test_before_it_is_ready_a_call_sends_nothing(streams: ScriptedStreams) -> None:
    streams.accepts_auth = False
    async with keeping(streams) as stream:
        await eventually(lambda: streams.connects["trade"] >= 3)
        with pytest.raises(VenueUnavailable, match="nothing was sent"):
            await call(stream)
        streams.accepts_auth = True
        await eventually(lambda: stream.is_ready)
    assert sent(streams) == 0


async def test_it_shows_life_while_it_is_ready(streams: ScriptedStreams) -> None:
    beats: list[int] = []
    async with keeping(streams, beat=lambda: beats.append(1)):
        await eventually(lambda: len(beats) > 2)


async def test_a_call_without_an_answer_is_unknown_at_its_deadline_and_not_sent_again(streams: ScriptedStreams) -> None:
    async with keeping(streams) as stream:
        await eventually(lambda: stream.is_ready)
        with pytest.raises(OutcomeUnknown, match=r"no answer in 0\.3 s"):
            await call(stream, 0.3)
        await streams.abort("trade")
        await eventually(lambda: streams.connects["trade"] == 2 and stream.is_ready)
        assert sent(streams) == 1


async def test_calls_on_their_way_are_unknown_when_the_connection_is_lost(streams: ScriptedStreams) -> None:
    async with keeping(streams) as stream:
        await eventually(lambda: stream.is_ready)
        calls = [asyncio.create_task(call(stream)) for _ in range(3)]
        await eventually(lambda: sent(streams) == 3)
        await streams.abort("trade")
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown] * 3
        await eventually(lambda: stream.is_ready)
        assert sent(streams) == 3


async def test_answers_out_of_order_reach_their_calls(streams: ScriptedStreams) -> None:
    async with keeping(streams) as stream:
        await eventually(lambda: stream.is_ready)
        calls = [asyncio.create_task(call(stream)) for _ in range(3)]
        await eventually(lambda: sent(streams) == 3)
        ids = [frame["reqId"] for _, frame in streams.received if frame["op"] == CREATE]
        for req_id in reversed(ids):
            data = {"orderId": f"of-{req_id}"}
            await streams.push("trade", {"reqId": req_id, "retCode": 0, "retMsg": "OK", "op": CREATE, "data": data})
        replies = await asyncio.gather(*calls)
        assert [reply.result().decode() for reply in replies] == [f'{{"orderId":"of-{req_id}"}}' for req_id in ids]


async def test_its_connections_count_in_the_budget_of_all_streams(streams: ScriptedStreams) -> None:
    streams.refused_connects = 100
    budget = ConnectBudget(3)
    assert budget.take(LiveClock().monotonic_ns()) == 0
    async with keeping(streams, budget):
        await eventually(lambda: streams.connects["trade"] == 2)
        assert budget.take(LiveClock().monotonic_ns()) > 0


async def test_cancelled_call_leaves_nothing_behind(streams: ScriptedStreams) -> None:
    async with keeping(streams) as stream:
        await eventually(lambda: stream.is_ready)
        waiting = asyncio.create_task(call(stream))
        await eventually(lambda: sent(streams) == 1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert stream.is_ready
