"""What ``cockpit replay --headless`` writes of the core's work: walls and signals as JSON lines, features as CSV."""

from __future__ import annotations

import csv
from typing import Any, TextIO

import msgspec

from cockpit.detectors.wall import WallEvent
from cockpit.domain.time import ms_from_nanos, nanos_from_s
from cockpit.engine.effects import Step
from cockpit.engine.state import SymbolState
from cockpit.market import measures
from cockpit.signals.base import SignalExpired, SignalRaised

FEATURES = (
    "symbol",
    "ts_ms",
    "mid",
    "microprice",
    "spread_bps",
    "imbalance_5",
    "imbalance_10",
    "tpm_10",
    "tpm_60",
    "tps_10",
    "vol_delta_10",
    "vol_delta_60",
    "vol_delta_300",
    "buy_sell_ratio_60",
    "activity_index",
    "walls",
)
"""Columns of the features table: times in event ms, sizes in base currency, empty where there is no value."""


class JsonLines:
    """One JSON object a line; every object has ``ts_ms``, ``symbol`` and ``kind``."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, ts_event_ns: int, symbol: str, kind: str, rest: dict[str, Any]) -> None:
        """Write one line."""
        row = {"ts_ms": ms_from_nanos(ts_event_ns), "symbol": symbol, "kind": kind, **rest}
        self._stream.write(msgspec.json.encode(row).decode() + "\n")


class ReplayOutputs:
    """Takes the steps of a replay and writes what was asked for."""

    def __init__(self, walls: TextIO | None, signals: TextIO | None, features: TextIO | None, every_s: float) -> None:
        self._walls = None if walls is None else JsonLines(walls)
        self._signals = None if signals is None else JsonLines(signals)
        self._features = None if features is None else csv.writer(features, lineterminator="\n")
        self._every_ns = nanos_from_s(every_s)
        self._due_ns: dict[str, int] = {}
        if self._features is not None:
            self._features.writerow(FEATURES)

    def add(self, step: Step, symbol: SymbolState | None) -> None:
        """Take one step and the symbol it was about (None: none)."""
        for output in step.outputs:
            if isinstance(output, WallEvent) and self._walls is not None:
                wall = msgspec.to_builtins(output.wall)
                self._walls.write(output.ts_event, wall.pop("symbol"), output.kind, wall)
            elif isinstance(output, SignalRaised | SignalExpired) and self._signals is not None:
                self._signal(self._signals, output)
        if self._features is not None and symbol is not None:
            self._feature_row(symbol)

    @staticmethod
    def _signal(lines: JsonLines, output: SignalRaised | SignalExpired) -> None:
        if isinstance(output, SignalExpired):
            return
        signal = output.signal
        rest = {
            "signal_id": signal.signal_id,
            "direction": signal.direction.value,
            "wall_id": signal.wall.wall_id,
            "wall_price": signal.wall.price,
            "priority": signal.priority,
            "stop_price": signal.stop_price,
            "entry_reference": signal.entry_reference,
            "gates": msgspec.to_builtins(signal.gates),
        }
        lines.write(signal.raised_event_ns, signal.symbol, signal.kind.value, rest)

    def _feature_row(self, symbol: SymbolState) -> None:
        """A row a symbol and interval of event time, counted from the symbol's first event."""
        now_ns = symbol.market.last_event_ns
        if not now_ns or now_ns < self._due_ns.get(symbol.symbol, 0):
            return
        due_ns = self._due_ns.get(symbol.symbol, now_ns)
        self._due_ns[symbol.symbol] = due_ns + self._every_ns * max(1, (now_ns - due_ns) // self._every_ns + 1)
        assert self._features is not None
        self._features.writerow(["" if value is None else value for value in features_of(symbol)])


def features_of(symbol: SymbolState) -> list[float | int | str | None]:
    """The values of ``FEATURES`` as they stand."""
    book, activity = symbol.market.book, symbol.bank.activity
    bid, ask = book.best_bid, book.best_ask
    touch = (*bid, *ask) if bid is not None and ask is not None else None
    return [
        symbol.symbol,
        ms_from_nanos(symbol.market.last_event_ns),
        symbol.market.mid,
        None if touch is None else measures.microprice(*touch),
        None if bid is None or ask is None else measures.spread_bps(bid[0], ask[0]),
        measures.imbalance(book.bids()[1], book.asks()[1], 5),
        measures.imbalance(book.bids()[1], book.asks()[1], 10),
        activity.tpm_10,
        activity.tpm_60,
        activity.tps_10,
        activity.vol_delta_10,
        activity.vol_delta_60,
        activity.vol_delta_300,
        activity.buy_sell_ratio_60,
        activity.index,
        len(symbol.bank.walls),
    ]
