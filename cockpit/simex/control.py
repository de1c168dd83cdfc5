"""The control routes under ``/sim/``: look inside, inject faults, play a foreign actor. Loopback only, unsigned."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from cockpit.domain.enums import OrderType
from cockpit.matching.records import NewOrder, Rejected
from cockpit.simex import rest_trade
from cockpit.simex.auth import Refusal
from cockpit.simex.control_conditions import Conditions
from cockpit.simex.control_money import MoneyFlows
from cockpit.simex.control_network import Line
from cockpit.simex.exchange import Exchange
from cockpit.simex.faults import OrderFault, RequestFault, SocketFault
from cockpit.simex.feed import Feed
from cockpit.simex.request_log import RequestLog
from cockpit.simex.rest import json_response
from cockpit.simex.rows import execution_row, order_row, position_row, wallet_row

Verb = Callable[[dict[str, Any]], Any]


class Control:
    """Answers the control routes of one exchange."""

    def __init__(self, exchange: Exchange, log: RequestLog, feed: Feed) -> None:
        self._exchange = exchange
        self._log = log
        self._feed = feed
        conditions, flows = Conditions(exchange), MoneyFlows(exchange)
        self.verbs: dict[tuple[str, str], Verb] = {
            ("GET", "status"): self.status,
            ("GET", "account"): self.account,
            ("GET", "requests"): self.requests,
            ("GET", "counters"): self.counters,
            ("POST", "fault/rest"): self.fault_rest,
            ("POST", "fault/trade"): self.fault_trade,
            ("POST", "fault/socket"): self.fault_socket,
            ("POST", "fault/order"): self.fault_order,
            ("POST", "net/part"): Line(exchange).part,
            ("POST", "heal"): self.heal,
            ("POST", "market/jump"): self.jump,
            ("POST", "market/status"): self.market_status,
            ("POST", "manual/order"): self.manual_order,
            ("POST", "manual/close"): self.manual_close,
            ("POST", "manual/cancel"): self.manual_cancel,
            ("POST", "liquidate"): self.liquidate,
            ("POST", "adl"): self.adl,
            ("POST", "funding"): self.funding,
            ("POST", "money/flow"): flows.flow,
            ("POST", "money/fees"): flows.fees,
            ("POST", "key"): self.key,
            ("POST", "market/thin"): conditions.thin,
            ("POST", "market/book"): conditions.book,
            ("POST", "market/crossed"): conditions.crossed,
            ("POST", "market/halt"): conditions.halt,
            ("POST", "market/delist"): conditions.delist,
            ("POST", "market/rules"): conditions.rules,
            ("POST", "account/mode"): conditions.mode,
            ("POST", "clock"): conditions.clock,
        }

    async def handle(self, request: Request) -> Response:
        """Answer one control request; the body is a JSON object."""
        verb = self.verbs.get((request.method, request.path_params["verb"]))
        if verb is None:
            return Response(status_code=404)
        try:
            body = msgspec.json.decode(await request.body() or b"{}", type=dict[str, Any])
            answer = verb({**request.query_params, **body})
        except (msgspec.MsgspecError, ValueError, KeyError, Refusal, Rejected) as error:
            return Response(f"bad control request: {error!r}", status_code=400)
        self._exchange.desk.flush()
        return json_response(msgspec.json.encode(answer))

    # ------------------------------------------------------------------ looking

    def status(self, params: dict[str, Any]) -> dict[str, Any]:
        """What is being simulated, and how far it is."""
        return {
            "market": self._exchange.config.market,
            "speed": self._exchange.config.speed,
            "started": self._exchange.is_started,
            "ended": self._exchange.is_ended,
            "lost": self._exchange.is_lost,
            "symbols": list(self._exchange.markets),
            "recorded_depths": {name: sorted(market.recorded) for name, market in self._exchange.markets.items()},
            "wall_clock_ms": self._exchange.now_ms(),
        }

    def account(self, params: dict[str, Any]) -> dict[str, Any]:
        """Wallet, open positions, active orders and all kept executions, without paging."""
        account, markets = self._exchange.desk.account, self._exchange.markets
        held = [symbol for symbol, position in account.ledger.positions.items() if position.lots]
        return {
            "wallet": wallet_row(account),
            "positions": [position_row(account, symbol, markets[symbol].rules) for symbol in held],
            "orders": [order_row(order, markets[order.symbol].rules) for order in account.active_orders()],
            "executions": [
                execution_row(row, markets[row.symbol].rules)
                for row in account.ledger.executions
                if row.symbol in markets
            ],
        }

    def requests(self, params: dict[str, Any]) -> dict[str, Any]:
        """The last private requests, oldest first; ``path`` filters, ``after`` skips numbers up to it."""
        after, path = int(params.get("after", 0)), params.get("path")
        rows = [entry for entry in self._log.entries if entry.number > after and path in (None, entry.path)]
        return {"requests": rows}

    def counters(self, params: dict[str, Any]) -> dict[str, Any]:
        """Requests per path, and open sockets per channel."""
        sockets = {channel: len(hub.connections) for channel, hub in self._exchange.hubs.items()}
        return {"requests": self._log.counts, "sockets": sockets}

    # ------------------------------------------------------------------ faults

    def fault_rest(self, params: dict[str, Any]) -> dict[str, Any]:
        """Queue a fault of a REST route: ``route`` and the fields of ``faults.RequestFault``."""
        route = str(params.pop("route"))
        fault = msgspec.convert(params, RequestFault)
        if fault.stale_s:
            self._exchange.desk.past.keep(self._exchange.desk.account, self._exchange.now_ms())
        self._exchange.rest_faults.add(route, fault)
        return {}

    def fault_trade(self, params: dict[str, Any]) -> dict[str, Any]:
        """Queue a fault of requests over the trade socket: ``op`` (order.create ..., or ``*``) and the fields of
        ``faults.RequestFault`` that a socket can have.
        """
        op = str(params.pop("op"))
        fault = msgspec.convert(params, RequestFault)
        if fault.is_of_rest:
            raise ValueError("status, drip_bytes_per_s and stale_s are faults of REST")
        self._exchange.trade_faults.add(op, fault)
        return {}

    def fault_order(self, params: dict[str, Any]) -> dict[str, Any]:
        """Queue a fault of the next accepted orders: the fields of ``faults.OrderFault``."""
        self._exchange.order_faults.add(msgspec.convert(params, OrderFault))
        return {}

    def fault_socket(self, params: dict[str, Any]) -> dict[str, Any]:
        """Disturb a channel (public, private, trade): ``close`` (code), ``reset``, ``half_open``, ``refuse`` (count),
        ``raw`` (frame), and the fields of ``faults.SocketFault``.
        """
        channel = str(params.pop("channel"))
        hub = self._exchange.hubs[channel]
        if "refuse" in params:
            self._exchange.socket_faults.refused[channel] = int(params.pop("refuse"))
        if "close" in params:
            hub.close_all(int(params.pop("close")))
        if "raw" in params:
            hub.send_all(str(params.pop("raw")))
        if params.pop("reset", False):
            hub.reset_all()
        if params.pop("half_open", False):
            hub.freeze_all()
        self._exchange.socket_faults.set(channel, msgspec.convert(params, SocketFault))
        return {}

    def heal(self, params: dict[str, Any]) -> dict[str, Any]:
        """Remove every fault."""
        self._exchange.rest_faults.clear()
        self._exchange.trade_faults.clear()
        self._exchange.order_faults.clear()
        self._exchange.desk.past.forget()
        self._exchange.socket_faults.clear()
        return {"healed": True}

    # ------------------------------------------------------------------ market and foreign actors

    def jump(self, params: dict[str, Any]) -> dict[str, Any]:
        """Let the price of ``symbol`` jump by ``factor`` without trades in between (synthetic market only)."""
        self._feed.jump(str(params["symbol"]), float(params["factor"]))
        return {}

    def market_status(self, params: dict[str, Any]) -> dict[str, Any]:
        """Refuse entries of ``symbol`` with ``reason``, or accept them again without one."""
        view = self._exchange.markets[str(params["symbol"])].view
        view.refuses_entries = params.get("reason")
        return {}

    def manual_order(self, params: dict[str, Any]) -> dict[str, Any]:
        """An order from somewhere else: fields of order/create, no link id needed."""
        return rest_trade.create(self._exchange, {"category": "linear", **params})

    def manual_close(self, params: dict[str, Any]) -> dict[str, Any]:
        """Somebody closes ``share`` (1) of the position of ``symbol`` by hand."""
        desk, symbol = self._exchange.desk, str(params["symbol"])
        position, instrument = desk.account.position(symbol), self._exchange.markets[symbol].rules.instrument
        if position.side is None:
            raise ValueError(f"no position in {symbol}")
        request = NewOrder(
            symbol=symbol,
            side=position.side.opposite,
            order_type=OrderType.MARKET,
            qty=instrument.qty(max(1, int(abs(position.lots) * Decimal(str(params.get("share", 1)))))),
            reduce_only=True,
            create_type="CreateByClosing",
        )
        return rest_trade.ids(desk.matching.create(request, self._exchange.now_ms()))

    def manual_cancel(self, params: dict[str, Any]) -> dict[str, Any]:
        """Somebody cancels orders of ``symbol`` by hand: ``kind`` StopLoss, TakeProfit, Stop or "" for plain ones."""
        desk, kind = self._exchange.desk, str(params.get("kind", "StopLoss"))
        orders = [o for o in desk.account.active_orders(str(params["symbol"])) if o.stop_order_type == kind]
        for order in orders:
            desk.matching.cancel(order, self._exchange.now_ms())
        return {"cancelled": [order.order_id for order in orders]}

    def liquidate(self, params: dict[str, Any]) -> dict[str, Any]:
        """Liquidate the position of ``symbol``."""
        self._exchange.desk.liquidate(str(params["symbol"]))
        return {}

    def adl(self, params: dict[str, Any]) -> dict[str, Any]:
        """Auto-deleverage ``share`` of the position of ``symbol``."""
        share, desk = Decimal(str(params["share"])), self._exchange.desk
        symbol, now_ms = str(params["symbol"]), self._exchange.now_ms()
        desk.matching.force_close(symbol, "AdlTrade", "CreateByAdl_PassThrough", share, now_ms)
        return {}

    def funding(self, params: dict[str, Any]) -> dict[str, Any]:
        """Settle funding at ``rate`` on the position of ``symbol``."""
        account, rate = self._exchange.desk.account, Decimal(str(params["rate"]))
        account.book_funding(str(params["symbol"]), rate, self._exchange.now_ms())
        return {}

    def key(self, params: dict[str, Any]) -> dict[str, Any]:
        """Override fields of query-api, such as ``permissions`` or ``deadlineDay``."""
        self._exchange.desk.key.update(params)
        return {}
