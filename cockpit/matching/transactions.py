"""The transaction log: one row for every change of a coin's balance. Whoever moves money moves it here.

``change = cash_flow + funding - fee`` (bybit-v5.md 7.5); funding has the opposite sign of an execution's fee.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from cockpit.matching.fees import money

SETTLE = "USDT"
KEPT_TRANSACTIONS = 20_000


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the log."""

    row_id: str
    kind: str
    """Type in the exchange's words: TRADE, SETTLEMENT, TRANSFER_IN, INTEREST ..."""
    category: str = ""
    """linear or spot for what was traded, "" for the rest."""
    symbol: str = ""
    side: str = "None"
    currency: str
    qty: Decimal = Decimal(0)
    price: Decimal = Decimal(0)
    cash_flow: Decimal = Decimal(0)
    funding: Decimal = Decimal(0)
    """> 0 received."""
    fee: Decimal = Decimal(0)
    """> 0 paid."""
    fee_rate: Decimal = Decimal(0)
    balance: Decimal = Decimal(0)
    """The coin's balance afterwards."""
    exec_id: str = ""
    order_id: str = ""
    link_id: str = ""
    time_ms: int

    @property
    def change(self) -> Decimal:
        """What the balance changed by."""
        return self.cash_flow + self.funding - self.fee


class Money(msgspec.Struct, kw_only=True):
    """Balances besides the settlement coin's, how fees are paid, and the log."""

    coins: dict[str, Decimal] = {}
    fee_coin: str = SETTLE
    fee_coin_price: Decimal = Decimal(1)
    """USDT for one unit of the coin in which fees are paid."""
    log: list[Transaction] = []
    """Oldest first."""

    def fee(self, usdt: Decimal) -> Decimal:
        """A fee in the coin in which fees are paid."""
        return usdt if self.fee_coin == SETTLE else money(usdt / self.fee_coin_price)

    def note(self, row: Transaction, wallet: Decimal) -> Decimal:
        """Book a row; returns the settlement coin's balance after it (``wallet`` is the one before)."""
        if row.currency == SETTLE:
            wallet += row.change
            balance = wallet
        else:
            balance = self.coins[row.currency] = self.coins.get(row.currency, Decimal(0)) + row.change
        self.log.append(msgspec.structs.replace(row, balance=balance))
        if len(self.log) > KEPT_TRANSACTIONS:
            del self.log[0]
        return wallet
