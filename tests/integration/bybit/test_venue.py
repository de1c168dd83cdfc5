"""The venue against a simulated exchange in its own process: orders, stops, reads, faults."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from itertools import count
from typing import Any

import msgspec
import pytest

from cockpit.adapters.bybit.budget import OverBudget
from cockpit.adapters.bybit.venue import BybitVenue
from cockpit.domain.enums import (
    Environment,
    OrderPath,
    OrderRole,
    OrderStatus,
    OrderType,
    Side,
    StreamName,
    TimeInForce,
)
from cockpit.domain.errors import OutcomeUnknown, VenueRejected, VenueThrottled, VenueUnavailable
from cockpit.domain.events import AccountPush, StreamLost, StreamUp
from cockpit.domain.ids import ClientOrderId, client_order_id
from cockpit.domain.instrument import Lots, Ticks
from cockpit.domain.market import BookDelta, BookSnapshot, Ticker, TouchHeartbeat, Trades
from cockpit.domain.orders import CancelRequest, OrderReport, OrderRequest, StopRequest
from cockpit.domain.positions import FillReport, PositionReport
from cockpit.ports.journal import DurableIntent
from tests.integration.bybit.conftest import Listener, simex_venue
from tests.support.simex_process import SimexProcess

BOTH_PATHS = pytest.mark.parametrize("path", list(OrderPath))

_numbers = count(1)


async def spoil_order(simex: SimexProcess, path: OrderPath, **fault: Any) -> None:
    """Let something happen to the next order on its way."""
    if path is OrderPath.REST:
        await simex.control("fault/rest", route="/v5/order/create", **fault)
    else:
        await simex.control("fault/trade", op="order.create", **fault)


def link_id() -> ClientOrderId:
    return client_order_id(Environment.SIM, 1, "venue", OrderRole.ENTRY, next(_numbers))


async def touch(listener: Listener, symbol: str) -> tuple[float, float]:
    heartbeat = await listener.until(TouchHeartbeat, lambda event: event.symbol == symbol)
    return heartbeat.bid, heartbeat.ask


async def entry(venue: BybitVenue, listener: Listener, symbol: str, **changes: Any) -> OrderRequest:
    """A buy that crosses, with a stop one percent below, for about 50 USDT."""
    [rules] = await venue.instruments([symbol])
    bid, ask = await touch(listener, symbol)
    fields: dict[str, Any] = {
        "client_id": link_id(),
        "symbol": symbol,
        "side": Side.BUY,
        "role": OrderRole.ENTRY,
        "order_type": OrderType.LIMIT,
        "time_in_force": TimeInForce.IOC,
        "lots": max(rules.lots_down(50 / bid), rules.lots(rules.min_qty)),
        "price": rules.ticks_up(ask * 1.002),
        "stop_loss": rules.ticks_down(bid * 0.99),
    }
    return OrderRequest(**(fields | changes))


def intent(request: OrderRequest) -> DurableIntent:
    return DurableIntent(request, 1)


async def send(venue: BybitVenue, request: OrderRequest) -> str:
    return await venue.submit(intent(request), venue.path_of(request.role))


async def submit(venue: BybitVenue, request: OrderRequest) -> str:
    """Submit, waiting while the exchange's ten orders a second, or our own five, are used up by the tests before."""
    async with asyncio.timeout(15):
        while True:
            try:
                return await send(venue, request)
            except (VenueThrottled, OverBudget):
                await asyncio.sleep(0.1)


def is_of(client_id: str, status: OrderStatus) -> Any:
    def accept(push: AccountPush) -> bool:
        return any(
            isinstance(report, OrderReport) and report.client_id == client_id and report.status is status
            for report in push.reports
        )

    return accept


async def close(venue: BybitVenue, listener: Listener, symbol: str) -> None:
    """Close the position of a symbol and wait until the stream says flat."""
    after = len(listener.events)
    request = OrderRequest(
        client_id=link_id(),
        symbol=symbol,
        side=Side.SELL,
        role=OrderRole.CLOSE,
        order_type=OrderType.MARKET,
        time_in_force=TimeInForce.IOC,
        lots=Lots(0),
        reduce_only=True,
        close_on_trigger=True,
    )
    await submit(venue, request)
    await listener.until(
        AccountPush,
        lambda push: any(isinstance(r, PositionReport) and r.symbol == symbol and r.qty == 0 for r in push.reports),
        after,
    )


