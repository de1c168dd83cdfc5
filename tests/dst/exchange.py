"""A model of the exchange, written from the protocol reference: one account, one-way mode, attached stops, exact money.

It is the truth of a schedule. It knows nothing of the engine; whoever wants to watch it subscribes to ``listeners``.
Times are milliseconds of the exchange's own clock. Quantities and prices are Decimal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

ZERO = Decimal(0)
TAKER = Decimal("0.00055")
LEVERAGE = Decimal(10)


@dataclass
class Rules:
    """Trading rules of a symbol."""

    symbol: str
    tick: Decimal
    step: Decimal
    min_qty: Decimal
    max_qty: Decimal
    min_notional: Decimal
    status: str = "Trading"
    """Anything else takes no order that could open a position."""


@dataclass
class Order:
    """One order with its whole life."""

    order_id: str
    link_id: str
    symbol: str
    side: str
    order_type: str
    qty: Decimal
    price: Decimal | None
    reduce_only: bool
    status: str
    created_ms: int
    updated_ms: int
    filled: Decimal = ZERO
    value: Decimal = ZERO
    reject_reason: str = ""
    create_type: str = "CreateByUser"
    stop_loss: Decimal | None = None


@dataclass
class Execution:
    """One fill, funding payment or the like."""

    exec_id: str
    order: Order
    symbol: str
    side: str
    exec_type: str
    price: Decimal
    qty: Decimal
    fee: Decimal
    time_ms: int
    seq: int
    create_type: str
    closed: Decimal = ZERO
    """How much of a position it closed."""
    fee_coin: str = "USDT"


@dataclass
class Row:
    """One line of the transaction log: ``change = cash_flow + funding - fee``."""

    row_id: str
    kind: str
    category: str
    symbol: str
    currency: str
    cash_flow: Decimal
    funding: Decimal
    fee: Decimal
    balance: Decimal
    exec_id: str
    time_ms: int

    @property
    def change(self) -> Decimal:
        return self.cash_flow + self.funding - self.fee


@dataclass
class PositionState:
    """Net position of a symbol: qty > 0 long, < 0 short."""

    symbol: str
    qty: Decimal = ZERO
    avg: Decimal = ZERO
    stop: Decimal | None = None
    seq: int = -1
    updated_ms: int = 0
    is_own: bool = False
    """Opened by an order with a cockpit's link id."""
    by_hand: Decimal = ZERO
    """How much of it the phone has opened."""


@dataclass
class Market:
    """Price and depth of a symbol as takers meet it."""

    price: Decimal
    depth: Decimal
    """Quantity that one market order can take at most."""
    is_halted: bool = False
    mark_off: Decimal = ZERO
    """How far the mark price is from the last price, as a share of it."""

    @property
    def mark(self) -> Decimal:
        """Mark price: open profit counts by it."""
        return self.price * (1 + self.mark_off) if self.mark_off else self.price


