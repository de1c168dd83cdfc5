"""The wires between the engines of a schedule and the exchange model: what goes wrong on them, pushes, cuts.

What an engine holds of them is in ``venue_client``.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from cockpit.domain.enums import OrderPath, StreamName
from cockpit.domain.events import (
    AccountPush,
    StreamLost,
)
from cockpit.domain.instrument import Instrument
from cockpit.domain.positions import PositionReport
from tests.dst.exchange import Exchange
from tests.dst.loop import VirtualClock
from tests.dst.words import (
    balance_report,
    current_positions,
    fill_report,
    order_report,
    position_report,
)

SILENCE_S = 10.0


def _nobody(*_told: Any) -> None:
    """Hears what nobody has asked to be told."""


class Client(Protocol):
    """An engine's end of the wires."""

    is_subscribed: bool
    is_socket_up: bool
    lost_s: float | None
    public_lost_s: float

    def deliver(self, event: Any) -> None:
        """Something arrived."""
        ...

    def streams_up(self) -> None:
        """The wires are mended."""
        ...

    def socket_up(self) -> None:
        """The trade socket can be had again."""
        ...

    def socket_lost(self, reason: str) -> None:
        """The trade socket broke."""
        ...


@dataclass
class Faults:
    """Probabilities and sizes of what goes wrong; all zero is a healthy world."""

    lose_request: float = 0.0
    lose_reply: float = 0.0
    slow: float = 0.0
    """Chance of a heavy tail, up to ``slow_s`` each way."""
    slow_s: float = 9.0
    refuse: float = 0.0
    """Chance of 10006 or a gateway error instead of an answer."""
    drop_push: float = 0.0
    duplicate_push: float = 0.0
    reorder_push: float = 0.0
    slow_push: float = 0.0
    stale_read_s: float = 0.0
    """Reads of positions are served from a snapshot up to this old."""
    is_partitioned: bool = False
    """Nothing crosses, either way."""
    lost_route: str = ""
    """Requests of this route never arrive."""
    is_main_dead: bool = False
    """The main host of REST answers nothing; flatten has a second one."""
    is_banned: bool = False
    """Every request is answered with HTTP 403."""
    is_down: bool = False
    """The exchange is under maintenance: every request is answered so, no stream can be had."""

    @property
    def are_requests_whole(self) -> bool:
        """Every request arrives and is answered as things are."""
        is_lossy = self.lose_request or self.lose_reply or self.slow or self.refuse or self.stale_read_s
        is_cut = self.is_partitioned or self.lost_route or self.is_main_dead or self.is_banned or self.is_down
        return not (is_lossy or is_cut)

    @property
    def are_pushes_whole(self) -> bool:
        """Every push arrives, once and in its order."""
        return not (self.drop_push or self.duplicate_push or self.reorder_push or self.slow_push)


@dataclass
class Snapshot:
    """Positions as a stale read shows them."""

    at_s: float
    positions: list[PositionReport]


@dataclass
class Untold:
    """An entry whose answer has not come."""

    sent_s: float
    misses: int = 0
    """Looks that did not find it; after two it counts as dead."""


