"""Flatten on a simulated exchange of another process: it converges whatever goes wrong, and never strips a stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import count, pairwise
from typing import Any

import pytest

from cockpit.adapters.bybit.config import RestLimits
from cockpit.adapters.bybit.credentials import SecretKey
from cockpit.adapters.bybit.endpoints import Endpoints
from cockpit.adapters.bybit.flatten import FlattenIds, FlattenProgress, FlattenResult, flatten
from cockpit.adapters.bybit.rest import BybitRest
from cockpit.adapters.system.clock import LiveClock
from cockpit.domain.enums import Environment, OrderRole
from cockpit.domain.ids import role_of
from tests.integration.bybit.conftest import eventually
from tests.support.simex_process import SimexProcess, simex_process

_runs = count(1)


class FastClock(LiveClock):
    """Spans pass ten times as fast; wall time, which signs, is the real one."""

    def monotonic_ns(self) -> int:
        return super().monotonic_ns() * 10

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 10)


class Account:
    """The exchange, what a test does to it, and the flatten of its account."""

    def __init__(self, simex: SimexProcess) -> None:
        self.simex = simex
        self.progress: list[FlattenProgress] = []
        ready = simex.ready
        endpoints = Endpoints(rest=ready["rest"], public="", private="")
        self.rest = BybitRest(endpoints, SecretKey(ready["api_key"], ready["api_secret"]), RestLimits(), LiveClock())
        self._seen = 0

    async def flatten(self) -> FlattenResult:
        ids = FlattenIds(Environment.SIM, 0, f"t{next(_runs)}")
        async with asyncio.timeout(30):
            return await flatten(self.rest, FastClock(), ids, self.progress.append)

    async def open(self, symbol: str, side: str, qty: str, **fields: Any) -> None:
        await self.simex.control("manual/order", symbol=symbol, side=side, orderType="Market", qty=qty, **fields)

    async def look(self) -> dict[str, Any]:
        return dict(await self.simex.look("account"))

    async def is_flat(self) -> bool:
        account = await self.look()
        return account["positions"] == [] and account["orders"] == []

    async def holds(self, *symbols: str) -> bool:
        """True if exactly these symbols have a position."""
        return [row["symbol"] for row in (await self.look())["positions"]] == list(symbols)

    async def price(self, symbol: str) -> float:
        """The last price, taken from a position that is opened for it."""
        account = await self.look()
        return float(next(row["markPrice"] for row in account["positions"] if row["symbol"] == symbol))


@pytest.fixture(scope="module")
def simex() -> Iterator[SimexProcess]:
    with simex_process("--seed", "5") as process:
        yield process


@pytest.fixture
async def account(simex: SimexProcess) -> AsyncIterator[Account]:
    made = Account(simex)
    yield made
    made.rest.close()
    await simex.control("heal")


async def writes(simex: SimexProcess, after: int) -> list[dict[str, Any]]:
    answer = await simex.look(f"requests?after={after}")
    return [row for row in answer["requests"] if "/order/c" in row["path"]]


async def last_number(simex: SimexProcess) -> int:
    rows = (await simex.look("requests"))["requests"]
    return max((row["number"] for row in rows), default=0)


async def test_long_and_short_positions_orders_and_stops_all_go(account: Account, simex: SimexProcess) -> None:
    await account.open("SOLUSDT", "Buy", "2")
    await account.open("ETHUSDT", "Sell", "0.3")
    sol, eth = await account.price("SOLUSDT"), await account.price("ETHUSDT")
    await account.open("SOLUSDT", "Buy", "1", stopLoss=f"{sol * 0.95:.2f}", tpslMode="Full")
    await simex.control(
        "manual/order", symbol="ETHUSDT", side="Buy", orderType="Limit", qty="0.1", price=f"{eth * 0.9:.2f}"
    )
    before = await account.look()
    assert len(before["positions"]) == 2
    assert len(before["orders"]) >= 2
    after = await last_number(simex)
    result = await account.flatten()
    assert await account.is_flat()
    assert set(result.symbols) == {"SOLUSDT", "ETHUSDT"}
    assert result.orders_sent == 2
    assert [step.is_flat for step in account.progress] == [False] * (len(account.progress) - 1) + [True]
    closing = [fill for fill in (await account.look())["executions"] if role_of(fill["orderLinkId"])]
    assert {role_of(fill["orderLinkId"]) for fill in closing} == {OrderRole.FLATTEN}
    await assert_stops_were_left_alone(simex, after)


async def assert_stops_were_left_alone(simex: SimexProcess, after: int) -> None:
    """No request before the last closing order could have removed a stop."""
    rows = await writes(simex, after)
    last_close = max(number for number, row in enumerate(rows) if row["path"] == "/v5/order/create")
    for row in rows[:last_close]:
        if row["path"] == "/v5/order/cancel-all":
            assert row["params"]["orderFilter"] == "Order"


async def test_nothing_open_is_flat_after_two_reads(account: Account) -> None:
    result = await account.flatten()
    assert result.orders_sent == 0
    assert result.symbols == ()
    assert [step.is_zero for step in account.progress][-1]
    assert sum(step.is_zero for step in account.progress) >= 2


async def test_resting_orders_without_a_position_are_cancelled(account: Account, simex: SimexProcess) -> None:
    await simex.control("manual/order", symbol="ADAUSDT", side="Buy", orderType="Limit", qty="1000", price="0.01")
    assert (await account.look())["orders"]
    await account.flatten()
    assert await account.is_flat()


@pytest.mark.parametrize(
    "fault",
    [
        {"route": "/v5/order/create", "is_reply_lost": True, "count": 2},
        {"route": "/v5/order/create", "is_dropped": True, "count": 2},
        {"route": "/v5/order/create", "ret_code": 10016, "count": 2},
        {"route": "/v5/order/create", "ret_code": 10016, "is_applied": True, "count": 1},
        {"route": "/v5/order/create", "status": 502, "count": 2},
        {"route": "/v5/order/create", "body": "<html>", "count": 1, "is_applied": True},
        {"route": "/v5/order/create", "ret_code": 10006, "count": 2, "reset_in_ms": -500},
        {"route": "/v5/order/cancel-all", "ret_code": 10016, "count": 3},
        {"route": "/v5/position/list", "status": 503, "count": 3},
        {"route": "/v5/position/list", "body": "[]", "count": 2},
        {"route": "*", "ret_code": 10000, "count": 6},
        {"route": "*", "status": 403, "count": 2},
        {"route": "/v5/order/create", "ret_code": 33004, "count": 1},
    ],
)
async def test_it_converges_through_a_fault(account: Account, simex: SimexProcess, fault: dict[str, Any]) -> None:
    await account.open("SOLUSDT", "Buy", "2")
    after = await last_number(simex)
    await simex.control("fault/rest", **fault)
    await account.flatten()
    assert await account.is_flat()
    assert any(step.failures for step in account.progress)
    await assert_stops_were_left_alone(simex, after)


async def test_one_symbol_that_fails_does_not_keep_the_others_open(account: Account, simex: SimexProcess) -> None:
    await account.open("SOLUSDT", "Buy", "2")
    await account.open("DOGEUSDT", "Sell", "500")
    await simex.control("fault/rest", route="/v5/order/create", symbol="SOLUSDT", ret_code=110074, count=-1)
    running = asyncio.create_task(account.flatten())
    await eventually(lambda: account.holds("SOLUSDT"))
    assert not running.done()
    await simex.control("heal")
    await running
    assert await account.is_flat()
    assert any("SOLUSDT" in text for step in account.progress for text in step.failures)


async def test_a_double_close_never_flips_the_position(account: Account, simex: SimexProcess) -> None:
    await account.open("SOLUSDT", "Buy", "2")
    await asyncio.gather(account.flatten(), account.flatten())
    assert await account.is_flat()
    sides = {fill["side"] for fill in (await account.look())["executions"] if role_of(fill["orderLinkId"])}
    assert "Sell" in sides


async def test_cancelling_the_task_ends_it(account: Account, simex: SimexProcess) -> None:
    await simex.control("fault/rest", route="*", status=503, count=-1)
    running = asyncio.create_task(account.flatten())
    await eventually(lambda: len(account.progress) >= 2)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_f041_the_stop_of_a_position_opened_between_the_last_reads_stays(
    account: Account, simex: SimexProcess
) -> None:
    conditional = {"orderType": "Market", "qty": "300", "triggerDirection": 2, "triggerBy": "LastPrice"}
    await simex.control("manual/order", symbol="ADAUSDT", side="Sell", triggerPrice="0.1", **conditional)
    await account.open("SOLUSDT", "Buy", "2")
    price = await account.price("SOLUSDT")
    await simex.control("fault/rest", route="/v5/order/realtime", delay_s=0.5, count=1)
    after, naked = await last_number(simex), []

    async def is_reading_what_is_left() -> bool:
        rows = (await simex.look(f"requests?after={after}"))["requests"]
        return any(row["path"] == "/v5/order/realtime" for row in rows)

    running = asyncio.create_task(account.flatten())
    await eventually(is_reading_what_is_left)
    await account.open("SOLUSDT", "Buy", "1", stopLoss=f"{price * 0.9:.2f}", tpslMode="Full")
    while not running.done():
        naked += [row for row in (await account.look())["positions"] if not float(row["stopLoss"] or 0)]
        await asyncio.sleep(0.01)
    assert (await running).orders_sent >= 2
    assert naked == []
    assert await account.is_flat()
    cancels = [row for row in await writes(simex, after) if row["path"] == "/v5/order/cancel-all"]
    assert all(row["params"]["orderFilter"] == "Order" for row in cancels)


async def test_f017_a_banned_address_sends_one_call_of_a_kind_in_15_s(account: Account, simex: SimexProcess) -> None:
    for symbol, qty in (("SOLUSDT", "2"), ("ADAUSDT", "300"), ("DOGEUSDT", "500")):
        await account.open(symbol, "Buy", qty)
    after = await last_number(simex)
    await simex.control("fault/rest", route="/v5/order/cancel-all", status=403, count=-1)
    running = asyncio.create_task(account.flatten())

    async def is_closed() -> bool:
        return (await account.look())["positions"] == []

    await eventually(is_closed)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    answer = await simex.look(f"requests?after={after}")
    times: dict[str, list[int]] = {"close": [], "change": [], "read": []}
    for row in answer["requests"]:
        kind = {"/v5/order/create": "close", "/v5/order/cancel-all": "change"}.get(row["path"], "read")
        times[kind].append(row["at_ms"])
    assert len(times["close"]) == 3
    for kind, sent in times.items():
        gaps = [later - earlier for earlier, later in pairwise(sent)]
        assert all(gap >= FAST_PROBE_MS for gap in gaps), (kind, gaps)


FAST_PROBE_MS = 1_400
"""15 s of ``FastClock``, and how precisely requests arrive."""
