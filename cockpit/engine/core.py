"""The core decides. It reads no clock, opens nothing, awaits nothing: the same events give the same steps, bit for bit.

Live trading, replay and simulation feed the same core; only who makes the events differs.
"""

from __future__ import annotations

from typing import assert_never

from cockpit.domain.commands import OperatorCommand
from cockpit.domain.enums import Severity, StreamName
from cockpit.domain.events import (
    AccountPush,
    CancelAnswer,
    FlattenHostChanged,
    FrameRejected,
    HostHealth,
    InstrumentsFailed,
    InstrumentsLoaded,
    JournalHealth,
    KeyRefused,
    LedgerFailed,
    LedgerRead,
    LeverageAnswer,
    MarketEnded,
    OperatorsAttached,
    OrderAnswer,
    OrderLookedUp,
    ReportsFailed,
    StopAnswer,
    StreamAnswered,
    StreamLost,
    StreamUp,
    TimerFired,
    TopicRefused,
    VenueEvent,
    VenueHealth,
    VenueReports,
)
from cockpit.domain.market import BookDelta, BookSnapshot, MarketEvent, Ticker, TouchHeartbeat, Trades
from cockpit.domain.time import NS_PER_S
from cockpit.engine.access_desk import AccessDesk
from cockpit.engine.account_desk import AccountDesk
from cockpit.engine.effects import BookStateChanged, EntriesChanged, ResyncBook, SetTimer, Step
from cockpit.engine.exit_desk import ExitDesk
from cockpit.engine.fill_desk import FillDesk
from cockpit.engine.flatten_desk import FlattenDesk
from cockpit.engine.force_desk import ForceDesk
from cockpit.engine.foreign_desk import ForeignDesk
from cockpit.engine.ledger_desk import LedgerDesk
from cockpit.engine.leverage_desk import LeverageDesk
from cockpit.engine.locks import ACCOUNT, JOURNAL
from cockpit.engine.operator_desk import OperatorDesk
from cockpit.engine.order_desk import OrderDesk
from cockpit.engine.outcome_watch import OutcomeWatch
from cockpit.engine.position_desk import PositionDesk
from cockpit.engine.query_desk import QueryDesk
from cockpit.engine.rules_desk import RulesDesk
from cockpit.engine.sending_desk import SendingDesk
from cockpit.engine.signal_desk import SignalDesk
from cockpit.engine.state import CoreSettings, EngineState, Outbox, SymbolState
from cockpit.engine.stop_desk import StopDesk
from cockpit.engine.stream_watch import StreamWatch
from cockpit.engine.watch_desk import WatchDesk
from cockpit.ports.journal import Recovery
from cockpit.signals.base import SignalRaised

SourceEvent = (
    InstrumentsLoaded
    | InstrumentsFailed
    | StreamUp
    | StreamLost
    | FrameRejected
    | TopicRefused
    | MarketEnded
    | FlattenHostChanged
)
AccountEvent = (
    OrderAnswer
    | CancelAnswer
    | StopAnswer
    | LeverageAnswer
    | OrderLookedUp
    | AccountPush
    | VenueReports
    | ReportsFailed
)
EngineEvent = MarketEvent | VenueEvent | JournalHealth | HostHealth | OperatorsAttached | OperatorCommand | TimerFired

TICK_NS = NS_PER_S
LOW_DISK_BYTES = 1 << 30
"""Below this the operator is told that the disk fills up; entries end at ``RiskLimits.min_disk_mb`` (F88)."""
SLEEP_NS = 2 * NS_PER_S
"""The machine was away for longer than any pause of a running one (reliability.md F95)."""
CLOCK_OFF_NS = NS_PER_S // 2
RESYNC_AGAIN_NS = 5 * NS_PER_S


