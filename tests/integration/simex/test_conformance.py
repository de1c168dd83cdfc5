"""The exchange against Bybit's own examples, and the life of an order against the reference (bybit-v5.md section 8).

Rows of that section without a test, because this exchange never comes there: a cancel that loses its race with a fill
(one loop decides both), self match (one account), disconnect-cancel-all (off by design), maintenance and delisting, and
the cancelling of resting orders before a liquidation.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pybit.exceptions import InvalidRequestError

from tests.support.recorded import recorded

BTC = "BTCUSDT"
LINEAR = {"category": "linear", "symbol": BTC}
BUY = {**LINEAR, "side": "Buy"}
MARKET = {**BUY, "orderType": "Market", "qty": "0.01"}
RESTING = {**BUY, "orderType": "Limit", "qty": "0.01", "price": "60000"}
CLOSE = {**LINEAR, "side": "Sell", "orderType": "Market", "qty": "0.01", "reduceOnly": True}

States = list[tuple[str, str, str]]
"""(orderStatus, cancelType, rejectReason) of the pushes of an order."""


class Account:
    """A client with its private stream open from the start."""

    def __init__(self, pybit: Any, socket: Any, control: Any, ready: dict[str, Any]) -> None:
        self.pybit = pybit
        self.socket = socket
        self._control = control
        self._ready = ready

    async def call(self, method: str, **params: Any) -> Any:
        return await asyncio.to_thread(getattr(self.pybit, method), **params)

    async def place(self, **params: Any) -> str:
        return str((await self.call("place_order", **params))["result"]["orderId"])

    async def control(self, verb: str, **body: Any) -> Any:
        return await self._control(self._ready, verb, **body)

    async def until(self, topic: str, **wanted: Any) -> dict[str, Any]:
        """The next row of a topic with these values."""

        def row_of(frame: dict[str, Any]) -> dict[str, Any] | None:
            rows = frame.get("data", []) if frame.get("topic") == topic else []
            return next((row for row in rows if all(row[name] == value for name, value in wanted.items())), None)

        row = row_of(await self.socket.until(lambda frame: row_of(frame) is not None))
        assert row is not None
        return row

    def states(self, **wanted: Any) -> States:
        """States through which an order went as far as the stream has told, each once."""
        rows = [row for frame in self.socket.frames if frame.get("topic") == "order" for row in frame["data"]]
        mine = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
        states = [(row["orderStatus"], row["cancelType"], row["rejectReason"]) for row in mine]
        return [state for index, state in enumerate(states) if index == 0 or state != states[index - 1]]

    def words(self, **wanted: Any) -> list[str]:
        """The statuses alone."""
        return [status for status, _, _ in self.states(**wanted)]


@pytest.fixture
async def account(exchange: Any, pybit_session: Any, open_client: Any, control: Any) -> AsyncIterator[Account]:
    async with contextlib.AsyncExitStack() as stack:
        ready = await stack.enter_async_context(exchange(symbols=(BTC,)))
        socket = await stack.enter_async_context(open_client(ready["private"]))
        expires = 9_999_999_999_999
        signed = hmac.new(ready["api_secret"].encode(), f"GET/realtime{expires}".encode(), hashlib.sha256).hexdigest()
        await socket.send({"op": "auth", "args": [ready["api_key"], expires, signed]})
        await socket.until(lambda frame: frame.get("op") == "auth")
        assert (await socket.subscribe("order", "execution", "position", "wallet"))["success"]
        yield Account(pybit_session(ready), socket, control, ready)


# ---------------------------------------------------------------------------------------------------------- examples


def example(name: str) -> dict[str, Any]:
    """The first row of one of Bybit's documented examples."""
    told = json.loads(recorded(f"fixtures/docs-examples/{name}.json").read_bytes())
    rows = told["result"]["list"] if "result" in told else told["data"]
    return dict(rows[0])


NOT_SIMULATED = {"extraFees", "rpiMatchedQty", "rpiTakerAccess", "marketUnit", "mmrSysUpdateTime"}
"""Retail price improvement, fees of some countries, spot, and a field that other examples spell mmrSysUpdatedTime."""


