"""A small market and account for matching tests: tick 0.1, lot 0.001, bids below 100.0, asks from 100.1 up."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from cockpit.domain.enums import OrderType, Side
from cockpit.domain.instrument import Instrument
from cockpit.matching.account import Account, Ledger
from cockpit.matching.core import Matching
from cockpit.matching.market_view import MarketView
from cockpit.matching.records import Executed, NewOrder, Order

SYMBOL = "TESTUSDT"
NOW = 1_700_000_000_000


def instrument() -> Instrument:
    return Instrument(
        symbol=SYMBOL,
        tick_size=Decimal("0.1"),
        qty_step=Decimal("0.001"),
        min_qty=Decimal("0.001"),
        max_qty=Decimal(1000),
        max_market_qty=Decimal(500),
        min_notional=Decimal(5),
        max_leverage=Decimal(50),
    )


class Bench:
    """One account on one market, with shorthands."""

    def __init__(self, wallet: str = "10000") -> None:
        self.view = MarketView(instrument())
        self.ledger = Ledger(account_id="t", wallet=Decimal(wallet))
        self.account = Account(self.ledger, {SYMBOL: self.view}, Decimal(10))
        self.matching = Matching(self.account)
        self.now = NOW
        self.show(bids=[(999, 1000), (998, 2000)], asks=[(1001, 1000), (1002, 2000)])
        self.view.last = 1000

    def show(self, *, bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> None:
        """Replace the book by (ticks, lots) and let matching see it."""
        self.view.book.replace(bids, asks)
        self.step()

    def step(self) -> None:
        self.now += 10
        self.matching.on_market(SYMBOL, self.now)

    def trade(self, taker: Side, ticks: int, lots: int) -> None:
        self.now += 10
        self.view.last = ticks
        self.matching.on_trade(SYMBOL, taker, ticks, lots, self.now)
        self.matching.on_market(SYMBOL, self.now)

    def order(self, side: Side, qty: str, price: str | None = None, **more: Any) -> Order:
        kind = OrderType.MARKET if price is None else OrderType.LIMIT
        limit = None if price is None else Decimal(price)
        self.now += 10
        request = NewOrder(symbol=SYMBOL, side=side, order_type=kind, qty=Decimal(qty), price=limit, **more)
        return self.matching.create(request, self.now)

    @property
    def lots(self) -> int:
        return self.account.position(SYMBOL).lots

    def fills(self) -> list[tuple[str, int]]:
        """(price, lots) of all executions told since the last call."""
        events = self.account.take_events()
        return [(str(e.execution.price), e.execution.lots) for e in events if isinstance(e, Executed)]
