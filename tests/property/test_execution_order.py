"""Whatever reaches us of an account, in whatever order: in the end our trades have the exchange's profit.

Executions and positions of one symbol are pushed in another order than they happened in, twice, or never; reads are
some seconds old; the engine dies and starts again; somebody trades by hand beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from cockpit.domain.commands import ClosePosition
from cockpit.domain.enums import OrderRole, OrderStatus, Side
from cockpit.domain.events import Outcome
from cockpit.domain.positions import FillReport, Position, PositionReport
from cockpit.domain.time import NS_PER_S
from cockpit.engine.effects import FillBooked, PositionChanged, PositionClosed, PositionOpened
from tests.support.core_fixtures import AAA, Bench, instrument
from tests.support.core_scenes import bounce
from tests.unit.engine.test_restart import restarted

PRICES = ("99.5", "99.8", "100.02", "100.4", "101")
SIZES = (1, 5, 10, 15, 25, 30)
PARTS = ((25,), (10, 15), (15, 10), (5, 5, 15))
OLDEST_READ_S = 4
SETTLED_S = 45


class Account:
    """One symbol of the exchange, which answers what the engine asks for and tells what happened when it likes."""

    def __init__(self, bench: Bench, random: Random) -> None:
        self.bench, self.random = bench, random
        self.held = Position(AAA)
        self.realised = Decimal(0)
        self.stop: Decimal | None = None
        self.untold: list[Any] = []
        self.fills: list[FillReport] = []
        self.history: list[tuple[int, int, PositionReport | None]] = []
        """What a read would have shown: since when (ns), how many executions, which position."""
        self.orders = self.stops = 0
        """How many of what the engine sent have been answered."""
        self._remember()

    # ---------------------------------------------------------------------------------------------- what happens there

    def trade(self, side: Side, price: str, qty: Decimal, client_id: str = "", **told: str) -> None:
        """An execution; it is told, and so is what is held then."""
        closed = min(qty, max(-self.held.qty * side.sign, Decimal(0)))
        before = self.held.realised if self.held.qty else Decimal(0)
        self.held = self.held.apply_fill(side, Decimal(price), qty, Decimal(0))
        gain = self.held.realised - before
        self.realised += gain
        if self.held.qty == 0:
            self.stop = None
        self.bench.account.fills = list(self.fills)
        fill = self.bench.execution(AAA, side, price, f"{qty}", client_id=client_id, closed_qty=closed, **told)
        self.fills.append(fill)
        self.bench.ledger += self.bench.rows_of(msgspec.structs.replace(fill, gain=gain))
        self.tell(fill)
        self.hold()

    def hold(self) -> None:
        """What is held has changed."""
        stop = None if self.stop is None else f"{self.stop}"
        self.tell(self.bench.position(AAA, f"{self.held.qty}", f"{self.held.avg_price}", stop))
        self._remember()

    def tell(self, report: Any) -> None:
        """Push it later: once, twice or never."""
        self.untold += [report] * self.random.choice((0, 0, 1, 1, 1, 1, 1, 2))

    def _remember(self) -> None:
        self.history.append((self.bench.now_ns, len(self.fills), self.bench.account.positions.get(AAA)))

    # --------------------------------------------------------------------------------------- what the engine is told of

    def push(self) -> None:
        """One of the reports that were not told yet, the next one more often than others."""
        if self.untold:
            at = 0 if self.random.random() < 0.6 else self.random.randrange(len(self.untold))
            self.bench.push(self.untold.pop(at))
            self.answer()

    def answer(self) -> None:
        """Take the orders and stops that the engine has sent since."""
        while len(self.bench.sent) > self.orders or len(self.bench.stops) > self.stops:
            if len(self.bench.stops) > self.stops:
                self._take_stop(self.bench.stops[self.stops])
            else:
                self._take_order(self.bench.sent[self.orders])

    def _take_stop(self, request: Any) -> None:
        self.stops += 1
        if self.held.qty == 0:
            self.bench.answer_stop(Outcome.NO, code=10001, reason="zero position")
            return
        self.stop = instrument().price(request.stop_loss)
        self.bench.answer_stop()
        self.hold()

    def _take_order(self, request: Any) -> None:
        self.orders += 1
        if request.role is OrderRole.ENTRY:
            return
        held = max(-self.held.qty * request.side.sign, Decimal(0))
        if held == 0:
            self.bench.answer(request, Outcome.NO, code=110017, reason="nothing to reduce")
            return
        qty = min(held, instrument().qty(request.lots)) if request.lots else held
        self.bench.answer(request)
        self.trade(request.side, self.random.choice(PRICES), qty, request.client_id)
        self.tell(self.bench.order_report(request, OrderStatus.FILLED, f"{qty}"))

    def wait(self, seconds: float, *, age_s: float = 0.0, is_reading: bool = True) -> None:
        """Let time pass while reads are ``age_s`` old, or fail."""
        self.bench.is_reading = is_reading
        end_ns = self.bench.now_ns + round(seconds * NS_PER_S)
        while self.bench.now_ns < end_ns:
            self.show(age_s)
            self.bench.wait(0.5)
            self.answer()

    def show(self, age_s: float = 0.0) -> None:
        """Reads show what was so long ago from now on."""
        then_ns = self.bench.now_ns - round(age_s * NS_PER_S)
        known = [seen for seen in self.history if seen[0] <= then_ns] or self.history[:1]
        _, count, position = known[-1]
        self.bench.account.fills = self.fills[:count]
        if position is not None:
            self.bench.account.positions[AAA] = position

    def restart(self) -> None:
        """Kill the engine; what was on its way to it is lost."""
        self.show()
        before, self.bench = self.bench, restarted(self.bench)
        self.bench.mirrors, self.bench.ledger = False, before.ledger
        self.bench.outputs, self.bench.effects = list(before.outputs), list(before.effects)
        self.bench.is_reading = self.random.random() < 0.7
        self.untold.clear()
        self.bench.start()
        self.answer()

    # ----------------------------------------------------------------------------------------------- what people may do

    def by_hand(self) -> None:
        """Somebody opens, adds, reduces or closes; the engine's books do not follow a position that is turned round."""
        side, qty = self.random.choice(list(Side)), Decimal(self.random.choice(SIZES))
        held = max(-self.held.qty * side.sign, Decimal(0))
        self.trade(side, self.random.choice(PRICES), min(qty, held) if held else qty)

    def fire_stop(self) -> None:
        if self.stop is not None and self.held.side is not None:
            how = {"create_type": "CreateByStopLoss", "stop_order_type": "StopLoss"}
            self.trade(self.held.side.opposite, "99.67", abs(self.held.qty), **how)

    def close(self) -> None:
        self.bench.order(ClosePosition(AAA, self.random.choice((50, 100))))
        self.answer()

    def push_some(self) -> None:
        for _ in range(self.random.randint(1, 3)):
            self.push()

    def wait_a_while(self) -> None:
        age_s, is_reading = self.random.choice((0, 0, 1, OLDEST_READ_S)), self.random.random() < 0.7
        self.wait(self.random.choice((0.5, 2, 4, 17)), age_s=age_s, is_reading=is_reading)

    def play(self) -> None:
        """Some of it, then everything is told, and closed."""
        doings: list[Callable[[], None]] = [self.fire_stop, self.by_hand, self.by_hand, self.close]
        doings += [self.push_some] * 4 + [self.wait_a_while] * 2 + [self.restart]
        for _ in range(self.random.randint(3, 14)):
            self.random.choice(doings)()
        self.wait(SETTLED_S)
        if self.held.side is not None:
            self.trade(self.held.side.opposite, "100", abs(self.held.qty))
            self.wait(SETTLED_S)

    def judge(self) -> None:
        """Nothing is held, every execution is booked, and the money is the exchange's."""
        positions = self.bench.core.state.positions
        assert (positions.open, positions.unclaimed) == ({}, {})
        booked = [told.fill.exec_id for told in self.bench.told(FillBooked)]
        assert sorted(booked) == sorted(fill.exec_id for fill in self.fills)
        mismatch = self.bench.core.state.locks.get("money mismatch", "")
        assert "another profit" not in mismatch or "not in our books" in mismatch

    def profit(self) -> Decimal:
        """What our trades have made, each by its last row."""
        kinds = PositionOpened | PositionChanged | PositionClosed
        rows = {told.trade.trade_id: told.trade for told in self.bench.outputs if isinstance(told, kinds)}
        return sum((row.gross_pnl for row in rows.values()), Decimal(0))


