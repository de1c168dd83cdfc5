"""How much: quantity out of risk, stop distance, exposure room and the instrument's rules. Pure and exact."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from cockpit.domain.instrument import Instrument, Lots, Ticks
from cockpit.risk.limits import RiskLimits


class Refusal(msgspec.Struct, frozen=True, tag=True):
    """Why not, with the numbers."""

    rule: str
    text: str


class Sizing(msgspec.Struct, frozen=True, kw_only=True):
    """A quantity and what it means."""

    lots: Lots
    risk_usdt: Decimal
    """Loss at the stop, before fees, if filled at the limit: 1R."""
    notional_usdt: Decimal
    margin_usdt: Decimal
    cut: str
    """What cut the size below the wish, "" if nothing did."""


def size_entry(
    instrument: Instrument,
    limits: RiskLimits,
    entry: Ticks,
    stop: Ticks,
    equity: Decimal,
    margin_used: Decimal,
    *,
    dearest: Ticks,
) -> Sizing | Refusal:
    """Quantity of an entry.

    Args:
        instrument: rules of the symbol.
        limits: risk limits in force.
        entry: worst price the order may fill at.
        stop: price of the attached stop.
        equity: account equity in USDT.
        margin_used: initial margin of positions and of everything in flight, USDT.
        dearest: highest price the order may fill at, which its margin is counted at: of a sale that is the touch.

    Returns:
        The quantity with its cut, or a refusal naming the number that is needed.
    """
    price = instrument.price(entry)
    distance = abs(price - instrument.price(stop))
    if distance == 0 or equity <= 0:
        return Refusal("size", f"no size: stop distance {distance}, equity {equity:.2f} USDT")
    wish = _wished_qty(limits, price, distance, equity)
    highest = instrument.price(max(entry, dearest))
    qty, cut = _cut(instrument, limits, wish, highest, equity, margin_used)
    lots = instrument.lots_down(max(qty, Decimal(0)))
    refusal = _below_minimum(instrument, lots, price, wish, cut)
    if refusal is not None:
        return refusal
    return Sizing(
        lots=lots,
        risk_usdt=instrument.qty(lots) * distance,
        notional_usdt=instrument.qty(lots) * price,
        margin_usdt=instrument.qty(lots) * highest / limits.leverage,
        cut=cut,
    )


def _wished_qty(limits: RiskLimits, price: Decimal, distance: Decimal, equity: Decimal) -> Decimal:
    if limits.size_mode == "usd":
        return _exact(limits.position_size_usd) / price
    return equity * _exact(limits.risk_pct) / 100 / distance


def _cut(
    instrument: Instrument,
    limits: RiskLimits,
    wish: Decimal,
    price: Decimal,
    equity: Decimal,
    margin_used: Decimal,
) -> tuple[Decimal, str]:
    """The wish under every cap, and the name of the cap that bound."""
    room = equity * _exact(limits.max_exposure_pct) / 100 - margin_used
    caps = [
        (room * limits.leverage / price, f"exposure {limits.max_exposure_pct:g} %"),
        (_exact(limits.max_notional_usdt) / price, f"order cap {limits.max_notional_usdt:g} USDT"),
        (instrument.max_qty, f"exchange maximum {instrument.max_qty}"),
    ]
    cap, name = min(caps, key=lambda item: item[0])
    return (wish, "") if wish <= cap else (cap, f"cut to {name}")


def _below_minimum(instrument: Instrument, lots: Lots, price: Decimal, wish: Decimal, cut: str) -> Refusal | None:
    qty = instrument.qty(lots)
    needed = max(instrument.min_qty, instrument.min_notional / price)
    if qty >= instrument.min_qty and qty * price >= instrument.min_notional and lots > 0:
        return None
    if cut.startswith("cut to exposure"):
        return Refusal(
            "exposure", f"no exposure room left for an order of {instrument.symbol} ({cut.removeprefix('cut to ')})"
        )
    why = f" ({cut})" if cut else ""
    return Refusal(
        "size",
        f"size {wish:.6f} is under the exchange minimum {needed:.6f} ({needed * price:.2f} USDT) of "
        f"{instrument.symbol}{why}",
    )


def _exact(value: float) -> Decimal:
    return Decimal(repr(value))
