"""What ``cockpit replay`` writes of the core's work: features as CSV, walls and signals as JSON lines.

Every JSON line has ``ts_ms`` (event time), ``symbol`` and ``kind``.
"""

from __future__ import annotations

import csv
from typing import Any, TextIO

import msgspec

from cockpit.cli.csv_cells import cell
from cockpit.detectors.wall import WallEvent
from cockpit.domain.time import NS_PER_MS, ms_from_nanos
from cockpit.engine.effects import Step
from cockpit.engine.state import SymbolState
from cockpit.market import measures
from cockpit.signals.base import Signal, SignalExpired, SignalRaised

_encode = msgspec.json.Encoder().encode

FEATURES = (
    "ts_ms", "symbol", "bid", "ask", "mid", "spread_bps", "microprice", "imbalance_5", "imbalance_10",
    "trades_per_min_10s", "trades_per_min_60s", "trades_per_s_10s",
    "volume_delta_10s", "volume_delta_60s", "volume_delta_300s", "buy_sell_ratio_60s",
    "activity_index", "activity_mean", "activity_drop", "walls", "signals",
)  # fmt: skip


class WallLines:
    """One line a step in a wall's life: kind new, eaten, pulled or gone."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def add(self, step: Step) -> None:
        """Write the wall events of a step."""
        for output in step.outputs:
            if isinstance(output, WallEvent):
                fields = msgspec.to_builtins(output.wall) | {
                    "eaten_ratio": output.wall.eaten_ratio,
                    "pulled_ratio": output.wall.pulled_ratio,
                }
                _write(self._out, output.ts_event, output.wall.symbol, output.kind, fields)


class SignalLines:
    """One line when a signal is raised and one when it ends: kind breakout, bounce, ...; ``event`` tells which."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._raised: dict[str, Signal] = {}

    def add(self, step: Step) -> None:
        """Write the signals of a step."""
        for output in step.outputs:
            if isinstance(output, SignalRaised):
                signal = output.signal
                self._raised[signal.signal_id] = signal
                fields = {"event": "raised"} | msgspec.to_builtins(signal)
                _write(self._out, signal.raised_event_ns, signal.symbol, signal.kind, fields)
            elif isinstance(output, SignalExpired) and output.signal_id in self._raised:
                signal = self._raised.pop(output.signal_id)
                fields = {"event": "expired", "signal_id": output.signal_id, "reason": output.reason}
                _write(self._out, output.ts_event, signal.symbol, signal.kind, fields)


class FeatureTable:
    """One row a symbol and interval of event time, at the first event of the interval."""

    def __init__(self, out: TextIO, every_ns: int) -> None:
        self._write = csv.writer(out, lineterminator="\n").writerow
        self._write(FEATURES)
        self._every_ns = every_ns
        self._last: dict[str, int] = {}

    def add(self, symbol: SymbolState) -> None:
        """Write a row if the symbol's event clock has entered a new interval."""
        now_ns = symbol.market.last_event_ns
        interval = now_ns // self._every_ns
        if now_ns and interval > self._last.get(symbol.symbol, -1):
            self._last[symbol.symbol] = interval
            self._write(
                (ms_from_nanos(now_ns), cell(symbol.symbol), *_book_figures(symbol), *_activity_figures(symbol))
            )


def _book_figures(symbol: SymbolState) -> tuple[float | None, ...]:
    """From bid to imbalance_10; empty while a side is empty or the book invalid."""
    book = symbol.market.book
    bid, ask = book.best_bid, book.best_ask
    if bid is None or ask is None:
        return (None,) * 7
    bid_sizes, ask_sizes = book.bids()[1], book.asks()[1]
    return (
        bid[0],
        ask[0],
        measures.mid(bid[0], ask[0]),
        measures.spread_bps(bid[0], ask[0]),
        measures.microprice(*bid, *ask),
        measures.imbalance(bid_sizes, ask_sizes, 5),
        measures.imbalance(bid_sizes, ask_sizes, 10),
    )


def _activity_figures(symbol: SymbolState) -> tuple[float | None, ...]:
    """From trades_per_min_10s to signals."""
    activity = symbol.bank.activity
    return (
        activity.tpm_10,
        activity.tpm_60,
        activity.tps_10,
        activity.vol_delta_10,
        activity.vol_delta_60,
        activity.vol_delta_300,
        activity.buy_sell_ratio_60,
        activity.index,
        activity.index_mean,
        activity.drop,
        len(symbol.bank.walls),
        len(symbol.pipeline.live),
    )


def _write(out: TextIO, ts_ns: int, symbol: str, kind: str, fields: dict[str, Any]) -> None:
    line = {"ts_ms": ts_ns // NS_PER_MS, "symbol": symbol, "kind": kind} | fields
    out.write(_encode(line | {"kind": kind}).decode() + "\n")
