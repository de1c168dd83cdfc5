"""Stop and take-profit of a position (tpslMode Full): set, follow its size, die with it (bybit-v5.md 6.3, 8)."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from cockpit.domain.enums import OrderStatus, OrderType, Side, TimeInForce, TriggerBy
from cockpit.matching.account import Account
from cockpit.matching.checks import check_position_idx, ticks_of
from cockpit.matching.records import STOP_LOSS, TAKE_PROFIT, Order, Rejected
from cockpit.matching.triggers import attached_direction, check_attached

_PARTNER_GONE = {
    STOP_LOSS: "CancelByOCOSlCanceledByTpTriggered",
    TAKE_PROFIT: "CancelByOCOTpCanceledBySlTriggered",
}


class StopChange(msgspec.Struct, frozen=True, kw_only=True):
    """A trading-stop request; None leaves a price as it is, 0 removes it."""

    symbol: str
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    sl_trigger_by: TriggerBy | None = None
    tp_trigger_by: TriggerBy | None = None
    position_idx: int = 0


class Attached:
    """The orders that live on the positions of one account."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def set(self, change: StopChange, now_ms: int) -> None:
        """Set, move or remove stop and take-profit in place.

        Raises:
            Rejected: 10001 no position, wrong side or wrong index; 34040 nothing would change.
        """
        check_position_idx(change.position_idx, is_hedged=change.symbol in self._account.hedged)
        position = self._account.position(change.symbol)
        side = position.side
        if side is None:
            raise Rejected(10001, "can not set tp/sl/ts for zero position")
        wanted = [
            (STOP_LOSS, change.stop_loss, change.sl_trigger_by),
            (TAKE_PROFIT, change.take_profit, change.tp_trigger_by),
        ]
        planned = [
            (kind, ticks, by or self._trigger_by(change.symbol, kind))
            for kind, price, by in wanted
            if price is not None
            for ticks in (self._checked(change.symbol, side, kind, price, by),)
        ]
        if not any(self._differs(change.symbol, *plan) for plan in planned):
            raise Rejected(34040, "not modified")
        for kind, ticks, by in planned:
            self._put(change.symbol, kind, ticks, by, now_ms)
        self._account.tell_position(change.symbol)

    def after_fill(self, order: Order, now_ms: int) -> None:
        """Let the attached orders follow the position after a fill of ``order``."""
        symbol = order.symbol
        side = self._account.position(symbol).side
        for kind in (STOP_LOSS, TAKE_PROFIT):
            existing = self._account.attached(symbol, kind)
            if existing is None or existing.order_id == order.order_id:
                continue
            if side is None or existing.side is side:  # closed, or flipped
                self._end(existing, now_ms, "CancelByTpSlTsClear")
        if side is None:
            return
        if order.side is side and not order.is_attached:
            if order.stop_loss is not None:
                self._put(symbol, STOP_LOSS, order.stop_loss, order.sl_trigger_by, now_ms, order.link_id)
            if order.take_profit is not None:
                self._put(symbol, TAKE_PROFIT, order.take_profit, order.tp_trigger_by, now_ms, order.link_id)
        self._resize(symbol, now_ms)

    def drop_partner(self, order: Order, now_ms: int) -> None:
        """One of the pair fired: the other is cancelled."""
        other = TAKE_PROFIT if order.stop_order_type == STOP_LOSS else STOP_LOSS
        partner = self._account.attached(order.symbol, other)
        if partner is not None and partner.is_waiting:
            self._end(partner, now_ms, _PARTNER_GONE[other])

    def _checked(self, symbol: str, side: Side, kind: str, price: Decimal, by: TriggerBy | None) -> int:
        """Ticks of a wanted price, 0 to remove it."""
        if price == 0:
            return 0
        market = self._account.markets[symbol]
        ticks = ticks_of(market.instrument, price, kind)
        base = market.price(by or self._trigger_by(symbol, kind))
        if base is not None:
            check_attached(side, kind, price, base)
        return ticks

    def _trigger_by(self, symbol: str, kind: str) -> TriggerBy:
        existing = self._account.attached(symbol, kind)
        return TriggerBy.LAST if existing is None or existing.trigger_by is None else existing.trigger_by

    def _differs(self, symbol: str, kind: str, ticks: int, by: TriggerBy) -> bool:
        existing = self._account.attached(symbol, kind)
        if existing is None:
            return ticks != 0
        return (existing.trigger_price, existing.trigger_by) != (ticks, by)

    def _put(self, symbol: str, kind: str, ticks: int, by: TriggerBy, now_ms: int, parent: str = "") -> None:
        """Create, move or (0 ticks) remove one attached order."""
        existing = self._account.attached(symbol, kind)
        if ticks == 0:
            if existing is not None:
                self._end(existing, now_ms, "CancelByUser")
            return
        if existing is not None:
            if (existing.trigger_price, existing.trigger_by) != (ticks, by):
                existing.trigger_price, existing.trigger_by = ticks, by
                self._account.tell_order(existing, now_ms)
            return
        position = self._account.position(symbol)
        side = position.side
        assert side is not None
        order = Order(
            order_id=self._account.next_id(),
            link_id="",
            symbol=symbol,
            side=side.opposite,
            order_type=OrderType.MARKET,
            time_in_force=TimeInForce.IOC,
            lots=abs(position.lots),
            price=None,
            reduce_only=True,
            close_on_trigger=True,
            stop_order_type=kind,
            trigger_price=ticks,
            trigger_direction=attached_direction(side, kind),
            trigger_by=by,
            status=OrderStatus.UNTRIGGERED,
            create_type=f"CreateBy{kind}",
            parent_link_id=parent,
            last_price_on_created=self._account.markets[symbol].last,
            created_ms=now_ms,
        )
        self._account.add(order)
        self._account.tell_order(order, now_ms)

    def _resize(self, symbol: str, now_ms: int) -> None:
        held = abs(self._account.position(symbol).lots)
        for kind in (STOP_LOSS, TAKE_PROFIT):
            order = self._account.attached(symbol, kind)
            if order is not None and order.is_waiting and order.lots != held:
                order.lots = held
                self._account.tell_order(order, now_ms)

    def _end(self, order: Order, now_ms: int, cancel_type: str) -> None:
        order.status = OrderStatus.DEACTIVATED if order.is_waiting else OrderStatus.CANCELLED
        order.cancel_type = cancel_type
        self._account.tell_order(order, now_ms)
