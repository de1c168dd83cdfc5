"""The transaction log: pages, windows, coins and signs, from a scripted server and from the simulated exchange."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
import requests

from cockpit.adapters.bybit import reads
from cockpit.adapters.bybit.config import RestLimits
from cockpit.adapters.bybit.credentials import SecretKey
from cockpit.adapters.bybit.endpoints import Endpoints
from cockpit.adapters.bybit.rest import BybitRest
from cockpit.adapters.system.clock import LiveClock
from cockpit.domain.errors import OutcomeUnknown, VenueError
from cockpit.domain.ledger import LedgerRow
from tests.integration.bybit.conftest import simex_venue
from tests.support.scripted_http import Request, ScriptedHttp, ok, reply
from tests.support.simex_process import SimexProcess

LOG = "/v5/account/transaction-log"
DAY_MS = 86_400_000
NOW_MS = 1_785_000_000_000


def row(number: int, **changes: Any) -> dict[str, Any]:
    """A trade as the reference writes it: numbers are text, what does not apply is empty."""
    told = {
        "id": f"r{number}",
        "symbol": "BTCUSDT",
        "category": "linear",
        "side": "Buy",
        "transactionTime": str(NOW_MS - number),
        "type": "TRADE",
        "qty": "0.01",
        "currency": "USDT",
        "funding": "",
        "fee": "0.33",
        "cashFlow": "1.5",
        "change": "1.17",
        "cashBalance": "1001.17",
        "bonusChange": "",
        "tradeId": f"e{number}",
    }
    return told | changes


@pytest.fixture
async def rest(http: ScriptedHttp) -> AsyncIterator[BybitRest]:
    made = BybitRest(Endpoints(rest=http.url, public="", private=""), SecretKey("k", "s"), RestLimits(), LiveClock())
    yield made
    made.close()


def serve(http: ScriptedHttp, rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Answer with those of ``rows`` (newest first) that lie in the asked window, a page at a time."""
    asked: list[dict[str, str]] = []

    def answer(request: Request) -> bytes:
        fields = request.fields
        asked.append(dict(fields))
        start, end = int(fields["startTime"]), int(fields["endTime"])
        inside = [one for one in rows if start <= int(one["transactionTime"]) <= end]
        first, limit = int(fields.get("cursor", "0")), int(fields["limit"])
        more = str(first + limit) if first + limit < len(inside) else ""
        return ok({"list": inside[first : first + limit], "nextPageCursor": more})

    http.on(LOG, answer)
    return asked


async def test_all_pages_of_all_windows_come_oldest_first_and_once(rest: BybitRest, http: ScriptedHttp) -> None:
    rows = [row(number, transactionTime=str(NOW_MS - number * 60_000)) for number in range(2_000)]
    asked = serve(http, rows)
    found = await reads.ledger(rest, NOW_MS - 2 * DAY_MS, NOW_MS)
    assert [one.row_id for one in found] == [f"r{number}" for number in reversed(range(2_000))]
    assert all(int(one["endTime"]) - int(one["startTime"]) < DAY_MS for one in asked)
    assert all("category" not in one and one["accountType"] == "UNIFIED" for one in asked)


async def test_rows_of_one_millisecond_keep_the_order_of_the_exchange(rest: BybitRest, http: ScriptedHttp) -> None:
    serve(http, [row(2, transactionTime=str(NOW_MS)), row(1, transactionTime=str(NOW_MS))])
    assert [one.row_id for one in await reads.ledger(rest, NOW_MS - 1, NOW_MS)] == ["r1", "r2"]


async def test_a_page_that_fails_is_no_ledger(rest: BybitRest, http: ScriptedHttp) -> None:
    pages = 0

    def answer(request: Request) -> bytes:
        nonlocal pages
        pages += 1
        if pages == 1:
            return ok({"list": [row(1)], "nextPageCursor": "next"})
        return reply({"retCode": 10016, "retMsg": "busy", "result": {}})

    http.on(LOG, answer)
    with pytest.raises(VenueError):
        await reads.ledger(rest, NOW_MS - 10, NOW_MS)


@pytest.mark.parametrize(
    "broken", [{"change": "1,17"}, {"change": ""}, {"cashBalance": None}, {"transactionTime": ""}, {"currency": ""}]
)
async def test_a_row_that_cannot_be_read_is_no_ledger(
    rest: BybitRest, http: ScriptedHttp, broken: dict[str, Any]
) -> None:
    serve(http, [])
    http.on(LOG, lambda _request: ok({"list": [row(1, **broken)], "nextPageCursor": ""}))
    with pytest.raises(OutcomeUnknown):
        await reads.ledger(rest, NOW_MS - 10, NOW_MS)


def control(simex: SimexProcess, verb: str, **body: Any) -> Any:
    session = requests.Session()
    session.trust_env = False
    answer = session.post(f"{simex.ready['control']}/{verb}", data=json.dumps(body), timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_simulated_exchange_tells_transfers_coins_and_the_sign_of_funding(simex: SimexProcess) -> None:
    async with simex_venue(simex) as (venue, _):
        since = (await venue.ledger(_now_ms() - 60_000)).until_ms
        control(simex, "manual/order", symbol="BTCUSDT", side="Buy", orderType="Market", qty="0.01")
        control(simex, "money/fees", currency="MNT", price="0.8")
        control(simex, "manual/close", symbol="BTCUSDT")
        control(simex, "money/fees", currency="USDT")
        control(simex, "manual/order", symbol="BTCUSDT", side="Buy", orderType="Market", qty="0.01")
        control(simex, "funding", symbol="BTCUSDT", rate="0.0001")
        control(simex, "money/flow", type="TRANSFER_OUT", cash_flow="-250")
        control(simex, "manual/close", symbol="BTCUSDT")
        rows = (await venue.ledger(since)).rows
    settled = [one for one in rows if one.kind == "SETTLEMENT"]
    assert [one.funding < 0 and one.change == one.funding for one in settled] == [True]
    in_mnt = [one for one in rows if one.currency == "MNT"]
    assert in_mnt
    assert all(one.fee > 0 and one.change == -one.fee for one in in_mnt)
    assert [(one.change, one.moved) for one in rows if one.kind == "TRANSFER_OUT"] == [(Decimal(-250), Decimal(-250))]
    assert_conserves(rows, "USDT")
    assert_conserves(rows, "MNT")


def _now_ms() -> int:
    return LiveClock().now_ns() // 1_000_000


def assert_conserves(rows: list[LedgerRow], coin: str) -> None:
    """Every change is made of its parts, and every balance is the one before plus the change."""
    mine = [one for one in rows if one.currency == coin]
    assert all(one.change == one.cash_flow + one.funding - one.fee for one in mine)
    assert all(later.balance == before.balance + later.change for before, later in itertools.pairwise(mine))
