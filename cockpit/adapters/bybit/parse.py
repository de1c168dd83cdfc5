"""Account rows of the wire to domain reports. Pure; money stays exact text until it is a Decimal.

Tolerant where nothing depends on it (unknown create, cancel and stop types are passed on as text), strict where money
does: a quantity, price, side or state that cannot be read refuses the whole message, and a REST read has to tell the
truth again.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeVar

from cockpit.adapters.bybit import wire_private as wire
from cockpit.adapters.bybit.endpoints import CATEGORY, COIN
from cockpit.domain.account import AccountInfo, BalanceReport
from cockpit.domain.enums import ExecType, OrderStatus, OrderType, Side
from cockpit.domain.errors import RemoteProtocolError
from cockpit.domain.instrument import Instrument
from cockpit.domain.ledger import LedgerRow
from cockpit.domain.orders import OrderReport
from cockpit.domain.positions import FillReport, PositionReport
from cockpit.domain.time import NS_PER_MS

_StrEnumT = TypeVar("_StrEnumT", bound=StrEnum)

_VENUE_STATES: Mapping[str, OrderStatus] = {state.value: state for state in OrderStatus if state.value[0].isupper()} | {
    "PartiallyFilledCanceled": OrderStatus.CANCELLED
}
_EXEC_TYPES: Mapping[str, ExecType] = {kind.value: kind for kind in ExecType}
_ORDER_TYPES: Mapping[str, OrderType] = {
    "Limit": OrderType.LIMIT,
    "Market": OrderType.MARKET,
    # Orders that the exchange makes itself (liquidation, ADL) have no type of their own.
    "UNKNOWN": OrderType.MARKET,
}
_LARGEST_EXPONENT = 30
_NO_TEXT = frozenset({"", "UNKNOWN", "None"})


def is_ours(category: str) -> bool:
    """True for rows of the category that we trade; REST rows carry none."""
    return category in {"", CATEGORY}


def order_report(row: wire.WireOrder, ts_recv: int) -> OrderReport:
    """One order; raises ``RemoteProtocolError``."""
    where = row.symbol
    return OrderReport(
        symbol=row.symbol,
        order_id=row.order_id,
        client_id=row.order_link_id or "",
        side=_side(row.side, where),
        status=_one_of(_VENUE_STATES, row.order_status, "orderStatus", where),
        order_type=_one_of(_ORDER_TYPES, row.order_type, "orderType", where),
        qty=_quantity(row.qty, "qty", where),
        filled_qty=_optional(row.cum_exec_qty, "cumExecQty", where) or Decimal(0),
        price=_non_zero(row.price, "price", where),
        avg_price=_non_zero(row.avg_price, "avgPrice", where),
        reduce_only=bool(row.reduce_only),
        stop_order_type=_text(row.stop_order_type),
        trigger_price=_non_zero(row.trigger_price, "triggerPrice", where),
        stop_loss=_non_zero(row.stop_loss, "stopLoss", where),
        take_profit=_non_zero(row.take_profit, "takeProfit", where),
        cancel_type=_text(row.cancel_type),
        reject_reason=_text(row.reject_reason),
        create_type=_text(row.create_type),
        position_idx=row.position_idx,
        created_ms=_ms(row.created_time, "createdTime", where),
        updated_ms=_ms(row.updated_time, "updatedTime", where),
        ts_recv=ts_recv,
    )


def fill_report(row: wire.WireFill, ts_recv: int) -> FillReport:
    """One execution; raises ``RemoteProtocolError``."""
    where = row.symbol
    if not row.exec_id:
        raise RemoteProtocolError("an execution without execId", where)
    return FillReport(
        exec_id=row.exec_id,
        symbol=row.symbol,
        order_id=row.order_id,
        client_id=row.order_link_id or "",
        side=_side(row.side, where),
        exec_type=_EXEC_TYPES.get(row.exec_type, ExecType.OTHER),
        price=_required(row.exec_price, "execPrice", where),
        qty=_quantity(row.exec_qty, "execQty", where),
        fee=_optional(row.exec_fee, "execFee", where) or Decimal(0),
        fee_currency=row.fee_currency or COIN,
        is_maker=bool(row.is_maker),
        closed_qty=_optional(row.closed_size, "closedSize", where) or Decimal(0),
        create_type=_text(row.create_type),
        stop_order_type=_text(row.stop_order_type),
        ts_event=_ms(row.exec_time, "execTime", where) * NS_PER_MS,
        ts_recv=ts_recv,
        seq=_seq(row.seq, where),
    )


def position_report(row: wire.WirePosition, ts_recv: int) -> PositionReport:
    """One position; raises ``RemoteProtocolError``."""
    where = row.symbol
    qty = _quantity(row.size, "size", where)
    entry = _optional(row.avg_price, "avgPrice", where) or _optional(row.entry_price, "entryPrice", where)
    if qty and not entry:
        raise RemoteProtocolError("an open position without entry price", where)
    return PositionReport(
        symbol=row.symbol,
        side=_side(row.side, where) if qty else None,
        qty=qty,
        entry_price=entry if qty and entry else Decimal(0),
        mark_price=_non_zero(row.mark_price, "markPrice", where),
        stop_loss=_non_zero(row.stop_loss, "stopLoss", where),
        take_profit=_non_zero(row.take_profit, "takeProfit", where),
        liq_price=_non_zero(row.liq_price, "liqPrice", where),
        leverage=_non_zero(row.leverage, "leverage", where),
        adl_rank=int(_optional(row.adl_rank_indicator, "adlRankIndicator", where) or 0),
        position_idx=row.position_idx,
        seq=_seq(row.seq, where),
        updated_ms=_ms(row.updated_time, "updatedTime", where),
        ts_recv=ts_recv,
    )


def balance_report(account: wire.WireWallet, ts_recv: int) -> BalanceReport | None:
    """The USDT side of the account, None if this message does not tell it (a push names the changed coins only).

    The free amount is the account's own figure where it has one, else what the coin's balances leave (isolated margin,
    bybit-v5.md 7.1).

    Raises:
        RemoteProtocolError: a number cannot be read.
    """
    row = next((coin for coin in account.coin if coin.coin == COIN), None)
    if row is None:
        return None
    wallet = _required(row.wallet_balance, "walletBalance", COIN)
    margin = _amount(row.total_position_im, "totalPositionIM") + _amount(row.total_order_im, "totalOrderIM")
    free = wallet - margin - _amount(row.locked, "locked") - _amount(row.bonus, "bonus")
    if _amount(account.total_margin_balance, "totalMarginBalance"):
        free = _amount(account.total_available_balance, "totalAvailableBalance")
    return BalanceReport(
        equity=_required(row.equity, "equity", COIN),
        wallet_balance=wallet,
        available=max(free, Decimal(0)),
        initial_margin=margin,
        ts_recv=ts_recv,
    )


def ledger_row(row: wire.WireTransaction, _ts_recv: int) -> LedgerRow:
    """One row of the transaction log; raises ``RemoteProtocolError``."""
    where = row.symbol or ""
    if not row.id or not row.currency:
        raise RemoteProtocolError("a transaction without id or currency", where)
    return LedgerRow(
        row_id=row.id,
        kind=row.type,
        category=row.category or "",
        symbol=where,
        currency=row.currency,
        change=_required(row.change, "change", where),
        cash_flow=_optional(row.cash_flow, "cashFlow", where) or Decimal(0),
        funding=_optional(row.funding, "funding", where) or Decimal(0),
        fee=_optional(row.fee, "fee", where) or Decimal(0),
        balance=_required(row.cash_balance, "cashBalance", where),
        exec_id=row.trade_id or "",
        ts_ms=int(_required(row.transaction_time, "transactionTime", where)),
    )


def instrument(row: wire.WireInstrument) -> Instrument:
    """Trading rules of one contract; raises ``RemoteProtocolError``."""
    lot, where = row.lot_size_filter, row.symbol
    rules = Instrument(
        symbol=row.symbol,
        tick_size=_required(row.price_filter.tick_size, "tickSize", where),
        qty_step=_required(lot.qty_step, "qtyStep", where),
        min_qty=_required(lot.min_order_qty, "minOrderQty", where),
        max_qty=_required(lot.max_order_qty, "maxOrderQty", where),
        max_market_qty=_required(lot.max_mkt_order_qty, "maxMktOrderQty", where),
        min_notional=_required(lot.min_notional_value, "minNotionalValue", where),
        max_leverage=_required(row.leverage_filter.max_leverage, "maxLeverage", where),
        status=row.status,
    )
    if rules.tick_size <= 0 or rules.qty_step <= 0:
        raise RemoteProtocolError("an instrument without tick size or quantity step", where)
    return rules


def account_info(key: wire.WireKey, account: wire.WireAccount) -> AccountInfo:
    """Who the key belongs to and what it may do."""
    rights = {f"{group}.{right}" for group, granted in key.permissions.items() for right in granted or ()}
    return AccountInfo(
        uid=str(key.user_id),
        margin_mode=account.margin_mode,
        can_trade=key.read_only == 0 and {"ContractTrade.Order", "ContractTrade.Position"} <= rights,
        can_withdraw=any(right.endswith(".Withdraw") for right in rights),
        ips=tuple(key.ips or ()),
        days_to_expiry=key.deadline_day if key.deadline_day is not None and key.deadline_day >= 0 else None,
        is_read_only=key.read_only != 0,
        rights=tuple(sorted(rights)),
        is_main=key.is_master is True,
    )


def _optional(text: wire.Number, name: str, where: str) -> Decimal | None:
    if text is None or text == "":
        return None
    try:
        value = Decimal(str(text))
    except InvalidOperation:
        value = Decimal("nan")
    if not value.is_finite() or value.adjusted() > _LARGEST_EXPONENT:
        raise RemoteProtocolError(f"{name} is {text!r}", where)
    return value


def _required(text: wire.Number, name: str, where: str) -> Decimal:
    value = _optional(text, name, where)
    if value is None:
        raise RemoteProtocolError(f"{name} is missing", where)
    return value


def _quantity(text: wire.Number, name: str, where: str) -> Decimal:
    value = _required(text, name, where)
    if value < 0:
        raise RemoteProtocolError(f"{name} is {text!r}", where)
    return value


def _amount(text: wire.Number, name: str) -> Decimal:
    return _optional(text, name, COIN) or Decimal(0)


def _non_zero(text: wire.Number, name: str, where: str) -> Decimal | None:
    """A price for which the exchange writes "", "0" or "0.00" where there is none."""
    return _optional(text, name, where) or None


def _ms(text: wire.Number, name: str, where: str) -> int:
    return int(_optional(text, name, where) or 0)


def _seq(text: wire.Number, where: str) -> int:
    value = _optional(text, "seq", where)
    return -1 if value is None else int(value)


def _side(text: str | None, where: str) -> Side:
    return _one_of({side.value: side for side in Side}, text or "", "side", where)


def _one_of(table: Mapping[str, _StrEnumT], text: str, name: str, where: str) -> _StrEnumT:
    value = table.get(text)
    if value is None:
        raise RemoteProtocolError(f"{name} is {text!r}", where)
    return value


def _text(text: str | None) -> str:
    """A word of the exchange, "" for each of its ways to say none."""
    return "" if text is None or text in _NO_TEXT else text
