"""What the core knows: one state a symbol, the account, the locks. Plain containers; decisions live in the desks."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from decimal import Decimal

import msgspec

from cockpit.detectors.bank import DetectorBank
from cockpit.detectors.config import DetectorsConfig
from cockpit.domain.account import BalanceReport
from cockpit.domain.enums import Approval, Environment, OrderPath, Severity, Side, StreamName
from cockpit.domain.events import HostHealth, VenueHealth
from cockpit.domain.instrument import Instrument
from cockpit.domain.time import NS_PER_MS, NS_PER_S
from cockpit.engine.config import EngineConfig
from cockpit.engine.effects import Effect, Noted, Output, SetFlag
from cockpit.engine.locks import FLATTEN, OPERATOR_CLEARS, TradingState, trading_state
from cockpit.execution.config import ExecutionConfig
from cockpit.execution.orders import OrderManager
from cockpit.execution.positions import PositionManager
from cockpit.market.state import MarketState
from cockpit.ports.journal import Recovery
from cockpit.risk.limits import RiskLimits
from cockpit.signals.config import SignalsConfig
from cockpit.signals.pipeline import SignalPipeline

DAY_NS = 86_400 * NS_PER_S
DAY_FLAG = "day_start"
"""Engine flag: the exchange day, the equity it began with, and when that was."""


class CoreSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the core is configured with. Frozen for the life of an engine."""

    environment: Environment
    symbols: tuple[str, ...]
    epoch: int
    """Count of engine starts on this data folder."""
    folder: str = ""
    """Mark of this data folder, part of every link id; "" where nothing is kept."""
    pace: float = 1.0
    """Speed of a simulated market; only at 1 do its stamps keep step with the clock."""
    order_path: OrderPath = OrderPath.REST
    """The way of orders; over the trade socket, entries wait for that stream too."""
    engine: EngineConfig = EngineConfig()
    detectors: DetectorsConfig = DetectorsConfig()
    signals: SignalsConfig = SignalsConfig()
    risk: RiskLimits = RiskLimits()
    execution: ExecutionConfig = ExecutionConfig()

    @property
    def streams(self) -> tuple[StreamName, ...]:
        """The streams without which no entry is made."""
        is_traded_on = self.order_path is OrderPath.SOCKET
        return tuple(name for name in StreamName if name is not StreamName.TRADE or is_traded_on)


class Outbox:
    """Collects what one event leads to, in order."""

    __slots__ = ("effects", "outputs")

    def __init__(self) -> None:
        self.outputs: list[Output] = []
        self.effects: list[Effect] = []

    def note(self, event: str, severity: Severity, text: str, symbol: str = "") -> None:
        """Tell the operator and the journal something in words; ``event`` names its kind."""
        self.outputs.append(Noted(event=event, severity=severity, text=text, symbol=symbol))


class SymbolState:
    """Market, detectors and signals of one symbol."""

    def __init__(self, symbol: str, settings: CoreSettings) -> None:
        self.symbol = symbol
        self.market = MarketState(symbol)
        self.bank = DetectorBank(symbol, settings.detectors, settings.epoch)
        self.pipeline = SignalPipeline(symbol, settings.signals, settings.epoch)
        self.instrument: Instrument | None = None
        self.rules_read_ns: int | None = None
        """When ``instrument`` was read last, engine time."""
        self.mode_read_ns: int | None = None
        """When the exchange showed the symbol in one-way mode last; None while its position mode is not known."""
        self.mode_asked_ns = 0
        self.recv_ns: int | None = None
        """Receive time of the last book frame or heartbeat."""
        self.was_valid = False
        self.has_leverage = False
        """The exchange has confirmed the configured leverage."""
        self.leverage_asked_ns = 0
        self.stop_asked_ns: int | None = None
        """When a stop of the symbol was asked for last: it may still arrive, and then moves whatever stop is there."""
        self.stops_unanswered = 0
        """Requests for a stop that have not been answered: nobody knows when they left."""
        self.frames_since_gap = 0
        """Consistent book frames since the book was lost or replaced after a restart of the exchange's service."""
        self.last_entry_ns: dict[Side, int] = {}
        self.md_latency_ns: deque[int] = deque(maxlen=64)
        """Receive time minus exchange time of the last frames."""

    def ask_stop(self, now_ns: int) -> None:
        """A request for a stop of the symbol is made now."""
        self.stop_asked_ns = now_ns
        self.stops_unanswered += 1

    def answer_stop(self, now_ns: int, *, is_unknown: bool) -> None:
        """It was answered, or nobody did in time: then it may have left as late as now."""
        self.stops_unanswered = max(0, self.stops_unanswered - 1)
        if is_unknown:
            self.stop_asked_ns = now_ns

    def give_up_book(self, reason: str) -> None:
        """The book is not known any more, and with it the mid: no rule may go on with the last one."""
        self.market.book.invalidate(reason)
        self.market.mid = None

    @property
    def mark(self) -> float | None:
        """Mark price, None while the source has not told it."""
        return None if self.market.ticker is None else self.market.ticker.mark_price


