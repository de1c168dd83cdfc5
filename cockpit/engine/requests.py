"""Requests to the venue: every one ends as an event with one of three outcomes. Nothing is ever sent twice.

The intent of an order is on disk before it leaves. An exit may leave without (a full disk must not keep a position
open); an entry may not, and one that has waited for the disk too long, or until entries were off, does not leave.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from cockpit.domain.enums import OrderRole
from cockpit.domain.errors import (
    AuthRejected,
    JournalError,
    OutcomeUnknown,
    ServiceDown,
    VenueError,
    VenueRejected,
    VenueThrottled,
    VenueUnavailable,
)
from cockpit.domain.events import (
    AccountPush,
    CancelAnswer,
    InstrumentsFailed,
    InstrumentsLoaded,
    KeyRefused,
    LedgerFailed,
    LeverageAnswer,
    OrderAnswer,
    OrderLookedUp,
    Outcome,
    ReportsFailed,
    StopAnswer,
    VenueEvent,
)
from cockpit.domain.ids import ClientOrderId
from cockpit.domain.orders import CancelRequest, OrderReport, OrderRequest, StopRequest
from cockpit.domain.positions import FillReport
from cockpit.domain.time import NS_PER_S
from cockpit.engine.commit_times import CommitTimes
from cockpit.ports.clock import Clock
from cockpit.ports.journal import DurableIntent, Journal, unjournaled_exit
from cockpit.ports.venue import Venue

WRITTEN_S = 1.0
"""How long a stop that stands may wait for the disk before it is moved."""
SEND_WITHIN_NS = NS_PER_S
"""An entry that is older leaves no more: its gates were judged then, and a loop that is so late locks entries too
(reliability.md C.5)."""
_Verdict = tuple[Outcome, int, str]


class VenueRequests:
    """Sends what the core asked for and tells it what came of it."""

    def __init__(
        self,
        venue: Venue,
        journal: Journal,
        clock: Clock,
        emit: Callable[[VenueEvent], Any],
        commits: CommitTimes,
        written: Callable[[float], Awaitable[None]],
    ) -> None:
        """``written`` waits at most so many seconds until all that was told is in the journal, or raises."""
        self._venue = venue
        self._journal = journal
        self._clock = clock
        self._emit = emit
        self._commits = commits
        self._written = written
        self._reading: tuple[int, int] | None = None
        """The read of the account that is running: when it began, and since when it tells executions."""
        self._read_again: int | None = None
        """Since when the next read is to tell them, None if none was asked for."""

    async def submit(self, request: OrderRequest, locks: Mapping[str, str]) -> None:
        """Journal the intent, then send the order once.

        ``locks`` are the engine's own, not a copy: what keeps entries off by the time the intent is on disk.
        """
        sent = self._clock.now_ns()
        try:
            intent = await self._intent(request, sent)
        except JournalError as error:
            self._withhold(request, f"the journal cannot be written: {error}", sent)
            return
        if reason := self._too_late(request, locks):
            self._withhold(request, reason, sent)
            return
        sent = self._clock.now_ns()
        # Chosen at the last instant before the send, and never changed for this order afterwards.
        path = self._venue.path_of(request.role)
        order_id = ""
        outcome, code, reason = Outcome.YES, 0, ""
        try:
            order_id = await self._venue.submit(intent, path)
        except VenueError as error:
            outcome, code, reason = self._verdict(error)
        self._emit(
            OrderAnswer(
                client_id=request.client_id,
                outcome=outcome,
                order_id=order_id,
                code=code,
                reason=reason,
                path=path,
                sent_ns=sent,
                ts_recv=self._clock.now_ns(),
            )
        )

    async def cancel(self, request: CancelRequest) -> None:
        """Cancel one order."""
        sent = self._clock.now_ns()
        outcome, code, reason = await self._outcome(self._venue.cancel(request))
        self._emit(self._cancel_answer(request.symbol, request.client_id or "", (outcome, code, reason), sent))

    async def cancel_entries(self, symbol: str) -> None:
        """Cancel all active orders of a symbol; stops stay."""
        sent = self._clock.now_ns()
        verdict = await self._outcome(self._venue.cancel_entries(symbol))
        self._emit(self._cancel_answer(symbol, "", verdict, sent))

    async def set_stop(self, request: StopRequest, *, is_move: bool) -> None:
        """Set the stop of an open position; a move of it is on disk before it leaves."""
        sent = self._clock.now_ns()
        outcome, code, reason, is_retryable = Outcome.YES, 0, "", False
        try:
            if is_move:
                await self._written(WRITTEN_S)
                sent = self._clock.now_ns()
            await self._venue.set_stop(request)
        except JournalError as error:
            outcome, reason = Outcome.NO, f"not sent, the journal cannot be written: {error}"
            is_retryable = True
        except VenueError as error:
            outcome, code, reason = self._verdict(error)
            is_retryable = isinstance(error, VenueUnavailable | VenueThrottled)
        self._emit(
            StopAnswer(
                symbol=request.symbol,
                stop_loss=request.stop_loss,
                outcome=outcome,
                code=code,
                reason=reason,
                is_retryable=is_retryable,
                sent_ns=sent,
                ts_recv=self._clock.now_ns(),
            )
        )

    async def set_leverage(self, symbol: str, leverage: int) -> None:
        """Set the leverage of a flat symbol."""
        outcome, _code, reason = await self._outcome(self._venue.set_leverage(symbol, Decimal(leverage)))
        self._emit(LeverageAnswer(symbol=symbol, outcome=outcome, reason=reason, ts_recv=self._clock.now_ns()))

    async def query(self, symbol: str, client_id: ClientOrderId) -> None:
        """Look an order up by link id."""
        sent = self._clock.now_ns()
        report: OrderReport | None = None
        fills: list[FillReport] = []
        failure = ""
        try:
            report, fills = await self._venue.find_order(symbol, client_id)
        except VenueError as error:
            failure = self._verdict(error)[2]
        self._emit(
            OrderLookedUp(
                client_id=client_id,
                report=report,
                fills=fills,
                failure=failure,
                sent_ns=sent,
                ts_recv=self._clock.now_ns(),
            )
        )

    async def position(self, symbol: str) -> None:
        """Read one position; a failure says nothing and is asked again by the next read of the account."""
        try:
            report = await self._venue.position(symbol)
        except VenueError as error:
            self._verdict(error)
            return
        if report is not None:
            self._emit(AccountPush([report], self._clock.now_ns()))

    async def reports(self, since_ms: int, after_ns: int) -> None:
        """Read the whole account, with executions since ``since_ms`` (exchange time).

        A read that is running is enough if it began later than ``after_ns`` and reaches as far back. What is asked for
        meanwhile becomes one read after it, as deep as the deepest of them.
        """
        if self._reading is not None:
            began_ns, reaches_ms = self._reading
            if began_ns <= after_ns or since_ms < reaches_ms:
                self._read_again = since_ms if self._read_again is None else min(since_ms, self._read_again)
            return
        due: int | None = since_ms
        try:
            while due is not None:
                self._reading = (self._clock.now_ns(), due)
                await self._read_account(due)
                due, self._read_again = self._read_again, None
        finally:
            self._reading = None

    async def _read_account(self, since_ms: int) -> None:
        try:
            self._emit(await self._venue.reports(since_ms))
        except VenueError as error:
            self._verdict(error)
            is_down = isinstance(error, ServiceDown)
            self._emit(ReportsFailed(str(error), self._clock.now_ns(), is_service_down=is_down))

    async def instruments(self, symbols: Sequence[str]) -> None:
        """Read trading rules; those known hold if that fails."""
        try:
            rules = await self._venue.instruments(symbols)
        except VenueError as error:
            self._emit(InstrumentsFailed(str(error), self._clock.now_ns()))
            return
        self._emit(InstrumentsLoaded(rules, self._clock.now_ns(), list(symbols)))

    async def ledger(self, since_ms: int) -> None:
        """Read the transaction log; anything but a complete read is no information."""
        try:
            self._emit(await self._venue.ledger(since_ms))
        except VenueError as error:
            self._verdict(error)
            self._emit(LedgerFailed(str(error), self._clock.now_ns()))

    async def resync(self, symbol: str) -> None:
        """Ask for a fresh book; a failure is seen as a stream loss by the streams themselves."""
        try:
            await self._venue.resync(symbol)
        except VenueUnavailable:
            return

    def _too_late(self, request: OrderRequest, locks: Mapping[str, str]) -> str:
        """Why an entry that was decided must not leave any more, "" if it may. An exit is never too late."""
        if request.role is not OrderRole.ENTRY:
            return ""
        if locks:
            return f"entries are off by now: {'; '.join(locks.values())}"
        age_ns = self._clock.now_ns() - request.created_ns
        return f"decided {age_ns / NS_PER_S:.1f} s ago, the disk was slow" if age_ns > SEND_WITHIN_NS else ""

    def _withhold(self, request: OrderRequest, reason: str, sent_ns: int) -> None:
        self._emit(
            OrderAnswer(
                client_id=request.client_id,
                outcome=Outcome.NO,
                reason=f"not sent: {reason}",
                sent_ns=sent_ns,
                ts_recv=self._clock.now_ns(),
            )
        )

    async def _intent(self, request: OrderRequest, now_ns: int) -> DurableIntent:
        try:
            async with self._commits.measured():
                return await self._journal.append_intent(request, now_ns)
        except JournalError:
            if request.role is OrderRole.ENTRY:
                raise
            return unjournaled_exit(request)

    async def _outcome(self, work: Awaitable[None]) -> _Verdict:
        try:
            await work
        except VenueError as error:
            return self._verdict(error)
        return Outcome.YES, 0, ""

    def _verdict(self, error: VenueError) -> _Verdict:
        """What an error means for the request; a refused key, and a limit that was met, concern all of them at once."""
        if isinstance(error, VenueThrottled | VenueUnavailable):
            self._emit(self._venue.health())
        match error:
            case AuthRejected():
                self._emit(KeyRefused(error.code, error.reason, self._clock.now_ns()))
                return Outcome.NO, error.code, error.reason
            case VenueRejected():
                return Outcome.NO, error.code, error.reason
            case VenueUnavailable():
                return Outcome.NO, 0, str(error)
            case OutcomeUnknown():
                return Outcome.UNKNOWN, error.code, str(error)
            case _:
                return Outcome.UNKNOWN, 0, str(error)

    def _cancel_answer(self, symbol: str, client_id: str, verdict: _Verdict, sent_ns: int) -> CancelAnswer:
        outcome, code, reason = verdict
        return CancelAnswer(
            symbol=symbol,
            client_id=client_id,
            outcome=outcome,
            code=code,
            reason=reason,
            sent_ns=sent_ns,
            ts_recv=self._clock.now_ns(),
        )