async def test_market_events_of_every_kind_arrive(simex: SimexProcess) -> None:
    async with simex_venue(simex, ["BTCUSDT", "ETHUSDT"]) as (_, listener):
        for symbol in ("BTCUSDT", "ETHUSDT"):
            for kind in (BookSnapshot, BookDelta, Trades, Ticker, TouchHeartbeat):
                await listener.until(kind, lambda event, symbol=symbol: event.symbol == symbol)
        snapshot = await listener.until(BookSnapshot, lambda event: event.symbol == "BTCUSDT")
        assert len(snapshot.bids) == len(snapshot.asks) == 50


@BOTH_PATHS
async def test_entry_with_stop_fills_and_the_account_tells_it_by_stream_and_by_rest(
    simex: SimexProcess, path: OrderPath
) -> None:
    async with simex_venue(simex, ["SOLUSDT"], path) as (venue, listener):
        before = await venue.reports(0)
        request = await entry(venue, listener, "SOLUSDT")
        order_id = await submit(venue, request)
        push = await listener.until(AccountPush, is_of(request.client_id, OrderStatus.FILLED))
        assert order_id in {report.order_id for report in push.reports if isinstance(report, OrderReport)}
        reports = await venue.reports(0)
        [position] = [report for report in reports.positions if report.symbol == "SOLUSDT"]
        [rules] = await venue.instruments(["SOLUSDT"])
        assert request.stop_loss is not None
        assert position.side is Side.BUY
        assert position.qty == rules.qty(request.lots)
        assert position.stop_loss == rules.price(request.stop_loss)
        own = [fill for fill in reports.fills if fill.client_id == request.client_id]
        assert sum(fill.qty for fill in own) == position.qty
        assert reports.balance.wallet_balance < before.balance.wallet_balance
        assert any(order.stop_order_type == "StopLoss" for order in reports.orders if order.symbol == "SOLUSDT")
        streamed = {
            report.exec_id
            for push in listener.of(AccountPush)
            for report in push.reports
            if isinstance(report, FillReport) and report.client_id == request.client_id
        }
        assert streamed == {fill.exec_id for fill in own}
        await close(venue, listener, "SOLUSDT")


async def test_a_flat_position_is_shown_when_it_is_asked_for_by_name(simex: SimexProcess) -> None:
    async with simex_venue(simex, ["SOLUSDT"]) as (venue, listener):
        request = await entry(venue, listener, "SOLUSDT")
        await submit(venue, request)
        await listener.until(AccountPush, is_of(request.client_id, OrderStatus.FILLED))
        held = await venue.position("SOLUSDT")
        await close(venue, listener, "SOLUSDT")
        flat = await venue.position("SOLUSDT")
        assert held is not None
        assert flat is not None
        assert held.qty > 0 == flat.qty
        assert flat.seq > held.seq


async def test_f126_stop_is_moved_in_place_and_the_same_stop_is_a_success(simex: SimexProcess) -> None:
    async with simex_venue(simex, ["SOLUSDT"]) as (venue, listener):
        request = await entry(venue, listener, "SOLUSDT")
        await submit(venue, request)
        await listener.until(AccountPush, is_of(request.client_id, OrderStatus.FILLED))
        assert request.stop_loss is not None
        higher = StopRequest(symbol="SOLUSDT", stop_loss=Ticks(request.stop_loss + 1))
        await venue.set_stop(higher)
        await venue.set_stop(higher)
        [rules] = await venue.instruments(["SOLUSDT"])
        [position] = (await venue.reports(0)).positions
        assert position.stop_loss == rules.price(higher.stop_loss)
        await venue.cancel_entries("SOLUSDT")
        [position] = (await venue.reports(0)).positions
        assert position.stop_loss == rules.price(higher.stop_loss)
        await close(venue, listener, "SOLUSDT")


