"""A trading core by hand: a clock, a market of walls, and an exchange that says only what the test lets it say.

``Bench`` feeds a real core and keeps what it asks for: orders, stops, queries, flags. It fires the core's timers when
time passes and answers its reads of the account with ``bench.account`` (unless ``bench.is_reading`` is off). Every
other word of the exchange is spoken by the test.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import count
from typing import Any, TypeVar

import msgspec

from cockpit.detectors.config import ActivityConfig, DetectorsConfig
from cockpit.domain.account import BalanceReport
from cockpit.domain.commands import ApproveSignal, Command, OperatorCommand
from cockpit.domain.enums import Approval, Environment, ExecType, OrderStatus, Side, StreamName
from cockpit.domain.events import (
    AccountPush,
    HostHealth,
    InstrumentsLoaded,
    LedgerRead,
    LeverageAnswer,
    OrderAnswer,
    Outcome,
    StopAnswer,
    StreamAnswered,
    StreamUp,
    TimerFired,
    VenueHealth,
    VenueReports,
)
from cockpit.domain.ids import ClientOrderId
from cockpit.domain.instrument import Instrument
from cockpit.domain.ledger import LedgerRow
from cockpit.domain.orders import OrderReport, OrderRequest, StopRequest
from cockpit.domain.positions import FillReport, PositionReport
from cockpit.domain.time import NS_PER_MS, NS_PER_S
from cockpit.engine.config import EngineConfig
from cockpit.engine.core import TradingCore
from cockpit.engine.effects import (
    CancelEntries,
    CommandAnswered,
    EndEngine,
    FillBooked,
    Output,
    QueryOrder,
    QueryPosition,
    ReadLedger,
    RequestReports,
    SetFlag,
    SetLeverage,
    SetStop,
    SetTimer,
    Step,
    StepDigest,
    SubmitOrder,
)
from cockpit.engine.signal_desk import QueuedSignal
from cockpit.engine.state import CoreSettings
from cockpit.execution.ticket import ticket_hash
from cockpit.ports.journal import Recovery
from tests.support.core_market import Market

NOON_NS = 1_767_614_400 * NS_PER_S
"""2026-01-05 12:00 UTC."""
AAA, BBB = "AAAUSDT", "BBBUSDT"
SEEN_AT_ONCE = DetectorsConfig(activity=ActivityConfig(warmup_s=0))
OutputT = TypeVar("OutputT", bound=Output)


def instrument(symbol: str = AAA, **changes: Any) -> Instrument:
    rules = Instrument(
        symbol=symbol,
        tick_size=Decimal("0.01"),
        qty_step=Decimal("0.1"),
        min_qty=Decimal("0.1"),
        max_qty=Decimal(10_000),
        max_market_qty=Decimal(10_000),
        min_notional=Decimal(5),
        max_leverage=Decimal(50),
    )
    return msgspec.structs.replace(rules, **changes)


def recovery(**changes: Any) -> Recovery:
    fresh = Recovery(
        epoch=1, open_intents=[], open_trades=[], seen_exec_ids=[], last_fill_ms=0, day_realised=Decimal(0)
    )
    return msgspec.structs.replace(fresh, **changes)


def healthy(now_ns: int, **changes: Any) -> HostHealth:
    """The report of a machine that is well."""
    report = HostHealth(
        loop_lag_ns=0,
        disk_free_bytes=10**12,
        clock_offset_ns=0,
        clock_uncertainty_ns=NS_PER_MS,
        clock_read_ns=now_ns,
        commit_p99_ns=NS_PER_MS,
        committed_ns=now_ns,
        is_lock_held=True,
        slept_ns=0,
        ts_recv=now_ns,
    )
    return msgspec.structs.replace(report, **changes)


class Account:
    """What a complete read of the account shows."""

    def __init__(self) -> None:
        self.equity = Decimal(10_000)
        self.initial_margin = Decimal(0)
        self.positions: dict[str, PositionReport] = {}
        self.orders: list[OrderReport] = []
        self.fills: list[FillReport] = []

    def balance(self) -> BalanceReport:
        return BalanceReport(
            equity=self.equity,
            wallet_balance=self.equity,
            available=self.equity - self.initial_margin,
            initial_margin=self.initial_margin,
        )


class Bench:
    """One engine on the bench."""

    def __init__(
        self,
        *,
        symbols: Sequence[str] = (AAA,),
        approval: Approval = Approval.MANUAL,
        recover: Recovery | None = None,
        start_ns: int = NOON_NS,
        instruments: Iterable[Instrument] | None = None,
        **sections: Any,
    ) -> None:
        recover = recover or recovery()
        sections = {"detectors": SEEN_AT_ONCE, "engine": EngineConfig(approval=approval)} | sections
        settings = CoreSettings(
            environment=Environment.SIM, symbols=tuple(symbols), epoch=recover.epoch, folder=recover.folder, **sections
        )
        self.core = TradingCore(settings, recover)
        self.now_ns = start_ns
        self.account = Account()
        self.is_reading = True
        self.ledger: list[LedgerRow] = []
        """The exchange's transaction log; every execution that the core books is added while ``mirrors`` is on."""
        self.mirrors = True
        self.digest = StepDigest()
        self.outputs: list[Output] = []
        self.effects: list[Any] = []
        self.timers: dict[str, int] = {}
        self.markets = {name: Market(name, self) for name in symbols}
        self._instruments = [instrument(name) for name in symbols] if instruments is None else list(instruments)
        self._reads: list[int] = []
        """Since when the reads of the account that were asked for are to tell executions."""
        self._since_ms = 0
        self._ledgers: list[int] = []
        self._rows: list[str] = []
        self._leverages: list[str] = []
        self._numbers = count(1)
        self.sequence = count(100)
        """Cross sequence of the exchange; execution ids are made of it."""

    # ------------------------------------------------------------------------------------------------ start and time

    def start(self) -> Bench:
        """Rules, start, both streams, one read of the account, one snapshot and ticker of every market."""
        self.feed(InstrumentsLoaded(self._instruments, self.now_ns))
        self.boot()
        for name in self.core.state.settings.streams:
            self.feed(StreamUp(name, self.now_ns))
        for market in self.markets.values():
            market.open()
        self.wait(1.5)
        return self

    def boot(self) -> Step:
        step = self._take(self.core.start(self.now_ns))
        self.report()
        return step

    def report(self, **changes: Any) -> None:
        """A healthy machine and a venue with all its room tell of themselves; ``changes`` are the machine's."""
        self.feed(healthy(self.now_ns, **changes))
        self.feed(VenueHealth(room_percent=100.0, room_route="all routes", silent_until_ns=None, ts_recv=self.now_ns))

    def wait(self, seconds: float, *, market: bool = True, reporting: bool = True, answering: bool = True) -> None:
        """Let time pass: timers fire, every market repeats itself four times a second, machine and venue report.

        ``reporting`` off silences machine and venue, ``answering`` off the pongs of the private stream.
        """
        end = self.now_ns + round(seconds * NS_PER_S)
        step = NS_PER_S // 4
        while self.now_ns < end:
            self._to(min(self.now_ns + step, end))
            if reporting:
                self.report()
            if answering and self.core.state.streams[StreamName.PRIVATE]:
                self.feed(StreamAnswered(StreamName.PRIVATE, self.now_ns))
            if market:
                for each in self.markets.values():
                    each.repeat()

    def _to(self, until_ns: int) -> None:
        while due := [(at, name) for name, at in self.timers.items() if at <= until_ns]:
            at, name = min(due)
            del self.timers[name]
            self.now_ns = max(self.now_ns, at)
            self.feed(TimerFired(name, self.now_ns))
        self.now_ns = max(self.now_ns, until_ns)

    # ------------------------------------------------------------------------------------------------------ the core

    def feed(self, event: Any) -> Step:
        """One event into the core, and the answers to the reads it asks for."""
        step = self._take(self.core.process(event))
        for symbol in [self._leverages.pop() for _ in list(self._leverages)]:
            self._take(self.core.process(LeverageAnswer(symbol=symbol, outcome=Outcome.YES, ts_recv=self.now_ns)))
        if self.is_reading:
            while self._reads or self._rows or self._ledgers:
                if self._ledgers:
                    self.read_ledger()
                if self._reads:
                    self.read()
                for symbol in [self._rows.pop() for _ in list(self._rows)]:
                    self.push(self.account.positions.get(symbol) or self.position(symbol, "0"))
        return step

    def _take(self, step: Step) -> Step:
        self.digest.add(step)
        self.outputs += step.outputs
        self.effects += step.effects
        if self.mirrors:
            self.ledger += [row for o in step.outputs if isinstance(o, FillBooked) for row in self.rows_of(o.fill)]
        for effect in step.effects:
            if isinstance(effect, SetTimer):
                self.timers[effect.name] = effect.at_ns
            elif isinstance(effect, RequestReports):
                self._reads.append(effect.fills_since_ms)
            elif isinstance(effect, ReadLedger):
                self._ledgers.append(effect.since_ms)
            elif isinstance(effect, SetLeverage):
                self._leverages.append(effect.symbol)
            elif isinstance(effect, QueryPosition):
                self._rows.append(effect.symbol)
        return step

    def read(self, *, requested_ns: int | None = None, since_ms: int | None = None) -> Step:
        """A complete read of the account comes back, a millisecond after it was asked for.

        It is as deep as the deepest that was asked for (as the last one, if none was), or reaches back to ``since_ms``.
        """
        self._since_ms = min(self._reads, default=self._since_ms) if since_ms is None else since_ms
        self._reads.clear()
        asked = self.now_ns if requested_ns is None else requested_ns
        self.now_ns += NS_PER_MS
        account = self.account
        return self._take(
            self.core.process(
                VenueReports(
                    orders=list(account.orders),
                    positions=[p for p in account.positions.values() if p.qty],
                    fills=[fill for fill in account.fills if fill.ts_event >= self._since_ms * NS_PER_MS],
                    since_ms=self._since_ms,
                    balance=account.balance(),
                    requested_ns=asked + 1,
                    ts_recv=self.now_ns,
                )
            )
        )

    def read_ledger(self, **changes: Any) -> Step:
        """A complete read of the transaction log comes back."""
        since_ms, *self._ledgers = self._ledgers or [0]
        read = LedgerRead(
            rows=[row for row in self.ledger if row.ts_ms >= since_ms],
            since_ms=since_ms,
            until_ms=self.now_ns // NS_PER_MS,
            requested_ns=self.now_ns,
            ts_recv=self.now_ns,
        )
        return self._take(self.core.process(msgspec.structs.replace(read, **changes)))

    def rows_of(self, fill: FillReport) -> list[LedgerRow]:
        """What the exchange's log says of an execution."""
        is_funding = fill.exec_type is ExecType.FUNDING
        amounts = {
            "cash_flow": fill.gain or Decimal(0),
            "funding": -fill.fee if is_funding else Decimal(0),
            "fee": Decimal(0) if is_funding else fill.fee,
        }
        kind = "SETTLEMENT" if is_funding else "TRADE"
        return [self.row(kind, fill.exec_id, symbol=fill.symbol, ts_ms=fill.ts_event // NS_PER_MS, **amounts)]

    def row(self, kind: str, exec_id: str = "", **fields: Any) -> LedgerRow:
        """One row of the log; ``change`` is made of its parts."""
        zero = Decimal(0)
        told = {
            "category": "linear",
            "symbol": AAA,
            "currency": "USDT",
            "cash_flow": zero,
            "funding": zero,
            "fee": zero,
        }
        told |= {"balance": self.account.equity, "ts_ms": self.now_ns // NS_PER_MS} | fields
        change = told["cash_flow"] + told["funding"] - told["fee"]
        return LedgerRow(row_id=f"r{next(self._numbers)}", kind=kind, exec_id=exec_id, change=change, **told)

    def asked(self, kind: type[Any]) -> list[Any]:
        """Effects of one kind so far."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def told(self, kind: type[OutputT]) -> list[OutputT]:
        """Outputs of one kind so far."""
        return [output for output in self.outputs if isinstance(output, kind)]

    def notes(self) -> list[str]:
        return [output.event for output in self.outputs if hasattr(output, "event")]

    @property
    def sent(self) -> list[OrderRequest]:
        """Orders that were sent."""
        return [effect.request for effect in self.asked(SubmitOrder)]

    @property
    def stops(self) -> list[StopRequest]:
        return [effect.request for effect in self.asked(SetStop)]

    @property
    def queried(self) -> list[str]:
        return [effect.client_id for effect in self.asked(QueryOrder)]

    @property
    def cancelled(self) -> list[str]:
        return [effect.symbol for effect in self.asked(CancelEntries)]

    @property
    def ended(self) -> bool:
        return bool(self.asked(EndEngine))

    @property
    def flags(self) -> dict[str, str]:
        flags = {effect.name: effect.value for effect in self.asked(SetFlag)}
        return {name: value for name, value in flags.items() if value}

    # ------------------------------------------------------------------------------------------------- the operator

    def order(self, command: Command, *, operator: str = "anna", command_id: str = "") -> str:
        """Give a command; returns "" or why it was refused."""
        name = command_id or f"c{next(self._numbers)}"
        step = self.feed(OperatorCommand(command_id=name, operator=operator, command=command, ts_recv=self.now_ns))
        (answer,) = [output for output in step.outputs if isinstance(output, CommandAnswered)]
        assert answer.accepted is (answer.reason == "")
        return answer.reason

    @property
    def signals(self) -> list[QueuedSignal]:
        return list(self.core.signals.queue.values())

    def approve(self, queued: QueuedSignal | None = None) -> str:
        """Approve a signal (the only one) as it stands on screen."""
        queued = queued or self.signals[0]
        content = ticket_hash(queued.signal, self.core.state.settings.risk)
        return self.order(ApproveSignal(queued.signal.signal_id, content))

    # ------------------------------------------------------------------------------------------------- the exchange

    def push(self, *reports: Any) -> Step:
        """One message of the private stream."""
        return self.feed(AccountPush(list(reports), self.now_ns))

    def answer(self, request: OrderRequest, outcome: Outcome = Outcome.YES, **fields: Any) -> Step:
        fields = {"order_id": f"o-{request.client_id}" if outcome is Outcome.YES else ""} | fields
        return self.feed(
            OrderAnswer(
                client_id=request.client_id, outcome=outcome, sent_ns=self.now_ns, ts_recv=self.now_ns, **fields
            )
        )

    def answer_stop(self, outcome: Outcome = Outcome.YES, **fields: Any) -> Step:
        """Answer the last stop request."""
        asked = self.stops[-1]
        return self.feed(
            StopAnswer(
                symbol=asked.symbol,
                stop_loss=asked.stop_loss,
                outcome=outcome,
                sent_ns=self.now_ns,
                ts_recv=self.now_ns,
                **fields,
            )
        )

    def order_report(self, request: OrderRequest, status: OrderStatus, filled: str = "0", **fields: Any) -> OrderReport:
        base = {
            "symbol": request.symbol,
            "order_id": f"o-{request.client_id}",
            "client_id": request.client_id,
            "side": request.side,
            "status": status,
            "order_type": request.order_type,
            "qty": Decimal(request.lots) / 10,
            "filled_qty": Decimal(filled),
            "reduce_only": request.reduce_only,
            "updated_ms": self.now_ns // NS_PER_MS,
        }
        return OrderReport(**(base | fields))

    def fill(self, request: OrderRequest, price: str, qty: str, **fields: Any) -> FillReport:
        """One execution of an order of ours."""
        return self.execution(request.symbol, request.side, price, qty, **({"client_id": request.client_id} | fields))

    def execution(self, symbol: str, side: Side, price: str, qty: str, **fields: Any) -> FillReport:
        seq = next(self.sequence)
        base = {
            "exec_id": f"x{seq}",
            "symbol": symbol,
            "order_id": "",
            "client_id": "",
            "side": side,
            "exec_type": ExecType.TRADE,
            "price": Decimal(price),
            "qty": Decimal(qty),
            "fee": (Decimal(price) * Decimal(qty) * Decimal("0.00055")),
            "ts_event": self.now_ns,
            "ts_recv": self.now_ns,
            "seq": seq,
        }
        report = FillReport(**(base | fields))
        self.account.fills.append(report)
        return report

    def position(
        self, symbol: str, qty: str, entry: str = "100", stop: str | None = None, **fields: Any
    ) -> PositionReport:
        """What the exchange holds from now on; ``qty`` is signed."""
        signed = Decimal(qty)
        base = {
            "symbol": symbol,
            "side": None if signed == 0 else Side.BUY if signed > 0 else Side.SELL,
            "qty": abs(signed),
            "entry_price": Decimal(entry) if signed else Decimal(0),
            "stop_loss": None if stop is None else Decimal(stop),
            "seq": next(self.sequence),
            "updated_ms": self.now_ns // NS_PER_MS,
            "ts_recv": self.now_ns,
        }
        report = PositionReport(**(base | fields))
        self.account.positions[symbol] = report
        return report

    def filled(self, request: OrderRequest, price: str = "100.02", *, stop: bool = True) -> None:
        """The exchange takes an entry, fills it and shows the position with its stop."""
        qty = instrument(request.symbol).qty_text(request.lots)
        price_of_stop = None if request.stop_loss is None else instrument(request.symbol).price_text(request.stop_loss)
        self.answer(request)
        self.now_ns += 5 * NS_PER_MS
        self.push(self.order_report(request, OrderStatus.FILLED, qty))
        self.push(self.fill(request, price, qty))
        signed = qty if request.side is Side.BUY else f"-{qty}"
        self.push(self.position(request.symbol, signed, price, price_of_stop if stop else None))

    def closed(self, request: OrderRequest, price: str, **fields: Any) -> None:
        """The exchange carries a close of the whole position out."""
        held = self.account.positions[request.symbol]
        self.answer(request)
        self.now_ns += 5 * NS_PER_MS
        self.push(self.order_report(request, OrderStatus.FILLED, str(held.qty)))
        self.push(self.fill(request, price, str(held.qty), **fields))
        self.push(self.position(request.symbol, "0"))


def client_id(text: str) -> ClientOrderId:
    return ClientOrderId(text)