class Refused(Exception):
    """A definite no of the exchange."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


Listener = Callable[[str, Any], None]


@dataclass
class Exchange:
    """The account and everything that happened to it."""

    rules: dict[str, Rules]
    markets: dict[str, Market]
    cash: Decimal
    leverage: dict[str, Decimal] = field(default_factory=dict)
    """By symbol; 10 where nobody has set it."""
    now_ms: Callable[[], int] = lambda: 0
    orders: dict[str, Order] = field(default_factory=dict)
    by_link: dict[str, Order] = field(default_factory=dict)
    executions: list[Execution] = field(default_factory=list)
    positions: dict[str, PositionState] = field(default_factory=dict)
    start_cash: Decimal = ZERO
    realised: Decimal = ZERO
    fees: Decimal = ZERO
    coins: dict[str, Decimal] = field(default_factory=dict)
    """Balances of other coins than USDT."""
    fee_coin: str = "USDT"
    fee_coin_price: Decimal = Decimal(1)
    rows: list[Row] = field(default_factory=list)
    """The transaction log, oldest first."""
    hidden: set[str] = field(default_factory=set)
    """Executions of which the exchange tells nothing but their rows in the log."""
    ignores_attached_stop: bool = False
    defer: Callable[[Callable[[], None]], None] | None = None
    """Matches accepted orders some time after they were taken; None: at once."""
    seq: int = 100
    listeners: list[Listener] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start_cash = self.cash
        for symbol in self.rules:
            self.positions[symbol] = PositionState(symbol)

    # ------------------------------------------------------------------------------------------------ requests

    def create(
        self,
        *,
        link_id: str,
        symbol: str,
        side: str,
        order_type: str,
        qty: Decimal,
        price: Decimal | None,
        reduce_only: bool,
        close_on_trigger: bool,
        stop_loss: Decimal | None,
    ) -> Order:
        """order/create: accepted orders are matched at once; market and IOC never rest."""
        rules, market, position = self.rules[symbol], self.markets[symbol], self.positions[symbol]
        self._tell("request", ("create", link_id, symbol, side, qty, price, reduce_only, stop_loss))
        if link_id in self.by_link:
            raise Refused(110072, "OrderLinkedID is duplicate")
        self._check_symbol(symbol, side, is_opening=not reduce_only)
        if qty == 0:
            if not (reduce_only and close_on_trigger):
                raise Refused(10001, "qty is zero")
            qty = abs(position.qty)  # the whole position, whatever has become of the grid since
        elif qty % rules.step or qty < rules.min_qty or qty > rules.max_qty:
            raise Refused(10001, "qty err")
        if price is not None and price % rules.tick:
            raise Refused(10001, "price err")
        if not reduce_only and qty * (price or market.price) < rules.min_notional:
            raise Refused(110094, "below minimum order value")
        now = self.now_ms()
        order = Order(
            f"o{len(self.orders) + 1}", link_id, symbol, side, order_type, qty, price, reduce_only, "New", now, now,
            stop_loss=stop_loss,
        )  # fmt: skip
        self.orders[order.order_id] = order
        self.by_link[link_id] = order
        self._tell("accepted", order)
        if self.defer is None:
            self._match(order)
        else:
            self._tell("order", order)
            self.defer(lambda: self._match(order))
        return order

    def _check_symbol(self, symbol: str, side: str, *, is_opening: bool) -> None:
        """Does the symbol trade, and is there something to reduce."""
        position = self.positions[symbol]
        if self.markets[symbol].is_halted:
            raise Refused(110074, "contract is not live")
        if is_opening:
            if self.rules[symbol].status != "Trading":
                raise Refused(30228, "no new positions during delisting")
        elif position.qty == 0:
            raise Refused(110017, "current position is zero")
        elif (position.qty > 0) is (side == "Buy"):
            raise Refused(110017, "reduce-only rule not satisfied")

    def set_stop(self, symbol: str, stop: Decimal) -> None:
        """position/trading-stop, Full mode."""
        position, market = self.positions[symbol], self.markets[symbol]
        self._tell("request", ("set_stop", symbol, stop))
        if position.qty == 0:
            raise Refused(10001, "can not set tp/sl/ts for zero position")
        if position.stop == stop:
            raise Refused(34040, "not modified")
        if (position.qty > 0 and stop >= market.price) or (position.qty < 0 and stop <= market.price):
            raise Refused(10001, "StopLoss is on the wrong side of base_price")
        before = position.stop
        position.stop = stop
        self._tell("stop", (position, before))
        self._push_position(position)

    def set_leverage(self, symbol: str, leverage: Decimal) -> None:
        """position/set-leverage; the position is pushed, a flat one too."""
        self.leverage[symbol] = leverage
        self._push_position(self.positions[symbol])

    def cancel_all(self, symbol: str) -> None:
        """order/cancel-all with orderFilter=Order: active orders, no stop."""
        self._tell("request", ("cancel_all", symbol))
        for order in self.orders.values():
            if order.symbol == symbol and order.status in ("New", "PartiallyFilled"):
                self._end(order, "Cancelled", "")

    def cancel(self, symbol: str, link_id: str) -> None:
        """order/cancel."""
        self._tell("request", ("cancel", symbol, link_id))
        order = self.by_link.get(link_id)
        if order is not None and order.status == "Filled":  # the race is lost: told as filled a second time
            self._end(order, "Filled", "EC_OrigClOrdIDDoesNotExist")
        if order is None or order.status not in ("New", "PartiallyFilled"):
            raise Refused(110001, "order not exists or too late to cancel")
        self._end(order, "Cancelled", "")

    # ------------------------------------------------------------------------------------------------ matching

    def _match(self, order: Order) -> None:
        if order.status != "New":
            return  # cancelled before it was matched
        market = self.markets[order.symbol]
        tick = self.rules[order.symbol].tick
        touch = market.price + tick if order.side == "Buy" else market.price - tick
        crosses = order.price is None or (order.price >= touch if order.side == "Buy" else order.price <= touch)
        wanted = order.qty
        if order.reduce_only:
            held = self.positions[order.symbol].qty * (-1 if order.side == "Buy" else 1)
            wanted = min(wanted, max(held, ZERO))
        take = min(wanted, market.depth) if crosses else ZERO
        if take > 0:
            half = (take / 2 / self.rules[order.symbol].step).to_integral_value() * self.rules[order.symbol].step
            for part in (half, take - half) if half > 0 else (take,):
                self._fill(order, part, touch, "Trade")
        if order.filled >= order.qty or (order.reduce_only and order.filled >= wanted > 0):
            self._end(order, "Filled" if order.filled >= order.qty else "Cancelled", "")
        else:
            self._end(order, "Cancelled", "EC_NoImmediateQtyToFill")

    def _fill(self, order: Order, qty: Decimal, price: Decimal, exec_type: str) -> None:
        position = self.positions[order.symbol]
        self.seq += 1
        fee = qty * price * TAKER / self.fee_coin_price
        order.filled += qty
        order.value += qty * price
        order.updated_ms = self.now_ms()
        execution = Execution(
            f"e{len(self.executions) + 1}", order, order.symbol, order.side, exec_type, price, qty, fee,
            self.now_ms(), self.seq, order.create_type, fee_coin=self.fee_coin,
        )  # fmt: skip
        self.executions.append(execution)
        held = position.qty
        gain = self._apply(position, qty if order.side == "Buy" else -qty, price)
        execution.closed = min(abs(held), qty) if (held > 0) is (order.side == "Sell") and held else ZERO
        self.realised += gain
        self._charge(execution, gain)
        position.seq = self.seq
        if not order.reduce_only:
            position.is_own = order.link_id.startswith("cs")
            if order.stop_loss is not None and not self.ignores_attached_stop:
                position.stop = order.stop_loss
        if position.qty == 0:
            position.stop, position.is_own, position.by_hand = None, False, ZERO
        self._tell("execution", execution)
        self._push_position(position)

    def _charge(self, execution: Execution, gain: Decimal) -> None:
        """Profit and fee into the log; a fee in another coin is a row of its own."""
        fee = execution.fee
        if execution.fee_coin == "USDT":
            self.fees += fee
            self.book("TRADE", cash_flow=gain, fee=fee, execution=execution)
        else:
            self.book("TRADE", cash_flow=gain, execution=execution)
            self.book("TRADE", fee=fee, currency=execution.fee_coin, execution=execution)

    def book(
        self,
        kind: str,
        *,
        cash_flow: Decimal = ZERO,
        funding: Decimal = ZERO,
        fee: Decimal = ZERO,
        currency: str = "USDT",
        category: str = "linear",
        symbol: str = "",
        execution: Execution | None = None,
    ) -> Row:
        """Change a balance: the only way in which money moves."""
        change = cash_flow + funding - fee
        if currency == "USDT":
            self.cash += change
            balance = self.cash
        else:
            balance = self.coins[currency] = self.coins.get(currency, ZERO) + change
        row = Row(
            f"t{len(self.rows) + 1}", kind, category, execution.symbol if execution else symbol, currency, cash_flow,
            funding, fee, balance, execution.exec_id if execution else "", self.now_ms(),
        )  # fmt: skip
        self.rows.append(row)
        self._tell("row", row)
        return row

    def settle_funding(self, symbol: str, rate: Decimal) -> None:
        """Funding at ``rate``: an execution of type Funding (fee > 0 paid) and a row with the opposite sign."""
        position, now = self.positions[symbol], self.now_ms()
        if position.qty == 0:
            return
        paid = position.qty * self.markets[symbol].price * rate
        side = "Buy" if position.qty > 0 else "Sell"
        order = Order(
            f"o{len(self.orders) + 1}", "", symbol, side, "Market", abs(position.qty), None, False, "Filled", now, now
        )
        execution = Execution(
            f"e{len(self.executions) + 1}", order, symbol, side, "Funding", self.markets[symbol].price,
            abs(position.qty), paid, now, self.seq, "",
        )  # fmt: skip
        self.executions.append(execution)
        self.book("SETTLEMENT", funding=-paid, execution=execution)
        self._tell("execution", execution)
        self._push_position(position)

    def _apply(self, position: PositionState, signed: Decimal, price: Decimal) -> Decimal:
        """The position after a fill; returns the profit that it realised."""
        gain = ZERO
        before = position.qty
        after = before + signed
        if before * signed >= 0:
            position.avg = (abs(before) * position.avg + abs(signed) * price) / abs(after)
        else:
            closed = min(abs(signed), abs(before))
            gain = (price - position.avg) * closed * (1 if before > 0 else -1)
            if after == 0:
                position.avg = ZERO
            elif after * before < 0:
                position.avg = price
        position.qty = after
        return gain

    def _end(self, order: Order, status: str, reason: str) -> None:
        order.status, order.reject_reason, order.updated_ms = status, reason, self.now_ms()
        self._tell("order", order)

    def _push_position(self, position: PositionState) -> None:
        position.updated_ms = self.now_ms()
        self._tell("position", position)

    def _tell(self, kind: str, what: Any) -> None:
        for listener in self.listeners:
            listener(kind, what)

    # -------------------------------------------------------------------------------------------- market, others

    def move(self, symbol: str, price: Decimal) -> None:
        """The market trades at ``price``; stops behind it fire."""
        self.markets[symbol].price = price
        self._tell("price", symbol)
        position = self.positions[symbol]
        if position.stop is None or position.qty == 0:
            return
        if (position.qty > 0 and price <= position.stop) or (position.qty < 0 and price >= position.stop):
            self.close_by("CreateByStopLoss", symbol, abs(position.qty), "")

    def close_by(self, create_type: str, symbol: str, qty: Decimal, link_id: str) -> None:
        """A reducing market order that is not the engine's: stop, phone, liquidation, ADL."""
        position = self.positions[symbol]
        qty = min(qty, abs(position.qty))
        if qty == 0:
            return
        now = self.now_ms()
        side = "Sell" if position.qty > 0 else "Buy"
        order = Order(
            f"o{len(self.orders) + 1}", link_id, symbol, side, "Market", qty, None, True, "New", now, now,
            create_type=create_type,
        )  # fmt: skip
        self.orders[order.order_id] = order
        exec_type = {"CreateByLiq": "BustTrade", "CreateByAdl_PassThrough": "AdlTrade"}.get(create_type, "Trade")
        self._fill(order, qty, self.markets[symbol].price, exec_type)
        self._end(order, "Filled", "")

    def open_by_hand(self, symbol: str, side: str, qty: Decimal) -> None:
        """The phone opens (or adds to) a position: foreign to every engine."""
        now = self.now_ms()
        order = Order(f"o{len(self.orders) + 1}", "", symbol, side, "Market", qty, None, False, "New", now, now)
        self.orders[order.order_id] = order
        self._fill(order, qty, self.markets[symbol].price, "Trade")
        self.positions[symbol].by_hand += qty
        self._end(order, "Filled", "")

    def remove_stop_by_hand(self, symbol: str) -> None:
        """The phone deletes the position's stop."""
        position = self.positions[symbol]
        if position.stop is not None:
            position.stop = None
            self._tell("stop_removed", position)
            self._push_position(position)

    # ------------------------------------------------------------------------------------------------- money

    def unrealised(self) -> Decimal:
        """Open profit at the current mark prices."""
        held = (position for position in self.positions.values() if position.qty)
        return sum(((self.markets[p.symbol].mark - p.avg) * p.qty for p in held), ZERO)

    def equity(self) -> Decimal:
        """Cash plus open profit."""
        return self.cash + self.unrealised()

    def margin(self) -> Decimal:
        """Initial margin of the positions."""
        return sum((self.margin_of(position) for position in self.positions.values()), ZERO)

    def own_margin(self) -> Decimal:
        """Initial margin of what the engines' orders hold: of their positions, without what was added by hand."""
        margin = ZERO
        for position in self.positions.values():
            if position.is_own and position.qty:
                share = 1 - min(position.by_hand / abs(position.qty), Decimal(1))
                margin += self.margin_of(position) * share
        return margin

    def margin_of(self, position: PositionState) -> Decimal:
        """Initial margin of one position."""
        return abs(position.qty) * position.avg / self.leverage.get(position.symbol, LEVERAGE)
