"""What the core wants done (effects) and what it has decided (outputs). Pure values.

Effects are carried out by the runner, in order; their results come back as events. Outputs are facts: the journal, the
log and the digest are made of them.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any

import msgspec

from cockpit.detectors.wall import WallEvent
from cockpit.domain.enums import OrderPath, OrderStatus, Severity, Side, StreamName
from cockpit.domain.events import Outcome
from cockpit.domain.ids import ClientOrderId
from cockpit.domain.ledger import LedgerRow
from cockpit.domain.orders import CancelRequest, OrderRequest, StopRequest
from cockpit.domain.positions import FillReport
from cockpit.ports.journal import TradeRow
from cockpit.signals.base import Signal, SignalExpired, SignalRaised

# ------------------------------------------------------------------------------------------------------------- effects


class SubmitOrder(msgspec.Struct, frozen=True, tag=True):
    """Journal the intent, then send it once. Entries come here only out of a ``RiskApproved``."""

    request: OrderRequest


class CancelOrder(msgspec.Struct, frozen=True, tag=True):
    """Cancel one order."""

    request: CancelRequest


class CancelEntries(msgspec.Struct, frozen=True, tag=True):
    """Cancel all active orders of a symbol; stops stay."""

    symbol: str


class SetStop(msgspec.Struct, frozen=True, tag=True):
    """Set or move the stop of an open position in place."""

    request: StopRequest
    is_move: bool = False
    """A stop stands already: this one leaves once the rows of its step are on disk, or not at all."""


class SetLeverage(msgspec.Struct, frozen=True, tag=True):
    """Set the leverage of a symbol that is flat."""

    symbol: str
    leverage: int


class QueryOrder(msgspec.Struct, frozen=True, tag=True):
    """Look an order up by link id."""

    symbol: str
    client_id: ClientOrderId


class QueryPosition(msgspec.Struct, frozen=True, tag=True):
    """Read one position by its symbol: the only read that shows a flat one with its sequence."""

    symbol: str


class RequestReports(msgspec.Struct, frozen=True, tag=True):
    """Read the whole account. A read that is running already is enough if it began after ``after_ns``."""

    fills_since_ms: int
    after_ns: int


class LoadInstruments(msgspec.Struct, frozen=True, tag=True):
    """Read the trading rules of these symbols."""

    symbols: list[str]


class ReadLedger(msgspec.Struct, frozen=True, tag=True):
    """Read the transaction log from ``since_ms`` (exchange time) to now."""

    since_ms: int


class ResyncBook(msgspec.Struct, frozen=True, tag=True):
    """Ask for a fresh snapshot of a symbol's book."""

    symbol: str


class ReconnectStream(msgspec.Struct, frozen=True, tag=True):
    """Give a stream's connection up and make a new one: it is alive, but it has lost something."""

    stream: StreamName
    reason: str


class SetTimer(msgspec.Struct, frozen=True, tag=True):
    """Fire ``TimerFired(name)`` at ``at_ns``; replaces an earlier timer of that name."""

    name: str
    at_ns: int


class SetFlag(msgspec.Struct, frozen=True, tag=True):
    """Write a durable engine flag ("" clears it)."""

    name: str
    value: str


class GoFlattenWay(msgspec.Struct, frozen=True, tag=True):
    """Let every account call take flatten's own way to the exchange, or go back to the ordinary one."""

    is_on: bool


class EndEngine(msgspec.Struct, frozen=True, tag=True):
    """Stop the engine cleanly."""

    reason: str


Effect = (
    SubmitOrder
    | CancelOrder
    | CancelEntries
    | SetStop
    | SetLeverage
    | QueryOrder
    | QueryPosition
    | RequestReports
    | LoadInstruments
    | ReadLedger
    | ResyncBook
    | ReconnectStream
    | SetTimer
    | SetFlag
    | GoFlattenWay
    | EndEngine
)

# ------------------------------------------------------------------------------------------------------------- outputs


class SignalDecided(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What became of a signal: approved, rejected, expired, refused, sent."""

    signal: Signal
    state: str
    reason: str
    operator: str = ""
    ticket: dict[str, Any] = {}
    """The order that went out, if one did."""


class ApprovalRefused(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An approval that the gate did not let through; the signal goes on waiting."""

    signal: Signal
    operator: str
    """Who approved: a name, or "auto"."""
    reason: str
    rules: tuple[str, ...]
    """Names of the rules that said no."""


class OrderChanged(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An order of ours (or a foreign one) has a new state."""

    client_id: str
    order_id: str
    symbol: str
    side: Side
    status: OrderStatus
    filled_qty: Decimal
    reason: str
    is_own: bool
    sent_ns: int
    answered_ns: int
    signal_id: str = ""


class OrderAnswered(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An order of ours was answered, or given up without an answer: on which way, and after how long."""

    client_id: str
    symbol: str
    outcome: Outcome
    path: OrderPath
    is_detour: bool
    """By REST although orders go over the trade socket: that one was not ready."""
    ms: int


class FillBooked(msgspec.Struct, frozen=True, tag=True):
    """An execution was booked, for the first and only time."""

    fill: FillReport


class FlowBooked(msgspec.Struct, frozen=True, tag=True):
    """A row of the exchange's transaction log that no execution of ours makes was noted."""

    row: LedgerRow


class PositionOpened(msgspec.Struct, frozen=True, tag=True):
    """The first fill of a position."""

    trade: TradeRow


class PositionChanged(msgspec.Struct, frozen=True, tag=True):
    """A later fill that left the position open."""

    trade: TradeRow


class PositionClosed(msgspec.Struct, frozen=True, tag=True):
    """The last fill of a position."""

    trade: TradeRow


class StopConfirmed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The exchange shows the stop."""

    symbol: str
    price: str
    ms: int | None
    signal_id: str


class EntriesChanged(msgspec.Struct, frozen=True, tag=True):
    """The set of reasons that keep entries off has changed."""

    reasons: list[str]


class BookStateChanged(msgspec.Struct, frozen=True, tag=True):
    """A book became invalid or valid."""

    symbol: str
    is_valid: bool
    reason: str


class CommandAnswered(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The verdict on an operator's command."""

    command_id: str
    operator: str
    action: str
    arguments: dict[str, Any]
    accepted: bool
    reason: str
    seen: str


class Noted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Something worth knowing about the engine or the exchange."""

    event: str
    """Short name, as in "stream_lost"."""
    severity: Severity
    text: str
    symbol: str = ""


Output = (
    WallEvent
    | SignalRaised
    | SignalExpired
    | SignalDecided
    | ApprovalRefused
    | OrderChanged
    | OrderAnswered
    | FillBooked
    | FlowBooked
    | PositionOpened
    | PositionChanged
    | PositionClosed
    | StopConfirmed
    | EntriesChanged
    | BookStateChanged
    | CommandAnswered
    | Noted
)


class Step(msgspec.Struct, frozen=True):
    """Everything one event led to."""

    seq: int
    now_ns: int
    """Receive time of the event: the core's only notion of now."""
    outputs: list[Output]
    effects: list[Effect]


class StepDigest:
    """Hash over all steps that did something: two runs on the same events have the same digest."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._encoder = msgspec.msgpack.Encoder(decimal_format="string")
        self.steps = 0

    def add(self, step: Step) -> None:
        """Take one step; steps without outputs and effects count by their number only."""
        self.steps += 1
        if step.outputs or step.effects:
            self._hash.update(self._encoder.encode(step))

    def hexdigest(self) -> str:
        """The digest so far."""
        return f"{self._hash.hexdigest()}-{self.steps}"