async def test_f081_what_was_made_for_another_grid_is_not_sent(simex: SimexProcess) -> None:
    async with simex_venue(simex, ["SOLUSDT"]) as (venue, listener):
        request = await entry(venue, listener, "SOLUSDT", tick_size=Decimal("0.5"))
        for work in (
            send(venue, request),
            send(venue, msgspec.structs.replace(request, tick_size=None, qty_step=Decimal(7))),
            venue.set_stop(StopRequest(symbol="SOLUSDT", stop_loss=Ticks(1), tick_size=Decimal("0.5"))),
        ):
            with pytest.raises(VenueUnavailable, match="just changed; nothing was sent"):
                await work
        assert (await venue.find_order("SOLUSDT", request.client_id)) == (None, [])


@BOTH_PATHS
async def test_resting_order_is_found_cancelled_and_cancelling_it_again_is_a_success(
    simex: SimexProcess, path: OrderPath
) -> None:
    async with simex_venue(simex, ["ETHUSDT"], path) as (venue, listener):
        [rules] = await venue.instruments(["ETHUSDT"])
        bid, _ = await touch(listener, "ETHUSDT")
        request = await entry(
            venue,
            listener,
            "ETHUSDT",
            time_in_force=TimeInForce.GTC,
            price=rules.ticks_down(bid * 0.98),
            stop_loss=None,
        )
        order_id = await submit(venue, request)
        report, fills = await venue.find_order("ETHUSDT", request.client_id)
        assert report is not None
        assert (report.order_id, report.status, fills) == (order_id, OrderStatus.NEW, [])
        cancel = CancelRequest(symbol="ETHUSDT", client_id=request.client_id)
        await venue.cancel(cancel)
        await venue.cancel(cancel)
        await listener.until(AccountPush, is_of(request.client_id, OrderStatus.CANCELLED))
        report, _ = await venue.find_order("ETHUSDT", request.client_id)
        assert report is not None
        assert report.status is OrderStatus.CANCELLED


async def test_cancelling_entries_takes_every_active_order_of_the_symbol(simex: SimexProcess) -> None:
    async with simex_venue(simex, ["ETHUSDT"]) as (venue, listener):
        [rules] = await venue.instruments(["ETHUSDT"])
        bid, _ = await touch(listener, "ETHUSDT")
        for step in range(3):
            price = rules.ticks_down(bid * (0.98 - step / 100))
            request = await entry(
                venue, listener, "ETHUSDT", time_in_force=TimeInForce.GTC, price=price, stop_loss=None
            )
            await submit(venue, request)
        assert len((await venue.reports(0)).orders) == 3
        await venue.cancel_entries("ETHUSDT")
        await venue.cancel_entries("ETHUSDT")
        assert (await venue.reports(0)).orders == []


async def test_an_order_nobody_knows_is_found_nowhere(simex: SimexProcess) -> None:
    async with simex_venue(simex) as (venue, _):
        assert await venue.find_order("ETHUSDT", "cs1-never-e1") == (None, [])


@BOTH_PATHS
async def test_definite_no_of_the_exchange(simex: SimexProcess, path: OrderPath) -> None:
    async with simex_venue(simex, ["ETHUSDT"], path) as (venue, listener):
        request = await entry(venue, listener, "ETHUSDT", lots=Lots(10_000_000))
        with pytest.raises(VenueRejected) as caught:
            await send(venue, request)
        assert caught.value.code != 0
        assert await venue.find_order("ETHUSDT", request.client_id) == (None, [])


@BOTH_PATHS
async def test_symbol_without_rules_is_not_sent(simex: SimexProcess, path: OrderPath) -> None:
    async with simex_venue(simex, ["ETHUSDT"], path) as (venue, listener):
        request = msgspec.structs.replace(await entry(venue, listener, "ETHUSDT"), symbol="NOSUCHUSDT")
        with pytest.raises(VenueUnavailable):
            await send(venue, request)
        assert await venue.instruments(["NOSUCHUSDT"]) == []


@BOTH_PATHS
async def test_lost_reply_is_unknown_and_the_order_is_found_by_its_link_id(
    simex: SimexProcess, path: OrderPath
) -> None:
    async with simex_venue(simex, ["ETHUSDT"], path) as (venue, listener):
        request = await entry(venue, listener, "ETHUSDT")
        # The answer that is lost must be a yes: the tests before may have used up the exchange's orders of this second.
        await asyncio.sleep(1.2)
        await spoil_order(simex, path, is_reply_lost=True)
        with pytest.raises(OutcomeUnknown):
            await submit(venue, request)
        report, fills = await venue.find_order("ETHUSDT", request.client_id)
        for _ in range(50):  # on a busy machine the order may still be on its way when the answer is given up
            if report is not None:
                break
            await asyncio.sleep(0.2)
            report, fills = await venue.find_order("ETHUSDT", request.client_id)
        assert report is not None
        assert report.status is OrderStatus.FILLED
        assert sum(fill.qty for fill in fills) == report.filled_qty
        sent = [r for r in await simex.requests_of("/v5/order/create") if request.client_id in str(r)]
        assert len(sent) == 1
        await close(venue, listener, "ETHUSDT")


