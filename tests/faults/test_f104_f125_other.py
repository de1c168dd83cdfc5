"""F104 and F125: a task of the engine that ends, and what a closed position leaves behind."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from cockpit.domain.time import NS_PER_S
from cockpit.engine.runner import Runner
from cockpit.engine.supervisor import EssentialTaskEnded, TaskState
from tests.faults.bench import BTC, CREATE, Bench

ESSENTIAL = {
    "journal": "_write_journal",
    "execution": "_watch_effects",
    "detection": "_watch_detection",
    "streams": "_pump",
}
OTHERS = {"clock": "_watch_clock", "snapshots": "_snapshot", "views": "_publish"}


def breakable(monkeypatch: pytest.MonkeyPatch, body: str) -> asyncio.Event:
    """Let a task of the engine work as ever until the event is set; then it fails, once."""
    fails, original = asyncio.Event(), getattr(Runner, body)

    async def work(runner: Any) -> None:
        working = asyncio.ensure_future(original(runner))
        failing = asyncio.ensure_future(fails.wait())
        try:
            await asyncio.wait([working, failing], return_when=asyncio.FIRST_COMPLETED)
        finally:
            working.cancel()
            failing.cancel()
        fails.clear()
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr(Runner, body, work)
    return fails


@pytest.mark.parametrize("name", ESSENTIAL)
async def test_f104_end_of_any_essential_task_ends_the_engine_and_the_next_one_goes_on(
    exchange: Bench, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with monkeypatch.context() as patch:
        fails = breakable(patch, ESSENTIAL[name])
        engine = await exchange.start()
        await exchange.enter(BTC)
        fails.set()
        with pytest.raises(EssentialTaskEnded, match=f"{name}: RuntimeError: nobody foresaw this"):
            await asyncio.wait_for(engine.task, 20)
        exchange.engine = None
    row = await exchange.position(BTC)
    assert row is not None
    assert Decimal(row["stopLoss"]) > 0
    await exchange.start()
    await exchange.settled()
    assert len(await exchange.requests(CREATE)) == 1


async def test_f104_other_tasks_are_started_again_and_say_why(exchange: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    fails = {name: breakable(monkeypatch, body) for name, body in OTHERS.items()}
    await exchange.start()
    for event in fails.values():
        event.set()

    def is_back() -> bool:
        lights = [light for light in exchange.lights if light.name in OTHERS]
        return all(light.restarts and light.state is TaskState.RUNNING for light in lights)

    await exchange.until(is_back, "they run again")
    told = {light.name: light.detail for light in exchange.lights if light.name in OTHERS}
    assert told == dict.fromkeys(OTHERS, "RuntimeError: nobody foresaw this")
    await exchange.enter(BTC)
    await exchange.settled()


async def test_f125_nothing_of_a_closed_position_opens_a_new_one_when_the_price_crosses_its_stop(bench: Bench) -> None:
    await bench.enter(BTC)
    row = await bench.position(BTC)
    assert row is not None
    await bench.control("manual/close", symbol=BTC)
    await bench.until(bench.is_flat, "position and stop are gone together", 10.0)
    sent = len(await bench.requests(CREATE))
    await bench.control("market/jump", symbol=BTC, factor=0.9)

    def mark() -> Decimal:
        return Decimal(str(bench.core.state.symbols[BTC].market.mid or 0))

    await bench.until(lambda: 0 < mark() < Decimal(row["stopLoss"]), "the price is beyond the old stop")
    crossed_ns = bench.core.state.now_ns
    await bench.until(lambda: bench.core.state.now_ns - crossed_ns > NS_PER_S, "a stop would have fired")
    assert await bench.is_flat()
    assert len(await bench.requests(CREATE)) == sent
    await bench.settled()
