"""From a request to an order record: all checks in the exchange's order, quantities and limits made exact. Pure."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from cockpit.domain.enums import OrderStatus, OrderType, Side, TimeInForce
from cockpit.matching import checks
from cockpit.matching.account import Account
from cockpit.matching.market_view import MarketView
from cockpit.matching.records import CONDITIONAL, PLAIN, NewOrder, Order, Rejected

PRICE_BAND = Decimal("0.05")
"""Market orders reach at most this far from the touch; limit prices beyond it are moved there (bybit-v5.md 5.1)."""


def accept(request: NewOrder, account: Account, market: MarketView, now_ms: int) -> Order:
    """The order of a request that the exchange accepts; it is in no book yet.

    Raises:
        Rejected: the exchange refuses the request.
    """
    checks.check_identity(request, account)
    checks.check_market_state(request, market)
    checks.check_reducing(request, account)
    checks.check_trigger(request, market)
    checks.check_stops(request, market)
    checks.check_counts(request, account)
    order = _order(request, account, market, now_ms)
    checks.check_grid(request, order, market)
    if not request.reduce_only:
        reference = _reference(order, market)
        checks.check_notional(market, reference, order.lots)
        if not order.is_waiting:
            checks.check_margin(account, order.symbol, order.side, reference, order.lots)
    return order


class Amendment(msgspec.Struct, frozen=True, kw_only=True):
    """Wanted changes of an order; None leaves a value as it is, 0 removes a stop or take-profit."""

    qty: Decimal | None = None
    """New total, not the remainder."""
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None


def amended(order: Order, change: Amendment, market: MarketView) -> Order:
    """A copy of ``order`` with the checked changes.

    Raises:
        Rejected: 10001 a value is wrong or nothing would change, 110064 quantity not above what is filled.
    """
    instrument = market.instrument
    copy = msgspec.structs.replace(order)
    if change.qty is not None:
        copy.lots = checks.lots_of(instrument, change.qty, is_market=order.order_type is OrderType.MARKET)
    if change.price is not None and order.order_type is OrderType.LIMIT:
        copy.price = within_band(order.side, checks.ticks_of(instrument, change.price), market)
    if change.trigger_price is not None:
        copy.trigger_price = checks.ticks_of(instrument, change.trigger_price, "triggerPrice")
    if change.stop_loss is not None:
        copy.stop_loss = ticks_or_none(instrument.tick_size, change.stop_loss)
    if change.take_profit is not None:
        copy.take_profit = ticks_or_none(instrument.tick_size, change.take_profit)
    if copy.lots <= order.filled:
        raise Rejected(110064, "The order qty must be greater than the executed qty")
    if copy == order:
        raise Rejected(10001, "The order remains unchanged as the parameters entered match the existing ones.")
    return copy


def protective_limit(side: Side, slippage_ticks: int | None, market: MarketView) -> int:
    """Limit price in ticks of a market order."""
    best = market.book.side_for_taker(side).best
    if slippage_ticks is not None and best is not None:
        return max(1, best + side.sign * slippage_ticks)
    edge = _band_edge(side, market)
    if edge is None:
        raise Rejected(110118, "no market price obtainable")
    return edge


def within_band(side: Side, ticks: int, market: MarketView) -> int:
    """A limit price, moved to the edge of the allowed band if it lies beyond."""
    edge = _band_edge(side, market)
    if edge is None:
        return ticks
    return min(ticks, edge) if side is Side.BUY else max(ticks, edge)


def _band_edge(side: Side, market: MarketView) -> int | None:
    """Highest price a buyer, lowest price a seller may ask for, in ticks."""
    touch = market.touch(side)
    if touch is None:
        return None
    edge = touch * (1 + side.sign * PRICE_BAND)
    return market.instrument.ticks_down(edge) if side is Side.BUY else market.instrument.ticks_up(edge)


def _reference(order: Order, market: MarketView) -> int:
    """Price in ticks at which value and margin of an order are judged."""
    if order.trigger_price is not None:
        return order.trigger_price if order.price is None else order.price
    touch = market.touch(order.side)
    is_market = order.order_type is OrderType.MARKET and touch is not None
    price = market.instrument.ticks_up(touch) if is_market and touch is not None else order.price
    assert price is not None
    return price


def _lots(request: NewOrder, account: Account, market: MarketView) -> int:
    """Lots of an order; reduce-only ones are cut to what they can close, quantity 0 means all of it."""
    instrument = market.instrument
    closable = account.position(request.symbol).closable(request.side)
    if request.qty == 0:
        return min(closable, instrument.lots_down(instrument.max_market_qty))
    lots = checks.lots_of(instrument, request.qty, is_market=request.order_type is OrderType.MARKET)
    is_cut = request.reduce_only and request.trigger_price is None
    return min(lots, closable) if is_cut else lots


def _limit(request: NewOrder, market: MarketView) -> int | None:
    """Limit price in ticks; None for a market order that waits for its trigger."""
    if request.order_type is OrderType.LIMIT:
        if request.price is None:
            raise Rejected(10001, "params error: price invalid")
        return within_band(request.side, checks.ticks_of(market.instrument, request.price), market)
    if request.trigger_price is not None:
        return None
    return protective_limit(request.side, request.slippage_ticks, market)


def _order(request: NewOrder, account: Account, market: MarketView, now_ms: int) -> Order:
    tick = market.instrument.tick_size
    is_conditional = request.trigger_price is not None
    is_market = request.order_type is OrderType.MARKET
    return Order(
        order_id=account.next_id(),
        link_id=request.link_id,
        symbol=request.symbol,
        side=request.side,
        order_type=request.order_type,
        time_in_force=TimeInForce.IOC if is_market else request.time_in_force,
        lots=_lots(request, account, market),
        price=_limit(request, market),
        reduce_only=request.reduce_only,
        close_on_trigger=request.close_on_trigger,
        stop_order_type=CONDITIONAL if is_conditional else PLAIN,
        trigger_price=ticks_or_none(tick, request.trigger_price),
        trigger_direction=request.trigger_direction if is_conditional else 0,
        trigger_by=request.trigger_by if is_conditional else None,
        take_profit=ticks_or_none(tick, request.take_profit),
        stop_loss=ticks_or_none(tick, request.stop_loss),
        tp_trigger_by=request.tp_trigger_by,
        sl_trigger_by=request.sl_trigger_by,
        status=OrderStatus.UNTRIGGERED if is_conditional else OrderStatus.NEW,
        slippage_ticks=request.slippage_ticks,
        create_type=request.create_type,
        last_price_on_created=market.last,
        created_ms=now_ms,
        updated_ms=now_ms,
    )


def ticks_or_none(tick_size: Decimal, price: Decimal | None) -> int | None:
    """Ticks of a checked price; None and 0 mean there is none."""
    return int(price / tick_size) if price else None
