"""The ticket: the order that approving a signal sends. Pure; the same function fills the card and the order."""

from __future__ import annotations

import hashlib
from decimal import Decimal

import msgspec

from cockpit.domain.enums import Side
from cockpit.domain.instrument import Instrument, Ticks
from cockpit.execution.config import ExecutionConfig
from cockpit.risk.limits import RiskLimits
from cockpit.risk.sizing import Refusal, Sizing, size_entry
from cockpit.signals.base import Signal


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """One entry in exact terms."""

    side: Side
    tick_size: Decimal
    """Price step that the prices count."""
    qty_step: Decimal
    """Quantity step that the lots of ``sizing`` count."""
    limit: Ticks
    """Collar: worst price of the IOC entry."""
    touch: Ticks
    stop: Ticks
    take_profit: Ticks | None
    sizing: Sizing
    fees_usdt: Decimal
    """Entry and exit as taker, at the limit price."""
    slippage_usdt: Decimal | None
    """Expected cost of walking the book beyond the touch; None if the visible book cannot fill the size."""
    reward_r: Decimal | None


class BookSides(msgspec.Struct, frozen=True):
    """What a ticket needs of the book: the side it takes from, best first."""

    prices: list[float]
    sizes: list[float]


def ticket_hash(signal: Signal, limits: RiskLimits) -> str:
    """Hash of what the operator approves: signal, direction, stop and risk. Price drift is a gate of its own."""
    content = f"{signal.signal_id}|{signal.symbol}|{signal.direction}|{signal.stop_price!r}|{limits.size_mode}"
    content += f"|{limits.risk_pct}|{limits.position_size_usd}"
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def make_ticket(
    signal: Signal,
    instrument: Instrument,
    book: BookSides,
    account: tuple[Decimal, Decimal],
    limits: RiskLimits,
    config: ExecutionConfig,
) -> Ticket | Refusal:
    """The ticket of a signal at this instant.

    Args:
        signal: the signal.
        instrument: rules of its symbol.
        book: the side of the book that the entry takes from.
        account: (equity, margin in use), USDT.
        limits: risk limits in force.
        config: execution parameters.

    Returns:
        The ticket, or a refusal in words with the numbers.
    """
    if not book.prices:
        return Refusal("book", "no price: the book side is empty")
    side = signal.direction
    touch = instrument.nearest_ticks(book.prices[0])
    stop = instrument.ticks_beyond(Decimal(repr(signal.stop_price)), side.opposite)
    limit = _collar(instrument, touch, side, config)
    distance_pct = (instrument.price(touch) / instrument.price(stop) - 1) * 100 * side.sign if stop > 0 else Decimal(0)
    if distance_pct < Decimal(repr(config.min_stop_pct)):
        return Refusal("stop", f"stop {instrument.price_text(stop)} is too close or passed ({distance_pct:.3f} %)")
    sizing = size_entry(instrument, limits, limit, stop, *account, dearest=touch)
    if isinstance(sizing, Refusal):
        return sizing
    take_profit = fixed_take_profit(touch, stop, config.exits.take_profit_r)
    return Ticket(
        side=side,
        tick_size=instrument.tick_size,
        qty_step=instrument.qty_step,
        limit=limit,
        touch=touch,
        stop=stop,
        take_profit=take_profit,
        sizing=sizing,
        fees_usdt=sizing.notional_usdt * 2 * Decimal(repr(config.taker_fee_rate)),
        slippage_usdt=_slippage(instrument, book, sizing),
        reward_r=None if take_profit is None else Decimal(abs(take_profit - touch)) / abs(touch - stop),
    )


def fixed_take_profit(entry: Ticks, stop: Ticks, multiple: float) -> Ticks | None:
    """Take-profit ``multiple`` stop distances beyond the entry, None if the rule is off."""
    if multiple <= 0:
        return None
    return Ticks(entry + round((entry - stop) * multiple))


def _collar(instrument: Instrument, touch: Ticks, side: Side, config: ExecutionConfig) -> Ticks:
    width = instrument.price(touch) * Decimal(repr(config.entry_collar_bps)) / 10_000
    return instrument.ticks_beyond(instrument.price(touch) + width * side.sign, side)


def _slippage(instrument: Instrument, book: BookSides, sizing: Sizing) -> Decimal | None:
    left = float(instrument.qty(sizing.lots))
    cost = 0.0
    for price, size in zip(book.prices, book.sizes, strict=True):
        take = min(left, size)
        cost += take * abs(price - book.prices[0])
        left -= take
        if left <= 0:
            return Decimal(repr(round(cost, 8)))
    return None
