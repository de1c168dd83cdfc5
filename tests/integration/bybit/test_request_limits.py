"""What reaches the exchange, by its own request log: half of its limits, in a flatten all, probes under a ban."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from itertools import count
from random import Random
from typing import Any

import pytest

from cockpit.adapters.bybit import params
from cockpit.adapters.bybit.budget import PER_SECOND, TOTAL_LIMIT
from cockpit.adapters.bybit.config import BybitConfig, RestLimits
from cockpit.adapters.bybit.credentials import SecretKey
from cockpit.adapters.bybit.endpoints import Endpoints
from cockpit.adapters.bybit.flatten import FlattenIds, flatten
from cockpit.adapters.bybit.rest import BybitRest, Pool
from cockpit.adapters.bybit.venue import BybitVenue
from cockpit.adapters.system.clock import LiveClock
from cockpit.domain.enums import Environment, OrderPath, OrderRole, OrderType, Side, TimeInForce
from cockpit.domain.errors import VenueError
from cockpit.domain.ids import ClientOrderId, client_order_id
from cockpit.domain.instrument import Lots
from cockpit.domain.orders import OrderRequest
from cockpit.domain.time import NS_PER_S
from cockpit.ports.journal import DurableIntent
from tests.integration.bybit.conftest import addresses
from tests.support.simex_process import SimexProcess, simex_process

CREATE, CANCEL_ALL = "/v5/order/create", "/v5/order/cancel-all"
PUBLISHED_S = 5
"""Spans are counted as long as that of the address's limit: five seconds of a route's limit a second."""
BURST_S = 5.5
PROBE_S = 15
_numbers = count(1)


class AheadClock(LiveClock):
    """Monotonic time is as far ahead as the test wants; sleeping moves it and takes no time."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead_ns = 0

    def monotonic_ns(self) -> int:
        return super().monotonic_ns() + self.ahead_ns

    async def sleep(self, seconds: float) -> None:
        self.ahead_ns += round(seconds * NS_PER_S)
        await asyncio.sleep(0)


class Log:
    """The exchange's private requests since the test began."""

    def __init__(self, simex: SimexProcess) -> None:
        self.simex = simex
        self.after = 0

    async def rows(self) -> list[dict[str, Any]]:
        answer = await self.simex.look(f"requests?after={self.after}")
        return list(answer["requests"])

    async def news(self) -> list[str]:
        """Paths of the requests since the last look."""
        rows = await self.rows()
        self.after = max((row["number"] for row in rows), default=self.after)
        return [row["path"] for row in rows]


@pytest.fixture(scope="module")
def simex() -> Iterator[SimexProcess]:
    with simex_process("--seed", "9") as process:
        yield process


@pytest.fixture
async def log(simex: SimexProcess) -> AsyncIterator[Log]:
    made = Log(simex)
    await made.news()
    yield made
    await simex.control("heal")


@pytest.fixture
async def rest(simex: SimexProcess) -> AsyncIterator[BybitRest]:
    ready = simex.ready
    endpoints = Endpoints(rest=ready["rest"], public="", private="")
    made = BybitRest(endpoints, SecretKey(ready["api_key"], ready["api_secret"]), RestLimits(), LiveClock())
    yield made
    made.close()


def most_within(rows: Iterable[dict[str, Any]], span_s: float) -> int:
    """The largest number of requests in any span of the exchange's clock."""
    stamps = sorted(row["at_ms"] for row in rows)
    return max((sum(at <= later < at + span_s * 1000 for later in stamps) for at in stamps), default=0)


async def insist(call: Callable[[], Awaitable[object]], until_s: float) -> None:
    """Call again and again, whatever comes back."""
    loop = asyncio.get_running_loop()
    while loop.time() < until_s:
        with suppress(VenueError):
            await call()
        await asyncio.sleep(0)


def link_id(role: OrderRole) -> ClientOrderId:
    return client_order_id(Environment.SIM, 1, f"limit{next(_numbers)}", role, 1)


async def close(rest: BybitRest, role: OrderRole) -> object:
    sent = params.close_whole("SOLUSDT", Side.SELL, 0, link_id(role))
    pool = Pool.FLATTEN if role is OrderRole.FLATTEN else Pool.ORDERS
    return await rest.change(lambda client: client.place_order(**sent), pool)


async def read(rest: BybitRest, route: str, pool: Pool) -> object:
    """One read of the account."""
    calls: dict[str, Callable[[Any], Any]] = {
        "/v5/order/realtime": lambda client: client.get_open_orders(category="linear", settleCoin="USDT"),
        "/v5/order/history": lambda client: client.get_order_history(category="linear"),
        "/v5/execution/list": lambda client: client.get_executions(category="linear"),
        "/v5/position/list": lambda client: client.get_positions(category="linear", settleCoin="USDT"),
        "/v5/account/wallet-balance": lambda client: client.get_wallet_balance(accountType="UNIFIED"),
        "/v5/account/info": lambda client: client.get_account_info(),
    }
    return await rest.read(calls[route], pool)


READS = (
    "/v5/order/realtime",
    "/v5/order/history",
    "/v5/execution/list",
    "/v5/position/list",
    "/v5/account/wallet-balance",
    "/v5/account/info",
)


