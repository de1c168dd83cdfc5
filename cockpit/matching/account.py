"""The account: wallet, positions, orders, executions, and the exact booking of a fill. No matching, no requests."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from decimal import Decimal

import msgspec

from cockpit.domain.enums import OrderType, Side, TriggerBy
from cockpit.domain.instrument import Instrument
from cockpit.matching.fees import fee_of, fee_rate, money
from cockpit.matching.margin import order_margin, position_margin
from cockpit.matching.market_view import MarketView
from cockpit.matching.records import (
    AccountEvent,
    ClosedProfit,
    Executed,
    Execution,
    Order,
    OrderChanged,
    Position,
    PositionTouched,
    WalletTouched,
)
from cockpit.matching.transactions import SETTLE, Money, Transaction

KEPT_ORDERS = 2000
KEPT_EXECUTIONS = 2000


class Ledger(msgspec.Struct, kw_only=True):
    """Everything of an account that outlives the process."""

    account_id: str
    wallet: Decimal
    counter: int = 0
    orders: dict[str, Order] = {}
    """By order id, oldest first; the oldest finished ones are dropped."""
    link_ids: dict[str, str] = {}
    """Every link id ever used, to its order id."""
    positions: dict[str, Position] = {}
    leverages: dict[str, Decimal] = {}
    executions: list[Execution] = []
    closed: list[ClosedProfit] = []
    money: Money = msgspec.field(default_factory=Money)
    margin_mode: str = "ISOLATED_MARGIN"
    """What the account says of itself; the arithmetic is always that of isolated margin."""


class Account:
    """One account in one-way mode with isolated margin.

    Args:
        ledger: the state to go on from.
        markets: market views by symbol.
        default_leverage: leverage of symbols for which none was set.
    """

    def __init__(self, ledger: Ledger, markets: dict[str, MarketView], default_leverage: Decimal) -> None:
        self.ledger = ledger
        self.markets = markets
        self._default_leverage = default_leverage
        self._events: list[AccountEvent] = []
        self.active: dict[str, dict[str, Order]] = {}
        """Active orders by symbol and order id, oldest first."""
        self.hedged: set[str] = set()
        """Symbols that somebody has switched to hedge mode; the position stays one."""
        for order in ledger.orders.values():
            if order.is_active:
                self.active.setdefault(order.symbol, {})[order.order_id] = order

    def with_ledger(self, ledger: Ledger) -> Account:
        """The same account with another history."""
        other = Account(ledger, self.markets, self._default_leverage)
        other.hedged = self.hedged
        return other

    def take_events(self) -> list[AccountEvent]:
        """What changed since the last call, in order."""
        events, self._events = self._events, []
        return events

    def next_id(self) -> str:
        """A new identifier in the form of a UUID, never repeated for this account."""
        self.ledger.counter += 1
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.ledger.account_id}:{self.ledger.counter}"))

    def position(self, symbol: str) -> Position:
        """The position of a symbol; a flat one if there never was any."""
        return self.ledger.positions.setdefault(symbol, Position(symbol=symbol))

    def leverage(self, symbol: str) -> Decimal:
        """Leverage of a symbol."""
        most = self.markets[symbol].instrument.max_leverage
        return self.ledger.leverages.get(symbol, min(self._default_leverage, most))

    def find(self, order_id: str, link_id: str) -> Order | None:
        """An order by its id, else by its link id."""
        return self.ledger.orders.get(order_id or self.ledger.link_ids.get(link_id, ""))

    def active_orders(self, symbol: str | None = None) -> Iterator[Order]:
        """Active orders of one symbol or of all, oldest first."""
        chosen = self.active.values() if symbol is None else (self.active.get(symbol, {}),)
        for orders in chosen:
            yield from tuple(orders.values())

    def attached(self, symbol: str, kind: str) -> Order | None:
        """The active stop or take-profit of a position."""
        for order in self.active.get(symbol, {}).values():
            if order.stop_order_type == kind:
                return order
        return None

    def add(self, order: Order) -> None:
        """Take a new order into the books."""
        self.ledger.orders[order.order_id] = order
        if order.link_id:
            self.ledger.link_ids[order.link_id] = order.order_id
        self.active.setdefault(order.symbol, {})[order.order_id] = order
        if len(self.ledger.orders) > KEPT_ORDERS:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        for order_id, order in self.ledger.orders.items():
            if not order.is_active:
                del self.ledger.orders[order_id]
                return

    def tell_order(self, order: Order, now_ms: int) -> None:
        """Stamp an order's change and remember to tell it."""
        order.updated_ms = now_ms
        if not order.is_active:
            self.active.get(order.symbol, {}).pop(order.order_id, None)
        self._events.append(OrderChanged(msgspec.structs.replace(order)))

    def tell_position(self, symbol: str) -> None:
        """Remember to tell a position."""
        self._events.append(PositionTouched(symbol))

    def tell_wallet(self) -> None:
        """Remember to tell the wallet."""
        self._events.append(WalletTouched())

    def book_fill(self, order: Order, ticks: int, lots: int, now_ms: int, *, is_maker: bool, kind: str) -> Execution:
        """Book a fill: order, position, wallet, executions. Money moves exactly by realised profit and fee."""
        market = self.markets[order.symbol]
        instrument = market.instrument
        price, value = instrument.price(ticks), instrument.notional(ticks, lots)
        fee = self.ledger.money.fee(fee_of(value, is_maker=is_maker))
        cost = fee if self.ledger.money.fee_coin == SETTLE else Decimal(0)
        position = self.position(order.symbol)
        closed = min(lots, position.closable(order.side))
        realised = self._close(order, position, closed, price, now_ms) if closed else Decimal(0)
        if lots > closed:
            self._open(position, order.side, lots - closed, price, now_ms)
        position.realised += realised - cost
        position.cum_realised += realised - cost
        # Each fill is a matching event of its own: a later one must never carry the sequence of an earlier one.
        position.updated_ms, position.seq = now_ms, max(market.seq, position.seq + 1)
        order.filled += lots
        order.value += value
        order.fee += cost
        order.realised += realised
        execution = Execution(
            exec_id=self.next_id(),
            order_id=order.order_id,
            link_id=order.link_id,
            symbol=order.symbol,
            side=order.side,
            price=price,
            lots=lots,
            value=value,
            fee=fee,
            fee_rate=fee_rate(is_maker=is_maker),
            realised=realised,
            closed_lots=closed,
            is_maker=is_maker,
            order_price=order.price,
            order_lots=order.lots,
            leaves_lots=order.leaves,
            order_type=order.order_type,
            stop_order_type=order.stop_order_type,
            create_type=order.create_type,
            exec_type=kind,
            mark_price=market.price(TriggerBy.MARK) or price,
            time_ms=now_ms,
            seq=position.seq,
            fee_coin=self.ledger.money.fee_coin,
        )
        if closed:
            self._note_closed(order, execution, now_ms)
        self._tell_execution(execution)
        return execution

    def _tell_execution(self, execution: Execution) -> None:
        for row in _transactions(execution, self.markets[execution.symbol].instrument):
            self.book(row)
        self.ledger.executions.append(execution)
        if len(self.ledger.executions) > KEPT_EXECUTIONS:
            del self.ledger.executions[0]
        self._events.append(Executed(execution))

    def _open(self, position: Position, side: Side, lots: int, price: Decimal, now_ms: int) -> None:
        if position.lots == 0:
            position.realised = Decimal(0)
            position.opened_ms = now_ms
            position.created_ms = position.created_ms or now_ms
        position.lots += lots * side.sign
        position.cost += price * self.markets[position.symbol].instrument.qty(lots)

    def _close(self, order: Order, position: Position, lots: int, price: Decimal, now_ms: int) -> Decimal:
        """Take ``lots`` out of the position; the gross profit. Parts of the entry value always sum up to the whole."""
        held = abs(position.lots)
        part = position.cost if lots == held else money(position.cost * lots / held)
        exit_value = price * self.markets[position.symbol].instrument.qty(lots)
        gain = exit_value - part if position.lots > 0 else part - exit_value
        position.cost -= part
        position.lots += lots * order.side.sign
        return gain

    def _note_closed(self, order: Order, execution: Execution, now_ms: int) -> None:
        rows = self.ledger.closed
        if not rows or rows[-1].order_id != order.order_id:
            rows.append(
                ClosedProfit(
                    order_id=order.order_id,
                    symbol=order.symbol,
                    side=order.side,
                    order_type=order.order_type,
                    order_price=order.price,
                    order_lots=order.lots,
                    leverage=self.leverage(order.symbol),
                    created_ms=now_ms,
                )
            )
            del rows[:-KEPT_EXECUTIONS]
        row = rows[-1]
        exit_value = execution.price * self.markets[order.symbol].instrument.qty(execution.closed_lots)
        row.closed_lots += execution.closed_lots
        row.exit_value += exit_value
        row.entry_value += exit_value - execution.realised * -order.side.sign
        row.profit += execution.realised - (execution.fee if execution.fee_coin == SETTLE else 0)
        row.fills += 1
        row.updated_ms = now_ms

    def book(self, row: Transaction) -> None:
        """Move money: a coin's balance and the transaction log."""
        self.ledger.wallet = self.ledger.money.note(row, self.ledger.wallet)

    def book_funding(self, symbol: str, rate: Decimal, now_ms: int) -> None:
        """Pay (rate > 0 on a long) or receive funding on a position; an execution of type Funding."""
        market, position = self.markets[symbol], self.position(symbol)
        side, mark = position.side, market.price(TriggerBy.MARK)
        if side is None or mark is None:
            return
        value = money(market.instrument.qty(abs(position.lots)) * mark)
        paid = money(value * rate) * side.sign
        position.realised -= paid
        position.cum_realised -= paid
        execution = Execution(
            exec_id=self.next_id(),
            order_id=self.next_id(),
            link_id="",
            symbol=symbol,
            side=side,
            price=mark,
            lots=abs(position.lots),
            value=value,
            fee=paid,
            fee_rate=rate,
            realised=Decimal(0),
            closed_lots=0,
            is_maker=False,
            order_price=None,
            order_lots=0,
            leaves_lots=0,
            order_type=OrderType.MARKET,
            stop_order_type="",
            create_type="",
            exec_type="Funding",
            mark_price=mark,
            time_ms=now_ms,
            seq=market.seq,
        )
        self._tell_execution(execution)
        self.tell_position(symbol)
        self.tell_wallet()

    def unrealised(self, symbol: str) -> Decimal:
        """Open profit of a position at the mark price, USDT."""
        position = self.position(symbol)
        if position.lots == 0:
            return Decimal(0)
        market = self.markets[symbol]
        mark = market.price(TriggerBy.MARK)
        if mark is None:
            return Decimal(0)
        now = mark * market.instrument.qty(abs(position.lots))
        return now - position.cost if position.lots > 0 else position.cost - now

    def position_margin(self, symbol: str) -> Decimal:
        """Margin bound by a position, USDT."""
        return position_margin(self.position(symbol).cost, self.leverage(symbol))

    def order_margin(self, symbol: str) -> Decimal:
        """Margin bound by the opening parts of the resting orders of a symbol, USDT."""
        instrument, position = self.markets[symbol].instrument, self.position(symbol)
        total = Decimal(0)
        for order in self.active_orders(symbol):
            if order.reduce_only or order.is_waiting or order.price is None:
                continue
            opening = max(0, order.leaves - position.closable(order.side))
            total += order_margin(instrument.notional(order.price, opening), self.leverage(symbol))
        return total

    @property
    def bound(self) -> Decimal:
        """Margin bound by everything, USDT."""
        symbols = {s for s, p in self.ledger.positions.items() if p.lots} | set(self.active)
        return sum((self.position_margin(s) + self.order_margin(s) for s in symbols), Decimal(0))

    @property
    def available(self) -> Decimal:
        """Free for new orders under isolated margin, USDT."""
        return self.ledger.wallet - self.bound


def _transactions(execution: Execution, instrument: Instrument) -> list[Transaction]:
    """The log's rows of an execution: a second one if its fee is paid in another coin."""
    is_funding = execution.exec_type == "Funding"
    has_own_coin = execution.fee_coin == SETTLE
    row = Transaction(
        row_id=execution.exec_id,
        kind="SETTLEMENT" if is_funding else "TRADE",
        category="linear",
        symbol=execution.symbol,
        side=execution.side.value,
        currency=SETTLE,
        qty=instrument.qty(execution.lots),
        price=execution.price,
        cash_flow=execution.realised,
        funding=-execution.fee if is_funding else Decimal(0),
        fee=execution.fee if has_own_coin and not is_funding else Decimal(0),
        fee_rate=execution.fee_rate,
        exec_id=execution.exec_id,
        order_id=execution.order_id,
        link_id=execution.link_id,
        time_ms=execution.time_ms,
    )
    if has_own_coin:
        return [row]
    fee = msgspec.structs.replace(
        row, row_id=f"{row.row_id}-fee", currency=execution.fee_coin, cash_flow=Decimal(0), fee=execution.fee
    )
    return [row, fee]
