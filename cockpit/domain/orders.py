"""Orders: what we ask for, what the exchange reports, and which state may follow which."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from cockpit.domain.enums import OrderRole, OrderStatus, OrderType, Side, SignalKind, TimeInForce, TriggerBy
from cockpit.domain.ids import ClientOrderId, SignalId
from cockpit.domain.instrument import Instrument, Lots, Ticks

S = OrderStatus

OPEN_STATES = frozenset({S.NEW, S.PARTIALLY_FILLED, S.UNTRIGGERED, S.TRIGGERED})
IN_FLIGHT_STATES = frozenset({S.INTENT, S.SENT, S.UNKNOWN})
END_STATES = frozenset({S.FILLED, S.CANCELLED, S.REJECTED, S.DEACTIVATED, S.DEAD})

_VENUE_STATES = OPEN_STATES | (END_STATES - {S.DEAD})

TRANSITIONS: dict[OrderStatus, frozenset[OrderStatus]] = {
    S.INTENT: _VENUE_STATES | {S.SENT, S.UNKNOWN, S.DEAD},
    S.SENT: _VENUE_STATES | {S.UNKNOWN, S.DEAD},
    S.UNKNOWN: _VENUE_STATES | {S.SENT, S.DEAD},
    # An order judged dead that shows up after all is adopted: the exchange is the truth.
    S.DEAD: _VENUE_STATES,
    S.UNTRIGGERED: _VENUE_STATES - {S.UNTRIGGERED},
    S.TRIGGERED: _VENUE_STATES - {S.UNTRIGGERED, S.TRIGGERED},
    S.NEW: frozenset({S.PARTIALLY_FILLED, S.FILLED, S.CANCELLED, S.REJECTED, S.DEACTIVATED}),
    S.PARTIALLY_FILLED: frozenset({S.FILLED, S.CANCELLED, S.REJECTED, S.DEACTIVATED}),
    S.FILLED: frozenset(),
    S.CANCELLED: frozenset(),
    S.REJECTED: frozenset(),
    S.DEACTIVATED: frozenset(),
}
"""Allowed next states. Anything else is a late or repeated message and is ignored (bybit-v5.md section 8)."""


def may_follow(now: OrderStatus, then: OrderStatus) -> bool:
    """True if an order in state ``now`` may go to state ``then``."""
    return then in TRANSITIONS[now]


CLOSES_AT_USUAL_PRICE = 3
"""So many closes may end unfilled before the next one may fill further away."""


def closing_slippage(unfilled: int, most_pct: Decimal) -> Decimal | None:
    """How far from the touch a market close may fill, percent: 1, 2, 4 ... up to ``most_pct``.

    Args:
        unfilled: closes before it that ended with something left.
        most_pct: the limit, percent; 0 leaves every close to the exchange's own protection.

    Returns:
        None while the exchange's own protection is to hold.
    """
    if unfilled < CLOSES_AT_USUAL_PRICE or most_pct <= 0:
        return None
    return min(Decimal(2) ** min(unfilled - CLOSES_AT_USUAL_PRICE, 10), most_pct)


class EntryOrigin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a position of ours comes from. Part of the entry's durable intent: a restart needs it to guard and exit."""

    trade_id: str
    kind: SignalKind
    stop: Ticks
    take_profit: Ticks | None
    wall_id: str
    wall_price: float
    raised_ns: int
    """Receive time at which the signal was raised."""
    approved_ns: int
    parameters: dict[str, Any]
    """The parameters in force at entry."""
    tick_size: Decimal | None = None
    """Price step that ``stop`` and ``take_profit`` count; None in journals of before it was kept."""

    def on_grid(self, instrument: Instrument, side: Side) -> EntryOrigin:
        """The same with prices in the ticks of ``instrument``; a stop off the grid moves towards the entry."""
        old = self.tick_size
        if old is None or old == instrument.tick_size:
            return self
        return msgspec.structs.replace(
            self,
            stop=instrument.ticks_beyond(old * self.stop, side),
            take_profit=None if self.take_profit is None else instrument.nearest_ticks(float(old * self.take_profit)),
            tick_size=instrument.tick_size,
        )


class OrderRequest(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One order as we want it. Immutable: what the journal holds is what is sent."""

    client_id: ClientOrderId
    symbol: str
    side: Side
    role: OrderRole
    order_type: OrderType
    time_in_force: TimeInForce
    lots: Lots
    """0 together with ``reduce_only`` and ``close_on_trigger`` closes the whole position (Bybit order/create)."""
    price: Ticks | None = None
    """Limit price; None for a market order."""
    reduce_only: bool = False
    close_on_trigger: bool = False
    stop_loss: Ticks | None = None
    """Stop attached in the same request, for the whole position (tpslMode Full, market)."""
    stop_trigger_by: TriggerBy = TriggerBy.MARK
    take_profit: Ticks | None = None
    position_idx: int = 0
    signal_id: SignalId | None = None
    origin: EntryOrigin | None = None
    """Of entries: what the position is for."""
    created_ns: int = 0
    """Engine time of the decision, ns."""
    slippage_pct: Decimal | None = None
    """Of market orders: how far from the touch they may fill, percent; None: the exchange's limit. Not journaled."""
    tick_size: Decimal | None = None
    """Price step that the ticks count: the order is not sent if the exchange's is another by then. Not journaled."""
    qty_step: Decimal | None = None
    """Quantity step that the lots count. Not journaled."""

    def asked(self, instrument: Instrument | None) -> tuple[Decimal | None, Decimal | None]:
        """Limit price and quantity as decimals; None where there is none or the steps are not known.

        ``instrument`` is asked for steps that the request does not name.
        """
        tick_size = self.tick_size or (None if instrument is None else instrument.tick_size)
        qty_step = self.qty_step or (None if instrument is None else instrument.qty_step)
        price = None if self.price is None or tick_size is None else tick_size * self.price
        return price, None if not self.lots or qty_step is None else qty_step * self.lots

    def notional(self, instrument: Instrument | None) -> Decimal:
        """Value at the limit price; ``instrument`` is asked for steps that the request does not name."""
        if self.price is None:
            return Decimal(0)
        if self.tick_size is not None and self.qty_step is not None:
            return self.tick_size * self.price * self.qty_step * self.lots
        return Decimal(0) if instrument is None else instrument.notional(self.price, self.lots)


class CancelRequest(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Cancel one order: by our id, or by the exchange's if it is none of ours."""

    symbol: str
    client_id: ClientOrderId | None
    order_id: str = ""
    """Wins over ``client_id``."""


class StopRequest(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Set or move the stop of an open position in place (trading-stop, Full mode)."""

    symbol: str
    stop_loss: Ticks
    trigger_by: TriggerBy = TriggerBy.MARK
    position_idx: int = 0
    tick_size: Decimal | None = None
    """Price step that the ticks count."""


class OrderReport(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What the exchange says of one order (private stream or REST)."""

    symbol: str
    order_id: str
    client_id: str
    """Empty for orders placed without a link id."""
    side: Side
    status: OrderStatus
    order_type: OrderType
    qty: Decimal
    filled_qty: Decimal
    price: Decimal | None = None
    avg_price: Decimal | None = None
    reduce_only: bool = False
    stop_order_type: str = ""
    """"" for plain orders; Stop, StopLoss, TakeProfit, TrailingStop, ... (bybit-v5.md section 8)."""
    trigger_price: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    cancel_type: str = ""
    reject_reason: str = ""
    create_type: str = ""
    position_idx: int = 0
    created_ms: int = 0
    updated_ms: int = 0
    ts_recv: int = 0
