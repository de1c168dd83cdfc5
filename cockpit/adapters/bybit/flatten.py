"""Flatten by REST alone: no stream, no journal, no engine. Used by ``cockpit flatten`` and by the engine.

Theory of operation. A loop that converges on "no position, no order" and trusts only what the exchange says::

    round:  cancel the active orders (stops stay) → read the positions → close each with a market order
            of quantity 0, reduce-only and close-on-trigger
    repeat after 1, 2, 4, 5, 5, ... s until two reads in a row, a request's time-to-live apart, show no position;
    then read what orders are left, cancel each by its id, read orders and positions once more, and done.

* No error ends the loop and none keeps the others from being closed; each round tells what went wrong.
* Every attempt has a link id of its own: an order whose answer was lost can only find nothing more to close, because it
  is reduce-only; it can neither flip a position nor close a later one twice over.
* The two zero reads are apart because an entry order on its way may still fill (reliability.md, F48).
* A stop is never cancelled while its position is open (F41): what is left at the end goes one by one, and only if a
  read after it still shows no position, so that the stop of a position opened meanwhile is not among it.
* A close that the book does not fill may pay more at each further try, up to a limit (F44). What is refused again and
  again as if it were too small is tried each minute and told (F50).
* A key that is refused is tried every 15 s, and so is an address that is banned: then one close, one other change and
  one read leave in 15 s, as in the engine (F17). Nothing else could help from here.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial
from typing import TypeVar

import msgspec

from cockpit.adapters.bybit import params, reads
from cockpit.adapters.bybit.rest import BybitRest, Pool
from cockpit.adapters.bybit.retcodes import NOTHING_TO_CLOSE
from cockpit.adapters.bybit.transport import Call
from cockpit.domain.enums import Environment, OrderRole
from cockpit.domain.errors import AuthRejected, VenueError, VenueRejected
from cockpit.domain.ids import ClientOrderId, client_order_id
from cockpit.domain.orders import CancelRequest, OrderReport, closing_slippage
from cockpit.domain.positions import PositionReport
from cockpit.domain.time import NS_PER_S
from cockpit.ports.clock import Clock

ResultT = TypeVar("ResultT")
CLOSE, CHANGE, READ = "close", "change", "read"
"""Kinds of calls, of each of which one leaves at a time while the address is banned."""

_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 5.0
_REFUSED_WAIT_S = 15.0
_DUST_WAIT_S = 60.0
_DUST_REFUSALS = 3
_TOO_SMALL_CODES = frozenset({10001, 110017, 110094})
_TTL_MARGIN_S = 1.0


class FlattenIds:
    """Link ids of one flatten run, a new one for every order.

    Args:
        environment: where the orders go.
        epoch: count of engine starts on this data folder; 0 where there is none.
        origin: names this run; letters and digits, different for every run of an account.
    """

    def __init__(self, environment: Environment, epoch: int, origin: str) -> None:
        self._environment = environment
        self._epoch = epoch
        self._origin = origin
        self.count = 0

    def next(self) -> ClientOrderId:
        """The next link id."""
        self.count += 1
        return client_order_id(self._environment, self._epoch, self._origin, OrderRole.FLATTEN, self.count)


class FlattenProgress(msgspec.Struct, frozen=True, kw_only=True):
    """What one round found and did."""

    round: int
    open_positions: list[PositionReport]
    """As read in this round, before closing them."""
    failures: list[str]
    """What went wrong, in words; empty if nothing did."""
    is_zero: bool
    """True if this round read no position and cancelled without failure."""
    is_flat: bool = False
    """True in the last report: no position and no order is left."""
    is_dust: bool = False
    """True if the exchange refuses every close that is left, as it does what is smaller than its least."""
    elapsed_s: float
    host: str
    """Where the next round's requests go."""
    next_s: float
    """Seconds until the next round, 0 after the last one."""