def bench_without_mirror() -> Bench:
    bench = Bench()
    bench.mirrors = False
    return bench


seeds = st.integers(0, 2**32)


@given(seeds)
@settings(max_examples=60)
def test_trades_of_ours_and_by_hand_have_the_exchange_s_profit(seed: int) -> None:
    random = Random(seed)
    bench = bounce(bench_without_mirror().start())
    assert bench.approve() == ""
    entry = bench.sent[0]
    bench.answer(entry)
    account = Account(bench, random)
    account.orders = 1
    assert entry.stop_loss is not None
    account.stop = instrument().price(entry.stop_loss)
    for qty in random.choice(PARTS):
        account.trade(Side.BUY, "100.02", Decimal(qty), entry.client_id)
    account.tell(bench.order_report(entry, OrderStatus.FILLED, "25"))
    account.play()
    account.judge()
    assert abs(account.profit() - account.realised) < Decimal("0.000001")


@given(seeds, st.sampled_from((10, -20)))
@settings(max_examples=60)
def test_a_position_from_before_the_first_start_ends_with_everything_booked(seed: int, before: int) -> None:
    bench = bench_without_mirror()
    bench.position(AAA, f"{before}", updated_ms=1)
    bench.start()
    bench.wait(4)
    account = Account(bench, Random(seed))
    account.held = Position(AAA, Decimal(before), Decimal(100))
    account.play()
    account.judge()
