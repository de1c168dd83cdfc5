"""Rows for the journal as tests write them, and two ways to look at its file afterwards."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

from cockpit.adapters.store.journal import SqlJournal
from cockpit.adapters.system.clock import LiveClock
from cockpit.domain.enums import ExecType, OrderRole, OrderType, Side, TimeInForce
from cockpit.domain.ids import ClientOrderId, SignalId
from cockpit.domain.instrument import Lots, Ticks
from cockpit.domain.orders import OrderRequest
from cockpit.domain.positions import FillReport
from cockpit.ports.journal import BookSnapshotRow, DensityRow, Journal, SignalRow, TradeRow

DAY = 86_400 * 10**9
NOW = 20_000 * DAY + 10 * 3600 * 10**9


def request(number: int = 1, **changes: Any) -> OrderRequest:
    """An entry with a stop."""
    fields: dict[str, Any] = {
        "client_id": ClientOrderId(f"cs1-s{number}-e1"),
        "symbol": "BTCUSDT",
        "side": Side.BUY,
        "role": OrderRole.ENTRY,
        "order_type": OrderType.LIMIT,
        "time_in_force": TimeInForce.IOC,
        "lots": Lots(7),
        "price": Ticks(650_001),
        "stop_loss": Ticks(649_000),
        "signal_id": SignalId(f"s{number}"),
        "created_ns": NOW,
    }
    return OrderRequest(**(fields | changes))


def fill(number: int = 1, **changes: Any) -> FillReport:
    """An execution of that entry."""
    fields: dict[str, Any] = {
        "exec_id": f"x{number}",
        "symbol": "BTCUSDT",
        "order_id": "o1",
        "client_id": "cs1-s1-e1",
        "side": Side.BUY,
        "exec_type": ExecType.TRADE,
        "price": Decimal("65000.10"),
        "qty": Decimal("0.007"),
        "fee": Decimal("0.00000000123456789"),
        "ts_event": NOW,
    }
    return FillReport(**(fields | changes))


def trade(number: int = 1, **changes: Any) -> TradeRow:
    """The trade that it opens."""
    fields: dict[str, Any] = {
        "trade_id": f"s{number}",
        "symbol": "BTCUSDT",
        "kind": "breakout",
        "direction": "Buy",
        "opened_ns": NOW,
        "qty": Decimal("0.007"),
        "entry_price": Decimal("65000.10"),
        "initial_stop": Decimal("64900"),
        "risk_usdt": Decimal("0.7007"),
        "parameters": {"risk": {"risk_pct": "0.10"}},
    }
    return TradeRow(**(fields | changes))


def density(ts_ns: int = NOW, **changes: Any) -> DensityRow:
    """A wall that has just appeared."""
    fields: dict[str, Any] = {
        "wall_id": "w1",
        "event": "new",
        "symbol": "BTCUSDT",
        "side": "ask",
        "price": 65_010.5,
        "initial_size": 12.0,
        "peak_size": 13.5,
        "current_size": 12.0,
        "traded": 0.0,
        "pulled": 0.0,
        "refilled": 0.0,
        "touches": 2,
        "notional_usdt": 780_126.0,
        "side_percent": 11.0,
        "relative_strength": 4.5,
        "is_cluster": False,
        "first_seen_ns": ts_ns,
        "ended_ns": None,
        "ts_ns": ts_ns,
    }
    return DensityRow(**(fields | changes))


def signal_row(**changes: Any) -> SignalRow:
    """A signal that has just been raised."""
    fields: dict[str, Any] = {
        "signal_id": "s1",
        "symbol": "BTCUSDT",
        "kind": "breakout",
        "direction": "Buy",
        "wall_id": "w1",
        "wall_price": 65_010.5,
        "priority": 2.0,
        "state": "raised",
        "raised_event_ns": NOW,
        "ts_ns": NOW,
    }
    return SignalRow(**(fields | changes))


def snapshot(ts_ns: int = NOW) -> BookSnapshotRow:
    """A book of one level a side."""
    return BookSnapshotRow(symbol="X", bids=[(1.0, 2.0)], asks=[(1.5, 3.0)], mid=1.25, spread_bps=4000.0, ts_ns=ts_ns)


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    """What another reader of the file finds in it."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


async def restarted(path: Path, now_ns: int = NOW) -> Any:
    """What a start reads, from an engine that ends at once."""
    journal: Journal = SqlJournal(path, LiveClock())
    try:
        return await journal.start(now_ns)
    finally:
        await journal.aclose()
