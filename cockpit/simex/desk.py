"""The account's desk: lets matching run on requests and market events, and tells the private streams what changed.

No protocol of requests here (``rest_*``, ``ws_*``), no rules of trading (``matching``).
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from cockpit.domain.enums import Side, TriggerBy
from cockpit.matching.account import Account, Ledger
from cockpit.matching.core import Matching
from cockpit.matching.margin import liquidation_price
from cockpit.matching.records import Executed, OrderChanged, PositionTouched, WalletTouched
from cockpit.simex.encode import private_push
from cockpit.simex.events import TradeBatch
from cockpit.simex.hub import Hub
from cockpit.simex.past import Past
from cockpit.simex.rows import execution_row, fast_execution_row, order_row, pushed_position_rows, wallet_row
from cockpit.simex.state import save_ledger
from cockpit.simex.symbol_market import SymbolMarket

PRIVATE_TOPICS = frozenset({"order", "execution", "execution.fast", "position", "wallet", "greeks"})
CATEGORISED_TOPICS = frozenset({"order.linear", "execution.linear", "execution.fast.linear", "position.linear"})


class Desk:
    """One account on one exchange.

    Args:
        ledger: the account to go on with.
        markets: the listed markets.
        default_leverage: leverage of symbols for which none was set.
        now_ms: exchange time.
    """

    def __init__(
        self,
        ledger: Ledger,
        markets: Mapping[str, SymbolMarket],
        default_leverage: Decimal,
        now_ms: Callable[[], int],
    ) -> None:
        self._markets = markets
        self._now_ms = now_ms
        self.account = Account(ledger, {s: market.view for s, market in markets.items()}, default_leverage)
        self.matching = Matching(self.account)
        self.private = Hub()
        self.key: dict[str, Any] = {}
        """Fields of query-api that a control request overrides."""
        self.save: Callable[[], None] | None = None
        self.past = Past()
        self._is_save_due = False
        self._numbers = itertools.count(1)

    def keep_in(self, path: Path, market: str) -> None:
        """From now on write the account to ``path`` after every change."""
        self.save = lambda: save_ledger(path, market, self.account.ledger)
        self.save()

    def on_trades(self, batch: TradeBatch) -> None:
        """Public trades printed: resting orders may have been reached."""
        if not self.account.active.get(batch.symbol):
            return
        now_ms = self._now_ms()
        for trade in batch.trades:
            taker = Side.BUY if trade.is_taker_buy else Side.SELL
            self.matching.on_trade(batch.symbol, taker, trade.ticks, trade.lots, now_ms)
        self.matching.on_market(batch.symbol, now_ms)
        self.flush()

    def on_market(self, symbol: str) -> None:
        """Book or reference prices moved."""
        if not self.account.active.get(symbol):
            return
        self.matching.on_market(symbol, self._now_ms())
        self.flush()

    def on_mark(self, symbol: str) -> None:
        """The mark price moved: triggers, and liquidation where it is due."""
        self.on_market(symbol)
        position = self.account.ledger.positions.get(symbol)
        mark = self.account.markets[symbol].price(TriggerBy.MARK)
        if position is None or position.side is None or mark is None:
            return
        instrument = self.account.markets[symbol].instrument
        entry = position.cost / instrument.qty(abs(position.lots))
        limit = liquidation_price(position.side, entry, self.account.leverage(symbol))
        if (mark - limit) * position.side.sign <= 0:
            self.liquidate(symbol)

    def liquidate(self, symbol: str) -> None:
        """Take a position over at the market: executions of type BustTrade."""
        self.matching.force_close(symbol, "BustTrade", "CreateByLiq", Decimal(1), self._now_ms())
        self.flush()

    def flush(self) -> None:
        """Tell the private streams everything that changed since the last call."""
        events = self.account.take_events()
        if not events:
            return
        if self.past.is_kept:
            self.past.keep(self.account, self._now_ms())
        orders = [event.order for event in events if isinstance(event, OrderChanged)]
        fills = [event.execution for event in events if isinstance(event, Executed)]
        symbols = dict.fromkeys(event.symbol for event in events if isinstance(event, PositionTouched))
        rules = {symbol: market.rules for symbol, market in self._markets.items()}
        self._push("order", [order_row(order, rules[order.symbol]) for order in orders])
        self._push("execution", [execution_row(fill, rules[fill.symbol]) for fill in fills])
        trades = [fill for fill in fills if fill.exec_type == "Trade"]
        self._push("execution.fast", [fast_execution_row(fill, rules[fill.symbol]) for fill in trades])
        rows = [row for symbol in symbols for row in pushed_position_rows(self.account, symbol, rules[symbol])]
        self._push("position", rows)
        if any(isinstance(event, WalletTouched) for event in events):
            self._push("wallet", [wallet_row(self.account)])
        self._save_soon()

    def _push(self, topic: str, rows: list[dict[str, Any]]) -> None:
        if not rows:
            return
        for name in (topic, f"{topic}.linear"):
            if self.private.is_wanted(name):
                frame = private_push(name, f"simex-{next(self._numbers)}", self._now_ms(), rows)
                self.private.publish(name, frame)

    def _save_soon(self) -> None:
        """Save once after the present burst of changes."""
        if self.save is not None and not self._is_save_due:
            self._is_save_due = True
            asyncio.get_running_loop().call_soon(self._save_now)

    def _save_now(self) -> None:
        self._is_save_due = False
        if self.save is not None:
            self.save()
