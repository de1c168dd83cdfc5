"""Control verbs that move money past the orders of the account: transfers, interest, foreign trades, fees in a coin.

Loopback only, unsigned.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from cockpit.matching.transactions import SETTLE, Transaction
from cockpit.simex.exchange import Exchange


class MoneyFlows:
    """The verbs of one exchange; each takes the fields of a control request."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def flow(self, params: dict[str, Any]) -> dict[str, Any]:
        """``money/flow``: a row of the transaction log that no order of this account explains.

        Fields: ``type`` (TRANSFER_IN, INTEREST, TRADE ...), ``currency`` (USDT), ``category``, ``symbol``, and the
        amounts ``cash_flow``, ``funding`` (> 0 received) and ``fee`` (> 0 paid).
        """
        account = self._exchange.desk.account
        row_id = account.next_id()
        account.book(
            Transaction(
                row_id=row_id,
                kind=str(params["type"]),
                category=str(params.get("category", "")),
                symbol=str(params.get("symbol", "")),
                currency=str(params.get("currency", SETTLE)),
                exec_id=row_id if params["type"] == "TRADE" else "",
                time_ms=self._exchange.now_ms(),
                cash_flow=_amount(params, "cash_flow"),
                funding=_amount(params, "funding"),
                fee=_amount(params, "fee"),
            )
        )
        account.tell_wallet()
        return {"id": row_id}

    def fees(self, params: dict[str, Any]) -> dict[str, Any]:
        """``money/fees``: fees are paid in ``currency`` from now on, one unit of which costs ``price`` USDT."""
        money = self._exchange.desk.account.ledger.money
        money.fee_coin = str(params["currency"])
        money.fee_coin_price = Decimal(str(params.get("price", 1)))
        return {}


def _amount(params: dict[str, Any], name: str) -> Decimal:
    return Decimal(str(params.get(name, 0)))
