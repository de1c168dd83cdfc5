"""``BybitVenue``: the port ``Venue`` on Bybit v5. Puts streams and REST together; decides nothing.

Every method ends in yes (it returns), no (``VenueRejected``, ``VenueUnavailable``) or unknown (``OutcomeUnknown``).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from decimal import Decimal
from random import Random

from msgspec.structs import replace

from cockpit.adapters.bybit import params, private, reads, trade
from cockpit.adapters.bybit.backoff import ConnectBudget
from cockpit.adapters.bybit.config import BybitConfig
from cockpit.adapters.bybit.credentials import SecretKey
from cockpit.adapters.bybit.merge import EventQueue
from cockpit.adapters.bybit.order_calls import OrderCalls
from cockpit.adapters.bybit.public import PublicDecoder
from cockpit.adapters.bybit.reserve import DescriptorReserve
from cockpit.adapters.bybit.rest import BybitRest, Pool
from cockpit.adapters.bybit.retcodes import CodeClass, class_of
from cockpit.adapters.bybit.session import StreamEvent, StreamSession
from cockpit.adapters.bybit.streams import StreamShell, TopicStream
from cockpit.adapters.bybit.trade_stream import TradeStream
from cockpit.adapters.bybit.transport import Call
from cockpit.domain.account import AccountInfo
from cockpit.domain.enums import OrderPath, OrderRole, StreamName
from cockpit.domain.errors import LocalProtocolError, OutcomeUnknown, VenueRejected, VenueUnavailable
from cockpit.domain.events import FlattenHostChanged, LedgerRead, VenueHealth, VenueReports
from cockpit.domain.instrument import Instrument
from cockpit.domain.orders import CancelRequest, OrderReport, OrderRequest, StopRequest
from cockpit.domain.positions import FillReport, PositionReport
from cockpit.domain.time import ClockReading, ms_from_nanos
from cockpit.ports.clock import Clock
from cockpit.ports.journal import DurableIntent
from cockpit.ports.recorder import FrameSink


class BybitVenue:
    """One account of one Bybit environment.

    Args:
        config: environment, addresses, deadlines.
        key: signs; None gives the public market alone (recording, relay): every account call is then unavailable.
        clock: time for stamps and deadlines.
        rng: jitter of reconnects.
        sink: is offered every raw frame.

    Raises:
        ConfigError: an address is missing or not of this environment.
    """

    def __init__(
        self, config: BybitConfig, key: SecretKey | None, clock: Clock, rng: Random, sink: FrameSink | None = None
    ) -> None:
        endpoints = config.endpoints()
        self._config = config
        self._clock = clock
        self._key = key
        self._rules: dict[str, Instrument] = {}
        self.rest = BybitRest(endpoints, key, config.rest, clock, self._host_switched)
        self._queue = EventQueue(config.streams.max_backlog)
        self._decoder = PublicDecoder()
        shell = StreamShell(
            limits=config.streams,
            clock=clock,
            rng=rng,
            budget=ConnectBudget(config.streams.connects_per_5min),
            queue=self._queue,
            sink=sink,
        )
        self._public = TopicStream(StreamName.PUBLIC, endpoints.public_linear, self._public_session, shell)
        self._private = TopicStream(
            StreamName.PRIVATE, endpoints.private, self._private_session, shell, private.TOPICS if key else ()
        )
        self._trade: TradeStream | None = None
        if key is not None and config.order_path is OrderPath.SOCKET:
            # No frame of it is recorded: recordings are of the market, and the journal keeps orders and answers.
            self._trade = TradeStream(
                config.trade_address(), key, replace(shell, sink=None), lambda: self.rest.offset_ns
            )
        self._orders = OrderCalls(self.rest, self._trade)
        self._tasks: list[asyncio.Task[None]] = []
        self._is_flattening = False
        self._reserve = DescriptorReserve()

    async def events(self) -> AsyncIterator[StreamEvent]:
        """Everything the streams say, in receive order. Starts the streams; ends with ``aclose``."""
        if self._tasks:
            raise LocalProtocolError("the events of a venue have one reader")
        self._reserve.take()
        for stream in (self._public, self._private):
            task = asyncio.create_task(stream.run())
            task.add_done_callback(self._stream_ended)
            self._tasks.append(task)
        async for event in self._queue.read():
            yield event

    async def subscribe(self, symbols: Sequence[str]) -> None:
        """Want book, touch, trades and ticker of exactly these symbols (replaces the earlier wish)."""
        kinds = (f"orderbook.{self._config.depth}", "orderbook.1", "publicTrade", "tickers")
        await self._public.want([f"{kind}.{symbol}" for symbol in symbols for kind in kinds])

    async def resync(self, symbol: str) -> None:
        """Ask for a fresh book snapshot of one symbol; ``VenueUnavailable`` while the stream is down."""
        await self._public.resync(symbol)

    async def keep_trade_socket(self, beat: Callable[[], None]) -> None:
        """Keep the trade socket alive until cancelled; ``beat`` is called again and again while it is ready."""
        if self._trade is None:
            raise LocalProtocolError("there is no trade socket in this configuration")
        await self._trade.keep(beat)

    def path_of(self, role: OrderRole) -> OrderPath:
        """The way that an order of this role takes if it is sent now."""
        return self._orders.path_of(role)

    async def submit(self, intent: DurableIntent, path: OrderPath) -> str:
        """Send one order on ``path``; returns the exchange's order id. Sent at most once, whatever happens."""
        sent = self._order_params(intent.request)
        pool = self._pool_of(intent.request.role)
        try:
            raw = await self._orders.create(sent, path, pool)
        except VenueRejected as error:
            if class_of(error.code) is CodeClass.ALREADY:
                # The link id is taken (110072): an order of ours is there already, maybe this one.
                raise OutcomeUnknown(f"{error.reason}: an order with this link id exists", error.code) from error
            raise
        return reads.order_id(raw)

    async def cancel(self, request: CancelRequest) -> None:
        """Cancel one order, on the way that a close takes; an order that is gone already is a success."""
        sent = params.cancel(request)
        if self.path_of(OrderRole.CLOSE) is OrderPath.SOCKET:
            await _benign(self._orders.over_socket(trade.CANCEL, sent), CodeClass.GONE)
        else:
            await self._change(lambda client: client.cancel_order(**sent), CodeClass.GONE)

    async def cancel_entries(self, symbol: str) -> None:
        """Cancel all active orders of a symbol but no stop (``orderFilter=Order``)."""
        sent = params.cancel_entries(symbol)
        await self._change(lambda client: client.cancel_all_orders(**sent), CodeClass.GONE)

    async def set_stop(self, request: StopRequest) -> None:
        """Set or move the stop of an open position in place; "not modified" is a success."""
        rules = self._rules_of(request.symbol)
        if request.tick_size not in (None, rules.tick_size):
            raise VenueUnavailable(f"the trading rules of {request.symbol} have just changed; nothing was sent")
        sent = params.stop(request, rules)
        await self._change(lambda client: client.set_trading_stop(**sent), CodeClass.ALREADY)

    async def set_leverage(self, symbol: str, leverage: Decimal) -> None:
        """Set the leverage of a symbol; "not modified" is a success."""
        sent = params.leverage(symbol, leverage)
        await self._change(lambda client: client.set_leverage(**sent), CodeClass.ALREADY)

    async def find_order(self, symbol: str, client_id: str) -> tuple[OrderReport | None, list[FillReport]]:
        """Look an order up by link id: open orders, then history, then executions. None: nowhere."""
        pool = self._reads_pool()
        return await reads.find_order(self.rest, self._clock.now_ns, symbol, client_id, pool)

    async def position(self, symbol: str) -> PositionReport | None:
        """One position by its symbol, also when it is flat; None if the exchange does not show the symbol."""
        pool = self._reads_pool()
        return await reads.position(self.rest, self._clock.now_ns, symbol, pool)

    async def reports(self, fills_since_ms: int) -> VenueReports:
        """The whole account by REST, all pages; raises if any page fails. ``fills_since_ms`` 0 is seven days back."""
        requested = self._clock.now_ns()
        now, rest = self._clock.now_ns, self.rest
        until_ms = ms_from_nanos(requested + rest.offset_ns)
        since_ms = fills_since_ms or until_ms - reads.WINDOW_MS
        pool = self._reads_pool()
        if rest.is_silenced:
            await reads.balance(rest, now, pool)  # under a ban one request is the probe; the rest follows its answer
        orders, positions, fills, balance = await asyncio.gather(
            reads.open_orders(rest, now, pool),
            reads.positions(rest, now, pool),
            reads.fills(rest, now, since_ms, until_ms, pool),
            reads.balance(rest, now, pool),
        )
        return VenueReports(
            orders=orders,
            positions=positions,
            fills=fills,
            since_ms=since_ms,
            balance=balance,
            requested_ns=requested,
            ts_recv=self._clock.now_ns(),
        )

    async def ledger(self, since_ms: int) -> LedgerRead:
        """The transaction log from ``since_ms`` to the exchange's now, all coins, all pages."""
        requested = self._clock.now_ns()
        until_ms = ms_from_nanos(requested + self.rest.offset_ns)
        rows = await reads.ledger(self.rest, since_ms, until_ms)
        return LedgerRead(
            rows=rows, since_ms=since_ms, until_ms=until_ms, requested_ns=requested, ts_recv=self._clock.now_ns()
        )

    async def instruments(self, symbols: Sequence[str]) -> list[Instrument]:
        """Trading rules of ``symbols``; orders are written with the rules read last."""
        rules = await reads.instruments(self.rest, symbols)
        self._rules.update((rule.symbol, rule) for rule in rules)
        return rules

    async def account(self) -> AccountInfo:
        """Who the key belongs to and what it may do."""
        return await reads.account(self.rest)

    async def hedged(self, symbols: Sequence[str]) -> list[str]:
        """Those of ``symbols`` that are in hedge mode, with a position a side; the engine trades one-way mode alone."""
        return await reads.hedged(self.rest, symbols)

    async def server_clock(self) -> ClockReading:
        """The exchange's clock against ours; requests are signed with the difference from now on."""
        offset_ns = await self.rest.measure_offset()
        return ClockReading(offset_ns, self.rest.uncertainty_ns)

    async def reconnect(self, stream: StreamName, reason: str) -> None:
        """Give a stream's connection up; another one follows."""
        (self._public if stream is StreamName.PUBLIC else self._private).give_up(reason)

    def health(self) -> VenueHealth:
        """What may be sent now, by our own count of requests and by the silence after HTTP 403."""
        now_ns, silent_ns, room = self._clock.now_ns(), self.rest.silent_for_ns, self.rest.room
        return VenueHealth(
            room_percent=room.percent,
            room_route=room.route,
            silent_until_ns=now_ns + silent_ns if silent_ns else None,
            ts_recv=now_ns,
        )

    def go_flatten_way(self, is_on: bool) -> None:
        """While a flatten runs cancels, reads and look-ups take its way too: threads and a host of its own, and the
        descriptors that were kept back for it.
        """
        self._is_flattening = is_on
        if is_on:
            self._reserve.release()
        else:
            self._reserve.take()

    async def aclose(self) -> None:
        """Close every connection. Orders and stops at the exchange stay as they are."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._queue.close()
        self.rest.close()
        self._reserve.release()

    async def _change(self, call: Call, benign: CodeClass) -> None:
        """A change for which the answers of one class mean: it is so already."""
        pool = self._orders_pool("change") if self._is_flattening else Pool.ORDERS
        await _benign(self.rest.change(call, pool), benign)

    def _pool_of(self, role: OrderRole) -> Pool:
        """Entries wait for nothing and nothing waits for them; a flatten has its own way."""
        if role is OrderRole.FLATTEN:
            return self._orders_pool("close")
        return Pool.ENTRIES if role is OrderRole.ENTRY else Pool.ORDERS

    def _orders_pool(self, what: str) -> Pool:
        return Pool.FLATTEN if self._may_leave(what) else Pool.ORDERS

    def _reads_pool(self) -> Pool:
        return Pool.FLATTEN_READS if self._is_flattening and self._may_leave("read") else Pool.READS

    def _may_leave(self, what: str) -> bool:
        """Calls of a flatten go on under a ban, one of a kind each 15 s (reliability.md F17)."""
        return self.rest.silence.may_probe(what, self._clock.monotonic_ns())

    def _host_switched(self, host: str) -> None:
        self._queue.put([FlattenHostChanged(host, self._clock.now_ns())])

    def _order_params(self, request: OrderRequest) -> params.Params:
        """Closing all of a position needs no rules: also one in a symbol that nobody watches can be closed."""
        if request.close_on_trigger and not request.lots and request.price is None:
            return params.close_whole(
                request.symbol, request.side, request.position_idx, request.client_id, request.slippage_pct
            )
        rules = self._rules_of(request.symbol)
        if request.tick_size not in (None, rules.tick_size) or request.qty_step not in (None, rules.qty_step):
            raise VenueUnavailable(f"the trading rules of {request.symbol} have just changed; nothing was sent")
        return params.order(request, rules)

    def _rules_of(self, symbol: str) -> Instrument:
        rules = self._rules.get(symbol)
        if rules is None:
            raise VenueUnavailable(f"the trading rules of {symbol} were not read; nothing was sent")
        return rules

    def _public_session(self) -> StreamSession:
        self._decoder.restart()
        return StreamSession(StreamName.PUBLIC, self._decoder.decode, self._config.streams)

    def _private_session(self) -> StreamSession:
        return StreamSession(
            StreamName.PRIVATE,
            private.decode_private,
            self._config.streams,
            key=self._key,
            offset_ns=self.rest.offset_ns,
        )

    def _stream_ended(self, task: asyncio.Task[None]) -> None:
        """A stream never ends by itself; what ended it ends the reader of the events too."""
        if not task.cancelled():
            self._queue.close(task.exception())


async def _benign(change: Awaitable[bytes], kind: CodeClass) -> None:
    """A change for which the answers of one class mean: it is so already."""
    try:
        await change
    except VenueRejected as error:
        if class_of(error.code) is not kind:
            raise