async def test_p15_ordinary_orders_take_half_of_the_route_and_a_flatten_the_rest(rest: BybitRest, log: Log) -> None:
    end_s = asyncio.get_running_loop().time() + BURST_S
    await asyncio.gather(*(insist(lambda: close(rest, OrderRole.CLOSE), end_s) for _ in range(8)))
    ordinary = await log.rows()
    half = PER_SECOND[CREATE] * PUBLISHED_S // 2
    assert half - 5 <= most_within(ordinary, PUBLISHED_S) <= half

    await log.news()
    end_s = asyncio.get_running_loop().time() + BURST_S
    both = [insist(lambda: close(rest, OrderRole.CLOSE), end_s) for _ in range(4)]
    both += [insist(lambda: close(rest, OrderRole.FLATTEN), end_s) for _ in range(8)]
    await asyncio.gather(*both)
    rows = await log.rows()
    assert half < most_within(rows, PUBLISHED_S) <= 2 * half
    own = [row for row in rows if "-f" in row["params"]["orderLinkId"]]
    assert len(own) > len(rows) - len(own), "ordinary orders wait while a flatten runs"
    assert 10006 not in {row["ret_code"] for row in (*ordinary, *rows)}, "the exchange never had to refuse"


async def test_p15_all_reads_together_take_half_of_what_an_address_may(rest: BybitRest, log: Log) -> None:
    end_s = asyncio.get_running_loop().time() + PUBLISHED_S
    await asyncio.gather(*(insist(lambda route=route: read(rest, route, Pool.READS), end_s) for route in READS))
    rows = await log.rows()
    assert TOTAL_LIMIT // 4 < most_within(rows, PUBLISHED_S) <= TOTAL_LIMIT // 2
    for route in READS:
        mine = [row for row in rows if row["path"] == route]
        assert most_within(mine, PUBLISHED_S) <= PER_SECOND[route] * PUBLISHED_S // 2
    assert 10006 not in {row["ret_code"] for row in rows}
    await read(rest, "/v5/position/list", Pool.FLATTEN_READS)


async def test_f017_an_engine_that_flattens_under_a_ban_sends_one_probe_of_a_kind_in_15_s(
    simex: SimexProcess, log: Log
) -> None:
    clock = AheadClock()
    config = BybitConfig(order_path=OrderPath.REST, **addresses(simex.ready))
    key = SecretKey(simex.ready["api_key"], simex.ready["api_secret"])
    venue = BybitVenue(config, key, clock, Random(7))
    await simex.control("fault/rest", route="*", status=403, count=-1)
    with pytest.raises(VenueError):
        await venue.cancel_entries("SOLUSDT")
    venue.go_flatten_way(True)
    assert await log.news() == [CANCEL_ALL]
    sent: list[tuple[int, str]] = []
    for second in range(4 * PROBE_S):
        for call in (_close_of(venue, "SOLUSDT"), _close_of(venue, "ETHUSDT"), venue.cancel_entries("SOLUSDT")):
            with suppress(VenueError):
                await call
        for call in (venue.reports(0), venue.position("SOLUSDT"), venue.find_order("SOLUSDT", "none")):
            with suppress(VenueError):
                await call
        sent += [(second, path) for path in await log.news()]
        clock.ahead_ns += NS_PER_S
    kinds = {path: [second for second, of in sent if of == path] for _, path in sent}
    assert {CREATE, CANCEL_ALL} < kinds.keys()
    reads = sorted(second for path, seconds in kinds.items() if path not in {CREATE, CANCEL_ALL} for second in seconds)
    for stamps in (kinds[CREATE], kinds[CANCEL_ALL], reads):
        assert stamps == list(range(0, 4 * PROBE_S, PROBE_S))
    await venue.aclose()


async def _close_of(venue: BybitVenue, symbol: str) -> str:
    request = OrderRequest(
        client_id=link_id(OrderRole.FLATTEN),
        symbol=symbol,
        side=Side.SELL,
        role=OrderRole.FLATTEN,
        order_type=OrderType.MARKET,
        time_in_force=TimeInForce.IOC,
        lots=Lots(0),
        reduce_only=True,
        close_on_trigger=True,
    )
    return await venue.submit(DurableIntent(request, 1), OrderPath.REST)


async def test_f017_an_engine_without_a_flatten_sends_nothing_for_ten_minutes_after_a_ban(
    simex: SimexProcess, log: Log
) -> None:
    clock = AheadClock()
    config = BybitConfig(order_path=OrderPath.REST, **addresses(simex.ready))
    venue = BybitVenue(config, SecretKey(simex.ready["api_key"], simex.ready["api_secret"]), clock, Random(7))
    await simex.control("fault/rest", route="*", status=403)
    with pytest.raises(VenueError):
        await venue.cancel_entries("SOLUSDT")
    assert await log.news() == [CANCEL_ALL]
    for _ in range(599):
        for call in (venue.reports(0), venue.cancel_entries("SOLUSDT")):
            with pytest.raises(VenueError):
                await call
        clock.ahead_ns += NS_PER_S
    assert await log.news() == []
    clock.ahead_ns += NS_PER_S
    await venue.reports(0)
    assert await log.news() != []
    await venue.aclose()


async def test_f017_the_flatten_command_under_a_ban_tries_each_kind_once_in_15_s(simex: SimexProcess, log: Log) -> None:
    clock = AheadClock()
    ready = simex.ready
    key = SecretKey(ready["api_key"], ready["api_secret"])
    rest = BybitRest(Endpoints(rest=ready["rest"], public="", private=""), key, RestLimits(), clock)
    await simex.control("fault/rest", route="*", status=403, count=-1)
    rounds: list[float] = []

    def told(progress: Any) -> None:
        rounds.append(progress.next_s)
        if len(rounds) == 5:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await flatten(rest, clock, FlattenIds(Environment.SIM, 0, "banned"), told)
    assert rounds == [float(PROBE_S)] * 5
    sent = await log.news()
    assert {path: sent.count(path) for path in sent} == {CANCEL_ALL: 5, "/v5/position/list": 5}
    rest.close()