class FlattenResult(msgspec.Struct, frozen=True, kw_only=True):
    """How it ended. There is only one end: flat."""

    rounds: int
    orders_sent: int
    symbols: tuple[str, ...]
    """Symbols that had a position, in the order they were seen."""
    elapsed_s: float


async def flatten(
    rest: BybitRest,
    clock: Clock,
    ids: FlattenIds,
    progress: Callable[[FlattenProgress], None],
    most_slippage_pct: float = 0.0,
) -> FlattenResult:
    """Close every USDT position and cancel every order, until the exchange says so. Ends only then, or by cancelling.

    Args:
        rest: calls leave through its flatten threads.
        clock: spans between rounds.
        ids: link ids of this run.
        progress: is told every round; must not raise.
        most_slippage_pct: how far from the touch closes may fill at last if the book leaves them unfilled, percent.
    """
    return await _Run(rest, clock, ids, progress, most_slippage_pct).until_flat()


class _Run:
    def __init__(
        self,
        rest: BybitRest,
        clock: Clock,
        ids: FlattenIds,
        progress: Callable[[FlattenProgress], None],
        most_slippage_pct: float,
    ) -> None:
        self._most_slippage_pct = Decimal(repr(most_slippage_pct))
        self._taken: Counter[str] = Counter()
        """Closes by symbol that the exchange took; while its position is read again they left something."""
        self._too_small: Counter[str] = Counter()
        """Refusals in a row, by symbol, of a kind that a size below the exchange's least explains."""
        self._rest = rest
        self._clock = clock
        self._ids = ids
        self._progress = progress
        self._settle_s = rest.limits.recv_window_ms / 1000 + _TTL_MARGIN_S
        self._began = clock.monotonic_ns()
        self._rounds = 0
        self._wait_s = _FIRST_WAIT_S
        self._symbols: dict[str, None] = {}
        self._failures: list[str] = []
        self._is_refused = False
        self._is_dust = False
        self._next_ns: dict[str, int] = {}
        """When the next call of a kind may leave while the address is banned."""

    async def until_flat(self) -> FlattenResult:
        zero_since: int | None = None
        while True:
            positions = await self._round()
            now = self._clock.monotonic_ns()
            is_zero = positions == [] and not self._failures
            if not is_zero:
                zero_since = None
            elif zero_since is None:
                zero_since = now
            elif now - zero_since >= self._settle_s * NS_PER_S:
                if await self._is_swept():
                    break
                zero_since = None
            await self._pause(positions or [], is_zero=is_zero)
        self._tell([], is_zero=True, is_flat=True, next_s=0.0)
        return FlattenResult(
            rounds=self._rounds,
            orders_sent=self._ids.count,
            symbols=tuple(self._symbols),
            elapsed_s=self._elapsed_s(),
        )

    async def _round(self) -> list[PositionReport] | None:
        """Cancel entries, read positions, close them; returns the positions read, None if they could not be."""
        self._rounds += 1
        self._failures.clear()
        self._is_refused = self._is_dust = False
        sent = params.cancel_all(params.ACTIVE_ORDERS)
        cancel = partial(self._change, lambda client: client.cancel_all_orders(**sent))
        await self._attempt("cancel entry orders", CHANGE, cancel)
        positions = await self._positions()
        if positions:
            self._symbols.update(dict.fromkeys(position.symbol for position in positions))
            self._is_dust = all(self._too_small[position.symbol] >= _DUST_REFUSALS for position in positions)
            await asyncio.gather(*(self._close(position) for position in positions))
        return positions

    async def _close(self, position: PositionReport) -> None:
        assert position.side is not None
        symbol, closing = position.symbol, position.side.opposite
        slippage = closing_slippage(self._taken[symbol], self._most_slippage_pct)
        sent = params.close_whole(symbol, closing, position.position_idx, self._ids.next(), slippage)
        await self._attempt(f"close {symbol}", CLOSE, lambda: self._counted(symbol, sent), benign=NOTHING_TO_CLOSE)

    async def _counted(self, symbol: str, sent: params.Params) -> bytes:
        try:
            raw = await self._change(lambda client: client.place_order(**sent))
        except VenueRejected as error:
            self._too_small[symbol] += error.code in _TOO_SMALL_CODES
            raise
        self._taken[symbol] += 1
        self._too_small[symbol] = 0
        return raw

    async def _is_swept(self) -> bool:
        """With no position open: cancel what is left, and read orders and positions once more.

        An order read before a read without positions belongs to none of those that are open, now or later.
        """
        orders, positions = await self._orders(), await self._positions()
        if orders and positions == []:
            await asyncio.gather(*(self._cancel(order) for order in orders))
            orders, positions = await self._orders(), await self._positions()
        return orders == [] and positions == []

    async def _cancel(self, order: OrderReport) -> None:
        sent = params.cancel(CancelRequest(symbol=order.symbol, client_id=None, order_id=order.order_id))
        what = f"cancel what is left in {order.symbol}"
        await self._attempt(what, CHANGE, lambda: self._change(lambda client: client.cancel_order(**sent)))

    def _change(self, call: Call) -> Awaitable[bytes]:
        return self._rest.change(call, Pool.FLATTEN)

    async def _orders(self) -> list[OrderReport] | None:
        read = partial(reads.open_orders, self._rest, self._clock.now_ns, Pool.FLATTEN)
        return await self._attempt("read orders", READ, read)

    async def _positions(self) -> list[PositionReport] | None:
        read = partial(reads.positions, self._rest, self._clock.now_ns, Pool.FLATTEN)
        return await self._attempt("read positions", READ, read)

    async def _attempt(
        self, what: str, kind: str, work: Callable[[], Awaitable[ResultT]], benign: frozenset[int] = frozenset()
    ) -> ResultT | None:
        """The result of one call, None if it failed; the failure is noted and goes no further."""
        await self._turn(kind)
        try:
            return await work()
        except VenueError as error:
            if isinstance(error, VenueRejected) and error.code in benign:
                return None
            self._is_refused |= isinstance(error, AuthRejected)
            self._failures.append(f"{what}: {error}")
            return None

    async def _turn(self, kind: str) -> None:
        """While the address is banned, wait until a call of this kind may leave (reliability.md F17)."""
        while self._rest.is_silenced and (left_ns := self._next_ns.get(kind, 0) - self._clock.monotonic_ns()) > 0:
            await self._clock.sleep(left_ns / NS_PER_S)
        self._next_ns[kind] = self._clock.monotonic_ns() + round(_REFUSED_WAIT_S * NS_PER_S)

    async def _pause(self, positions: list[PositionReport], *, is_zero: bool) -> None:
        if self._is_refused or self._rest.is_silenced:
            wait_s = _REFUSED_WAIT_S
        elif self._is_dust:
            wait_s = _DUST_WAIT_S
        elif is_zero:
            wait_s = self._settle_s
        else:
            wait_s = self._wait_s
            self._wait_s = min(self._wait_s * 2, _LONGEST_WAIT_S)
        self._tell(positions, is_zero=is_zero, is_flat=False, next_s=wait_s)
        await self._clock.sleep(wait_s)

    def _tell(self, positions: list[PositionReport], *, is_zero: bool, is_flat: bool, next_s: float) -> None:
        self._progress(
            FlattenProgress(
                round=self._rounds,
                open_positions=positions,
                failures=list(self._failures),
                is_zero=is_zero,
                is_flat=is_flat,
                is_dust=self._is_dust and not is_zero,
                elapsed_s=self._elapsed_s(),
                host=self._rest.flatten_host,
                next_s=next_s,
            )
        )

    def _elapsed_s(self) -> float:
        return (self._clock.monotonic_ns() - self._began) / NS_PER_S
