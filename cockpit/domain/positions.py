"""Positions: exact arithmetic of fills, and what the exchange reports."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from cockpit.domain.enums import ExecType, Side


class FillReport(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One execution as the exchange reports it. Booked once, by ``exec_id``."""

    exec_id: str
    symbol: str
    order_id: str
    client_id: str
    side: Side
    exec_type: ExecType
    price: Decimal
    qty: Decimal
    """Base currency. Of a FUNDING row this is the position size, not a fill (bybit-v5.md 5.8)."""
    fee: Decimal
    """> 0 paid, < 0 received, in ``fee_currency``."""
    fee_currency: str = "USDT"
    is_maker: bool = False
    closed_qty: Decimal = Decimal(0)
    create_type: str = ""
    stop_order_type: str = ""
    ts_event: int = 0
    ts_recv: int = 0
    seq: int = -1
    gain: Decimal | None = None
    """Gross profit that our books gave it, in the settlement coin; None on what the exchange tells, and in the books
    where the entry price is not ours to know."""


class PositionReport(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What the exchange says of one position."""

    symbol: str
    side: Side | None
    """None when flat."""
    qty: Decimal
    """Base currency, never negative."""
    entry_price: Decimal
    """0 when flat."""
    mark_price: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    liq_price: Decimal | None = None
    leverage: Decimal | None = None
    adl_rank: int = 0
    """Place in the line for auto-deleveraging, 1 (last) to 5 (next); 0 where the exchange tells none."""
    position_idx: int = 0
    seq: int = -1
    updated_ms: int = 0
    ts_recv: int = 0


class Position(msgspec.Struct, frozen=True):
    """Net position of one symbol out of its fills. Quantities are signed: long > 0, short < 0."""

    symbol: str
    qty: Decimal = Decimal(0)
    avg_price: Decimal = Decimal(0)
    """Average entry price of what is open; 0 when flat."""
    realised: Decimal = Decimal(0)
    """Gross profit realised since this value was flat last, quote currency."""
    fees: Decimal = Decimal(0)
    """Fees paid since this value was flat last (rebates negative), quote currency."""

    @property
    def side(self) -> Side | None:
        """BUY for a long, SELL for a short, None when flat."""
        if self.qty == 0:
            return None
        return Side.BUY if self.qty > 0 else Side.SELL

    def apply_fill(self, side: Side, price: Decimal, qty: Decimal, fee: Decimal) -> Position:
        """The position after a fill of ``qty`` (> 0) at ``price``; a fill larger than the position flips it.

        A fill on a flat position starts a new count of profit and fees.
        """
        base = Position(self.symbol) if self.qty == 0 else self
        signed = qty * side.sign
        total = base.qty + signed
        if base.qty * signed >= 0:
            value = abs(base.qty) * base.avg_price + qty * price
            return Position(base.symbol, total, value / abs(total), base.realised, base.fees + fee)
        closed = min(qty, abs(base.qty))
        gain = (price - base.avg_price) * closed * (1 if base.qty > 0 else -1)
        avg = base.avg_price if base.qty * total > 0 else (Decimal(0) if total == 0 else price)
        return Position(base.symbol, total, avg, base.realised + gain, base.fees + fee)

    def unrealised(self, mark: Decimal) -> Decimal:
        """Gross open profit at ``mark``, quote currency."""
        return (mark - self.avg_price) * self.qty
