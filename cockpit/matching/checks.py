"""What the exchange refuses before an order exists (bybit-v5.md 5.1, 13.2). Pure: one rule per function."""

from __future__ import annotations

import re
from decimal import Decimal

from cockpit.domain.enums import OrderType, Side, TriggerBy
from cockpit.domain.instrument import Instrument
from cockpit.matching.account import Account
from cockpit.matching.margin import order_margin
from cockpit.matching.market_view import MarketView
from cockpit.matching.records import STOP_LOSS, TAKE_PROFIT, NewOrder, Order, Rejected
from cockpit.matching.triggers import check_attached, check_conditional

MAX_ACTIVE_ORDERS = 500
MAX_CONDITIONAL_ORDERS = 10
_LINK_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")


def check_identity(request: NewOrder, account: Account) -> None:
    """Position index and link id."""
    check_position_idx(request.position_idx, is_hedged=request.symbol in account.hedged)
    if not request.link_id:
        return
    if _LINK_ID.fullmatch(request.link_id) is None:
        raise Rejected(10001, "params error: orderLinkId invalid")
    if request.link_id in account.ledger.link_ids:
        raise Rejected(110072, "OrderLinkedID is duplicate")


def check_position_idx(position_idx: int, *, is_hedged: bool) -> None:
    """One-way mode knows only index 0, hedge mode 1 for long and 2 for short."""
    if position_idx not in ((1, 2) if is_hedged else (0,)):
        raise Rejected(10001, "position idx not match position mode")


def lots_of(instrument: Instrument, qty: Decimal, *, is_market: bool) -> int:
    """Lots of a quantity that lies on the step and within the limits."""
    most = instrument.max_market_qty if is_market else instrument.max_qty
    if qty < instrument.min_qty:
        raise Rejected(10001, "The number of contracts exceeds minimum limit allowed")
    if qty > most:
        numbers = f"order_qty:{qty * 10**8:.0f} > max_qty:{most * 10**8:.0f}"
        raise Rejected(10001, f"The number of contracts exceeds maximum limit allowed: too large, {numbers}")
    try:
        return instrument.lots(qty)
    except ValueError:
        raise Rejected(10001, "params error: qty err") from None


def ticks_of(instrument: Instrument, price: Decimal, what: str = "price") -> int:
    """Ticks of a positive price that lies on the tick."""
    if price <= 0:
        raise Rejected(10001, f"params error: {what} invalid")
    try:
        return instrument.ticks(price)
    except ValueError:
        raise Rejected(10001, f"params error: {what} invalid, not a multiple of the tick size") from None


def check_grid(request: NewOrder, order: Order, market: MarketView) -> None:
    """The grid of prices and quantities may have become coarser than the one the market is counted in."""
    is_off_price = request.price is not None and order.price is not None and order.price % market.tick_multiple
    if is_off_price or (request.qty and order.lots % market.lot_multiple):
        raise Rejected(10001, "params error: price or qty off the grid")


def check_counts(request: NewOrder, account: Account) -> None:
    """Numbers of active and of conditional orders per symbol."""
    active = [order for order in account.active_orders(request.symbol) if not order.is_attached]
    if request.trigger_price is not None:
        if sum(order.is_waiting for order in active) >= MAX_CONDITIONAL_ORDERS:
            raise Rejected(110009, "the number of stop orders exceeds maximum limit allowed")
    elif len(active) >= MAX_ACTIVE_ORDERS:
        raise Rejected(110020, f"not allowed to have more than {MAX_ACTIVE_ORDERS} active orders")


def check_reducing(request: NewOrder, account: Account) -> None:
    """Reduce-only orders need something to reduce and carry no stops of their own."""
    if not request.reduce_only:
        if request.qty == 0:
            raise Rejected(10001, "params error: qty invalid")
        return
    if request.stop_loss is not None or request.take_profit is not None:
        raise Rejected(10001, "params error: TP/SL can not be set with reduceOnly")
    if request.qty == 0 and not request.close_on_trigger:
        raise Rejected(10001, "params error: qty invalid")
    if request.trigger_price is None and account.position(request.symbol).closable(request.side) == 0:
        raise Rejected(110017, "current position is zero, cannot fix reduce-only order qty")


def check_notional(market: MarketView, ticks: int, lots: int) -> None:
    """Smallest order value."""
    if market.instrument.notional(ticks, lots) < market.instrument.min_notional:
        least = market.instrument.min_notional
        raise Rejected(110094, f"Order does not meet minimum order value {least:f}USDT")


def check_margin(account: Account, symbol: str, side: Side, ticks: int, lots: int) -> None:
    """Free margin for the part of an order that opens."""
    market = account.markets[symbol]
    opening = max(0, lots - account.position(symbol).closable(side))
    need = order_margin(market.instrument.notional(ticks, opening), account.leverage(symbol))
    if opening and need > account.available:
        raise Rejected(110007, "ab not enough for new order")


def check_stops(request: NewOrder, market: MarketView) -> None:
    """Attached stop and take-profit on the right side of the price the order is for."""
    for kind, price, by in (
        (STOP_LOSS, request.stop_loss, request.sl_trigger_by),
        (TAKE_PROFIT, request.take_profit, request.tp_trigger_by),
    ):
        if price is None:
            continue
        ticks_of(market.instrument, price, kind)
        is_limit = request.order_type is OrderType.LIMIT and request.price is not None
        base = request.price if is_limit else market.price(by)
        if base is not None:
            check_attached(request.side, kind, price, base)


def check_trigger(request: NewOrder, market: MarketView) -> None:
    """Trigger price on the tick and on the stated side."""
    if request.trigger_price is not None:
        ticks_of(market.instrument, request.trigger_price, "triggerPrice")
        check_conditional(request.trigger_direction, request.trigger_price, request.trigger_by, market)


def check_market_state(request: NewOrder, market: MarketView) -> None:
    """The symbol trades; after a recording's end only exits are taken."""
    if market.instrument.status != "Trading":
        raise Rejected(110074, "This contract is not live")
    if market.is_delisted and not request.reduce_only:
        raise Rejected(30228, "No new positions during delisting")
    if market.refuses_entries is not None and not request.reduce_only:
        raise Rejected(110074, market.refuses_entries)
    if market.price(TriggerBy.MARK) is None:
        raise Rejected(110118, "no market price obtainable")
