"""Isolated margin: what positions and orders bind, when a position would be liquidated. Pure arithmetic, USDT."""

from __future__ import annotations

from decimal import Decimal

from cockpit.domain.enums import Side
from cockpit.matching.fees import TAKER_RATE, money

MAINTENANCE_RATE = Decimal("0.005")


def position_margin(cost: Decimal, leverage: Decimal) -> Decimal:
    """Initial margin of an open position with entry value ``cost``, with the fee to close it."""
    return money(cost / leverage + cost * TAKER_RATE)


def order_margin(value: Decimal, leverage: Decimal) -> Decimal:
    """Margin that the opening part of an order worth ``value`` binds, with fees to open and close."""
    return money(value / leverage + value * TAKER_RATE * 2)


def liquidation_price(side: Side, entry: Decimal, leverage: Decimal) -> Decimal:
    """Price at which an isolated position loses its initial margin down to the maintenance margin."""
    return entry * (1 - side.sign * (1 / leverage - MAINTENANCE_RATE))