class DayBook:
    """Profit of the exchange's day (00:00 UTC) after fees."""

    def __init__(self, realised: Decimal) -> None:
        self.day: int | None = None
        self.realised = realised
        self.r_usdt = Decimal(0)
        """1R at the first wallet read of the day, USDT."""
        self.start_equity: Decimal | None = None
        """Equity with which the day began, USDT; None until it is known."""
        self.start_ms = 0
        """Exchange time from which deposits and withdrawals are not in ``start_equity``."""
        self.lowest = Decimal(0)
        """Lowest point of the day's result by the transaction log as it was read at the start, USDT, never positive."""
        self.ledger_ns = 0
        """When the transaction log was asked for that ``moved`` is made of."""
        self._has_rolled = False
        """The day began while this engine ran: the first wallet read that is asked for on it is its start."""
        self._moves: dict[str, tuple[int, Decimal]] = {}
        self._risk_pct = Decimal(0)
        self.trades = 0
        self.wins = 0
        self.streak = 0
        """Wins in a row (> 0) or losses in a row (< 0)."""

    def roll(self, now_ns: int) -> bool:
        """Start a new day if one has begun; True if so."""
        day = now_ns // DAY_NS
        if day == self.day:
            return False
        is_first = self.day is None
        self.day = day
        if not is_first:
            self.realised = Decimal(0)
            self.r_usdt = Decimal(0)
            self.start_equity = None
            self.lowest = Decimal(0)
            self.trades = self.wins = 0
            self._has_rolled = True
        return not is_first

    def take_equity(self, equity: Decimal, risk_pct: Decimal, asked_ms: int) -> bool:
        """Note the wallet as a read showed it; True if it is the start of a day that has just begun.

        A read that was asked for (exchange time ``asked_ms``) before a new day tells nothing of it, and a push never
        says of when it is: it may be older than a withdrawal that the day's ``moved`` counts. Until a read of the day
        1R is 0, and its gate lets no entry pass.
        After a start of the engine the day is older than the first read: ``reconstruct`` tells what it began with.
        """
        self._risk_pct = risk_pct
        if self._has_rolled and asked_ms < self._midnight_ms:
            return False
        if self.r_usdt == 0:
            self.r_usdt = (self.start_equity or equity) * risk_pct / 100
        if self.start_equity is not None or not self._has_rolled:
            return False
        self.start_equity, self.start_ms = equity, asked_ms
        return True

    def reconstruct(self, wallet: Decimal, lowest: Decimal) -> bool:
        """Take the day's start from the exchange's transaction log, unless it is known; True if it was not.

        Args:
            wallet: balance at 00:00 UTC, USDT. Open profit of that moment is not in the log and counts as nothing.
            lowest: lowest point of the day's result since.
        """
        if self.start_equity is not None:
            return False
        self.start_equity, self.start_ms = wallet, self._midnight_ms
        self.lowest = lowest
        capital = wallet if wallet > 0 else self.moved  # an account that was funded today began with nothing
        if capital > 0:
            self.r_usdt = capital * self._risk_pct / 100
        return True

    def note_moves(self, moves: Iterable[tuple[str, int, Decimal]]) -> None:
        """Money that came or went without being a result: row id, exchange time in ms, USDT."""
        self._moves.update((row_id, (ts_ms, amount)) for row_id, ts_ms, amount in moves if amount)
        self._moves = {row_id: move for row_id, move in self._moves.items() if move[0] >= self._midnight_ms}

    @property
    def _midnight_ms(self) -> int:
        """When the day began, exchange time."""
        return (self.day or 0) * DAY_NS // NS_PER_MS

    @property
    def moved(self) -> Decimal:
        """Deposits less withdrawals since the day's start, USDT."""
        return sum((amount for ts_ms, amount in self._moves.values() if ts_ms >= self.start_ms), Decimal(0))

    @property
    def last_move_ms(self) -> int:
        """Exchange time of the newest deposit or withdrawal of today, 0 if there was none."""
        return max((ts_ms for ts_ms, _ in self._moves.values()), default=0)

    def flag(self) -> str:
        """The day's start as a durable flag."""
        return f"{self.day}:{self.start_equity}:{self.start_ms}"

    def recover(self, flag: str) -> None:
        """Take the day's start from a flag of an earlier run, if it is of this day."""
        day, _, rest = flag.partition(":")
        equity, _, start_ms = rest.partition(":")
        if day == str(self.day) and equity:
            self.start_equity = Decimal(equity)
            self.start_ms = int(start_ms or self._midnight_ms)

    def close_trade(self, net: Decimal, *, is_first: bool = True) -> None:
        """Count one closed trade; a trade that a late fill took up again only adds its difference."""
        self.realised += net
        if not is_first:
            return
        self.trades += 1
        self.wins += net > 0
        step = 1 if net > 0 else -1
        self.streak = self.streak + step if self.streak * step > 0 else step