@dataclass
class Network:
    """The state of the wires of one schedule; it outlives the engines."""

    exchange: Exchange
    clock: VirtualClock
    loop: asyncio.AbstractEventLoop
    random: Random
    instruments: dict[str, Instrument]
    faults: Faults = field(default_factory=Faults)
    client: Client | None = None
    requests: Counter[str] = field(default_factory=Counter)
    snapshots: list[Snapshot] = field(default_factory=list)
    marks: Counter[str] = field(default_factory=Counter)
    mute_routes: set[str] = field(default_factory=set)
    """Routes whose answers are lost, every one."""
    slow_routes: dict[str, float] = field(default_factory=dict)
    """Seconds that requests of a route are on their way in addition."""
    ledger_random: Random = field(default_factory=lambda: Random(11))
    """Fortune of the reads of the transaction log: of its own, so that older seeds keep theirs."""
    unseen: set[str] = field(default_factory=set)
    """Symbols of which the exchange tells neither executions nor orders nor positions, by push or by read."""
    hides_executions: bool = False
    """The private stream tells of orders and positions, but of no execution."""
    tell_banned: Callable[[str, bool], None] = _nobody
    """Is told every request that reaches the exchange under a ban: its kind, and whether it is a flatten's."""
    tell_resync: Callable[[str], None] = _nobody
    """Is told the symbol of every snapshot that an engine asks for."""
    untold: dict[str, Untold] = field(default_factory=dict)
    """By link id, the entries that have left and of which no engine has heard what became of them."""
    tell_stopping: Callable[[str], None] = _nobody
    """Is told the symbol of every request for a stop that leaves an engine."""
    tell_closing: Callable[[str], None] = _nobody
    """Is told the symbol of every order that leaves an engine to close something, whether it arrives or not."""
    order_path: OrderPath = OrderPath.REST
    """The way that the engines are told to send orders."""

    def __post_init__(self) -> None:
        self.exchange.listeners.append(self._listen)

    def _listen(self, kind: str, what: Any) -> None:
        """Private pushes of whatever changed; what a stale read shows is kept whether anybody hears them or not."""
        if kind == "position" and self.faults.stale_read_s:
            self.snapshots.append(Snapshot(self.loop.time(), current_positions(self)))
        if self.client is None or not self.client.is_subscribed or getattr(what, "symbol", "") in self.unseen:
            return
        match kind:
            case "order":
                self._push([order_report(what, self)])
            case "execution" if not self.hides_executions:
                self._push([fill_report(what, self)])
            case "position":
                self._push([position_report(what, self)])
                self._push([balance_report(self)])

    def _push(self, reports: list[Any]) -> None:
        faults, random = self.faults, self.random
        client = self.client
        if client is None or faults.is_partitioned or faults.is_down or random.random() < faults.drop_push:
            self.marks["push_lost"] += 1
            return
        delay = 0.004 + random.random() * 0.02
        if random.random() < faults.slow_push:
            delay += random.random() * 3
        if random.random() < faults.reorder_push:
            delay += random.random() * 0.5
        for _ in range(2 if random.random() < faults.duplicate_push else 1):
            self.loop.call_later(delay, client.deliver, AccountPush(reports, 0))

    def partition(self, seconds: float) -> None:
        """Cut the wires; the streams notice after their silence limit and come back some time after the cut ends."""
        if self.faults.is_partitioned:
            return
        self.faults.is_partitioned = True
        self.marks["partition"] += 1
        if seconds > SILENCE_S / 2:
            self.loop.call_later(SILENCE_S / 2, self._lost)
        self.loop.call_later(seconds, self._mended, seconds > SILENCE_S / 2)

    def maintain(self, seconds: float) -> None:
        """The exchange serves nobody for some time: it closes the streams and answers every request with 10016."""
        if self.faults.is_down:
            return
        self.faults.is_down = True
        self.marks["maintenance"] += 1
        self._lost()
        self.loop.call_later(seconds, self._serves_again)

    def _serves_again(self) -> None:
        self.faults.is_down = False
        if self.client is not None:
            self.loop.call_later(0.5, self.client.streams_up)

    def cut_socket(self, seconds: float) -> None:
        """The trade socket breaks with whatever is on its way, and comes back after ``seconds``."""
        client = self.client
        if client is None or not client.is_socket_up:
            return
        client.socket_lost("reset")
        self.loop.call_later(seconds, client.socket_up)

    def _lost(self) -> None:
        if self.client is not None:
            for stream in (StreamName.PUBLIC, StreamName.PRIVATE):
                self.client.deliver(StreamLost(stream, "silent", 0))
            self.client.public_lost_s = self.loop.time()
            if self.client.lost_s is None:
                self.client.lost_s = self.loop.time()
            self.client.socket_lost("no pong")

    def _mended(self, was_lost: bool) -> None:
        self.faults.is_partitioned = False
        if was_lost and self.client is not None:
            self.loop.call_later(0.3, self.client.streams_up)
