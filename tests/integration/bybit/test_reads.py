"""Account reads against a scripted server: pages, cursors, windows, and lists that say nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cockpit.adapters.bybit import reads
from cockpit.adapters.bybit.config import RestLimits
from cockpit.adapters.bybit.credentials import SecretKey
from cockpit.adapters.bybit.endpoints import Endpoints
from cockpit.adapters.bybit.rest import BybitRest
from cockpit.adapters.system.clock import LiveClock
from cockpit.domain.errors import OutcomeUnknown, VenueError
from tests.support.scripted_http import Request, ScriptedHttp, ok, reply

GOLDEN = Path(__file__).parents[2] / "data" / "bybit"
NOW_MS = 1_785_000_000_000
ORDERS, HISTORY = "/v5/order/realtime", "/v5/order/history"
FILLS, POSITIONS, WALLET = "/v5/execution/list", "/v5/position/list", "/v5/account/wallet-balance"


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_bytes())


def clock_ns() -> int:
    return NOW_MS * 1_000_000


@pytest.fixture
async def rest(http: ScriptedHttp) -> AsyncIterator[BybitRest]:
    endpoints = Endpoints(rest=http.url, public="", private="")
    made = BybitRest(endpoints, SecretKey("k", "s"), RestLimits(), LiveClock())
    yield made
    made.close()


def paged(rows: list[dict[str, Any]]) -> Callable[[Request], bytes]:
    """Pages as Bybit makes them: the cursor is percent-encoded text that must come back unchanged."""

    def answer(request: Request) -> bytes:
        limit = int(request.fields["limit"])
        start = int(request.fields.get("cursor", "at%3D0").removeprefix("at%3D"))
        cursor = f"at%3D{start + limit}" if start + limit < len(rows) else ""
        return ok({"category": "linear", "list": rows[start : start + limit], "nextPageCursor": cursor})

    return answer


def order_rows(count: int) -> list[dict[str, Any]]:
    [row] = golden("rest_order_realtime")["result"]["list"]
    return [row | {"orderId": f"o{number}"} for number in range(count)]


def fill_row(number: int, time_ms: int) -> dict[str, Any]:
    row = golden("private_execution")["data"][0]
    return row | {"execId": f"e{number}", "execTime": str(time_ms), "seq": number}


@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 230])
async def test_f064_every_page_of_open_orders_is_read(http: ScriptedHttp, rest: BybitRest, count: int) -> None:
    http.on(ORDERS, paged(order_rows(count)))
    orders = await reads.open_orders(rest, clock_ns)
    assert [order.order_id for order in orders] == [f"o{number}" for number in range(count)]
    assert http.requests[0].fields["settleCoin"] == "USDT"


async def test_order_that_slips_to_the_next_page_counts_once(http: ScriptedHttp, rest: BybitRest) -> None:
    rows = order_rows(60)
    http.on(ORDERS, paged([*rows[:50], rows[49], *rows[50:]]))
    assert len(await reads.open_orders(rest, clock_ns)) == 60


async def test_executions_of_many_pages_and_weeks_come_oldest_first_and_once(
    http: ScriptedHttp, rest: BybitRest
) -> None:
    day = reads.DAY_MS
    rows = [fill_row(number, NOW_MS - 20 * day + number * day // 25) for number in range(480)]

    def answer(request: Request) -> bytes:
        start, end = int(request.fields["startTime"]), int(request.fields["endTime"])
        assert end - start <= reads.WINDOW_MS
        window = [row for row in reversed(rows) if start <= int(row["execTime"]) <= end]
        return paged(window)(request)

    http.on(FILLS, answer)
    fills = await reads.fills(rest, clock_ns, NOW_MS - 20 * day, NOW_MS)
    assert [fill.exec_id for fill in fills] == [f"e{number}" for number in range(480)]


async def test_since_ever_reaches_seven_days_back(http: ScriptedHttp, rest: BybitRest) -> None:
    http.on(FILLS, paged([]))
    assert await reads.fills(rest, clock_ns, 0, NOW_MS) == []
    assert sum(int(r.fields["endTime"]) - int(r.fields["startTime"]) + 1 for r in http.requests) <= reads.WINDOW_MS + 1


async def test_f071_flat_rows_are_no_positions_and_hedge_rows_are_two(http: ScriptedHttp, rest: BybitRest) -> None:
    [row] = golden("rest_position_list")["result"]["list"]
    rows = [row | {"positionIdx": 1}, row | {"positionIdx": 2, "size": "1"}, row | {"symbol": "B", "size": "0"}]
    http.on(POSITIONS, paged(rows))
    found = await reads.positions(rest, clock_ns)
    assert [(p.symbol, p.position_idx, p.qty) for p in found] == [
        ("SOLUSDT", 1, Decimal("7.5")),
        ("SOLUSDT", 2, Decimal(1)),
    ]


async def test_second_page_that_fails_fails_the_whole_list(http: ScriptedHttp, rest: BybitRest) -> None:
    first = paged(order_rows(70))
    http.on(ORDERS, lambda request: reply(b"", 502) if "cursor" in request.fields else first(request))
    with pytest.raises(VenueError):
        await reads.open_orders(rest, clock_ns)


async def test_list_that_never_ends_is_given_up(
    http: ScriptedHttp, rest: BybitRest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reads, "_MAX_PAGES", 5)

    def answer(request: Request) -> bytes:
        turn = int(request.fields.get("cursor", "0")) + 1
        return ok({"list": order_rows(1), "nextPageCursor": str(turn)})

    http.on(ORDERS, answer)
    with pytest.raises(OutcomeUnknown, match="does not end"):
        await reads.open_orders(rest, clock_ns)


@pytest.mark.parametrize(
    "result",
    [{}, {"list": None}, {"list": [{"symbol": "A"}]}, {"list": [7]}, {"list": {}}],
)
async def test_list_that_cannot_be_read_is_an_error_and_not_an_empty_list(
    http: ScriptedHttp, rest: BybitRest, result: dict[str, Any]
) -> None:
    http.on(POSITIONS, ok(result))
    with pytest.raises(OutcomeUnknown):
        await reads.positions(rest, clock_ns)


async def test_wallet_without_rows_is_no_information(http: ScriptedHttp, rest: BybitRest) -> None:
    http.on(WALLET, ok({"list": []}))
    with pytest.raises(OutcomeUnknown):
        await reads.balance(rest, clock_ns)
    http.on(WALLET, reply((GOLDEN / "rest_wallet_isolated.json").read_bytes()))
    assert (await reads.balance(rest, clock_ns)).available == 865


async def test_order_is_looked_up_in_three_places(http: ScriptedHttp, rest: BybitRest) -> None:
    [row] = golden("rest_order_realtime")["result"]["list"]
    http.on(ORDERS, paged([]))
    http.on(HISTORY, paged([row | {"orderLinkId": "cs1-a-e1", "orderStatus": "Cancelled"}]))
    http.on(FILLS, paged([fill_row(1, NOW_MS) | {"orderLinkId": "cs1-a-e1"}]))
    report, fills = await reads.find_order(rest, clock_ns, "SOLUSDT", "cs1-a-e1")
    assert report is not None
    assert report.order_id == "3f0c7c1e-0003"
    assert [fill.exec_id for fill in fills] == ["e1"]
    assert [request.path for request in http.requests] == [ORDERS, HISTORY, FILLS]


async def test_rows_of_another_order_are_not_taken_for_the_one_asked_for(http: ScriptedHttp, rest: BybitRest) -> None:
    [row] = golden("rest_order_realtime")["result"]["list"]
    for path in (ORDERS, HISTORY):
        http.on(path, paged([row]))
    http.on(FILLS, paged([fill_row(1, NOW_MS)]))
    assert await reads.find_order(rest, clock_ns, "SOLUSDT", "cs1-a-e1") == (None, [])


async def test_only_wanted_instruments_are_read_strictly(http: ScriptedHttp, rest: BybitRest) -> None:
    [row] = golden("rest_instruments")["result"]["list"]
    http.on("/v5/market/instruments-info", paged([{"symbol": "ODDUSDT"}, row]))
    [rules] = await reads.instruments(rest, ["SOLUSDT", "NOSUCHUSDT"])
    assert rules.symbol == "SOLUSDT"
    with pytest.raises(OutcomeUnknown):
        await reads.instruments(rest, ["ODDUSDT"])


async def test_account_is_read_from_key_and_mode(http: ScriptedHttp, rest: BybitRest) -> None:
    http.on("/v5/user/query-api", reply((GOLDEN / "rest_query_api.json").read_bytes()))
    http.on("/v5/account/info", reply((GOLDEN / "rest_account_info.json").read_bytes()))
    assert (await reads.account(rest)).uid == "4711"