class EngineState:
    """The whole of it."""

    def __init__(self, settings: CoreSettings, recovery: Recovery) -> None:
        self.settings = settings
        self.symbols: dict[str, SymbolState] = {}
        self._other_rules: dict[str, Instrument] = {}
        """Rules of symbols that are held and not watched."""
        self.orders = OrderManager()
        self.positions = PositionManager(set(recovery.seen_exec_ids), dict(recovery.last_seqs))
        self.fee_rate = Decimal(repr(settings.execution.taker_fee_rate))
        """Taker fee fraction for estimates."""
        self.now_ns = self.seq = 0
        self.approval: Approval = settings.engine.approval
        self.balance: BalanceReport | None = None
        self.balance_taken_ns = 0
        """When it arrived; a push may have been on its way for long."""
        self.read_equity: Decimal | None = None
        """Equity as it was read last, USDT; None before the first read."""
        self.equity_ns = 0
        """When that read was asked for: the equity is of then or later, which a push never tells."""
        self.day = DayBook(recovery.day_realised)
        self.locks: dict[str, str] = {
            "account": "the account has not been read yet",
            **{f"{name} stream": f"{name} stream is not up yet" for name in settings.streams},
        }
        """Reasons that keep entries off: name -> words. Entries are on when it is empty."""
        self.streams: dict[StreamName, bool] = dict.fromkeys(settings.streams, False)
        self.is_ended = False
        self.books_since_ms = 0
        """Exchange time of the first start on this data folder: from there on our books claim to be complete."""
        self.reconciled_ns: int | None = None
        self.read_asked_ns = 0
        """When the last complete read of the account was asked for: it tells of then or later."""
        self.private_up_ns = 0
        """When the private stream came up last."""
        self.private_answered_ns: int | None = None
        """When the private stream answered last: an acknowledgement or a pong; None while it is down."""
        self.venue: VenueHealth | None = None
        """What may be sent, as the venue told last."""
        self.banned_until_ns: int | None = None
        self.key_refused_ns = 0
        """When the exchange refused the key last."""
        self.entry_times: deque[int] = deque(maxlen=600)
        self.order_ms: int | None = None
        """Round trip of the last order request."""
        self.rejected_frames = 0
        self.gaps = 0
        self.host: HostHealth | None = None
        """The machine's last report."""
        self.reconnects = 0
        for symbol in settings.symbols:
            self.add_symbol(symbol)

    def instrument(self, symbol: str) -> Instrument | None:
        """Rules of a symbol, None while they are not known; held symbols that nobody watches have theirs too."""
        known = self.symbols.get(symbol)
        return self._other_rules.get(symbol) if known is None else known.instrument

    def keep_rules(self, instrument: Instrument) -> None:
        """Rules as they were read just now."""
        known = self.symbols.get(instrument.symbol)
        if known is None:
            self._other_rules[instrument.symbol] = instrument
            return
        known.instrument, known.rules_read_ns = instrument, self.now_ns

    @property
    def exchange_ns(self) -> int:
        """The exchange's time: a day is the exchange's, whatever this machine's clock says."""
        return self.to_exchange_ns(self.now_ns)

    def to_exchange_ns(self, engine_ns: int) -> int:
        """Exchange time of an engine time."""
        offset_ns = None if self.host is None else self.host.clock_offset_ns
        return engine_ns + (offset_ns or 0)

    @property
    def is_flattening(self) -> bool:
        """True while a flatten closes everything."""
        return FLATTEN in self.locks

    def lock_until_resumed(self, lock: str, reason: str, out: Outbox) -> None:
        """Entries are off, over restarts too, until an operator resumes."""
        self.locks[lock] = reason
        out.effects.append(SetFlag(OPERATOR_CLEARS[lock], reason))

    @property
    def trading(self) -> TradingState:
        """The state that the reasons in ``locks`` add up to."""
        return trading_state(self.locks.keys(), is_account_known=self.reconciled_ns is not None)

    def add_symbol(self, symbol: str) -> SymbolState:
        """Begin to know a symbol: a replay at its first frame, a live engine from the start."""
        added = self.symbols[symbol] = SymbolState(symbol, self.settings)
        return added