@BOTH_PATHS
async def test_lost_request_is_unknown_and_the_order_is_nowhere(simex: SimexProcess, path: OrderPath) -> None:
    async with simex_venue(simex, ["ETHUSDT"], path) as (venue, listener):
        request = await entry(venue, listener, "ETHUSDT")
        await spoil_order(simex, path, is_dropped=True)
        with pytest.raises(OutcomeUnknown):
            await submit(venue, request)
        assert await venue.find_order("ETHUSDT", request.client_id) == (None, [])


@BOTH_PATHS
async def test_link_id_used_twice_is_unknown_and_makes_no_second_order(simex: SimexProcess, path: OrderPath) -> None:
    async with simex_venue(simex, ["ETHUSDT"], path) as (venue, listener):
        request = await entry(venue, listener, "ETHUSDT")
        await submit(venue, request)
        with pytest.raises(OutcomeUnknown, match="link id"):
            await submit(venue, request)
        report, fills = await venue.find_order("ETHUSDT", request.client_id)
        assert report is not None
        assert sum(fill.qty for fill in fills) == report.filled_qty
        await close(venue, listener, "ETHUSDT")


async def test_leverage_is_set_and_the_same_leverage_is_a_success(simex: SimexProcess) -> None:
    async with simex_venue(simex) as (venue, _):
        await venue.set_leverage("DOGEUSDT", Decimal(7))
        await venue.set_leverage("DOGEUSDT", Decimal(7))


async def test_account_behind_the_key(simex: SimexProcess) -> None:
    async with simex_venue(simex) as (venue, _):
        info = await venue.account()
        assert info.can_trade
        assert info.uid
        assert info.margin_mode in {"REGULAR_MARGIN", "ISOLATED_MARGIN"}


async def test_a_report_with_a_failing_page_is_no_report(simex: SimexProcess) -> None:
    async with simex_venue(simex) as (venue, _):
        await simex.control("fault/rest", route="/v5/position/list", status=502)
        with pytest.raises(OutcomeUnknown):
            await venue.reports(0)
        assert await venue.reports(0)


async def test_lists_longer_than_a_page_are_read_to_their_end(simex: SimexProcess) -> None:
    async with simex_venue(simex, ["DOGEUSDT"]) as (venue, listener):
        bid, _ = await touch(listener, "DOGEUSDT")
        for step in range(60):
            await simex.control(
                "manual/order",
                symbol="DOGEUSDT",
                side="Buy",
                orderType="Limit",
                qty="100",
                price=f"{bid * 0.9 - step / 10_000:.5f}",
            )
        orders = (await venue.reports(0)).orders
        assert len({order.order_id for order in orders}) == 60
        assert {order.client_id for order in orders} == {""}
        await venue.cancel_entries("DOGEUSDT")


async def test_cut_private_stream_comes_back(simex: SimexProcess) -> None:
    async with simex_venue(simex) as (_, listener):
        after = len(listener.events)
        await simex.control("fault/socket", channel="private", reset=True)
        await listener.until(StreamLost, lambda event: event.stream is StreamName.PRIVATE, after)
        await listener.until(StreamUp, lambda event: event.stream is StreamName.PRIVATE, after)


async def test_half_open_public_stream_is_noticed_by_its_silence(simex: SimexProcess) -> None:
    async with simex_venue(simex, ["BTCUSDT"]) as (_, listener):
        await listener.until(BookDelta)
        after = len(listener.events)
        await simex.control("fault/socket", channel="public", half_open=True)
        lost = await listener.until(StreamLost, after=after)
        assert "silent" in lost.reason
        await simex.control("heal")
        await listener.until(BookSnapshot, after=listener.events.index(lost))
