"""Matching of one account's orders against the outside market.

Theory of operation. The outside market (``MarketView``) moves on its own. A new order first takes what the book shows
within its limit, best price first; what it takes stays taken until the market renews that level. What is left rests,
or is cancelled, as its time in force says. A resting order is a maker: it is filled at its own price when a public
trade of the other direction prints at its price (up to the size of the trade) or through it (fully), or when the
opposite best price reaches it (up to what is shown there). Stops and take-profits live on the position, follow its
size, fire on the price they name, close by market and die with the position.

Pure and synchronous; time is passed in as ``now_ms``. What changed is collected by the account.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from cockpit.domain.enums import OrderStatus, OrderType, Side, TimeInForce
from cockpit.matching import checks
from cockpit.matching.account import Account
from cockpit.matching.attached import Attached
from cockpit.matching.intake import Amendment, accept, amended, protective_limit, within_band
from cockpit.matching.market_view import MarketView
from cockpit.matching.records import PLAIN, NewOrder, Order, Rejected
from cockpit.matching.triggers import is_triggered

RACE_MS = 1_000
"""How long after its last fill a cancel still finds the order: it is told again, as what the cancel could not stop."""
CANCELLED_BEFORE = {"BustTrade": "CancelAllBeforeLiq", "AdlTrade": "CancelAllBeforeAdl"}


class Matching:
    """Requests of one account, and what the market does to its orders."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.attached = Attached(account)

    # ------------------------------------------------------------------ requests

    def create(self, request: NewOrder, now_ms: int) -> Order:
        """Accept an order and let it meet the book.

        Raises:
            Rejected: nothing happened.
        """
        account = self.account
        market = self._market(request.symbol)
        order = accept(request, account, market, now_ms)
        account.add(order)
        if order.is_waiting:
            account.tell_order(order, now_ms)
        else:
            self._enter(order, market, now_ms)
        account.tell_position(order.symbol)
        account.tell_wallet()
        return order

    def doom(self, request: NewOrder, now_ms: int) -> Order:
        """Accept an order that will be rejected later, before it meets the book.

        Raises:
            Rejected: it is refused at once.
        """
        order = accept(request, self.account, self._market(request.symbol), now_ms)
        if order.link_id:
            self.account.ledger.link_ids[order.link_id] = order.order_id
        return order

    def reject(self, order: Order, reason: str, now_ms: int) -> None:
        """Reject an order that was acknowledged."""
        self.account.add(order)
        order.status, order.reject_reason = OrderStatus.REJECTED, reason
        self.account.tell_order(order, now_ms)

    def amend(self, order: Order, change: Amendment, now_ms: int) -> None:
        """Change an active order; queue priority is not modelled.

        Raises:
            Rejected: nothing changed.
        """
        market = self._market(order.symbol)
        self._require_active(order)
        changed = amended(order, change, market)
        if changed.lots > order.lots and changed.price is not None and not order.reduce_only:
            checks.check_margin(self.account, order.symbol, order.side, changed.price, changed.lots - order.lots)
        order.lots, order.price, order.trigger_price = changed.lots, changed.price, changed.trigger_price
        order.stop_loss, order.take_profit = changed.stop_loss, changed.take_profit
        self.account.tell_order(order, now_ms)
        if not order.is_waiting:
            self._take(order, market, now_ms)
        self.account.tell_position(order.symbol)
        self.account.tell_wallet()

    def cancel(self, order: Order, now_ms: int, *, cancel_type: str = "CancelByUser") -> None:
        """Cancel an active order.

        A cancel that comes just after the last fill has lost the race, and the order is told as filled a second time.

        Raises:
            Rejected: 110001, it is no longer active.
        """
        if order.status is OrderStatus.FILLED and now_ms - order.updated_ms <= RACE_MS:
            lost = msgspec.structs.replace(order, cancel_type=cancel_type, reject_reason="EC_OrigClOrdIDDoesNotExist")
            self.account.tell_order(lost, now_ms)
        self._require_active(order)
        self._end(order, now_ms, cancel_type, "EC_PerCancelRequest")
        self.account.tell_position(order.symbol)
        self.account.tell_wallet()

    def cancel_all(self, symbols: list[str], order_filter: str, stop_order_type: str, now_ms: int) -> list[Order]:
        """Cancel by filter: ``Order`` plain orders, ``StopOrder`` conditional and attached ones, "" everything."""
        cancelled = []
        for symbol in symbols:
            for order in self.account.active_orders(symbol):
                is_stop = order.stop_order_type != PLAIN
                if order_filter == "Order" and is_stop:
                    continue
                if order_filter == "StopOrder" and (not is_stop or stop_order_type not in ("", order.stop_order_type)):
                    continue
                self.cancel(order, now_ms)
                cancelled.append(order)
        return cancelled

    def set_leverage(self, symbol: str, leverage: Decimal) -> None:
        """Set the leverage of a symbol.

        Raises:
            Rejected: 110043 unchanged, 110013 above the limit, 10001 below 1.
        """
        market = self._market(symbol)
        if leverage < 1:
            raise Rejected(10001, "params error: leverage invalid")
        if leverage > market.instrument.max_leverage:
            raise Rejected(110013, "cannot set leverage gt maxLeverage by risk limit")
        if leverage == self.account.leverage(symbol):
            raise Rejected(110043, "leverage not modified")
        self.account.ledger.leverages[symbol] = leverage
        self.account.tell_position(symbol)

    # ------------------------------------------------------------------ the market moved

    def on_trade(self, symbol: str, taker: Side, ticks: int, lots: int, now_ms: int) -> None:
        """A public trade printed: fill resting orders it reached."""
        if self.account.markets[symbol].instrument.status != "Trading":
            return
        for order in self.account.active_orders(symbol):
            if order.side is taker or not self._rests(order) or order.price is None:
                continue
            beyond = (order.price - ticks) * order.side.sign
            if beyond >= 0:
                self._fill(order, order.price, order.leaves if beyond > 0 else min(order.leaves, lots), now_ms)

    def on_market(self, symbol: str, now_ms: int) -> None:
        """The book or a reference price changed: fire triggers, fill what is crossed now."""
        market = self.account.markets[symbol]
        if not self.account.active.get(symbol) or market.instrument.status != "Trading":
            return
        for order in self.account.active_orders(symbol):
            if not order.is_active:
                continue
            if order.is_waiting:
                if is_triggered(order, market):
                    self._fire(order, market, now_ms)
            else:
                if order.order_type is OrderType.MARKET:
                    order.price = protective_limit(order.side, None, market)
                self._take(order, market, now_ms, is_maker=order.order_type is OrderType.LIMIT)

    def force_close(self, symbol: str, kind: str, create_type: str, share: Decimal, now_ms: int) -> None:
        """Close ``share`` of a position from outside (liquidation, ADL): executions of type ``kind``.

        The symbol's orders are cancelled before; what is attached to the position follows it.
        """
        position, market = self.account.position(symbol), self._market(symbol)
        side = position.side
        if side is None:
            return
        for working in self.account.active_orders(symbol):
            if not working.is_attached:
                self._end(working, now_ms, CANCELLED_BEFORE[kind], "EC_NoError")
        lots = max(1, int(abs(position.lots) * share))
        price = market.book.side_for_taker(side.opposite).best or market.last or 1
        order = self._plain_order(symbol, side.opposite, lots, price, now_ms, create_type)
        self.account.add(order)
        self._fill(order, price, lots, now_ms, is_maker=False, kind=kind)

    def delist(self, symbol: str, now_ms: int) -> None:
        """The symbol takes no new positions from now on; what could open one is cancelled."""
        self._market(symbol).is_delisted = True
        for order in self.account.active_orders(symbol):
            if not order.is_attached and not order.reduce_only:
                self._end(order, now_ms, "CancelByAdmin", "EC_NoError")

    # ------------------------------------------------------------------ inner steps

    def _market(self, symbol: str) -> MarketView:
        market = self.account.markets.get(symbol)
        if market is None:
            raise Rejected(10001, "params error: symbol invalid")
        return market

    @staticmethod
    def _require_active(order: Order) -> None:
        if not order.is_active:
            raise Rejected(110001, "order not exists or too late to cancel")

    @staticmethod
    def _rests(order: Order) -> bool:
        return order.is_active and not order.is_waiting and order.order_type is OrderType.LIMIT

    def _plain_order(self, symbol: str, side: Side, lots: int, price: int, now_ms: int, create_type: str) -> Order:
        return Order(
            order_id=self.account.next_id(),
            link_id="",
            symbol=symbol,
            side=side,
            order_type=OrderType.MARKET,
            time_in_force=TimeInForce.IOC,
            lots=lots,
            price=price,
            create_type=create_type,
            created_ms=now_ms,
            updated_ms=now_ms,
        )

    def _enter(self, order: Order, market: MarketView, now_ms: int) -> None:
        """An order reaches the book: apply its time in force."""
        reachable = sum(lots for _, lots in market.book.available(order.side, order.price))
        if order.time_in_force is TimeInForce.POST_ONLY:
            if reachable:
                self._end(order, now_ms, "UNKNOWN", "EC_PostOnlyWillTakeLiquidity")
                return
        elif order.time_in_force is TimeInForce.FOK and reachable < order.leaves:
            self._end(order, now_ms, "UNKNOWN", "EC_CancelForNoFullFill")
            return
        self._take(order, market, now_ms)
        if not order.is_active:
            return
        if order.time_in_force in (TimeInForce.IOC, TimeInForce.FOK) and not order.is_attached:
            self._end(order, now_ms, "UNKNOWN", "EC_NoImmediateQtyToFill")
        elif order.filled == 0:
            self.account.tell_order(order, now_ms)

    def _take(self, order: Order, market: MarketView, now_ms: int, *, is_maker: bool = False) -> None:
        """Fill an order from the book as far as its limit allows; a maker trades at its own price."""
        for ticks, shown in list(market.book.available(order.side, order.price)):
            if not order.is_active or order.leaves == 0:
                return
            price = order.price if is_maker and order.price is not None else ticks
            filled = self._fill(order, price, min(order.leaves, shown), now_ms, is_maker=is_maker)
            market.book.take(order.side, ticks, filled)

    def _fill(
        self, order: Order, ticks: int, lots: int, now_ms: int, *, is_maker: bool = True, kind: str = "Trade"
    ) -> int:
        """Book a fill and everything that follows from it; the lots really filled."""
        account = self.account
        if order.reduce_only:
            lots = min(lots, account.position(order.symbol).closable(order.side))
            if lots == 0:
                self._end(order, now_ms, "CancelByReduceOnly", "EC_NoError")
                return 0
        account.book_fill(order, ticks, lots, now_ms, is_maker=is_maker, kind=kind)
        order.status = OrderStatus.FILLED if order.leaves == 0 else OrderStatus.PARTIALLY_FILLED
        account.tell_order(order, now_ms)
        self.attached.after_fill(order, now_ms)
        self._drop_unreducible(order.symbol, now_ms)
        account.tell_position(order.symbol)
        account.tell_wallet()
        return lots

    def _fire(self, order: Order, market: MarketView, now_ms: int) -> None:
        """A conditional order triggers and goes to the book."""
        order.status = OrderStatus.TRIGGERED
        self.account.tell_order(order, now_ms)
        if order.is_attached:
            self.attached.drop_partner(order, now_ms)
        order.status = OrderStatus.NEW
        if order.order_type is OrderType.MARKET:
            order.price = protective_limit(order.side, order.slippage_ticks, market)
        elif order.price is not None:
            order.price = within_band(order.side, order.price, market)
        if order.reduce_only:
            held = self.account.position(order.symbol).closable(order.side)
            if held == 0:
                self._end(order, now_ms, "CancelByReduceOnly", "EC_NoError")
                return
            order.lots = held if order.lots == 0 else min(order.lots, held)
        elif order.price is not None:
            try:
                checks.check_margin(self.account, order.symbol, order.side, order.price, order.lots)
            except Rejected:
                self._end(order, now_ms, "UNKNOWN", "EC_NoEnoughQtyToFill")
                return
        self._enter(order, market, now_ms)

    def _drop_unreducible(self, symbol: str, now_ms: int) -> None:
        """Cancel resting reduce-only orders that have nothing left to reduce."""
        position = self.account.position(symbol)
        for order in self.account.active_orders(symbol):
            is_plain = order.reduce_only and not order.is_attached and not order.is_waiting
            if is_plain and order.leaves > 0 and position.closable(order.side) == 0:
                self._end(order, now_ms, "CancelByReduceOnly", "EC_NoError")

    def _end(self, order: Order, now_ms: int, cancel_type: str, reason: str) -> None:
        order.status = OrderStatus.DEACTIVATED if order.is_waiting else OrderStatus.CANCELLED
        order.cancel_type, order.reject_reason = cancel_type, reason
        self.account.tell_order(order, now_ms)
