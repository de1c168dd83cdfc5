"""What the account and the exchange say by REST: complete lists, all pages, as domain reports.

Every function raises ``VenueError`` if any page fails or cannot be understood: a partial list never leaves this module.
Parameters, limits and retention: bybit-v5.md 4.1, 5.5 to 5.8, 6.1, 7.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

import msgspec

from cockpit.adapters.bybit import parse
from cockpit.adapters.bybit import wire_private as wire
from cockpit.adapters.bybit.endpoints import CATEGORY, COIN
from cockpit.adapters.bybit.http import Reply, SignedHttp
from cockpit.adapters.bybit.rest import BybitRest, Pool
from cockpit.adapters.bybit.wire import UNREADABLE
from cockpit.domain.account import AccountInfo, BalanceReport
from cockpit.domain.errors import OutcomeUnknown, RemoteProtocolError
from cockpit.domain.instrument import Instrument
from cockpit.domain.ledger import LedgerRow
from cockpit.domain.orders import OrderReport
from cockpit.domain.positions import FillReport, PositionReport

RowT = TypeVar("RowT")
ReportT = TypeVar("ReportT")
Method = Callable[..., Reply]

DAY_MS = 24 * 3600 * 1000
WINDOW_MS = 7 * DAY_MS
"""Longest time window of one execution query, and how far back "since ever" reaches."""
_MAX_PAGES = 500
_CLOCK_MARGIN_MS = 5000
"""Asked for beyond the end, so that an error of the measured clock hides no execution."""


class _Page(msgspec.Struct, Generic[RowT]):
    rows: list[RowT] = msgspec.field(name="list")
    cursor: str | None = msgspec.field(name="nextPageCursor", default="")


class _SymbolOnly(msgspec.Struct):
    symbol: str


class _Created(msgspec.Struct, rename="camel"):
    order_id: str


def order_id(raw: bytes) -> str:
    """The exchange's id in the answer to an order; raises ``OutcomeUnknown`` if it names none."""
    created = _decoded(raw, _Created).order_id
    if not created:
        raise OutcomeUnknown("the answer to the order names no order")
    return created


async def open_orders(rest: BybitRest, now: Callable[[], int], pool: Pool = Pool.READS) -> list[OrderReport]:
    """Every open order settled in USDT, stops of positions included."""
    rows = await _all_rows(rest, SignedHttp.get_open_orders, wire.WireOrder, 50, pool, settleCoin=COIN, openOnly=0)
    reports = [_told(parse.order_report, row, now()) for row in rows]
    # Pages shift when orders come and go between two requests.
    return list({report.order_id: report for report in reports}.values())


async def positions(rest: BybitRest, now: Callable[[], int], pool: Pool = Pool.READS) -> list[PositionReport]:
    """Every non-zero position settled in USDT."""
    rows = await _all_rows(rest, SignedHttp.get_positions, wire.WirePosition, 200, pool, settleCoin=COIN)
    reports = [_told(parse.position_report, row, now()) for row in rows]
    return list({(r.symbol, r.position_idx): r for r in reports if r.qty}.values())


async def position(
    rest: BybitRest, now: Callable[[], int], symbol: str, pool: Pool = Pool.READS
) -> PositionReport | None:
    """The one-way position of a symbol, also when it is flat; only a read by symbol shows that (bybit-v5.md 6.1)."""
    rows = await _all_rows(rest, SignedHttp.get_positions, wire.WirePosition, 200, pool, symbol=symbol)
    reports = [_told(parse.position_report, row, now()) for row in rows]
    return next((report for report in reports if report.position_idx == 0), None)


async def fills(
    rest: BybitRest, now: Callable[[], int], since_ms: int, until_ms: int, pool: Pool = Pool.READS
) -> list[FillReport]:
    """Executions from ``since_ms`` to ``until_ms`` (exchange time), oldest first, each once.

    ``since_ms`` 0 reaches seven days back.
    """
    last = until_ms + _CLOCK_MARGIN_MS
    start = since_ms or last - WINDOW_MS
    found: dict[str, FillReport] = {}
    while start <= last:
        end = min(start + WINDOW_MS - 1, last)
        rows = await _all_rows(rest, SignedHttp.get_executions, wire.WireFill, 100, pool, startTime=start, endTime=end)
        found.update((row.exec_id, _told(parse.fill_report, row, now())) for row in rows)
        start = end + 1
    return _oldest_first(found.values())


async def find_order(
    rest: BybitRest, now: Callable[[], int], symbol: str, client_id: str, pool: Pool = Pool.READS
) -> tuple[OrderReport | None, list[FillReport]]:
    """An order by link id: among the open and lately closed ones, then in the history; and its executions."""
    found: OrderReport | None = None
    for method in (SignedHttp.get_open_orders, SignedHttp.get_order_history):
        rows = await _all_rows(rest, method, wire.WireOrder, 50, pool, symbol=symbol, orderLinkId=client_id)
        reports = [_told(parse.order_report, row, now()) for row in rows if row.order_link_id == client_id]
        if reports:
            found = reports[0]
            break
    executions = await _all_rows(
        rest, SignedHttp.get_executions, wire.WireFill, 100, pool, symbol=symbol, orderLinkId=client_id
    )
    own = [_told(parse.fill_report, row, now()) for row in executions if row.order_link_id == client_id]
    return found, _oldest_first({fill.exec_id: fill for fill in own}.values())