def assert_worded_like(row: dict[str, Any], name: str) -> None:
    """Every field of the example is there, with a value of the same JSON kind."""
    told = {field: value for field, value in example(name).items() if _is_simulated(field)}
    assert sorted(told.keys() - row.keys()) == []
    kinds = {field: (type(row[field]).__name__, type(told[field]).__name__) for field in told}
    assert {field: pair for field, pair in kinds.items() if pair[0] != pair[1] and told[field] is not None} == {}


def _is_simulated(field: str) -> bool:
    """Wallet figures by mark price (``...ByMp``) repeat those beside them."""
    return field not in NOT_SIMULATED and not field.endswith("ByMp")


@pytest.mark.recorded
async def test_rest_rows_are_worded_like_the_examples(account: Account) -> None:
    await account.place(**MARKET, stopLoss="50000", takeProfit="90000")
    await account.place(**RESTING)
    read = {
        "order__open-order__1": await account.call("get_open_orders", **LINEAR),
        "order__order-list__1": await account.call("get_order_history", **LINEAR),
        "order__execution__1": await account.call("get_executions", **LINEAR),
        "position__position__1": await account.call("get_positions", **LINEAR),
        "account__wallet-balance__1": await account.call("get_wallet_balance", accountType="UNIFIED"),
    }
    for name, answer in read.items():
        assert_worded_like(answer["result"]["list"][0], name)


@pytest.mark.recorded
async def test_pushed_rows_are_worded_like_the_examples(account: Account) -> None:
    await account.place(**MARKET, stopLoss="50000", takeProfit="90000")
    for topic in ("order", "execution", "position", "wallet"):
        assert_worded_like(await account.until(topic), f"websocket__private__{topic}__2")
        account.socket.seen = 0


# -------------------------------------------------------------------------------------------------------- life cycle


async def test_limit_rests_and_fills_in_two_parts(account: Account) -> None:
    [ticker] = (await account.call("get_tickers", **LINEAR))["result"]["list"]
    price = f"{float(ticker['lastPrice']) * 0.995:.1f}"
    order = await account.place(**{**RESTING, "price": price})
    await account.until("order", orderId=order, orderStatus="New")
    await account.control("market/thin", symbol=BTC, levels=1, lots=4)
    await account.control("market/jump", symbol=BTC, factor=0.99)
    await account.until("order", orderId=order, orderStatus="PartiallyFilled")
    await account.control("market/thin", symbol=BTC)
    await account.until("order", orderId=order, orderStatus="Filled")
    assert account.words(orderId=order)[0] == "New"
    assert set(account.words(orderId=order)) == {"New", "PartiallyFilled", "Filled"}


@pytest.mark.parametrize("kind", [{"orderType": "Limit", "price": "90000"}, {"orderType": "Market"}])
async def test_order_that_crosses_is_filled_without_having_been_new(account: Account, kind: dict[str, str]) -> None:
    order = await account.place(**{**BUY, "qty": "0.01", **kind})
    await account.until("order", orderId=order, orderStatus="Filled")
    assert "New" not in account.words(orderId=order)


async def test_immediate_order_in_a_thin_book_is_cancelled_with_what_it_got(account: Account) -> None:
    await account.control("market/thin", symbol=BTC, levels=1, lots=3)
    order = await account.place(**MARKET)
    row = await account.until("order", orderId=order, orderStatus="Cancelled")
    assert (row["cumExecQty"], row["rejectReason"]) == ("0.003", "EC_NoImmediateQtyToFill")


@pytest.mark.parametrize(
    ("time_in_force", "reason"), [("FOK", "EC_CancelForNoFullFill"), ("PostOnly", "EC_PostOnlyWillTakeLiquidity")]
)
async def test_order_that_cannot_keep_its_word_is_cancelled(account: Account, time_in_force: str, reason: str) -> None:
    await account.control("market/thin", symbol=BTC, levels=1, lots=3)
    order = await account.place(**{**RESTING, "price": "90000", "timeInForce": time_in_force})
    row = await account.until("order", orderId=order, orderStatus="Cancelled")
    assert (row["cumExecQty"], row["rejectReason"], row["cancelType"]) == ("0.000", reason, "UNKNOWN")


async def test_cancel_by_the_user(account: Account) -> None:
    order = await account.place(**RESTING)
    await account.call("cancel_order", **LINEAR, orderId=order)
    row = await account.until("order", orderId=order, orderStatus="Cancelled")
    assert row["cancelType"] == "CancelByUser"
    assert account.words(orderId=order) == ["New", "Cancelled"]


