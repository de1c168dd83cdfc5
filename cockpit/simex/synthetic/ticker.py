"""Ticker fields of a synthetic symbol: mark, index, funding, 24 h figures. Book and trades are in ``flow``."""

from __future__ import annotations

import math
from collections.abc import Iterable
from random import Random
from typing import Any

from cockpit.simex.events import TickerChange
from cockpit.simex.rules import SymbolRules
from cockpit.simex.synthetic.flow import Print, SymbolFlow

INTERVAL_MS = 200
MARK_TAU_MS = 1500.0
"""The mark price follows the middle of the book with this time constant."""
FUNDING_MS = 28_800_000


class SyntheticTicker:
    """Keeps the 24 h figures and says from time to time what changed."""

    def __init__(self, rules: SymbolRules, rng: Random, fair: float, *, trend: int) -> None:
        self._rules = rules
        self._fair = fair
        self._prev_24h = fair / (1 + trend * rng.uniform(0.018, 0.065))
        self._prev_1h = fair / (1 + trend * rng.uniform(0.001, 0.004))
        self._high = max(fair, self._prev_24h) * rng.uniform(1.002, 1.01)
        self._low = min(fair, self._prev_24h) * rng.uniform(0.99, 0.998)
        self._unit = float(rules.instrument.tick_size * rules.instrument.qty_step)
        self._turnover = rng.uniform(40e6, 900e6)
        self._volume_lots = self._turnover / (fair * self._unit)
        self._interest_lots = self._volume_lots * rng.uniform(0.2, 0.8)
        self._funding = f"{rng.uniform(-0.0001, 0.0003):.6f}"
        self._mark = fair
        self._told: dict[str, Any] = {}
        self._last_ms = 0

    def count(self, prints: Iterable[Print]) -> None:
        """Add trades to volume, turnover, high and low."""
        for fill in prints:
            self._volume_lots += fill.lots
            self._turnover += fill.lots * fill.ticks * self._unit
            self._high = max(self._high, fill.ticks)
            self._low = min(self._low, fill.ticks)

    def first(self, flow: SymbolFlow, ts_ms: int) -> TickerChange:
        """All fields at the start."""
        self._last_ms = ts_ms
        self._told = self._fields(flow, round(flow.fair), ts_ms)
        return TickerChange(self._rules.instrument.symbol, self._told, ts_ms, 1, True)

    def due(self, flow: SymbolFlow, last_ticks: int, seq: int, ts_ms: int) -> TickerChange | None:
        """The fields that changed, if the push interval has passed."""
        passed = ts_ms - self._last_ms
        if passed < INTERVAL_MS:
            return None
        self._last_ms = ts_ms
        self._mark += (flow.fair - self._mark) * (1 - math.exp(-passed / MARK_TAU_MS))
        last = last_ticks or round(flow.fair)
        fields = self._fields(flow, last, ts_ms)
        changed = {name: value for name, value in fields.items() if self._told.get(name) != value}
        self._told = fields
        return TickerChange(self._rules.instrument.symbol, changed, ts_ms, seq) if changed else None

    def _fields(self, flow: SymbolFlow, last: int, ts_ms: int) -> dict[str, Any]:
        price, qty = self._rules.price_text, self._rules.qty_text
        mark = round(self._mark)
        bid, ask = flow.bids.best or 0, flow.asks.best or 0
        interest = int(self._interest_lots)
        return {
            "tickDirection": "PlusTick" if last >= mark else "MinusTick",
            "price24hPcnt": f"{last / self._prev_24h - 1:.6f}",
            "lastPrice": price(last),
            "prevPrice24h": price(round(self._prev_24h)),
            "highPrice24h": price(round(self._high)),
            "lowPrice24h": price(round(self._low)),
            "prevPrice1h": price(round(self._prev_1h)),
            "markPrice": price(mark),
            "indexPrice": price(round(self._mark * 1.0002)),
            "openInterest": qty(interest),
            "openInterestValue": f"{interest * mark * self._unit:.2f}",
            "turnover24h": f"{self._turnover:.4f}",
            "volume24h": qty(int(self._volume_lots)),
            "fundingIntervalHour": "8",
            "fundingCap": "0.005",
            "nextFundingTime": str(ts_ms - ts_ms % FUNDING_MS + FUNDING_MS),
            "fundingRate": self._funding,
            "bid1Price": price(bid),
            "bid1Size": qty(flow.bids.lots.get(bid, 0)),
            "ask1Price": price(ask),
            "ask1Size": qty(flow.asks.lots.get(ask, 0)),
            "preOpenPrice": "",
            "preQty": "",
            "curPreListingPhase": "",
        }
