"""An engine's hands on the wires: requests, deadlines, outcomes. Implements ``ports.venue``.

A request that has left arrives (or is lost) whatever happens to the engine afterwards; a crashed engine only never
hears of it. Deadlines are those of the adapter: 3 s for orders, 5 s for reads. An order that arrives later than its
time to live is refused by the exchange (10002).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal
from random import Random
from typing import Any

import msgspec

from cockpit.adapters.bybit.silence import Silence
from cockpit.domain.account import AccountInfo
from cockpit.domain.enums import OrderPath, OrderRole, StreamName
from cockpit.domain.errors import OutcomeUnknown, ServiceDown, VenueRejected, VenueThrottled, VenueUnavailable
from cockpit.domain.events import (
    AccountPush,
    FlattenHostChanged,
    LedgerRead,
    StreamAnswered,
    StreamLost,
    StreamUp,
    VenueEvent,
    VenueHealth,
    VenueReports,
)
from cockpit.domain.instrument import Instrument
from cockpit.domain.market import MarketEvent
from cockpit.domain.orders import CancelRequest, OrderReport, OrderRequest, StopRequest
from cockpit.domain.positions import FillReport, PositionReport
from cockpit.domain.time import NS_PER_S, ClockReading
from cockpit.ports.journal import DurableIntent
from tests.dst.exchange import Refused
from tests.dst.network import Network, Untold
from tests.dst.words import (
    balance_report,
    current_positions,
    fill_report,
    ledger_row,
    order_report,
    position_report,
    received,
    stop_orders,
    working_orders,
)

ORDER_DEADLINE_S = 3.0
READ_DEADLINE_S = 5.0
ORDER_TTL_S = 3.0
BAN_S = 600.0
"""How long an adapter keeps silent after HTTP 403."""
PROBES = {"create": "close", "cancel": "change", "cancel_all": "change"}
"""Kinds of calls that a flatten may go on with under a ban; all others are reads."""
WRITES = frozenset({"create", "cancel", "cancel_all", "set_stop"})
"""Requests that the gateway refuses when they come later than their recv_window."""
AMBIGUOUS_S = 0.02
"""How soon the trade socket answers with a code that says nothing (10019, 20003, 20006)."""
PONG_S = 4.0


class VenueClient:
    """One engine's hands. ``is_dead`` makes it deaf and mute, as a killed process is."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.is_dead = False
        self.is_subscribed = False
        self.answered_s = -1e9
        """When the private stream answered last: came up, or answered a ping."""
        self.read_s = -1e9
        """When the account was last read completely."""
        self.lost_s: float | None = network.loop.time()
        """Since when a stream has been missing, None while all are up."""
        self.public_lost_s = -1e9
        """When the public stream was lost last."""
        self.rules: dict[str, Instrument] = {}
        """Trading rules as they were read last; orders are written with them."""
        self.is_flattening = False
        self.silence = Silence(round(BAN_S * NS_PER_S))
        """The adapter's own: it is under test here."""
        self.flatten_host = 0
        """0 is the main host, 1 the other one."""
        self._unanswered = 0
        """Calls of a flatten in a row that its host has not answered."""
        self.symbols: list[str] = []
        self.is_socket_up = False
        self.socket_down_s = 0.0
        """Since when the trade socket is not there."""
        self._on_socket: set[asyncio.Future[Any]] = set()
        """Answers that the trade socket still owes."""
        self._queue: asyncio.Queue[MarketEvent | VenueEvent | None] = asyncio.Queue()

    def deliver(self, event: Any) -> None:
        """Something arrived; it is stamped with the engine's clock now."""
        if not self.is_dead:
            now_ns = self.network.clock.now_ns()
            if isinstance(event, AccountPush):
                self._heard(event.reports)
                event = AccountPush(received(event.reports, now_ns), now_ns)
            else:
                event = msgspec.structs.replace(event, ts_recv=now_ns)
            self._queue.put_nowait(event)

    def streams_up(self) -> None:
        """Both streams are connected, authenticated and subscribed."""
        if self.network.faults.is_partitioned or self.network.faults.is_down:
            self.network.loop.call_later(1.0, self.streams_up)
            return
        self.is_subscribed = True
        for stream in (StreamName.PUBLIC, StreamName.PRIVATE):
            self.deliver(StreamUp(stream, 0))
        self.answered_s = self.network.loop.time()
        self.lost_s = None
        self.socket_up()

    def socket_up(self) -> None:
        """The trade socket is connected and authenticated; under a partition some time after its end."""
        network = self.network
        if network.order_path is not OrderPath.SOCKET or self.is_socket_up:
            return
        if network.faults.is_partitioned or network.faults.is_down:
            network.loop.call_later(1.0, self.socket_up)
            return
        self.is_socket_up = True
        self.deliver(StreamUp(StreamName.TRADE, 0))

    def socket_lost(self, reason: str) -> None:
        """The trade socket is gone: nobody will say what became of the requests that it has taken."""
        if not self.is_socket_up:
            return
        self.is_socket_up = False
        self.socket_down_s = self.network.loop.time()
        for answer in self._on_socket:
            if not answer.done() and not self.is_dead:
                self.network.marks["socket_lost_in_flight"] += 1
                answer.set_exception(OutcomeUnknown(f"the connection was lost ({reason})"))
        self.deliver(StreamLost(StreamName.TRADE, reason, 0))

    def _pong(self) -> None:
        """The private stream answers its pings while the wires are whole."""
        if self.is_dead:
            return
        if self.is_subscribed and not (self.network.faults.is_partitioned or self.network.faults.is_down):
            self.answered_s = self.network.loop.time()
            self.deliver(StreamAnswered(StreamName.PRIVATE, 0))
        self.network.loop.call_later(PONG_S, self._pong)

    # ------------------------------------------------------------------------------------------------- ports.venue

    async def events(self) -> AsyncIterator[MarketEvent | VenueEvent]:
        self.network.loop.call_later(0.2, self.streams_up)
        self.network.loop.call_later(PONG_S, self._pong)
        while (event := await self._queue.get()) is not None:
            yield event

    async def subscribe(self, symbols: Sequence[str]) -> None:
        self.symbols = list(symbols)

    async def resync(self, symbol: str) -> None:
        self.network.tell_resync(symbol)

    async def keep_trade_socket(self, beat: Callable[[], None]) -> None:
        while True:
            beat()
            await asyncio.sleep(1.0)

    def path_of(self, role: OrderRole) -> OrderPath:
        if self.network.order_path is OrderPath.REST or role is OrderRole.FLATTEN:
            return OrderPath.REST
        return OrderPath.SOCKET if self.is_socket_up or role is OrderRole.ENTRY else OrderPath.REST

    async def submit(self, intent: DurableIntent, path: OrderPath) -> str:
        request = intent.request
        self._check_grid(request)
        if request.role is not OrderRole.ENTRY:
            return await self._submit(request, path)
        self.network.untold[request.client_id] = Untold(self.network.loop.time())
        try:
            order_id = await self._submit(request, path)
        except (VenueRejected, VenueThrottled, VenueUnavailable):
            self.network.untold.pop(request.client_id, None)
            raise
        self.network.untold.pop(request.client_id, None)
        return order_id

    def _heard(self, reports: Sequence[Any]) -> None:
        """The engine hears of orders: their outcome is unknown no longer."""
        for report in reports:
            self.network.untold.pop(getattr(report, "client_id", ""), None)

    async def _submit(self, request: OrderRequest, path: OrderPath) -> str:
        if request.reduce_only:
            self.network.tell_closing(request.symbol)
        if path is OrderPath.SOCKET:
            return str(await self._call_over_socket("create", self._written(request)))
        if self.network.order_path is OrderPath.SOCKET and request.role is OrderRole.CLOSE:
            self.network.marks["close_by_detour"] += 1
        is_flatten = request.role is OrderRole.FLATTEN
        return str(await self._call("create", self._written(request), ORDER_DEADLINE_S, is_flatten=is_flatten))

    def _check_grid(self, request: OrderRequest) -> None:
        """An order is written on the grid that it was made for, or it does not leave."""
        rules = self.rules[request.symbol]
        is_other = request.tick_size not in (None, rules.tick_size) or request.qty_step not in (None, rules.qty_step)
        if is_other and (request.lots or not request.close_on_trigger):
            raise VenueUnavailable(f"the trading rules of {request.symbol} have just changed; nothing was sent")

    def _written(self, request: OrderRequest) -> Callable[[], str]:
        """The order as it is written when it leaves; what it does when it arrives."""
        rules = self.rules[request.symbol]
        order = {
            "link_id": request.client_id,
            "symbol": request.symbol,
            "side": request.side.value,
            "order_type": request.order_type.value,
            "qty": rules.qty(request.lots),
            "price": None if request.price is None else rules.price(request.price),
            "reduce_only": request.reduce_only,
            "close_on_trigger": request.close_on_trigger,
            "stop_loss": None if request.stop_loss is None else rules.price(request.stop_loss),
        }
        return lambda: self.network.exchange.create(**order).order_id

    async def cancel(self, request: CancelRequest) -> None:
        def arrive() -> None:
            try:
                self.network.exchange.cancel(request.symbol, request.client_id)
            except Refused as refused:
                if refused.code != 110001:
                    raise

        await self._call("cancel", arrive, ORDER_DEADLINE_S, is_flatten=self.is_flattening)

    async def cancel_entries(self, symbol: str) -> None:
        def arrive() -> None:
            self.network.exchange.cancel_all(symbol)

        await self._call("cancel_all", arrive, ORDER_DEADLINE_S, is_flatten=self.is_flattening)

    async def set_stop(self, request: StopRequest) -> None:
        price = self.network.instruments[request.symbol].price(request.stop_loss)

        def arrive() -> None:
            try:
                self.network.exchange.set_stop(request.symbol, price)
            except Refused as refused:
                if refused.code != 34040:
                    raise

        self.network.tell_stopping(request.symbol)
        await self._call("set_stop", arrive, ORDER_DEADLINE_S)

    async def set_leverage(self, symbol: str, leverage: Decimal) -> None:
        self.network.exchange.leverage[symbol] = leverage

    async def find_order(self, symbol: str, client_id: str) -> tuple[OrderReport | None, list[FillReport]]:
        def read() -> tuple[OrderReport | None, list[FillReport]]:
            exchange = self.network.exchange
            order = exchange.by_link.get(client_id)
            if order is None:
                return None, []
            fills = [fill_report(e, self.network) for e in exchange.executions if e.order is order]
            return order_report(order, self.network), fills

        found: tuple[OrderReport | None, list[FillReport]] = await self._read("query", read)
        if (entry := self.network.untold.get(client_id)) is not None:
            entry.misses += 1
            if found[0] is not None or entry.misses == 2:
                del self.network.untold[client_id]
        return found

    async def position(self, symbol: str) -> PositionReport | None:
        def read() -> PositionReport:
            return position_report(self.network.exchange.positions[symbol], self.network)

        found: PositionReport = await self._read("position", read)
        return found

    async def reports(self, fills_since_ms: int) -> VenueReports:
        requested = self.network.clock.now_ns()

        def read() -> VenueReports:
            return self._reports(fills_since_ms, requested)

        result: VenueReports = await self._read("reports", read)
        self._heard([*result.orders, *result.fills])
        self.read_s = self.network.loop.time()
        now_ns = self.network.clock.now_ns()
        return msgspec.structs.replace(result, fills=received(result.fills, now_ns), ts_recv=now_ns)

    def _reports(self, since_ms: int, requested_ns: int) -> VenueReports:
        network = self.network
        fills = [
            fill_report(e, network)
            for e in network.exchange.executions
            if e.time_ms >= since_ms and e.exec_id not in network.exchange.hidden
        ]
        return VenueReports(
            orders=[*working_orders(network), *stop_orders(network)],
            positions=self._positions(),
            fills=fills,
            since_ms=since_ms,
            balance=balance_report(network),
            requested_ns=requested_ns,
            ts_recv=0,
        )

    def _positions(self) -> list[PositionReport]:
        """Positions as a read shows them: perhaps from a snapshot a few seconds old."""
        network = self.network
        age = network.random.random() * network.faults.stale_read_s
        old = [snapshot for snapshot in network.snapshots if snapshot.at_s <= network.loop.time() - age]
        if network.faults.stale_read_s and old:
            network.marks["stale_read"] += 1
            return old[-1].positions
        return current_positions(network)

    async def ledger(self, since_ms: int) -> LedgerRead:
        requested = self.network.clock.now_ns()

        def read() -> LedgerRead:
            exchange = self.network.exchange
            rows = [ledger_row(row) for row in exchange.rows if row.time_ms >= since_ms]
            until_ms = exchange.now_ms()
            return LedgerRead(rows=rows, since_ms=since_ms, until_ms=until_ms, requested_ns=requested, ts_recv=0)

        result: LedgerRead = await self._call("ledger", read, READ_DEADLINE_S)
        return msgspec.structs.replace(result, ts_recv=self.network.clock.now_ns())

    async def instruments(self, symbols: Sequence[str]) -> list[Instrument]:
        self.rules.update((symbol, self.network.instruments[symbol]) for symbol in symbols)
        return [self.rules[symbol] for symbol in symbols]

    async def account(self) -> AccountInfo:
        return AccountInfo(uid="1", margin_mode="ISOLATED_MARGIN", can_trade=True, can_withdraw=False, ips=("1.2.3.4",))

    async def server_clock(self) -> ClockReading:
        return ClockReading(0, 50_000_000)

    async def reconnect(self, stream: StreamName, reason: str) -> None:
        self.network.marks["reconnected_for_lost_data"] += 1
        if stream is StreamName.PUBLIC:
            self.public_lost_s = self.network.loop.time()
        self.deliver(StreamLost(stream, reason, 0))
        self.network.loop.call_later(0.3, self._up_again, stream)

    def _up_again(self, stream: StreamName) -> None:
        faults = self.network.faults
        if faults.is_partitioned or faults.is_down:
            self.network.loop.call_later(1.0, self._up_again, stream)
        else:
            self.answered_s = self.network.loop.time()
            self.deliver(StreamUp(stream, 0))

    def health(self) -> VenueHealth:
        now_ns, left_ns = self.network.clock.now_ns(), self.silence.left_ns(self.network.clock.monotonic_ns())
        until_ns = now_ns + left_ns if left_ns else None
        return VenueHealth(room_percent=100.0, room_route="model", silent_until_ns=until_ns, ts_recv=now_ns)

    def go_flatten_way(self, is_on: bool) -> None:
        self.is_flattening = is_on

    async def aclose(self) -> None:
        self.is_dead = True

    # --------------------------------------------------------------------------------------------------- the wire

    async def _read(self, route: str, arrive: Callable[[], Any]) -> Any:
        """One read of the account, by flatten's way while one runs."""
        return await self._call(route, arrive, READ_DEADLINE_S, is_flatten=self.is_flattening)

    async def _obey_ban(self, route: str, *, is_flatten: bool) -> None:
        """What leaves under a ban, and how that is answered."""
        network, silence = self.network, self.silence
        now_ns = network.clock.monotonic_ns()
        is_free = is_flatten and silence.may_probe(PROBES.get(route, "read"), now_ns)
        if silence.left_ns(now_ns) and not is_free:
            raise VenueUnavailable("silent after HTTP 403; nothing was sent")
        if not network.faults.is_banned:
            return
        network.tell_banned(PROBES.get(route, "read"), is_flatten)
        await asyncio.sleep(AMBIGUOUS_S)
        silence.begin(network.clock.monotonic_ns())
        if route in WRITES:
            raise OutcomeUnknown("HTTP 403")
        raise VenueThrottled(403, "access too frequent", None)

    def _answered_by_host(self, is_flatten: bool, is_answered: bool) -> None:
        """Flatten changes to the other host after two calls in a row that went unanswered."""
        if not is_flatten:
            return
        self._unanswered = 0 if is_answered else self._unanswered + 1
        if self._unanswered == 2:
            self._unanswered, self.flatten_host = 0, 1 - self.flatten_host
            self.network.marks["flatten_host_changed"] += 1
            self.deliver(FlattenHostChanged(f"host {self.flatten_host}", 0))

    async def _call(self, route: str, arrive: Callable[[], Any], deadline_s: float, *, is_flatten: bool = False) -> Any:
        """One request over the wire; the answer, or one of the three ways it can fail."""
        if self.is_dead:
            await asyncio.get_running_loop().create_future()
        network, faults = self.network, self.network.faults
        random = network.ledger_random if route == "ledger" else network.random
        await self._obey_ban(route, is_flatten=is_flatten)
        network.requests[route] += 1
        if faults.is_down:
            await asyncio.sleep(AMBIGUOUS_S)
            raise ServiceDown("maintenance (code 10016)")
        answer: asyncio.Future[Any] = network.loop.create_future()
        if faults.is_partitioned and random.random() < 0.5:
            raise VenueUnavailable("no route")
        if random.random() < faults.refuse:
            await asyncio.sleep(0.02)
            if route in ("create", "set_stop") and random.random() < 0.5:
                raise VenueThrottled(10006, "too many visits", None)
            if route not in ("create", "set_stop"):
                raise OutcomeUnknown("502 from the gateway")
        is_lost = faults.is_partitioned or random.random() < faults.lose_request
        if not is_lost and route != faults.lost_route:
            sent_s = network.loop.time()
            delay_s = self._delay(random) + network.slow_routes.get(route, 0.0)
            network.loop.call_later(delay_s, self._arrived, route, sent_s, arrive, answer)
        try:
            async with asyncio.timeout(deadline_s):
                result = await answer
        except TimeoutError:
            self._answered_by_host(is_flatten, False)
            raise OutcomeUnknown(f"{route}: no answer within {deadline_s} s") from None
        self._answered_by_host(is_flatten, True)
        if isinstance(result, Refused):
            raise VenueRejected(result.code, result.reason)
        return result

    async def _call_over_socket(self, route: str, arrive: Callable[[], Any]) -> Any:
        """One request over the trade socket: its answer, a code, silence, or the loss of the connection."""
        network, faults, random = self.network, self.network.faults, self.network.random
        if self.is_dead:
            await asyncio.get_running_loop().create_future()
        if not self.is_socket_up:
            network.marks["socket_not_ready"] += 1
            raise VenueUnavailable("the trade socket is not ready")
        network.requests[route] += 1
        network.marks["order_over_socket"] += 1
        answer: asyncio.Future[Any] = network.loop.create_future()
        sent_s = network.loop.time()
        if random.random() < faults.refuse:
            await asyncio.sleep(AMBIGUOUS_S)
            if random.random() < 0.5:
                raise VenueThrottled(10006, "too many requests", None)
            if random.random() < 0.5:
                network.loop.call_later(self._delay(random), self._arrived, route, sent_s, arrive, answer)
            raise OutcomeUnknown("code 10019")
        if not (faults.is_partitioned or random.random() < faults.lose_request):
            network.loop.call_later(self._delay(random), self._arrived, route, sent_s, arrive, answer)
        self._on_socket.add(answer)
        try:
            async with asyncio.timeout(ORDER_DEADLINE_S):
                result = await answer
        except TimeoutError:
            raise OutcomeUnknown(f"{route}: no answer within {ORDER_DEADLINE_S} s over the socket") from None
        finally:
            self._on_socket.discard(answer)
        if isinstance(result, Refused):
            raise VenueRejected(result.code, result.reason)
        return result

    def _arrived(self, route: str, sent_s: float, arrive: Callable[[], Any], answer: asyncio.Future[Any]) -> None:
        """The exchange applies the request, whoever sent it and whether or not he still lives."""
        try:
            if route in WRITES and self.network.loop.time() - sent_s > ORDER_TTL_S:
                self.network.marks["arrived_after_ttl"] += 1
                raise Refused(10002, "timestamp outside recv_window")
            result = arrive()
        except Refused as refused:
            result = refused
        faults = self.network.faults
        random = self.network.ledger_random if route == "ledger" else self.network.random
        is_mute = faults.is_partitioned or route in self.network.mute_routes
        if is_mute or random.random() < faults.lose_reply:
            self.network.marks["reply_lost"] += 1
            return
        self.network.loop.call_later(self._delay(random), self._answer, answer, result)

    def _answer(self, answer: asyncio.Future[Any], result: Any) -> None:
        if not answer.done() and not self.is_dead:
            answer.set_result(result)

    def _delay(self, random: Random) -> float:
        faults = self.network.faults
        delay = 0.01 + random.random() * 0.06
        if random.random() < faults.slow:
            delay += random.random() * faults.slow_s
        return delay
