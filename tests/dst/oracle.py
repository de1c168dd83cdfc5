"""The judge: invariants I1 to I21 of the reliability design, asserted from the exchange's side.

It sees every request as it arrives and every event of the exchange model, and never uses the engine's arithmetic.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.dst.exchange import Exchange, Execution, Order, PositionState
from tests.dst.journal import Disk

LINK_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")
OWN = "cs"
ENTRY_ROLE = "-e"
NAKED_LIMIT_S = 5.0
READ_S = 10.0  # the account is read as often (reliability.md P8)
CLOSED_NAKED_S = 6.5
"""The same with nothing but stops in trouble: 5 s, then the close on its way, seen twice a second."""
DAY_LOSS_GRACE_S = 15.0
CENT_FRACTION = Decimal("1e-8")
CREATES_PER_SECOND = 10
NAKED_BEFORE_START_S = 15.0
"""A read of the account may be ten seconds old, and on its way."""
RULES_GRACE_S = 10.0
BAN_HEARD_S = 0.1
PROBE_S, ROUNDING_S = 15.0, 0.001
STOP_RESTORES = 3
CLOSING_S = 8.0
"""A close that has not worked is repeated within this time: it may stay unanswered for 3 s, and a pause is 5 s."""
STOP_HEARD_S = 1.0
"""By then the engine has heard of a stop where nothing is lost."""
ENTRIES_PER_MINUTE = 10
DUPLICATE_S = 2.0
COLLAR = Decimal("0.0005")
MISMATCH_S = 30.0
"""Every 10 s a comparison, 5 s of it left to the next one, 10 s until it is certain."""
RESULTS = ("TRADE", "SETTLEMENT", "INTEREST")
"""Rows that are a result of the day; all others are money that came or went."""


@dataclass
class Limits:
    """What the engine was told to obey."""

    exposure_pct: Decimal
    max_positions: int
    day_loss_usdt: Decimal
    notional_usdt: Decimal


@dataclass
class Oracle:
    """Collects violations; the schedule fails if there is one."""

    exchange: Exchange
    limits: Limits
    now_s: Any
    violations: list[str] = field(default_factory=list)
    marks: Counter[str] = field(default_factory=Counter)
    approvals: dict[str, int] = field(default_factory=dict)
    """Signals that an operator approved, each with the time at which its life ends, ns."""
    now_ns: Any = None
    """Callable: the time of the engines' clock."""
    paused_s: float | None = None
    """When entries were switched off for good (flatten or pause accepted), in virtual seconds."""
    flatten_s: float | None = None
    """When a flatten was accepted, or was due because the connection stayed lost."""
    entries: Counter[str] = field(default_factory=Counter)
    equities: deque[tuple[float, Decimal]] = field(default_factory=lambda: deque(maxlen=64))
    """Equity every half second: a withdrawal may stay untold until the account is read, and its room with it."""
    naked_s: dict[str, float] = field(default_factory=dict)
    bare_s: dict[str, float] = field(default_factory=dict)
    """Since when an own position has been without a stop, healthy or not."""
    is_only_stops: bool = False
    """Nothing but stops is in trouble in this schedule, so closing always works."""
    engine_since_s: float = 0.0
    """When the present engine started."""
    creates: deque[float] = field(default_factory=lambda: deque(maxlen=64))
    start_equity: Decimal = Decimal(0)
    moved: Decimal = Decimal(0)
    """Money that came and went since the start."""
    loss_since_s: float | None = None
    is_day_over: bool = False
    """The loss has stood at its limit for so long that a healthy engine has seen it: the day is locked, whatever
    becomes of the loss."""
    executions: int = 0
    arrivals: list[str] = field(default_factory=list)
    """Every request that reached the exchange."""
    held_stop: dict[str, tuple[Decimal, float]] = field(default_factory=dict)
    """The stop that a request of ours has put last, by symbol, and when."""
    restores: Counter[str] = field(default_factory=Counter)
    """How often the stop of a position was put back, by symbol, in this life of the engine."""
    closing_s: dict[str, float] = field(default_factory=dict)
    """When an order to close has left last, by symbol, whether it arrived or not."""
    stopping_s: dict[str, float] = field(default_factory=dict)
    removed_s: dict[str, float] = field(default_factory=dict)
    """By symbol, when a stop was asked for last, and when somebody took it away."""
    rules_changed_s: dict[str, float] = field(default_factory=dict)
    knows_rules: Any = None
    """Callable: had the engine that made a link id read the rules of a symbol as they are now."""
    banned_s: dict[str, float] = field(default_factory=dict)
    """Under a ban of the address: when it was told to this engine first (""), and the last probe of each kind."""
    is_wire_whole: Any = None
    """Callable: True while nothing that was sent or pushed has been lost; only then both sides count the same."""
    decided: list[tuple[float, str, str]] = field(default_factory=list)
    """Entries of this life of the engine: time, symbol, side."""
    unexplained_s: float | None = None
    """Since when money has been missing that nobody told of."""
    deepest: Decimal = Decimal(0)
    """Largest loss since the start, deposits and withdrawals left out."""

    def __post_init__(self) -> None:
        self.start_equity = self.exchange.equity()
        self.exchange.listeners.append(self.listen)

    def fail(self, invariant: str, text: str) -> None:
        """Record a violation."""
        self.violations.append(f"{invariant} at {self.now_s():.3f} s: {text}")

    def listen(self, kind: str, what: Any) -> None:
        """Everything the exchange sees or does."""
        match kind:
            case "request":
                self._request(what)
            case "accepted":
                self._accepted(what)
            case "execution":
                self._execution(what)
            case "stop":
                self._stop(*what)
            case "position" if what.qty == 0:
                self.restores.pop(what.symbol, None)
                self.held_stop.pop(what.symbol, None)
            case "stop_removed":
                self.removed_s[what.symbol] = self.now_s()
            case "price":
                self._loss()
            case "row" if what.kind not in RESULTS:
                self.moved += what.change

    def close_left(self, symbol: str) -> None:
        """An order to close has left the engine."""
        self.closing_s[symbol] = self.now_s()

    def stop_left(self, symbol: str) -> None:
        """A request for a stop has left the engine."""
        self.stopping_s[symbol] = self.now_s()

    def begin_life(self) -> None:
        """Another engine: what the earlier one counted in memory begins anew."""
        self.decided.clear()
        self.restores.clear()
        self.banned_s.clear()

    # ---------------------------------------------------------------------------------------------------- arrivals

    def _request(self, request: tuple[Any, ...]) -> None:
        self.arrivals.append(f"{self.now_s():.6f} {request}")
        if request[0] == "set_stop" and request[2] <= 0:
            self.fail("I10", f"a request to take the stop of {request[1]} away")
        if request[0] != "create":
            return
        _, link_id, symbol, _side, qty, price, reduce_only, stop = request
        if not LINK_ID.fullmatch(link_id):
            self.fail("I13", f"link id {link_id}")
        self.creates.append(self.now_s())
        if len([t for t in self.creates if t > self.now_s() - 1.0]) > CREATES_PER_SECOND:
            self.fail("I14", "more than 10 orders within a second")
        rules = self.exchange.rules[symbol]
        is_off = qty and (qty % rules.step or (price is not None and price % rules.tick))
        if is_off and self._must_know_rules(symbol, link_id):
            self.fail("I13", f"{link_id}: {qty} @ {price} off the grid")
        if ENTRY_ROLE in link_id:
            if stop is None:
                self.fail("I2", f"entry {link_id} has no stop attached")
        elif not reduce_only:
            self.fail("I11", f"exit {link_id} is not reduce-only")

    def _must_know_rules(self, symbol: str, link_id: str) -> bool:
        """What was on its way when the rules changed is refused by the exchange, and no fault of ours."""
        is_new = self.now_s() - self.rules_changed_s.get(symbol, -RULES_GRACE_S) < RULES_GRACE_S
        return not is_new and (self.knows_rules is None or bool(self.knows_rules(symbol, link_id)))

    def _accepted(self, order: Order) -> None:
        if not order.link_id.startswith(OWN) or ENTRY_ROLE not in order.link_id:
            return
        signal = order.link_id.split("-")[1]
        self.entries[signal] += 1
        if self.entries[signal] > 1:
            self.fail("I5", f"second entry for signal {signal}")
        if signal not in self.approvals:
            self.fail("I5", f"entry for signal {signal} that nobody approved")
        working = [o for o in self.exchange.orders.values() if o is not order and o.status == "New"]
        if any(o.symbol == order.symbol and ENTRY_ROLE in o.link_id and o.link_id.startswith(OWN) for o in working):
            self.fail("I1", f"entry {order.link_id} beside another one in {order.symbol}")

    def entry_decided(self, signal: str, untold: list[str], book_fault: str) -> None:
        """The engine has just decided to enter; what must have been true at that instant.

        Args:
            signal: what it enters for.
            untold: entries of which nobody has told what became of them, and that are old enough to be unknown.
            book_fault: why the frames that the engine was sent allow no entry, "" if they do.
        """
        if self.now_ns() > self.approvals.get(signal, self.now_ns()):
            self.fail("I12", f"entry for {signal} after its life")
        if self.paused_s is not None:
            self.fail("I12", f"entry for {signal} after entries were switched off at {self.paused_s:.3f} s")
        for symbol, since_s in self.bare_s.items():
            if self.engine_since_s - since_s > NAKED_BEFORE_START_S:
                self.fail("I12", f"entry for {signal} although {symbol} was naked before the engine started")
        if untold:
            self.fail("I9", f"entry for {signal} while {', '.join(untold)} is unknown")
        if book_fault:
            self.fail("I6", f"entry for {signal} although {book_fault}")
        if self.unexplained_s is not None and self.now_s() - self.unexplained_s > MISMATCH_S:
            self.fail("I7", f"entry for {signal} {self.now_s() - self.unexplained_s:.0f} s after money was missing")
        if self.loss_since_s is not None and self.now_s() - self.loss_since_s > DAY_LOSS_GRACE_S:
            self.fail("I8", f"entry for {signal} {self.now_s() - self.loss_since_s:.0f} s after the day's loss limit")
        elif self.is_day_over:
            self.fail("I8", f"entry for {signal} on a day whose loss limit was reached")

    def banned(self, kind: str, is_flatten: bool) -> None:
        """A request under a ban: the first one could not know of it; then nothing but a flatten's, and rarely."""
        now_s = self.now_s()
        first_s = self.banned_s.setdefault("", now_s)
        self.marks["request_under_ban"] += 1
        if not is_flatten:
            if now_s - first_s > BAN_HEARD_S:
                self.fail("I14", f"an ordinary {kind} {now_s - first_s:.1f} s after the ban was told")
            return
        if now_s - self.banned_s.get(kind, -PROBE_S) < PROBE_S - ROUNDING_S:
            self.fail("I14", f"a {kind} of the flatten twice within {PROBE_S:g} s under a ban")
        self.banned_s[kind] = now_s

    def entry_priced(self, symbol: str, side: str, limit: Decimal, qty: Decimal, shown: Decimal) -> None:
        """The terms of the entry: its worst price against the one shown last, its value, how soon it follows others."""
        now_s = self.now_s()
        if limit * qty > self.limits.notional_usdt:
            self.fail("I13", f"entry in {symbol} of {limit * qty:.2f} USDT")
        tick = self.exchange.rules[symbol].tick  # the touch is one away from the price, and the collar is rounded
        if (limit - shown) * (1 if side == "Buy" else -1) > (shown + tick) * COLLAR + 2 * tick:
            self.fail("I13", f"entry in {symbol} at {limit}, the market is shown at {shown}")
        if any(now_s - at < DUPLICATE_S and (name, way) == (symbol, side) for at, name, way in self.decided):
            self.fail("I14", f"{side} {symbol} twice within {DUPLICATE_S:g} s")
        self.decided.append((now_s, symbol, side))
        if len([at for at, _, _ in self.decided if now_s - at < 60.0]) > ENTRIES_PER_MINUTE:
            self.fail("I14", f"more than {ENTRIES_PER_MINUTE} entries within a minute")

    # ------------------------------------------------------------------------------------------------- what happened

    def _execution(self, execution: Execution) -> None:
        self.executions += 1
        order, position = execution.order, self.exchange.positions[execution.symbol]
        if not order.link_id.startswith(OWN):
            return
        if ENTRY_ROLE not in order.link_id:
            before = position.qty - (execution.qty if execution.side == "Buy" else -execution.qty)
            if abs(position.qty) > abs(before) or position.qty * before < 0:
                self.fail("I11", f"exit {order.link_id} took {execution.symbol} from {before} to {position.qty}")
            return
        if position.qty != 0 and position.stop is None and not self.exchange.ignores_attached_stop:
            self.fail("I2", f"{execution.symbol} has no stop at its first fill")
        own = [p for p in self.exchange.positions.values() if p.qty != 0 and p.is_own]
        margin = self.exchange.own_margin()
        known = max(self.exchange.equity(), *(equity for at_s, equity in self.equities if self.now_s() - at_s < READ_S))
        limit = known * self.limits.exposure_pct / 100 * Decimal("1.02")
        if margin > limit:
            self.fail("I1", f"margin {margin:.2f} above {limit:.2f} USDT")
        if len(own) > self.limits.max_positions:
            self.fail("I1", f"{len(own)} positions")

    def _stop(self, position: PositionState, before: Decimal | None) -> None:
        if position.stop is None or position.qty == 0 or not position.is_own:
            return
        if before is None:
            self._restored(position, position.stop)
        self.held_stop[position.symbol] = (position.stop, self.now_s())
        if before is None:
            return
        if (position.stop - before) * (1 if position.qty > 0 else -1) < 0:
            self.fail("I10", f"stop of {position.symbol} loosened from {before} to {position.stop}")

    def _restored(self, position: PositionState, stop: Decimal) -> None:
        symbol = position.symbol
        held, since_s = self.held_stop.get(symbol, (stop, self.now_s()))
        is_looser = (stop - held) * (1 if position.qty > 0 else -1) < 0
        is_heard = self.now_s() - since_s > STOP_HEARD_S and self.is_wire_whole is not None and self.is_wire_whole()
        if is_looser and is_heard:
            self.fail("I10", f"stop of {symbol} put back at {stop}, it stood at {held}")
        if self.stopping_s.get(symbol, self.now_s()) < self.removed_s.get(symbol, 0.0):
            return  # a move that was on its way when the stop was taken away
        self.restores[symbol] += 1
        self.marks["stop_restored"] += 1
        is_often = self.restores[symbol] > STOP_RESTORES
        # Until a close has worked the stop is put back without end.
        is_closing = self.now_s() - self.closing_s.get(symbol, -CLOSING_S) < CLOSING_S
        if is_often and not is_closing and self.is_wire_whole is not None and self.is_wire_whole():
            self.fail("I2", f"stop of {symbol} put back {self.restores[symbol]} times; {stop}")

    def _loss(self) -> None:
        loss = self.start_equity + self.moved - self.exchange.equity()
        self.deepest = max(self.deepest, loss)
        if loss >= self.limits.day_loss_usdt:
            if self.loss_since_s is None:
                self.loss_since_s = self.now_s()
                self.marks["day_loss_reached"] += 1
        else:
            self.loss_since_s = None

    def poll(self, healthy_s: float) -> None:
        """Every half second: how long own positions have been naked while everything was healthy, and for how long."""
        self.equities.append((self.now_s(), self.exchange.equity()))
        loss_s = 0.0 if self.loss_since_s is None else self.now_s() - self.loss_since_s
        self.is_day_over |= min(healthy_s, loss_s) > DAY_LOSS_GRACE_S
        for position in self.exchange.positions.values():
            symbol = position.symbol
            is_bare = position.qty != 0 and position.stop is None and position.is_own
            if is_bare:
                self.bare_s.setdefault(symbol, self.now_s())
            else:
                self.bare_s.pop(symbol, None)
            self._still_bare(symbol)
            if not is_bare or not healthy_s:
                self.naked_s.pop(symbol, None)
                continue
            since = self.naked_s.setdefault(symbol, self.now_s())
            if self.now_s() - since > NAKED_LIMIT_S:
                self.fail("I2", f"{symbol} naked for {self.now_s() - since:.1f} s")
                self.naked_s[symbol] = self.now_s()

    def _still_bare(self, symbol: str) -> None:
        """With only stops in trouble a position without one is protected or gone in time."""
        bare_s = self.now_s() - self.bare_s.get(symbol, self.now_s())
        if self.is_only_stops and bare_s > CLOSED_NAKED_S:
            self.fail("I2", f"{symbol} without a stop for {bare_s:.1f} s and not closed")
            self.bare_s[symbol] = self.now_s()

    # ------------------------------------------------------------------------------------------------------ the end

    def check_money(self) -> None:
        """I7: the exchange model itself conserves money."""
        exchange = self.exchange
        others = sum((r.change for r in exchange.rows if r.currency == "USDT" and r.kind != "TRADE"), Decimal(0))
        if abs(exchange.cash - (exchange.start_cash + exchange.realised - exchange.fees + others)) > CENT_FRACTION:
            self.fail("I7", "the model lost money")

    def check_ledger(self, disk: Disk) -> None:
        """I4 and I7: the journal's executions and money are the exchange's."""
        truth = {e.exec_id: e for e in self.exchange.executions}
        for exec_id, fill in disk.fills.items():
            e = truth.get(exec_id)
            told = (fill.qty, fill.price, fill.fee, fill.fee_currency, fill.side.value, fill.exec_type.value)
            if e is None or told != (e.qty, e.price, e.fee, e.fee_coin, e.side, e.exec_type):
                self.fail("I4", f"journal execution {exec_id} is not the exchange's")
        missing = sorted(set(truth) - set(disk.fills) - self.exchange.hidden)
        if missing:
            self.fail("I4", f"{len(missing)} executions are not in the journal, first {missing[0]}")
        if all(p.qty == 0 for p in self.exchange.positions.values()) and not missing and not self.exchange.hidden:
            gross = sum((row.gross_pnl for row in disk.trades.values()), Decimal(0))
            if abs(gross - self.exchange.realised) > CENT_FRACTION:
                self.fail("I7", f"journal profit {gross} is not the exchange's {self.exchange.realised}")

    def check_locks(self, locks: set[str]) -> None:
        """I7 and I8: missing money locks, and nothing locks that all agree on."""
        is_mismatch = "money mismatch" in locks
        if self.unexplained_s is not None and not is_mismatch:
            self.fail("I7", "money is missing and entries are not locked for it")
        has_violation = any(text.startswith(("I4", "I7", "I19")) for text in self.violations)
        if is_mismatch and self.unexplained_s is None and not has_violation:
            self.fail("I7", "locked for money that is not missing")
        if self.is_day_over and "day loss" not in locks:
            self.fail("I8", "the day's loss limit was reached and nothing is locked")
        if "day loss" in locks and self.deepest < self.limits.day_loss_usdt / 2:
            self.fail("I8", f"the day is locked, but the largest loss was {self.deepest:.2f} USDT")

    def check_flat(self, what: str) -> None:
        """I3: no position, no open order."""
        held = [p.symbol for p in self.exchange.positions.values() if p.qty != 0]
        if held:
            self.fail("I3", f"{what}: still open: {', '.join(held)}")
