"""Records of the simulated account: orders, executions, positions, and what changed. No rules live here.

Prices are int ticks, quantities int lots, money ``Decimal`` with at most eight digits after the point.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from cockpit.domain.enums import OrderStatus, OrderType, Side, TimeInForce, TriggerBy

ACTIVE = frozenset({OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED, OrderStatus.UNTRIGGERED, OrderStatus.TRIGGERED})

PLAIN, CONDITIONAL, STOP_LOSS, TAKE_PROFIT = "", "Stop", "StopLoss", "TakeProfit"
"""Values of ``stop_order_type`` (bybit-v5.md section 8)."""


class Rejected(Exception):
    """The exchange refuses a request; nothing changed.

    Attributes:
        code: Bybit's retCode.
        reason: Bybit's words for it.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class NewOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it is asked for; numbers are exact but not yet checked against the instrument."""

    symbol: str
    side: Side
    order_type: OrderType
    qty: Decimal
    """0 with ``reduce_only`` and ``close_on_trigger`` closes the whole position."""
    price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    link_id: str = ""
    reduce_only: bool = False
    close_on_trigger: bool = False
    position_idx: int = 0
    trigger_price: Decimal | None = None
    trigger_direction: int = 0
    """1: triggers when the price rises to the trigger price, 2: when it falls to it."""
    trigger_by: TriggerBy = TriggerBy.LAST
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    tp_trigger_by: TriggerBy = TriggerBy.LAST
    sl_trigger_by: TriggerBy = TriggerBy.LAST
    slippage_ticks: int | None = None
    """Market orders: farthest price from the touch, in ticks."""
    create_type: str = "CreateByUser"


class Order(msgspec.Struct, kw_only=True):
    """One order and its state."""

    order_id: str
    link_id: str
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    lots: int
    price: int | None
    """Limit in ticks; of a market order the protective limit; None while it has none."""
    reduce_only: bool = False
    close_on_trigger: bool = False
    stop_order_type: str = PLAIN
    trigger_price: int | None = None
    trigger_direction: int = 0
    trigger_by: TriggerBy | None = None
    take_profit: int | None = None
    stop_loss: int | None = None
    tp_trigger_by: TriggerBy = TriggerBy.LAST
    sl_trigger_by: TriggerBy = TriggerBy.LAST
    status: OrderStatus = OrderStatus.NEW
    filled: int = 0
    value: Decimal = Decimal(0)
    """Sum of price times quantity of the fills."""
    fee: Decimal = Decimal(0)
    realised: Decimal = Decimal(0)
    """Gross profit realised by the fills."""
    slippage_ticks: int | None = None
    create_type: str = "CreateByUser"
    cancel_type: str = "UNKNOWN"
    reject_reason: str = "EC_NoError"
    parent_link_id: str = ""
    last_price_on_created: int | None = None
    created_ms: int = 0
    updated_ms: int = 0

    @property
    def leaves(self) -> int:
        """Lots still to be filled."""
        return self.lots - self.filled

    @property
    def is_active(self) -> bool:
        """True until the order reaches an end state."""
        return self.status in ACTIVE

    @property
    def is_attached(self) -> bool:
        """True for the stop or take-profit that lives on the position."""
        return self.stop_order_type in (STOP_LOSS, TAKE_PROFIT)

    @property
    def is_waiting(self) -> bool:
        """True for a conditional order that has not triggered."""
        return self.status is OrderStatus.UNTRIGGERED


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """One fill, or another cash flow on a position (``exec_type`` Funding)."""

    exec_id: str
    order_id: str
    link_id: str
    symbol: str
    side: Side
    price: Decimal
    lots: int
    value: Decimal
    fee: Decimal
    """> 0 paid."""
    fee_rate: Decimal
    realised: Decimal
    """Gross profit realised by this fill."""
    closed_lots: int
    is_maker: bool
    order_price: int | None
    order_lots: int
    leaves_lots: int
    order_type: OrderType
    stop_order_type: str
    create_type: str
    exec_type: str
    mark_price: Decimal
    time_ms: int
    seq: int
    fee_coin: str = "USDT"
    """What ``fee`` is paid in."""


class Position(msgspec.Struct, kw_only=True):
    """Net position of one symbol in one-way mode."""

    symbol: str
    lots: int = 0
    """Signed: long > 0."""
    cost: Decimal = Decimal(0)
    """Entry value of what is open, never negative."""
    realised: Decimal = Decimal(0)
    """Profit after fees of the present holding."""
    cum_realised: Decimal = Decimal(0)
    """Profit after fees of all time."""
    opened_ms: int = 0
    created_ms: int = 0
    updated_ms: int = 0
    seq: int = -1

    @property
    def side(self) -> Side | None:
        """None when flat."""
        if self.lots == 0:
            return None
        return Side.BUY if self.lots > 0 else Side.SELL

    def closable(self, side: Side) -> int:
        """Lots that an order of ``side`` can close."""
        return abs(self.lots) if self.lots * side.sign < 0 else 0


class ClosedProfit(msgspec.Struct, kw_only=True):
    """Profit of one closing order (a row of closed-pnl)."""

    order_id: str
    symbol: str
    side: Side
    order_type: OrderType
    order_price: int | None
    order_lots: int
    leverage: Decimal
    closed_lots: int = 0
    entry_value: Decimal = Decimal(0)
    exit_value: Decimal = Decimal(0)
    profit: Decimal = Decimal(0)
    """After the fees of the closing fills."""
    fills: int = 0
    created_ms: int = 0
    updated_ms: int = 0


class OrderChanged(msgspec.Struct, frozen=True):
    """An order's state, as a copy."""

    order: Order


class Executed(msgspec.Struct, frozen=True):
    """A fill or cash flow."""

    execution: Execution


class PositionTouched(msgspec.Struct, frozen=True):
    """A position is to be told (changed or not)."""

    symbol: str


class WalletTouched(msgspec.Struct, frozen=True):
    """The wallet is to be told."""


AccountEvent = OrderChanged | Executed | PositionTouched | WalletTouched
