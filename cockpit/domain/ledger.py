"""Rows of the exchange's transaction log: every change of a coin's balance, whoever caused it."""

from __future__ import annotations

from decimal import Decimal

import msgspec

SETTLE_COIN = "USDT"
"""The coin in which profit, funding and margin of what we trade are counted."""
_EXECUTED = frozenset({"TRADE", "SETTLEMENT", "LIQUIDATION", "ADL", "DELIVERY"})
_MOVED = frozenset({"TRANSFER_IN", "TRANSFER_OUT", "CURRENCY_BUY", "CURRENCY_SELL"})
_CONTRACTS = "linear"


class LedgerRow(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One change of one coin's balance; ``change = cash_flow + funding - fee`` (bybit-v5.md 7.5)."""

    row_id: str
    kind: str
    """The exchange's word: TRADE, SETTLEMENT, TRANSFER_IN, INTEREST ..."""
    category: str
    symbol: str
    currency: str
    change: Decimal
    cash_flow: Decimal
    funding: Decimal
    """> 0 received: the opposite sign of an execution's fee."""
    fee: Decimal
    """> 0 paid."""
    balance: Decimal
    """The coin's balance afterwards."""
    exec_id: str
    ts_ms: int

    @property
    def is_execution(self) -> bool:
        """An execution of a contract that we read: it must be in our books."""
        return self.kind in _EXECUTED and self.category == _CONTRACTS and self.symbol.endswith(SETTLE_COIN)

    @property
    def moved(self) -> Decimal:
        """What of the change is no result of the day: deposits, withdrawals, conversions, and every other gift.

        Money that comes from elsewhere must not hide a loss, so all of it is taken out; of what leaves only transfers
        and conversions are, so that interest and foreign fees count as the losses they are.
        """
        if self.is_execution:
            return Decimal(0)
        is_traded = self.kind == "TRADE"
        if self.kind in _MOVED or is_traded:
            return self.cash_flow if is_traded else self.change
        return max(self.change, Decimal(0))
