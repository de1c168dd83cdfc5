"""Trading fees. Rates are fractions of the traded value."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

MAKER_RATE = Decimal("0.0002")
TAKER_RATE = Decimal("0.00055")
MONEY_QUANTUM = Decimal("1e-8")


def money(value: Decimal) -> Decimal:
    """``value`` rounded to the eight digits in which the exchange books money."""
    return value.quantize(MONEY_QUANTUM, ROUND_HALF_UP)


def fee_rate(*, is_maker: bool) -> Decimal:
    """Rate of a fill."""
    return MAKER_RATE if is_maker else TAKER_RATE


def fee_of(value: Decimal, *, is_maker: bool) -> Decimal:
    """Fee of a fill worth ``value``, USDT, > 0 paid."""
    return money(value * fee_rate(is_maker=is_maker))