async def test_cancel_that_loses_the_race_with_a_fill_is_told_as_two_fills(account: Account) -> None:
    order = await account.place(**MARKET)
    with pytest.raises(InvalidRequestError) as refused:
        await account.call("cancel_order", **LINEAR, orderId=order)
    assert refused.value.status_code == 110001
    row = await account.until("order", orderId=order, cancelType="CancelByUser")
    assert (row["orderStatus"], row["rejectReason"]) == ("Filled", "EC_OrigClOrdIDDoesNotExist")
    assert account.words(orderId=order) == ["Filled", "Filled"]


async def test_orders_are_cancelled_before_the_exchange_liquidates(account: Account) -> None:
    await account.place(**MARKET)
    order = await account.place(**RESTING)
    await account.control("liquidate", symbol=BTC)
    row = await account.until("order", orderId=order, orderStatus="Cancelled")
    assert row["cancelType"] == "CancelAllBeforeLiq"


async def test_symbol_that_goes_off_the_list_takes_no_new_position(account: Account) -> None:
    await account.place(**MARKET)
    order = await account.place(**RESTING)
    await account.control("market/delist", symbol=BTC)
    row = await account.until("order", orderId=order, orderStatus="Cancelled")
    assert row["cancelType"] == "CancelByAdmin"
    with pytest.raises(InvalidRequestError) as refused:
        await account.place(**MARKET)
    assert refused.value.status_code == 30228
    await account.place(**CLOSE)


async def test_reduce_only_order_with_nothing_left_to_reduce(account: Account) -> None:
    await account.place(**MARKET)
    exit_order = {**CLOSE, "orderType": "Limit", "price": "90000"}
    order = await account.place(**exit_order)
    await account.place(**CLOSE)
    row = await account.until("order", orderId=order, orderStatus="Cancelled")
    assert row["cancelType"] == "CancelByReduceOnly"


async def test_stop_dies_with_its_position(account: Account) -> None:
    await account.place(**MARKET, stopLoss="50000")
    await account.until("order", stopOrderType="StopLoss", orderStatus="Untriggered")
    await account.place(**CLOSE)
    row = await account.until("order", stopOrderType="StopLoss", orderStatus="Deactivated")
    assert row["cancelType"] == "CancelByTpSlTsClear"


async def test_partner_of_a_take_profit_that_hits_is_removed(account: Account) -> None:
    [ticker] = (await account.call("get_tickers", **LINEAR))["result"]["list"]
    target = f"{float(ticker['lastPrice']) * 1.02:.1f}"
    await account.place(**MARKET, stopLoss="50000", takeProfit=target, tpTriggerBy="MarkPrice")
    await account.control("market/jump", symbol=BTC, factor=1.04)
    row = await account.until("order", stopOrderType="StopLoss", orderStatus="Deactivated")
    assert row["cancelType"] == "CancelByOCOSlCanceledByTpTriggered"
    account.socket.seen = 0
    await account.until("order", stopOrderType="TakeProfit", orderStatus="Filled")
    assert account.words(stopOrderType="TakeProfit")[:2] == ["Untriggered", "Triggered"]


async def test_conditional_order_waits_triggers_and_keeps_its_id(account: Account) -> None:
    [ticker] = (await account.call("get_tickers", **LINEAR))["result"]["list"]
    trigger = f"{float(ticker['lastPrice']) * 1.02:.1f}"
    order = await account.place(**MARKET, triggerPrice=trigger, triggerDirection=1, triggerBy="MarkPrice")
    await account.until("order", orderId=order, orderStatus="Untriggered")
    await account.control("market/jump", symbol=BTC, factor=1.04)
    await account.until("order", orderId=order, orderStatus="Filled")
    assert account.words(orderId=order)[:2] == ["Untriggered", "Triggered"]


@pytest.mark.parametrize(
    ("verb", "kind", "created"),
    [("liquidate", "BustTrade", "CreateByLiq"), ("adl", "AdlTrade", "CreateByAdl_PassThrough")],
)
async def test_position_that_the_exchange_closes(account: Account, verb: str, kind: str, created: str) -> None:
    await account.place(**MARKET)
    await account.control(verb, symbol=BTC, share="1")
    row = await account.until("execution", execType=kind)
    assert (row["orderLinkId"], row["createType"]) == ("", created)
