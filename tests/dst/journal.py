"""A journal whose disk survives crashes and can fail. Implements ``ports.journal``."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import dropwhile
from operator import attrgetter

from cockpit.domain.enums import TRADING, OrderRole, OrderStatus
from cockpit.domain.errors import JournalError
from cockpit.domain.ledger import LedgerRow
from cockpit.domain.orders import END_STATES, OrderRequest
from cockpit.domain.positions import FillReport
from cockpit.ports.journal import (
    DurableIntent,
    IntentState,
    JournalRow,
    OpenIntent,
    Recovery,
    SignalRow,
    TradeRow,
    compared_ms,
)

_ENDED = frozenset(status.value for status in END_STATES)


@dataclass
class Disk:
    """What is on disk; shared by the engines of a schedule."""

    epoch: int = 0
    intents: dict[str, OrderRequest] = field(default_factory=dict)
    states: dict[str, IntentState] = field(default_factory=dict)
    trades: dict[str, TradeRow] = field(default_factory=dict)
    signals: dict[str, SignalRow] = field(default_factory=dict)
    fills: dict[str, FillReport] = field(default_factory=dict)
    flows: dict[str, LedgerRow] = field(default_factory=dict)
    flags: dict[str, str] = field(default_factory=dict)
    is_failing: bool = False
    rows: int = 0


class DiskJournal:
    """One engine's journal. ``is_dead`` makes it mute, as a killed process is."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.is_dead = False

    async def start(self, now_ns: int) -> Recovery:
        disk = self.disk
        disk.epoch += 1
        open_intents = [
            OpenIntent(request, "", "", request.created_ns)
            for link_id, request in disk.intents.items()
            if link_id not in disk.states or disk.states[link_id].status not in _ENDED
        ]
        open_trades = [row for row in disk.trades.values() if row.closed_ns is None]
        symbols = {row.symbol for row in open_trades}
        first = {row.first_exec_id for row in open_trades}
        booked = dropwhile(lambda fill: fill.exec_id not in first, disk.fills.values())
        return Recovery(
            epoch=disk.epoch,
            open_intents=open_intents,
            entries=[request for request in disk.intents.values() if request.role is OrderRole.ENTRY],
            dead_entries=[
                request
                for link_id, request in disk.intents.items()
                if request.role is OrderRole.ENTRY and self._status(link_id) == OrderStatus.DEAD
            ],
            open_trades=open_trades,
            closed_trades=[row for row in disk.trades.values() if row.closed_ns is not None],
            open_fills=[fill for fill in booked if fill.symbol in symbols],
            seen_exec_ids=list(disk.fills),
            last_seqs={
                fill.symbol: fill.seq
                for fill in sorted(disk.fills.values(), key=attrgetter("seq"))
                if fill.exec_type in TRADING
            },
            last_fill_ms=max((fill.ts_event // 1_000_000 for fill in disk.fills.values()), default=0),
            day_realised=sum((r.net_pnl for r in disk.trades.values() if r.closed_ns is not None), Decimal(0)),
            ledger_fills=[fill for fill in disk.fills.values() if fill.ts_event >= self._compared_ns()],
            flow_ids=list(disk.flows),
            settings=dict(disk.flags),
        )

    def _status(self, link_id: str) -> str:
        state = self.disk.states.get(link_id)
        return "" if state is None else state.status

    def _compared_ns(self) -> int:
        """Shortly before the books were found equal to the exchange's log."""
        return (compared_ms(self.disk.flags) - 120_000) * 1_000_000

    async def append_intent(self, request: OrderRequest, now_ns: int) -> DurableIntent:
        await self._write()
        self.disk.intents[request.client_id] = request
        await asyncio.sleep(0.0003)
        await self._alive()
        return DurableIntent(request, now_ns)

    async def append(self, rows: Sequence[JournalRow]) -> None:
        await self._write()
        self.disk.rows += len(rows)
        for row in rows:
            match row:
                case IntentState():
                    self.disk.states[row.client_id] = row
                case TradeRow():
                    self.disk.trades[row.trade_id] = row
                case SignalRow():
                    self.disk.signals[row.signal_id] = row
                case FillReport():
                    self.disk.fills[row.exec_id] = row
                case LedgerRow():
                    self.disk.flows[row.row_id] = row

    async def set_flag(self, name: str, value: str) -> None:
        """Flags have a second home that does not fail with the database; the failure is told all the same."""
        await asyncio.sleep(0.0003)
        await self._alive()
        self.disk.flags[name] = value
        if self.disk.is_failing:
            raise JournalError("disk full")

    async def aclose(self) -> None:
        return

    async def _write(self) -> None:
        await asyncio.sleep(0.0003)
        await self._alive()
        if self.disk.is_failing:
            raise JournalError("disk full")

    async def _alive(self) -> None:
        if self.is_dead:
            await asyncio.get_running_loop().create_future()
