"""The journal: what must survive, and the token that proves an intent survives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from cockpit.domain.enums import OrderRole, Severity
from cockpit.domain.ledger import LedgerRow
from cockpit.domain.orders import OrderRequest
from cockpit.domain.positions import FillReport

LEDGER_CURSOR_FLAG = "ledger_compared_ms"
"""Engine flag: exchange time (ms) up to which our books and the exchange's transaction log were found equal, then ";"
and what the engine keeps for the next comparison."""
REBUILT_FLAG = "journal_rebuilt"
"""Engine flag that says the journal was damaged and begun anew: where the old file is. The operator clears it."""

FLATTEN_FLAG = "flatten"
"""Engine flag of a flatten that is not over: engine time of its start, ns."""


def compared_ms(flags: Mapping[str, str]) -> int:
    """Exchange time (ms) up to which books and log were found equal, 0 if they never were."""
    return int(flags.get(LEDGER_CURSOR_FLAG, "").partition(";")[0] or 0)


class DurableIntent(msgspec.Struct, frozen=True):
    """Proof that an order's intent is on disk; ``Venue.submit`` demands one (``unjournaled_exit`` is the exception)."""

    request: OrderRequest
    journaled_ns: int
    """0: the order may leave without, see ``unjournaled_exit``."""


def unjournaled_exit(request: OrderRequest) -> DurableIntent:
    """Let an order that only reduces leave although the journal cannot be written (a full disk keeps no position open).

    Raises:
        ValueError: ``request`` could open or enlarge a position.
    """
    if request.role is OrderRole.ENTRY or not request.reduce_only:
        raise ValueError(f"order {request.client_id} may not leave without its intent on disk")
    return DurableIntent(request, 0)