async def balance(rest: BybitRest, now: Callable[[], int], pool: Pool = Pool.READS) -> BalanceReport:
    """The USDT side of the unified account."""
    raw = await rest.read(lambda client: client.get_wallet_balance(accountType="UNIFIED", coin=COIN), pool)
    accounts = _decoded(raw, _Page[wire.WireWallet]).rows
    report = _told(parse.balance_report, accounts[0], now()) if accounts else None
    if report is None:
        raise OutcomeUnknown(f"the account's answer holds no {COIN} balance")
    return report


async def ledger(rest: BybitRest, since_ms: int, until_ms: int) -> list[LedgerRow]:
    """The transaction log of the unified account, every coin, oldest first, each row once.

    A row is not told by the exchange's clock alone (two may share a millisecond), so the order is the exchange's own.
    """
    found: dict[str, LedgerRow] = {}
    start = since_ms
    while start <= until_ms:
        end = min(start + DAY_MS - 1, until_ms)
        rows = await _all_rows(
            rest,
            SignedHttp.get_transaction_log,
            wire.WireTransaction,
            50,
            Pool.READS,
            accountType="UNIFIED",
            category=None,
            startTime=start,
            endTime=end,
        )
        told = [_told(parse.ledger_row, row, 0) for row in rows]
        found.update((row.row_id, row) for row in reversed(told))
        start = end + 1
    return list(found.values())


async def instruments(rest: BybitRest, symbols: Iterable[str]) -> list[Instrument]:
    """Trading rules of ``symbols``; a symbol that is not listed as trading is missing."""
    wanted = set(symbols)
    rows = await _all_rows(rest, SignedHttp.get_instruments_info, msgspec.Raw, 1000, Pool.READS)
    chosen = [row for row in rows if _decoded(bytes(row), _SymbolOnly).symbol in wanted]
    return [_told(lambda row, _: parse.instrument(row), _decoded(bytes(row), wire.WireInstrument), 0) for row in chosen]


async def account(rest: BybitRest) -> AccountInfo:
    """Who the key belongs to and what it may do."""
    key = await rest.read(lambda client: client.get_api_key_information())
    modes = await rest.read(lambda client: client.get_account_info())
    return parse.account_info(_decoded(key, wire.WireKey), _decoded(modes, wire.WireAccount))


async def hedged(rest: BybitRest, symbols: Iterable[str]) -> list[str]:
    """Those of ``symbols`` that are in hedge mode: they have a row for each side (bybit-v5.md 6.1)."""

    async def is_hedged(symbol: str) -> bool:
        rows = await _all_rows(rest, SignedHttp.get_positions, wire.WirePosition, 20, Pool.READS, symbol=symbol)
        return any(row.position_idx for row in rows)

    asked = list(symbols)
    answers = await asyncio.gather(*map(is_hedged, asked))
    return [symbol for symbol, answer in zip(asked, answers, strict=True) if answer]


async def _all_rows(
    rest: BybitRest, method: Method, row: type[RowT], limit: int, pool: Pool, **query: Any
) -> list[RowT]:
    """The rows of all pages of a list of our category (of all categories with ``category=None``)."""
    rows: list[RowT] = []
    cursor = ""
    for _ in range(_MAX_PAGES):
        asked = {
            name: value for name, value in {"category": CATEGORY, "limit": limit, **query}.items() if value is not None
        }
        if cursor:
            asked["cursor"] = cursor  # as received: it is percent-encoded already
        raw = await rest.read(_bound(method, asked), pool)
        page = _decoded(raw, _Page[row])  # type: ignore[valid-type]
        rows += page.rows
        if not page.rows or not page.cursor or page.cursor == cursor:
            return rows
        cursor = page.cursor
    raise OutcomeUnknown(f"a list of the exchange does not end after {_MAX_PAGES} pages")


def _bound(method: Method, query: dict[str, Any]) -> Callable[[SignedHttp], Reply]:
    return lambda client: method(client, **query)


def _decoded(raw: bytes, kind: type[RowT]) -> RowT:
    try:
        return msgspec.json.decode(raw, type=kind, strict=False)
    except UNREADABLE as error:
        raise OutcomeUnknown(f"an answer of the exchange cannot be understood: {error}") from error


def _told(parsed: Callable[[RowT, int], ReportT], row: RowT, ts_recv: int) -> ReportT:
    try:
        return parsed(row, ts_recv)
    except RemoteProtocolError as error:
        raise OutcomeUnknown(f"an answer of the exchange cannot be understood: {error}") from error


def _oldest_first(fills: Iterable[FillReport]) -> list[FillReport]:
    return sorted(fills, key=lambda fill: (fill.ts_event, fill.seq))
