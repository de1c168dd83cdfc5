"""The mutation gate: every rule that keeps money safe can be switched off here, and then schedules must fail.

A rule is switched off by replacing a function of the engine for as long as the gate runs; production code has no
switches. ``REDUNDANT`` names the rules that another one covers, with that partner; both off must be caught.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import msgspec

from cockpit.adapters.bybit.silence import Silence
from cockpit.domain.enums import StreamName
from cockpit.domain.events import OrderAnswer, Outcome, StreamUp
from cockpit.engine import signal_desk as signal_desk_module
from cockpit.engine.access_desk import AccessDesk
from cockpit.engine.account_desk import AccountDesk
from cockpit.engine.core import TradingCore
from cockpit.engine.day_loss_desk import DayLossDesk
from cockpit.engine.entry_gates import EntryGates
from cockpit.engine.exit_desk import ExitDesk
from cockpit.engine.fill_desk import FillDesk
from cockpit.engine.flatten_desk import FlattenDesk
from cockpit.engine.journal_writer import JournalWriter
from cockpit.engine.ledger_desk import LedgerDesk
from cockpit.engine.leverage_desk import LeverageDesk
from cockpit.engine.position_desk import PositionDesk
from cockpit.engine.query_desk import QueryDesk
from cockpit.engine.sending_desk import SendingDesk
from cockpit.engine.signal_desk import SignalDesk
from cockpit.engine.state import DayBook, Outbox
from cockpit.engine.stop_desk import StopDesk
from cockpit.engine.watch_desk import WatchDesk
from cockpit.execution.open_position import OpenPosition
from cockpit.execution.orders import OrderManager
from cockpit.execution.positions import PositionManager
from cockpit.market.book import OrderBook
from cockpit.risk import checks
from cockpit.risk.checks import Check
from cockpit.risk.sizing import Sizing
from tests.dst import venue_client


@dataclass(frozen=True)
class Mutation:
    """One rule, switched off."""

    name: str
    invariants: tuple[str, ...]
    """Which invariants may catch it."""
    patches: Callable[[], list[Any]]
    covered_by: str = ""
    """Of a redundant rule: the partner that covers it."""

    @contextmanager
    def active(self) -> Iterator[None]:
        """The rule is off inside."""
        with ExitStack() as stack:
            for each in self.patches():
                stack.enter_context(each)
            yield


def _replace_request(change: Callable[[Any], Any]) -> Any:
    """Change every order on its way out of the core."""
    original = SendingDesk._submit

    def submit(self: SendingDesk, request: Any, out: Any) -> None:
        original(self, change(request), out)

    return patch.object(SendingDesk, "_submit", submit)


def _without_stop(request: Any) -> Any:
    return msgspec.structs.replace(request, stop_loss=None) if request.signal_id else request


def _whole_size_not_reducing() -> list[Any]:
    """Closes take the size once seen and may open: what happens without reduce-only."""
    original = SendingDesk._submit

    def submit(self: SendingDesk, request: Any, out: Any) -> None:
        position = self.state.positions.open.get(request.symbol)
        instrument = self.state.symbols[request.symbol].instrument
        if request.reduce_only and position is not None and instrument is not None:
            lots = position.lots(instrument, 100)
            request = msgspec.structs.replace(request, reduce_only=False, close_on_trigger=False, lots=lots)
        original(self, request, out)

    return [patch.object(SendingDesk, "_submit", submit)]


def _flags_in_memory() -> Any:
    async def set_flag(_self: JournalWriter, _name: str, _value: str) -> None:
        return

    return patch.object(JournalWriter, "set_flag", set_flag)


def _unknown_is_no() -> Any:
    original = OrderManager.on_answer

    def on_answer(self: OrderManager, answer: OrderAnswer) -> Any:
        if answer.outcome is Outcome.UNKNOWN:
            answer = msgspec.structs.replace(answer, outcome=Outcome.NO)
        return original(self, answer)

    return patch.object(OrderManager, "on_answer", on_answer)


def _facts_without(**fields: Any) -> Any:
    original = EntryGates.account_facts

    def account_facts(self: EntryGates) -> Any:
        return msgspec.structs.replace(original(self), **fields)

    return patch.object(EntryGates, "account_facts", account_facts)


def _read_just_now() -> Any:
    original = EntryGates.account_facts

    def account_facts(self: EntryGates) -> Any:
        return msgspec.structs.replace(original(self), reconciled_ns=self.state.now_ns)

    return patch.object(EntryGates, "account_facts", account_facts)


def _fresh_book() -> Any:
    original = EntryGates.market_facts

    def market_facts(self: EntryGates, *arguments: Any) -> Any:
        return msgspec.structs.replace(original(self, *arguments), book_recv_ns=self.state.now_ns, is_book_valid=True)

    return patch.object(EntryGates, "market_facts", market_facts)


def _no_gates(*_arguments: Any) -> list[Any]:
    return []


def _tenfold_size() -> Any:
    original = signal_desk_module.make_ticket

    def make_ticket(*arguments: Any) -> Any:
        ticket = original(*arguments)
        if not hasattr(ticket, "sizing"):
            return ticket
        sizing: Sizing = ticket.sizing
        grown = msgspec.structs.replace(sizing, lots=sizing.lots * 10)
        return msgspec.structs.replace(ticket, sizing=grown)

    return patch.object(signal_desk_module, "make_ticket", make_ticket)


def _any_report_is_new() -> list[Any]:
    original = PositionManager.on_report

    def on_report(self: PositionManager, report: Any, **told: bool) -> Any:
        position = self.open.get(report.symbol)
        if position is not None:
            position.seen, position.last_seq = (-1, -1), -1
        self.unclaimed.pop(report.symbol, None)
        with patch.dict(self._unclaimed.__dict__, _closed_seq={}):
            return original(self, report, **told)

    return [patch.object(PositionManager, "on_report", on_report)]


def _breakeven_at_any_price() -> Any:
    def to_breakeven(self: ExitDesk, position: OpenPosition, out: Any) -> str:
        instrument = self.state.symbols[position.symbol].instrument
        assert instrument is not None
        position.at_breakeven = True
        fee = self.state.settings.execution.taker_fee_rate
        target = position.breakeven(instrument, Decimal(repr(fee)))
        worse = target - 100 * position.side.sign
        self.sending.move_stop(position, type(target)(worse), out)
        return ""

    return patch.object(ExitDesk, "to_breakeven", to_breakeven)


def _nothing(*_arguments: Any, **_keywords: Any) -> None:
    return None


def _still_valid(*_arguments: Any) -> bool:
    return True


def _near_mark(*_arguments: Any) -> Check:
    return Check("mark", True, "", "")


def _no_time(*_arguments: Any) -> int:
    return 0


def _queue_never_empties() -> Any:
    original = SignalDesk._end

    def end(self: SignalDesk, signal: Any, state: str, *rest: Any, **keywords: Any) -> None:
        queued = self.queue.get(signal.signal_id)
        original(self, signal, state, *rest, **keywords)
        if state == "approved" and queued is not None:
            self.queue[signal.signal_id] = queued

    return patch.object(SignalDesk, "_end", end)


def _link_ids_never_repeat() -> Any:
    original = signal_desk_module.client_order_id
    count = iter(range(1, 1_000_000))

    def client_order_id(env: Any, epoch: int, origin: str, role: Any, _attempt: int, _folder: str) -> Any:
        return original(env, epoch, origin, role, next(count))

    return patch.object(signal_desk_module, "client_order_id", client_order_id)


def _forget_entries() -> Any:
    original = SendingDesk.__init__

    def init(self: SendingDesk, state: Any, queries: Any, _entries: Any) -> None:
        original(self, state, queries, [])

    return patch.object(SendingDesk, "__init__", init)


def _one_try_flatten() -> Any:
    original = FlattenDesk.on_timer

    def on_timer(self: FlattenDesk, out: Any) -> None:
        if not self.flatten.progress:
            original(self, out)

    return patch.object(FlattenDesk, "on_timer", on_timer)


def _never_early(self: PositionManager, fill: Any, **_told: bool) -> bool:
    return False


def _reports_without_fills() -> Any:
    original = AccountDesk.on_reports

    def on_reports(self: AccountDesk, reports: Any, out: Any) -> None:
        original(self, msgspec.structs.replace(reports, fills=[]), out)

    return patch.object(AccountDesk, "on_reports", on_reports)


def _trade_socket_is_always_there() -> Any:
    original = TradingCore._stream

    def stream(self: TradingCore, event: Any, out: Any) -> None:
        if event.stream is not StreamName.TRADE or isinstance(event, StreamUp):
            original(self, event, out)

    return patch.object(TradingCore, "_stream", stream)


def _no_trade_is_remembered() -> Any:
    original = PositionManager.forget

    def forget(self: PositionManager, position: OpenPosition) -> None:
        original(self, position)
        self._ended.clear()
        self._vanished.clear()

    return patch.object(PositionManager, "forget", forget)


def _stops_asked_for_in_memory() -> Any:
    original = SendingDesk.move_stop

    def move_stop(self: SendingDesk, position: OpenPosition, stop: Any, out: Outbox) -> None:
        told = len(out.outputs)
        original(self, position, stop, out)
        del out.outputs[told:]

    return patch.object(SendingDesk, "move_stop", move_stop)


def _reads_as_often_as_when_flat() -> Any:
    original = AccessDesk.is_read_due.fget
    assert original is not None

    def is_read_due(self: AccessDesk) -> bool:
        held, self.state.positions.open = self.state.positions.open, {}
        try:
            return bool(original(self))
        finally:
            self.state.positions.open = held

    return patch.object(AccessDesk, "is_read_due", property(is_read_due))


def _market_facts_with(**fields: Any) -> Any:
    original = EntryGates.market_facts

    def market_facts(self: EntryGates, *arguments: Any) -> Any:
        return msgspec.structs.replace(original(self, *arguments), **fields)

    return patch.object(EntryGates, "market_facts", market_facts)


def _restores_are_not_counted() -> Any:
    original = StopDesk.restore

    def restore(self: StopDesk, position: OpenPosition, out: Outbox) -> None:
        position.stop_restores = 0
        original(self, position, out)

    return patch.object(StopDesk, "restore", restore)


def _part_holds_up_the_whole() -> Any:
    def is_closing(self: SendingDesk, symbol: str, _percent: int) -> bool:
        position = self.state.positions.open.get(symbol)
        return position is not None and position.close_id is not None

    return patch.object(SendingDesk, "is_closing", is_closing)


def _limit_far_beyond_the_touch() -> Any:
    original = signal_desk_module.make_ticket

    def make_ticket(signal: Any, *arguments: Any) -> Any:
        ticket = original(signal, *arguments)
        if not hasattr(ticket, "limit"):
            return ticket
        return msgspec.structs.replace(ticket, limit=ticket.limit + 50 * signal.direction.sign)

    return patch.object(signal_desk_module, "make_ticket", make_ticket)


def _wishes_to_close_in_memory() -> Any:
    original = OpenPosition.take_up

    def take_up(self: OpenPosition, kept: Any) -> None:
        original(self, kept)
        self.exit_wanted = ""

    return patch.object(OpenPosition, "take_up", take_up)


LOAD_BEARING = (
    Mutation("stop attached to the entry", ("I2",), lambda: [_replace_request(_without_stop)]),
    Mutation("exits are reduce-only", ("I11",), _whole_size_not_reducing),
    Mutation(
        "executions are booked once",
        ("I4", "I7", "I19"),
        lambda: [patch.object(PositionManager, "mark_booked", _nothing)],
    ),
    Mutation(
        "an execution waits for those before it",
        ("I7", "I8"),
        lambda: [patch.object(PositionManager, "is_early", _never_early)],
    ),
    Mutation("executions are read after gaps", ("I4", "I7", "I19", "I3"), lambda: [_reports_without_fills()]),
    Mutation(
        "the account is compared",
        ("I4", "I2", "I19", "I3", "I17"),
        lambda: [patch.object(QueryDesk, "request_reports", _nothing)],
    ),
    Mutation("unknown orders are asked for", ("I9",), lambda: [patch.object(QueryDesk, "on_timer", _nothing)]),
    Mutation("unknown is not no", ("I1", "I5", "I9"), lambda: [_unknown_is_no()]),
    Mutation("unknown blocks entries", ("I9",), lambda: [_facts_without(unknown_intents=0)]),
    Mutation("a missing stop is restored", ("I2",), lambda: [patch.object(StopDesk, "restore", _nothing)]),
    Mutation(
        "a position that cannot get its stop is closed", ("I2",), lambda: [patch.object(StopDesk, "_give_up", _nothing)]
    ),
    Mutation("a position found naked keeps entries out", ("I12",), lambda: [_facts_without(naked=())]),
    Mutation("old position reports are dropped", ("I19", "I2", "I10", "I7", "I4"), _any_report_is_new),
    Mutation("the stop only tightens", ("I10",), lambda: [_breakeven_at_any_price()]),
    Mutation("locks stop entries", ("I12", "I8", "I9"), lambda: [_facts_without(lock_reasons=(), state="READY")]),
    Mutation("entries need a fresh read of the account", ("I12",), lambda: [_read_just_now()]),
    Mutation("entries wait for the trade socket", ("I12",), lambda: [_trade_socket_is_always_there()]),
    Mutation("stale books stop entries", ("I6",), lambda: [_fresh_book()]),
    Mutation("a broken book stops entries", ("I6",), lambda: [patch.object(OrderBook, "_break", _still_valid)]),
    Mutation("a symbol takes one entry at a time", ("I1",), lambda: [_market_facts_with(has_in_flight=False)]),
    Mutation("flatten is durable", ("I3", "I12"), lambda: [_flags_in_memory()]),
    Mutation("entries keep their purpose over a restart", ("I2", "I15", "I7", "I19"), lambda: [_forget_entries()]),
    Mutation("what is to be closed stays so over a restart", ("I3", "I15"), lambda: [_wishes_to_close_in_memory()]),
    Mutation(
        "margin in use counts",
        ("I1",),
        lambda: [patch.object(SignalDesk, "margin_used", lambda _self: Decimal(0))],
    ),
    Mutation(
        "under a ban a flatten asks once in 15 s",
        ("I14",),
        lambda: [patch.object(Silence, "may_probe", lambda *_arguments: True)],
    ),
    Mutation("under a ban nothing else leaves", ("I14",), lambda: [patch.object(Silence, "left_ns", _no_time)]),
    Mutation(
        "a leverage changed by hand is set again",
        ("I1",),
        lambda: [patch.object(LeverageDesk, "_learn_leverage", _nothing)],
    ),
    Mutation(
        "a late execution belongs to the trade that it ends",
        ("I7",),
        lambda: [_no_trade_is_remembered()],
    ),
    Mutation("a stop asked for is durable", ("I10",), lambda: [_stops_asked_for_in_memory()]),
    Mutation(
        "a stop waits for the one asked for before it",
        ("I10",),
        lambda: [patch.object(SendingDesk, "is_stop_busy", lambda *_arguments: False)],
    ),
    Mutation(
        "an entry waits for a stop of the position before it",
        ("I10",),
        lambda: [patch.object(EntryGates, "_may_stop_arrive", lambda *_arguments: False)],
    ),
    Mutation("a stop that vanishes four times ends the position", ("I2",), lambda: [_restores_are_not_counted()]),
    Mutation("a held account is read every 3 s", ("I2",), lambda: [_reads_as_often_as_when_flat()]),
    Mutation("a part does not hold up the whole", ("I2",), lambda: [_part_holds_up_the_whole()]),
    Mutation(
        "positions are closed when the connection stays lost",
        ("I3",),
        lambda: [patch.object(WatchDesk, "_watch_streams", _nothing)],
    ),
    Mutation("an entry keeps to the collar", ("I13",), lambda: [_limit_far_beyond_the_touch()]),
    Mutation("entries are few in a minute", ("I14",), lambda: [_facts_without(entries_last_minute=0)]),
    Mutation("the same entry is not made twice at once", ("I14",), lambda: [_market_facts_with(last_entry_ns=None)]),
    Mutation(
        "a loss of open positions is made sure of",
        ("I8",),
        lambda: [patch.object(DayLossDesk, "_are_books_certain", lambda _self: True)],
    ),
    Mutation(
        "our books are compared with the exchange's log",
        ("I7",),
        lambda: [patch.object(LedgerDesk, "_differs", LedgerDesk._agrees)],
    ),
    Mutation(
        "a withdrawal is no loss",
        ("I8",),
        lambda: [patch.object(DayBook, "note_moves", _nothing)],
    ),
    Mutation(
        "the day's loss limit locks",
        ("I8",),
        lambda: [
            patch.object(DayLossDesk, "on_tick", _nothing),
            _facts_without(day_pnl_usdt=Decimal(0)),
        ],
    ),
)
"""Each must be caught when it alone is off."""

REDUNDANT = (
    Mutation(
        "a signal leaves the queue when it is approved",
        ("I5",),
        lambda: [_queue_never_empties(), _link_ids_never_repeat()],
        covered_by="link ids are deterministic, the exchange refuses the second (110072)",
    ),
    Mutation(
        "size is cut to the exposure room",
        ("I1",),
        lambda: [_tenfold_size(), patch.object(SignalDesk, "_order_gates", _no_gates)],
        covered_by="the gate of the order itself counts its margin",
    ),
    Mutation(
        "entries stay near the mark price",
        ("I6",),
        lambda: [patch.object(checks, "_mark", _near_mark), patch.object(checks, "_price_to_mark", _near_mark)],
        covered_by="the order's own limit is held against the mark price too",
    ),
    Mutation(
        "an order lives no longer than its recv_window",
        ("I9",),
        lambda: [
            patch.object(venue_client, "ORDER_TTL_S", 1e9),
            patch.object(FillDesk, "_leave_late_fill", _nothing),
        ],
        covered_by="what a dead entry fills is closed at once",
    ),
    Mutation(
        "flatten repeats",
        ("I3",),
        lambda: [_one_try_flatten(), patch.object(PositionDesk, "_close_again", _nothing)],
        covered_by="what is to be closed stays wanted until it is gone",
    ),
)
"""Each is caught when it and its partner are off together."""
