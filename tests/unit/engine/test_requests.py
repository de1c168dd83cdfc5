"""What leaves for the exchange, what must be on disk before, and how reads of the account follow one another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from cockpit.adapters.system.clock import LiveClock
from cockpit.domain.enums import OrderPath, OrderRole, OrderType, Side, TimeInForce
from cockpit.domain.errors import JournalError, OutcomeUnknown
from cockpit.domain.events import OrderAnswer, Outcome, ReportsFailed, StopAnswer
from cockpit.domain.ids import ClientOrderId
from cockpit.domain.instrument import Lots, Ticks
from cockpit.domain.orders import OrderRequest, StopRequest
from cockpit.domain.time import NS_PER_S
from cockpit.engine.commit_times import CommitTimes
from cockpit.engine.requests import SEND_WITHIN_NS, VenueRequests
from cockpit.ports.journal import DurableIntent

STOP = StopRequest(symbol="BTCUSDT", stop_loss=Ticks(9_967))


class Venue:
    """Takes every stop."""

    def __init__(self) -> None:
        self.taken: list[StopRequest] = []

    async def set_stop(self, request: StopRequest) -> None:
        self.taken.append(request)


async def full(_timeout_s: float) -> None:
    raise JournalError("disk full")


@pytest.mark.parametrize(("is_move", "taken"), [(True, []), (False, [STOP])])
async def test_a_stop_that_stands_is_not_moved_without_the_journal_and_a_missing_one_is_set(
    is_move: bool, taken: list[StopRequest]
) -> None:
    venue, told, clock = Venue(), [], LiveClock()
    made: Any = VenueRequests(venue, None, clock, told.append, CommitTimes(clock), full)  # type: ignore[arg-type]
    await made.set_stop(STOP, is_move=is_move)
    [answer] = told
    assert isinstance(answer, StopAnswer)
    assert venue.taken == taken
    assert (answer.outcome is Outcome.NO, answer.is_retryable) == (is_move, is_move)


class Reads:
    """An exchange whose reads end when the test lets them, each without an answer."""

    def __init__(self) -> None:
        self.since: list[int] = []
        self.gate = asyncio.Semaphore(0)

    async def reports(self, since_ms: int) -> None:
        self.since.append(since_ms)
        await self.gate.acquire()
        raise OutcomeUnknown("no answer")

    def health(self) -> None:
        return None


def reading(venue: Reads) -> tuple[Any, list[Any]]:
    clock, told = LiveClock(), []
    return VenueRequests(venue, None, clock, told.append, CommitTimes(clock), full), told  # type: ignore[arg-type]


async def asked(work: Any, since_ms: int) -> asyncio.Task[None]:
    """A read of the account is asked for now; it runs, or waits for the one that does."""
    task = asyncio.create_task(work.reports(since_ms, LiveClock().now_ns()))
    await asyncio.sleep(0)
    return task


async def test_reads_that_wait_become_one_as_deep_as_the_deepest() -> None:
    venue = Reads()
    work, _ = reading(venue)
    first, *waiting = [await asked(work, since_ms) for since_ms in (1_000_000, 5, 1_000_000)]
    venue.gate.release()
    venue.gate.release()
    await asyncio.gather(first, *waiting)
    assert venue.since == [1_000_000, 5]


async def test_a_running_read_is_not_enough_for_a_deeper_one_that_was_asked_for_before_it_began() -> None:
    venue = Reads()
    work, _ = reading(venue)
    first = await asked(work, 1_000_000)
    await work.reports(1_000_000, 0)
    await work.reports(5, 0)
    venue.gate.release()
    venue.gate.release()
    await first
    assert venue.since == [1_000_000, 5]


async def test_reads_that_are_asked_for_faster_than_they_end_go_on_without_end() -> None:
    venue, many = Reads(), 3_000
    work, told = reading(venue)
    first = await asked(work, 7)
    for _ in range(many):
        await asked(work, 7)
        venue.gate.release()
        await asyncio.sleep(0)
    venue.gate.release()
    await first
    assert len(venue.since) == many + 1
    assert len([event for event in told if isinstance(event, ReportsFailed)]) == many + 1


@dataclass
class Desk:
    """Clock, disk, exchange and the engine's locks at once: ``stall`` happens while an intent waits for the disk."""

    stall: Callable[[Desk], None] = lambda _desk: None
    now: int = 1_000 * NS_PER_S
    locks: dict[str, str] = field(default_factory=dict)
    left: list[OrderRequest] = field(default_factory=list)
    told: list[Any] = field(default_factory=list)

    def now_ns(self) -> int:
        return self.now

    monotonic_ns = now_ns

    async def append_intent(self, request: OrderRequest, now_ns: int) -> DurableIntent:
        self.stall(self)
        return DurableIntent(request, now_ns)

    def path_of(self, _role: OrderRole) -> OrderPath:
        return OrderPath.REST

    async def submit(self, intent: DurableIntent, _path: OrderPath) -> str:
        self.left.append(intent.request)
        return "o1"

    async def send(self, role: OrderRole) -> OrderAnswer:
        """Decide an order now and send it; the answer that the engine gets."""
        order = OrderRequest(
            client_id=ClientOrderId("cs1-1-e1"),
            symbol="BTCUSDT",
            side=Side.BUY,
            role=role,
            order_type=OrderType.LIMIT,
            time_in_force=TimeInForce.IOC,
            lots=Lots(1),
            created_ns=self.now,
        )
        parts: Any = (self, self, self, self.told.append, CommitTimes(self), full)  # type: ignore[arg-type]
        await VenueRequests(*parts).submit(order, self.locks)
        [answer] = self.told
        assert isinstance(answer, OrderAnswer)
        return answer


def slow(desk: Desk) -> None:
    desk.now += SEND_WITHIN_NS + 1


def nearly_slow(desk: Desk) -> None:
    desk.now += SEND_WITHIN_NS


def paused(desk: Desk) -> None:
    desk.locks["paused"] = "paused"


@pytest.mark.parametrize(
    ("stall", "reason"),
    [(slow, "not sent: decided 1.0 s ago, the disk was slow"), (paused, "not sent: entries are off by now: paused")],
)
async def test_an_entry_whose_gates_were_judged_too_long_ago_does_not_leave_and_an_exit_does(
    stall: Callable[[Desk], None], reason: str
) -> None:
    desk = Desk(stall)
    answer = await desk.send(OrderRole.ENTRY)
    assert desk.left == []
    assert (answer.outcome, answer.code, answer.reason, answer.path) == (Outcome.NO, 0, reason, None)
    for role in (OrderRole.CLOSE, OrderRole.FLATTEN):
        desk = Desk(stall)
        assert (await desk.send(role)).outcome is Outcome.YES
        assert [order.role for order in desk.left] == [role]


async def test_an_entry_that_the_disk_has_taken_in_time_leaves() -> None:
    desk = Desk(nearly_slow)
    assert (await desk.send(OrderRole.ENTRY)).outcome is Outcome.YES
    assert len(desk.left) == 1
