"""When conditional orders fire, and on which side of the price they may stand (bybit-v5.md 5.1, 6.3). Pure."""

from __future__ import annotations

from decimal import Decimal

from cockpit.domain.enums import Side, TriggerBy
from cockpit.matching.market_view import MarketView
from cockpit.matching.records import STOP_LOSS, Order, Rejected

RISES, FALLS = 1, 2
"""Values of ``trigger_direction``."""


def is_triggered(order: Order, market: MarketView) -> bool:
    """True if the price named by the order has reached its trigger."""
    if order.trigger_price is None or order.trigger_by is None:
        return False
    price = market.price(order.trigger_by)
    if price is None:
        return False
    trigger = market.instrument.price(order.trigger_price)
    return price >= trigger if order.trigger_direction == RISES else price <= trigger


def attached_direction(position_side: Side, kind: str) -> int:
    """Direction in which an attached order of a position fires."""
    is_loss = kind == STOP_LOSS
    return FALLS if is_loss == (position_side is Side.BUY) else RISES


def check_attached(side: Side, kind: str, price: Decimal, base: Decimal) -> None:
    """Refuse a stop or take-profit on the wrong side of ``base`` for a position of ``side``."""
    must_be_below = (kind == STOP_LOSS) == (side is Side.BUY)
    if must_be_below and price >= base:
        raise Rejected(10001, f"{kind}:{price:f} set for {side} position should lower than base_price:{base:f}")
    if not must_be_below and price <= base:
        raise Rejected(10001, f"{kind}:{price:f} set for {side} position should higher than base_price:{base:f}")


def check_conditional(direction: int, trigger: Decimal, by: TriggerBy, market: MarketView) -> None:
    """Refuse a trigger price that does not lie on the stated side of the present price."""
    price = market.price(by)
    if direction not in (RISES, FALLS):
        raise Rejected(10001, "params error: triggerDirection invalid")
    if price is None:
        raise Rejected(110118, "no market price obtainable")
    if direction == RISES and trigger <= price:
        raise Rejected(110092, f"expect Rising, but trigger_price[{trigger:f}] <= current[{price:f}]")
    if direction == FALLS and trigger >= price:
        raise Rejected(110093, f"expect Falling, but trigger_price[{trigger:f}] >= current[{price:f}]")