class TradingCore:
    """One engine's decisions. ``process`` is the only way in."""

    def __init__(self, settings: CoreSettings, recovery: Recovery) -> None:
        state = self.state = EngineState(settings, recovery)
        self.queries = QueryDesk(state, recovery.last_fill_ms)
        self.sending = SendingDesk(state, self.queries, recovery.entries)
        self.stops = StopDesk(state, self.sending, self.queries)
        self.fills = FillDesk(state, self.sending, self.queries, self.stops)
        self.orders = OrderDesk(state, self.queries, self.fills)
        self.positions = PositionDesk(state, self.sending, self.queries, self.stops, self.fills)
        foreign = self.foreign = ForeignDesk(state, self.queries)
        self.account = AccountDesk(state, self.queries, self.orders, self.fills, self.positions, self.stops)
        self.signals = SignalDesk(state, self.sending)
        self.leverage = LeverageDesk(state)
        self.rules = RulesDesk(state)
        self.exits = ExitDesk(state, self.sending)
        self.flatten = FlattenDesk(state, self.sending, self.queries)
        ledger = self.ledger = LedgerDesk(state, recovery)
        self.force = ForceDesk(state)
        self.operator = OperatorDesk(state, self.signals, self.sending, self.exits, self.flatten, ledger, foreign)
        self.watch = WatchDesk(state, self.flatten)
        self.access = AccessDesk(state)
        self.outcomes = OutcomeWatch(state)
        self.stream = StreamWatch(state)
        desks = (self.signals, self.positions, self.leverage, self.exits, self.operator, self.watch, self.rules)
        self._ticked = (*desks, self.foreign, self.ledger, self.access, self.outcomes, self.stream)
        self._recovery = recovery
        self._locks_told: list[str] = []
        self._resync_ns: dict[str, int] = {}
        self._read_after_ns = 0
        """A complete read of the account asked for since then lifts the lock "account"."""

    def start(self, now_ns: int) -> Step:
        """The first step of a live engine: timers, and what the journal says was going on."""
        self.state.now_ns = now_ns
        self.state.day.roll(now_ns)
        out = Outbox()
        out.effects.append(SetTimer("tick", now_ns + TICK_NS))
        self.account.recover(self._recovery, out)
        self.rules.recover()
        self.ledger.recover()
        self.force.recover(self._recovery.settings)
        self.operator.recover(self._recovery.settings, out)
        return self._step(out)

    def process(self, event: EngineEvent) -> Step:
        """Everything that one event leads to."""
        self.state.now_ns = event.ts_recv
        out = Outbox()
        kind = type(event)
        if kind is BookDelta or kind is Trades or kind is BookSnapshot or kind is Ticker:
            self._market(event, out)  # type: ignore[arg-type]  # narrowed by the identity tests of the hot path
        elif isinstance(event, TouchHeartbeat):
            self._heartbeat(event)
        elif isinstance(event, OperatorCommand):
            self.operator.on_command(event, out)
        elif isinstance(event, TimerFired):
            self._timer(event, out)
        elif isinstance(event, JournalHealth):
            self._journal(event, out)
        elif isinstance(event, HostHealth):
            self._host(event, out)
        elif isinstance(event, OperatorsAttached):
            self.watch.on_operators(event)
        else:
            self._venue(event, out)  # type: ignore[arg-type]  # what is left of the union
        return self._step(out)

    def _step(self, out: Outbox) -> Step:
        self.state.seq += 1
        reasons = list(self.state.locks.values())
        if reasons != self._locks_told:
            self._locks_told = reasons
            out.outputs.append(EntriesChanged(reasons))
        return Step(self.state.seq, self.state.now_ns, out.outputs, out.effects)

    # ------------------------------------------------------------------------------------------------------ market

    def _market(self, event: BookDelta | BookSnapshot | Trades | Ticker, out: Outbox) -> None:
        symbol = self.state.symbols.get(event.symbol)
        if symbol is None:
            return
        market = symbol.market
        market.apply(event)
        kind = type(event)
        if kind is Ticker:
            return
        symbol.md_latency_ns.append(event.ts_recv - event.ts_event)
        if kind is not Trades:
            symbol.recv_ns = event.ts_recv
            is_restart = kind is BookSnapshot and market.book.update_id == 1
            symbol.frames_since_gap = symbol.frames_since_gap + 1 if market.book.is_valid and not is_restart else 0
            if market.book.is_valid is not symbol.was_valid:
                self._book_changed(symbol, out)
            elif not symbol.was_valid:
                self._resync(symbol, out)
        walls = symbol.bank.update(market, event)
        if walls:
            out.outputs += walls
        for result in symbol.pipeline.update(market, symbol.bank, event, walls):
            out.outputs.append(result)
            if isinstance(result, SignalRaised):
                self.signals.on_raised(result.signal, out)
            else:
                self.signals.on_expired(result.signal_id, result.reason, out)
        if symbol.symbol in self.state.positions.open:
            self.exits.on_market(symbol, out)

    def _book_changed(self, symbol: SymbolState, out: Outbox) -> None:
        book = symbol.market.book
        symbol.was_valid = book.is_valid
        out.outputs.append(BookStateChanged(symbol.symbol, book.is_valid, book.invalid_reason))
        if not book.is_valid:
            self.state.gaps += 1
            self._resync(symbol, out)

    def _resync(self, symbol: SymbolState, out: Outbox) -> None:
        """Ask for a snapshot, and again if none comes."""
        if self.state.now_ns - self._resync_ns.get(symbol.symbol, -RESYNC_AGAIN_NS) < RESYNC_AGAIN_NS:
            return
        self._resync_ns[symbol.symbol] = self.state.now_ns
        out.effects.append(ResyncBook(symbol.symbol))

    def _heartbeat(self, event: TouchHeartbeat) -> None:
        """Proof of life only: decisions must not depend on how often a source repeats it."""
        symbol = self.state.symbols.get(event.symbol)
        if symbol is not None:
            symbol.recv_ns = event.ts_recv

    # ------------------------------------------------------------------------------------------------------- venue

    def _venue(self, event: VenueEvent, out: Outbox) -> None:
        if isinstance(event, LedgerRead):
            self.ledger.on_read(event, out)
        elif isinstance(event, LedgerFailed):
            self.ledger.on_failed(event, out)
        elif isinstance(event, StreamAnswered | KeyRefused | VenueHealth):
            if self.access.on_event(event, out):
                self._read_account("the account is being read: the ban of this address has ended", out)
        else:
            self._account(event, out)
            self.ledger.on_booked(out)
            self.force.on_booked(out)

    def _account(self, event: AccountEvent | SourceEvent, out: Outbox) -> None:
        match event:
            case OrderAnswer():
                self.orders.on_answer(event, out)
                self.flatten.on_answer(event, out)
                self.rules.on_answer(event, out)
            case CancelAnswer():
                self.orders.on_cancel_answer(event, out)
            case StopAnswer():
                self.stops.on_answer(event, out)
                self.foreign.on_answer(event, out)
                self.rules.on_answer(event, out)
            case LeverageAnswer():
                self.leverage.on_answer(event, out)
            case OrderLookedUp():
                self.stream.before_fills(event.fills)
                self.orders.on_lookup(event, out)
            case AccountPush():
                self.stream.on_push(event)
                self.account.on_push(event, out)
                self.leverage.on_push(event)
            case VenueReports():
                self._reports(event, out)
            case ReportsFailed():
                self.access.on_failed(event, out)
            case _:
                self._source(event, out)

    def _reports(self, event: VenueReports, out: Outbox) -> None:
        """One complete read of the account, to everybody whom it concerns."""
        self.stream.before_reports(event)
        self.account.on_reports(event, out)
        self.foreign.on_reports(out)
        self.leverage.on_reports(event)
        self.ledger.on_reports(event, are_fills_waiting=self.fills.are_waiting)
        if event.requested_ns >= self._read_after_ns:
            self.state.locks.pop(ACCOUNT, None)
        self.access.on_reports(event, out)
        self.flatten.on_reports(event, out)

    def _source(self, event: SourceEvent, out: Outbox) -> None:
        """What the streams, the market source and the venue say of themselves."""
        match event:
            case InstrumentsLoaded():
                self.rules.on_loaded(event, out)
            case InstrumentsFailed():
                self.rules.on_failed(event, out)
            case StreamUp() | StreamLost():
                self._stream(event, out)
            case FrameRejected():
                self._frame_rejected(event, out)
            case TopicRefused():
                out.note("topic_refused", Severity.ERROR, f"topic {event.topic} refused: {event.reason}")
            case FlattenHostChanged(host):
                out.note("flatten_host", Severity.ERROR, f"no answer twice: flatten goes on over {host}")
            case MarketEnded():
                self.state.is_ended = True
                self.state.locks["ended"] = "the recording has ended"
                out.note("ended", Severity.WARNING, "the recording has ended; entries are refused")
            case _:
                assert_never(event)

    def _stream(self, event: StreamUp | StreamLost, out: Outbox) -> None:
        is_up = isinstance(event, StreamUp)
        name = f"{event.stream} stream"
        self.state.streams[event.stream] = is_up
        if event.stream is StreamName.PRIVATE:
            self.state.private_answered_ns = event.ts_recv if is_up else None
            self.stream.on_stream()
        if isinstance(event, StreamUp):
            self.state.locks.pop(name, None)
            out.note("stream_up", Severity.INFO, f"{name} is up")
            if event.stream is StreamName.PRIVATE:
                self.state.private_up_ns = self.state.now_ns
                self._read_account("the account is being read: the private stream has just come up", out)
            return
        self.state.reconnects += 1
        if event.stream is StreamName.PUBLIC:
            self._invalidate_books(out)
        self.state.locks[name] = f"{name} lost"
        out.note("stream_lost", Severity.ERROR, f"{name} lost: {event.reason}")

    def _invalidate_books(self, out: Outbox) -> None:
        """What was not heard is not known: every book waits for a new snapshot."""
        for symbol in self.state.symbols.values():
            symbol.give_up_book("stream lost")
            if symbol.was_valid:
                symbol.was_valid = False
                out.outputs.append(BookStateChanged(symbol.symbol, False, "stream lost"))

    def _frame_rejected(self, event: FrameRejected, out: Outbox) -> None:
        self.state.rejected_frames += 1
        out.note("frame_rejected", Severity.WARNING, f"frame dropped: {event.reason}", event.symbol)
        if event.stream is StreamName.PRIVATE:
            self._read_account("the account is being read: a private frame was not understood", out)
            return
        symbol = self.state.symbols.get(event.symbol)
        if symbol is not None:
            symbol.give_up_book(f"bad frame: {event.reason}")
            if symbol.was_valid:
                self._book_changed(symbol, out)

    def _read_account(self, reason: str, out: Outbox) -> None:
        """Something about the account may have been missed: no entry before a complete read of it."""
        self._read_after_ns = self.state.now_ns
        self.state.locks[ACCOUNT] = reason
        self.queries.request_reports(out)

    def _host(self, event: HostHealth, out: Outbox) -> None:
        """The machine's report; after a sleep nothing that was known is fresh."""
        before, self.state.host = self.state.host, event
        _warn_of_host(before, event, out)
        if event.slept_ns < SLEEP_NS:
            return
        text = f"this machine was away for {event.slept_ns / NS_PER_S:.0f} s; what was known is read anew"
        out.note("sleep", Severity.ERROR, text)
        self._invalidate_books(out)
        self.signals.expire_all("the machine was away", out)
        self._read_account("the account is being read: the machine was away", out)

    def _journal(self, event: JournalHealth, out: Outbox) -> None:
        """Without a journal no entry can be made, and no stop is moved; exits and protection go on."""
        self.state.locks.pop(JOURNAL, None)
        if not event.is_ok:
            text = self.state.locks[JOURNAL] = f"journal cannot be written: {event.reason}"
            out.note("journal", Severity.CRITICAL, text)

    # ------------------------------------------------------------------------------------------------------ timers

    def _timer(self, event: TimerFired, out: Outbox) -> None:
        name, _, rest = event.name.partition(":")
        match name:
            case "tick":
                self._tick(out)
            case "query":
                self.queries.on_timer(rest, out)
            case "flatten":
                self.flatten.on_timer(out)

    def _tick(self, out: Outbox) -> None:
        """Once a second: the day, the queue, the loss limit, the account."""
        state = self.state
        out.effects.append(SetTimer("tick", state.now_ns + TICK_NS))
        if state.day.roll(state.exchange_ns):
            self.ledger.ask()
            self.queries.request_reports(out)
            out.note("day", Severity.INFO, "a new exchange day has begun")
        for desk in self._ticked:
            desk.on_tick(out)
        if self.access.is_read_due:
            self.queries.request_reports(out)
        state.orders.forget_ended(state.now_ns)


def _warn_of_host(before: HostHealth | None, now: HostHealth, out: Outbox) -> None:
    """Tell a clock that has got off the exchange's, and a disk that fills up while entries still are on."""
    offset = now.clock_offset_ns
    was_off = before is not None and before.clock_offset_ns is not None and _is_off(before.clock_offset_ns)
    if offset is not None and _is_off(offset) and not was_off:
        text = f"the engine's clock is {-offset / NS_PER_S:+.2f} s off the exchange's; requests are corrected"
        out.note("clock", Severity.WARNING, text)
    free = now.disk_free_bytes
    if free is not None and _is_filling(free) and not (before is not None and _is_filling(before.disk_free_bytes)):
        text = f"{free / 1e6:.0f} MB are free on the journal's disk; entries end when it is nearly full"
        out.note("disk", Severity.WARNING, text)


def _is_filling(free_bytes: int | None) -> bool:
    return free_bytes is not None and free_bytes < LOW_DISK_BYTES


def _is_off(offset_ns: int) -> bool:
    return abs(offset_ns) > CLOCK_OFF_NS