class IntentState(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The latest known state of an intent (one row an order, updated in place)."""

    client_id: str
    status: str
    """``OrderStatus`` value."""
    order_id: str = ""
    reason: str = ""
    sent_ns: int = 0
    answered_ns: int = 0
    ts_ns: int


class TradeRow(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One trade of ours from entry to exit; written when it opens and again whenever it changes."""

    trade_id: str
    """The signal id, or "foreign-..." for a position that was not opened by this product."""
    symbol: str
    kind: str
    direction: str
    """Buy for a long, Sell for a short."""
    opened_ns: int
    first_exec_id: str = ""
    """The execution that opened it."""
    qty: Decimal
    entry_price: Decimal
    initial_stop: Decimal | None
    risk_usdt: Decimal
    """Loss at the initial stop before fees: 1R."""
    closed_ns: int | None = None
    exit_price: Decimal | None = None
    exit_reason: str = ""
    stop_loss_triggered: bool = False
    gross_pnl: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    """In USDT; fees in other coins are ``coin_fees`` and in no sum."""
    net_pnl: Decimal = Decimal(0)
    r_multiple: float | None = None
    signal_to_approve_ms: int | None = None
    approve_to_ack_ms: int | None = None
    ack_to_fill_ms: int | None = None
    stop_ack_ms: int | None = None
    parameters: dict[str, Any] = {}
    """The parameters in force at entry."""
    coin_fees: dict[str, str] = {}
    """Fees paid in other coins than USDT, as plain decimal text by coin."""


class SignalRow(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One signal and its latest state."""

    signal_id: str
    symbol: str
    kind: str
    direction: str
    wall_id: str
    wall_price: float
    priority: float
    state: str
    """raised, approved, rejected, expired, refused, sent, filled."""
    reason: str = ""
    gates: list[dict[str, Any]] = []
    ticket: dict[str, Any] = {}
    raised_event_ns: int
    ts_ns: int


class DensityRow(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One wall at one change of its life."""

    wall_id: str
    event: str
    """new, eaten, pulled, gone."""
    symbol: str
    side: str
    price: float
    initial_size: float
    peak_size: float
    current_size: float
    traded: float
    pulled: float
    refilled: float
    touches: int
    notional_usdt: float
    side_percent: float
    relative_strength: float
    is_cluster: bool
    first_seen_ns: int
    ended_ns: int | None
    ts_ns: int


class SystemEventRow(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Something worth knowing about the engine itself."""

    type: str = msgspec.field(name="event_type")  # "type" names the struct itself in its encoded form
    severity: Severity
    text: str
    symbol: str = ""
    details: dict[str, Any] = {}
    ts_ns: int


class OperatorActionRow(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One command of an operator, with the answer and with what was on screen."""

    command_id: str
    operator: str
    action: str
    arguments: dict[str, Any]
    accepted: bool
    answer: str
    seen: str
    ts_ns: int


class BookSnapshotRow(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A book as it stood, every few minutes."""

    symbol: str
    bids: list[tuple[float, float]]
    asks: list[tuple[float, float]]
    mid: float
    spread_bps: float
    ts_ns: int


class CoinParametersRow(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Thresholds in force for one symbol; one row a symbol, written at each engine start."""

    symbol: str
    density_abs_usd: Decimal
    density_relative: float
    density_side_percent: float
    cluster_range_percent: float
    breakout_eaten_percent: float
    bounce_touch_percent: float
    bounce_stable_percent: float
    preferred_strategy: str = "both"
    is_enabled: bool = True
    """The exchange lists the symbol for trading."""
    notes: str = ""
    updated_ns: int


class MarketStatRow(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Activity and 24 h figures of a symbol, every few minutes."""

    symbol: str
    last_price: float | None
    change_24h: float | None
    turnover_24h: float | None
    tpm: float
    activity_index: float | None
    walls: int
    rank: int | None = None
    is_active: bool = True
    ts_ns: int


JournalRow = (
    IntentState
    | TradeRow
    | SignalRow
    | DensityRow
    | SystemEventRow
    | OperatorActionRow
    | BookSnapshotRow
    | MarketStatRow
    | CoinParametersRow
    | FillReport
    | LedgerRow
)


class OpenIntent(msgspec.Struct, frozen=True):
    """An intent that was not known to have ended when the journal was last written."""

    request: OrderRequest
    status: str
    order_id: str
    sent_ns: int


class Recovery(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine reads from the journal at start."""

    epoch: int
    """Count of engine starts on this data folder, this one included; part of every link id."""
    folder: str = ""
    """Mark of this data folder, made with its journal: part of every link id (``domain.ids``)."""
    open_intents: list[OpenIntent]
    entries: list[OrderRequest] = []
    """Entries, however they ended, from a day before the oldest open trade on: an execution may still come for each."""
    dead_entries: list[OrderRequest] = []
    """Those of them that were judged dead: what of them fills after all is closed at once."""
    open_trades: list[TradeRow]
    closed_trades: list[TradeRow] = []
    """Trades of ours closed within the last day: an execution may still come late for each."""
    open_fills: list[FillReport] = []
    """Executions of the symbols of ``open_trades`` since the first one that opened any of these, in booking order."""
    seen_exec_ids: list[str]
    """Executions already booked (the last days), so that none is booked twice."""
    last_seqs: dict[str, int] = {}
    """Newest sequence of the booked trades by symbol (the last days): a report below it tells of the past."""
    last_fill_ms: int
    """Exchange time of the newest booked execution, 0 if there is none."""
    day_realised: Decimal
    """Net profit of the trades closed since 00:00 UTC of the day of ``start``."""
    ledger_fills: list[FillReport] = []
    """Executions as they were booked since shortly before ``LEDGER_CURSOR_FLAG`` (a day back without it)."""
    flow_ids: list[str] = []
    """Rows of the transaction log that were booked as external since then."""
    settings: dict[str, str] = {}
    """Durable engine flags (flatten in progress, locks)."""


class Journal(Protocol):
    """Append-only store of one profile. One writer."""

    async def start(self, now_ns: int) -> Recovery:
        """Open, migrate, count the start and read what was left open."""
        ...

    async def append_intent(self, request: OrderRequest, now_ns: int) -> DurableIntent:
        """Commit an order's intent to disk. Raises ``JournalError``; then the order must not be sent."""
        ...

    async def append(self, rows: Sequence[JournalRow]) -> None:
        """Commit rows in order, in one transaction."""
        ...

    async def set_flag(self, name: str, value: str) -> None:
        """Set a durable engine flag ("" clears it)."""
        ...

    async def aclose(self) -> None:
        """Flush and close."""
        ...
