"""What the outside world tells the core, besides market data: streams, answers to our requests, account pushes, time.

Every request of ours has three possible outcomes (yes, no, unknown); unknown is never treated as no.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from cockpit.domain.account import BalanceReport
from cockpit.domain.enums import OrderPath, StreamName
from cockpit.domain.ids import ClientOrderId
from cockpit.domain.instrument import Instrument, Ticks
from cockpit.domain.ledger import LedgerRow
from cockpit.domain.orders import OrderReport
from cockpit.domain.positions import FillReport, PositionReport


class Outcome(StrEnum):
    """How a request of ours ended, as far as we can know."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class StreamUp(msgspec.Struct, frozen=True, tag=True):
    """A stream is ready: connected, authenticated where needed, every wanted topic acknowledged."""

    stream: StreamName
    ts_recv: int


class StreamLost(msgspec.Struct, frozen=True, tag=True):
    """A stream ended or went silent; everything it told is stale from now on."""

    stream: StreamName
    reason: str
    ts_recv: int


class StreamAnswered(msgspec.Struct, frozen=True, tag=True):
    """The private stream answered a ping: it is alive in both directions."""

    stream: StreamName
    ts_recv: int


class KeyRefused(msgspec.Struct, frozen=True, tag=True):
    """The exchange refused the key itself, in whatever call: it expired, lost a right, or comes from elsewhere."""

    code: int
    reason: str
    ts_recv: int


