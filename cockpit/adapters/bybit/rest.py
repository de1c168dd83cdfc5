"""The call layer of REST: one send per call, one deadline over all of it, and one of three outcomes.

Theory of operation. Entries, other orders, reads and flatten have worker pools of their own, so that none can starve
another. Every request is counted where it leaves (``budget.py``): an entry beyond our own limit is refused, any other
call waits for its turn as long as its deadline allows. Flatten has its own way to the exchange too: after two calls
that a host did not answer, its calls go to the other host. A call ends with the ``result`` of a well-formed reply, or
raises: a no (``VenueRejected`` and its kinds), "not sent" (``VenueUnavailable``), or ``OutcomeUnknown``. Nothing is
ever sent twice here, with one exception: a *read* that was refused for its time stamp is repeated once after the clock
was measured. After HTTP 403 all calls but flatten's stay in for ten minutes (bybit-v5.md 3.1). Time stamps are signed
with the exchange's clock as measured by ``measure_offset``.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import partial

import msgspec

from cockpit.adapters.bybit.budget import OverBudget, RequestBudget, Room
from cockpit.adapters.bybit.config import RestLimits
from cockpit.adapters.bybit.credentials import SecretKey
from cockpit.adapters.bybit.endpoints import Endpoints
from cockpit.adapters.bybit.http import Reply, SignedHttp
from cockpit.adapters.bybit.retcodes import CodeClass, class_of, class_of_status, judge
from cockpit.adapters.bybit.silence import Silence
from cockpit.adapters.bybit.transport import Call, send
from cockpit.adapters.bybit.wire import UNREADABLE
from cockpit.adapters.bybit.workers import CallPool
from cockpit.domain.errors import OutcomeUnknown, VenueError, VenueRejected, VenueUnavailable
from cockpit.domain.time import NS_PER_MS, NS_PER_S, nanos_from_s
from cockpit.ports.clock import Clock

_FAILURES_TO_SWITCH_HOST = 2
_CLOCK_SAMPLES = 5
_CLOCK_CODES = (-1, 10002)
_BANNED = 403
_ROUTE_IS_FULL = 10006
"""The account's limit of one route; other refusals for the rate mean the address or the exchange's load."""
_RESET_HEADER = "X-Bapi-Limit-Reset-Timestamp"


class Pool(Enum):
    """Who calls; each has its own threads."""

    ENTRIES = "entries"
    ORDERS = "orders"
    READS = "reads"
    FLATTEN = "flatten"
    FLATTEN_READS = "flatten-reads"

    @property
    def is_flatten(self) -> bool:
        """True if its calls go the way of a flatten: over the host that answers, even under a ban."""
        return self in {Pool.FLATTEN, Pool.FLATTEN_READS}


class _Envelope(msgspec.Struct, rename="camel"):
    """Every reply of Bybit (bybit-v5.md 2.1)."""

    ret_code: int
    ret_msg: str | None = ""
    result: msgspec.Raw = msgspec.Raw()


class _ServerTime(msgspec.Struct, rename="camel"):
    time_nano: int


_envelope = msgspec.json.Decoder(_Envelope)
_server_time = msgspec.json.Decoder(_ServerTime, strict=False)


class BybitRest:
    """REST of one environment with one key.

    Args:
        endpoints: where to call.
        key: signs; None allows public calls only.
        limits: deadlines and sizes.
        clock: wall clock for time stamps, monotonic clock for spans.
        on_switch: is told the host over which flatten goes on, whenever that changes.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        key: SecretKey | None,
        limits: RestLimits,
        clock: Clock,
        on_switch: Callable[[str], None] | None = None,
    ) -> None:
        self._endpoints = endpoints
        self._on_switch = on_switch
        self.limits = limits
        self._clock = clock
        self.flatten_host = endpoints.rest
        """Where calls of a flatten go now."""
        self._flatten_failures = 0
        self.silence = Silence(nanos_from_s(limits.ban_pause_s))
        """After HTTP 403; a flatten asks it before it takes its way."""
        self._is_clock_suspect = False
        self.offset_ns = 0
        """Exchange time minus local time, ns; 0 until measured."""
        self.uncertainty_ns = 0
        """Half of the round trip by which the offset was measured, ns."""
        self.budget = RequestBudget(limits.rate_share)
        """Counts every request of this account; another way of sending orders takes from it too."""
        slots = {
            Pool.ENTRIES: limits.entry_threads,
            Pool.ORDERS: limits.order_threads,
            Pool.READS: limits.read_threads,
            Pool.FLATTEN: limits.flatten_threads,
            Pool.FLATTEN_READS: limits.flatten_threads,
        }
        self._pools = {
            pool: CallPool(
                f"bybit-{pool.value}",
                count,
                partial(SignedHttp, key, limits, self._exchange_ms, self._admission(is_flatten=pool.is_flatten)),
                is_reserved=pool.is_flatten,
            )
            for pool, count in slots.items()
        }

    @property
    def is_silenced(self) -> bool:
        """True for some time after HTTP 403: only flatten's calls leave."""
        return self.silent_for_ns > 0

    @property
    def silent_for_ns(self) -> int:
        """How long after HTTP 403 only flatten's calls leave, ns; 0 when all may."""
        return self.silence.left_ns(self._clock.monotonic_ns())

    @property
    def room(self) -> Room:
        """What is left of our share of the request limits."""
        return self.budget.room(self._clock.monotonic_ns())

    async def change(self, call: Call, pool: Pool = Pool.ORDERS) -> bytes:
        """Send a call that changes something, once; returns the JSON of its ``result``.

        Raises:
            VenueRejected: a definite no (``AuthRejected`` and ``VenueThrottled`` are kinds of it).
            VenueUnavailable: nothing was sent.
            OutcomeUnknown: it may have been carried out.
        """
        await self.check_clock(pool)
        return await self._call(call, pool, is_read=False)

    async def read(self, call: Call, pool: Pool = Pool.READS) -> bytes:
        """Send a call that changes nothing; returns the JSON of its ``result``.

        Raises:
            VenueError: it was not answered, or not in a way that can be understood.
        """
        await self.check_clock(pool)
        try:
            return await self._call(call, pool, is_read=True)
        except VenueRejected as error:
            if error.code not in _CLOCK_CODES:
                raise
        await self._remeasure(pool)
        return await self._call(call, pool, is_read=True)

    def suspect_clock(self) -> None:
        """A time stamp was refused: the clock is measured before anything more is signed."""
        self._is_clock_suspect = True

    async def check_clock(self, pool: Pool) -> None:
        """Measure the exchange's clock if a refusal has cast doubt on it.

        Raises:
            VenueUnavailable: an entry does not wait for that; the next other call measures.
        """
        if not self._is_clock_suspect:
            return
        if pool is Pool.ENTRIES:
            raise VenueUnavailable("the exchange's clock must be measured again first; nothing was sent")
        await self._remeasure(pool)

    async def measure_offset(self, pool: Pool = Pool.READS) -> int:
        """Measure exchange time minus local time (ns) by the fastest of a few round trips, and sign with it from now.

        Raises:
            VenueError: the exchange did not tell its time.
        """
        best: tuple[int, int] | None = None
        for _ in range(_CLOCK_SAMPLES):
            start = self._clock.now_ns()
            began = self._clock.monotonic_ns()
            raw = await self._call(lambda client: client.get_server_time(), pool, is_read=True)
            span = self._clock.monotonic_ns() - began
            try:
                server = _server_time.decode(raw).time_nano
            except UNREADABLE as error:
                raise OutcomeUnknown(f"the exchange's time cannot be read: {error}") from error
            sample = (span, server - (start + span // 2))
            best = sample if best is None else min(best, sample)
        assert best is not None
        self.offset_ns, self.uncertainty_ns = best[1], best[0] // 2
        self._is_clock_suspect = False
        return self.offset_ns

    def close(self) -> None:
        """End the worker threads; calls on their way are not waited for."""
        for pool in self._pools.values():
            pool.close()

    async def _call(self, call: Call, pool: Pool, *, is_read: bool) -> bytes:
        self.check_silence(pool)
        host = self.flatten_host if pool.is_flatten else self._endpoints.rest
        deadline_s = self.limits.read_deadline_s if is_read else self.limits.order_deadline_s
        try:
            reply = await self._reply(call, pool, host, deadline_s)
            result = self._judged(reply, is_read=is_read)
        except VenueError as error:
            self._count_failure(pool, host, error)
            raise
        self._count_failure(pool, host, None)
        return result

    async def _reply(self, call: Call, pool: Pool, host: str, deadline_s: float) -> Reply:
        """Send when our own request limit allows it; entries do not wait for that."""
        end_ns = self._clock.monotonic_ns() + nanos_from_s(deadline_s)
        while True:
            try:
                return await self._pools[pool].run(lambda client: send(call, client, host), deadline_s)
            except OverBudget as full:
                await self._wait_for_room(full, pool, end_ns)

    def _admission(self, *, is_flatten: bool) -> Callable[[str], None]:
        """What counts the requests of a pool, in its threads."""
        clock, budget = self._clock, self.budget
        return lambda route: budget.take(route, clock.monotonic_ns(), is_flatten=is_flatten)

    async def take_turn(self, route: str, pool: Pool) -> None:
        """Count one request that leaves another way, when our own limit allows it; raises ``VenueUnavailable``."""
        end_ns = self._clock.monotonic_ns() + nanos_from_s(self.limits.order_deadline_s)
        while True:
            try:
                self.budget.take(route, self._clock.monotonic_ns(), is_flatten=pool.is_flatten)
            except OverBudget as full:
                await self._wait_for_room(full, pool, end_ns)
            else:
                return

    async def _wait_for_room(self, full: OverBudget, pool: Pool, end_ns: int) -> None:
        """Entries do not wait, and nobody waits beyond the call's own deadline: then ``full`` is raised."""
        if pool is Pool.ENTRIES or self._clock.monotonic_ns() + full.wait_ns > end_ns:
            raise full
        await self._clock.sleep(full.wait_ns / NS_PER_S)

    def refused_for_rate(self, route: str, code: int, reset_ms: int | None = None) -> None:
        """The exchange found us too fast, whatever we had counted; ``reset_ms`` is when that ends, exchange time."""
        now_ns = self._clock.monotonic_ns()
        until_ns = 0 if reset_ms is None else now_ns + (reset_ms - self._exchange_ms()) * NS_PER_MS
        self.budget.refused(route, now_ns, until_ns, is_everything=code != _ROUTE_IS_FULL)

    def _judged(self, reply: Reply, *, is_read: bool) -> bytes:
        """The ``result`` of a reply, or the error that the reply means."""
        if reply.status != 200:
            kind = class_of_status(reply.status)
            if kind is CodeClass.BAN:
                self.silence.begin(self._clock.monotonic_ns())
            elif kind is CodeClass.RATE:
                self.refused_for_rate(reply.route, reply.status, _reset_ms(reply))
            raise judge(kind, reply.status, f"HTTP {reply.status}", is_read=is_read, reset_ms=_reset_ms(reply))
        try:
            envelope = _envelope.decode(reply.body)
        except UNREADABLE as error:
            raise OutcomeUnknown(f"the reply is not an answer of Bybit: {error}") from error
        code, reason = envelope.ret_code, envelope.ret_msg or ""
        kind = class_of(code)
        result = bytes(envelope.result)
        if kind is CodeClass.OK and result[:1] == b"{":
            return result
        if kind is CodeClass.TIME:
            self.suspect_clock()
        elif kind is CodeClass.RATE:
            self.refused_for_rate(reply.route, code, _reset_ms(reply))
        if kind is CodeClass.OK:
            reason = "the reply says OK without a result"
        raise judge(kind, code, reason, is_read=is_read, reset_ms=_reset_ms(reply))

    def check_silence(self, pool: Pool) -> None:
        """Under a ban nothing but flatten leaves this machine; raises ``VenueUnavailable``."""
        left_ns = self.silent_for_ns
        if left_ns > 0 and not pool.is_flatten:
            raise VenueUnavailable(f"silent for {left_ns // NS_PER_S} s more after HTTP 403; nothing was sent")

    def _count_failure(self, pool: Pool, host: str, error: VenueError | None) -> None:
        """Flatten changes to the other host after two calls in a row that the present one did not answer.

        Calls run side by side: what the host before has still to say does not count against this one.
        """
        if not pool.is_flatten or not self._endpoints.rest_alternate or host != self.flatten_host:
            return
        self._flatten_failures = self._flatten_failures + 1 if _is_unanswered(error) else 0
        if self._flatten_failures < _FAILURES_TO_SWITCH_HOST:
            return
        self._flatten_failures = 0
        hosts = (self._endpoints.rest, self._endpoints.rest_alternate)
        self.flatten_host = hosts[host == hosts[0]]
        if self._on_switch is not None:
            self._on_switch(self.flatten_host)

    async def _remeasure(self, pool: Pool) -> None:
        """Measure the clock again; if that fails too, the call itself will say so."""
        try:
            await self.measure_offset(pool)
        except VenueError:
            self._is_clock_suspect = True

    def _exchange_ms(self) -> int:
        return (self._clock.now_ns() + self.offset_ns) // NS_PER_MS


def _is_unanswered(error: VenueError | None) -> bool:
    """True if the host did not answer, or will not answer this address for some time."""
    if isinstance(error, VenueRejected):
        return error.code == _BANNED
    return error is not None


def _reset_ms(reply: Reply) -> int | None:
    """When the rate limit ends, exchange time; None if the reply does not say."""
    text = reply.headers.get(_RESET_HEADER, "")
    return int(text) if text.isdecimal() else None