class VenueHealth(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """How much may be sent, by the venue's own count; told about once a second."""

    room_percent: float
    """What is left of our share of the request limits on the fullest route."""
    room_route: str
    """That route."""
    silent_until_ns: int | None
    """After HTTP 403: no call but flatten's leaves before this time (engine wall clock); None otherwise."""
    ts_recv: int


class TopicRefused(msgspec.Struct, frozen=True, tag=True):
    """The exchange refused one topic; the others of the stream go on."""

    topic: str
    reason: str
    ts_recv: int


class FrameRejected(msgspec.Struct, frozen=True, tag=True):
    """A frame that could not be understood. It was dropped, the stream goes on."""

    stream: StreamName
    reason: str
    symbol: str
    """Symbol whose topic must be resynchronised, "" if the frame does not tell."""
    ts_recv: int


class MarketEnded(msgspec.Struct, frozen=True, tag=True):
    """The market source has come to its end (a recording); no entry is possible any more."""

    ts_recv: int


class FlattenHostChanged(msgspec.Struct, frozen=True, tag=True):
    """The host that flatten called did not answer twice in a row: it goes on over another one."""

    host: str
    ts_recv: int


class InstrumentsLoaded(msgspec.Struct, frozen=True, tag=True):
    """The trading rules of the wanted symbols."""

    instruments: list[Instrument]
    ts_recv: int
    asked: list[str] = []
    """Symbols that were asked for: one that is not among the rules is not listed."""


class InstrumentsFailed(msgspec.Struct, frozen=True, tag=True):
    """The trading rules could not be read."""

    reason: str
    ts_recv: int


class OrderAnswer(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Answer to sending one order. YES means: received by the exchange, not: open or filled."""

    client_id: ClientOrderId
    outcome: Outcome
    order_id: str = ""
    code: int = 0
    """Bybit's retCode; 0 where there was none."""
    reason: str = ""
    path: OrderPath | None = None
    """The way it took, or would have taken; None if it failed before a way was chosen."""
    sent_ns: int
    ts_recv: int


class CancelAnswer(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Answer to a cancel; YES also if the order was gone already."""

    symbol: str
    client_id: str
    """"" for a cancel of all entry orders of the symbol."""
    outcome: Outcome
    code: int = 0
    reason: str = ""
    sent_ns: int
    ts_recv: int


class StopAnswer(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Answer to setting a stop; YES also for "not modified"."""

    symbol: str
    stop_loss: Ticks
    outcome: Outcome
    code: int = 0
    reason: str = ""
    is_retryable: bool = False
    """A no that says nothing about the request itself: it never left, or came too fast."""
    sent_ns: int
    ts_recv: int


class LeverageAnswer(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Answer to setting the leverage of a symbol; YES also for "not modified"."""

    symbol: str
    outcome: Outcome
    reason: str = ""
    ts_recv: int


class OrderLookedUp(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Answer to a query by link id. ``report`` None means: not found by a complete, successful query."""

    client_id: ClientOrderId
    report: OrderReport | None
    fills: list[FillReport] = []
    failure: str = ""
    """Why the query itself failed ("" if it did not); then ``report`` says nothing."""
    sent_ns: int
    ts_recv: int


class VenueReports(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One complete read of the account by REST, all pages."""

    orders: list[OrderReport]
    """Open orders, position stops included."""
    positions: list[PositionReport]
    """Non-zero positions only."""
    fills: list[FillReport]
    """All executions since ``since_ms``, oldest first."""
    since_ms: int
    """Exchange time to which the executions reach back."""
    balance: BalanceReport
    requested_ns: int
    """When the first request left. A change known to be later than this is newer than the report."""
    ts_recv: int


class ReportsFailed(msgspec.Struct, frozen=True, tag=True):
    """A read of the account did not complete; nothing may be concluded from it."""

    reason: str
    ts_recv: int
    is_service_down: bool = False
    """The exchange itself answered that it does not serve (restart, maintenance)."""


class LedgerRead(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A complete read of the transaction log, all pages of all coins."""

    rows: list[LedgerRow]
    """Oldest first, each once."""
    since_ms: int
    until_ms: int
    """Exchange time of the window, both ends included."""
    requested_ns: int
    ts_recv: int


class LedgerFailed(msgspec.Struct, frozen=True, tag=True):
    """A read of the transaction log did not complete; nothing may be concluded from it."""

    reason: str
    ts_recv: int


class AccountPush(msgspec.Struct, frozen=True, tag=True):
    """One private-stream message, in arrival order."""

    reports: list[OrderReport | FillReport | PositionReport | BalanceReport]
    ts_recv: int


class JournalHealth(msgspec.Struct, frozen=True, tag=True):
    """The journal can or cannot be written."""

    is_ok: bool
    reason: str
    ts_recv: int


class HostHealth(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """How the machine under the engine is doing; told about once a second."""

    loop_lag_ns: int
    """How late the engine's loop wakes."""
    disk_free_bytes: int | None
    """Free on the journal's disk; None if it cannot be told."""
    clock_offset_ns: int | None
    """Exchange time minus local time as it was measured last; None before the first measurement."""
    clock_uncertainty_ns: int | None = None
    """How far the offset may be from the truth at its measurement; None before the first one, and from a step of the
    wall clock to the next one."""
    clock_read_ns: int | None = None
    """When it was measured (engine wall clock); None as above."""
    commit_p99_ns: int | None = None
    """99th percentile of the last minute's durable commits; None without one."""
    committed_ns: int | None = None
    """When the last commit was durable; None before the first."""
    is_lock_held: bool = False
    """This process is the one engine of its profile: the lock file is still ours."""
    slept_ns: int
    """How much longer the machine was away since the last report than the engine knows of (suspend)."""
    ts_recv: int

    @property
    def disk_free_mb(self) -> float | None:
        """Free on the journal's disk in megabytes."""
        return None if self.disk_free_bytes is None else self.disk_free_bytes / 1e6


class OperatorsAttached(msgspec.Struct, frozen=True, tag=True):
    """The number of attached screens that may give commands has changed."""

    count: int
    ts_recv: int


class TimerFired(msgspec.Struct, frozen=True, tag=True):
    """A timer set by the core has come due."""

    name: str
    ts_recv: int


VenueEvent = (
    StreamUp
    | StreamAnswered
    | KeyRefused
    | VenueHealth
    | StreamLost
    | TopicRefused
    | FrameRejected
    | MarketEnded
    | FlattenHostChanged
    | InstrumentsLoaded
    | InstrumentsFailed
    | OrderAnswer
    | CancelAnswer
    | StopAnswer
    | LeverageAnswer
    | OrderLookedUp
    | VenueReports
    | ReportsFailed
    | LedgerRead
    | LedgerFailed
    | AccountPush
)
