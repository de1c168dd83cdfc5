"""The trade socket: order requests over one connection (bybit-v5.md 12). The actions are those of REST."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from cockpit.matching.records import Rejected
from cockpit.simex import rest_trade
from cockpit.simex.auth import Credentials, Refusal, check_socket, check_window
from cockpit.simex.encode import text
from cockpit.simex.exchange import Exchange
from cockpit.simex.faults import RequestFault
from cockpit.simex.hub import Connection
from cockpit.simex.limits import RateLimits
from cockpit.simex.request_log import SOCKET, LoggedRequest, RequestLog

ACTIONS: dict[str, tuple[str, rest_trade.Action]] = {
    "order.create": ("/v5/order/create", rest_trade.create),
    "order.amend": ("/v5/order/amend", rest_trade.amend),
    "order.cancel": ("/v5/order/cancel", rest_trade.cancel),
    "order.create-batch": ("/v5/order/create-batch", rest_trade.batch(rest_trade.create)),
    "order.amend-batch": ("/v5/order/amend-batch", rest_trade.batch(rest_trade.amend)),
    "order.cancel-batch": ("/v5/order/cancel-batch", rest_trade.batch(rest_trade.cancel)),
}

MAX_ID_CHARS = 36
"""Longest reqId (bybit-v5.md 3.4)."""


class TradeRequest(msgspec.Struct):
    """A client frame; unknown keys are ignored."""

    op: str = ""
    args: list[Any] = []
    header: dict[str, Any] = {}
    req_id: str | None = msgspec.field(default=None, name="reqId")


class TradeSocket:
    """Answers the requests of one trade connection. Budgets and request log are shared with REST."""

    def __init__(
        self,
        exchange: Exchange,
        credentials: Credentials,
        limits: RateLimits,
        log: RequestLog,
        connection: Connection,
    ) -> None:
        self._exchange = exchange
        self._credentials = credentials
        self._limits = limits
        self._log = log
        self._connection = connection
        self._used_ids: set[str] = set()
        self._answered = 0

    def on_frame(self, data: str | bytes) -> None:
        """Handle one client frame; every frame gets exactly one answer."""
        try:
            request = msgspec.json.decode(data, type=TradeRequest)
        except msgspec.DecodeError:
            self._send(self._answer(TradeRequest(), 10001, "Failed to decode incoming data"))
            return
        if request.op == "ping":
            frame = {"retCode": 0, "retMsg": "OK", "op": "pong", "data": [str(self._exchange.now_ms())]}
            self._connection.send(text({**frame, "connId": self._connection.conn_id}))
        elif request.op == "auth":
            self._authenticate(request)
        else:
            self._act(request)

    def _authenticate(self, request: TradeRequest) -> None:
        if self._connection.is_authenticated:
            self._send(self._answer(request, 20001, "Repeat auth"))
            return
        error = check_socket(self._credentials, request.args, self._exchange.now_ms())
        self._connection.is_authenticated = not error
        code = 0 if not error else 10001 if error == "Params Error" else 10004
        frame = {"retCode": code, "retMsg": error or "OK", "op": "auth", "connId": self._connection.conn_id}
        self._connection.send_later(self._exchange.config.ack_delay_ms / 1000, text(frame))
        if error:
            asyncio.get_running_loop().call_later(0.1, self._connection.close)

    def _act(self, request: TradeRequest) -> None:
        """Take one order request the way the next injected fault wants it, if there is one."""
        arguments = request.args[0] if request.args and isinstance(request.args[0], dict) else {}
        path = ACTIONS[request.op][0] if request.op in ACTIONS else request.op
        entry = self._log.add(self._exchange.now_ms(), SOCKET, path, arguments)
        fault = self._exchange.trade_faults.take(request.op, arguments.get("symbol"))
        if fault is None:
            self._send(self._carry_out(request, entry))
        elif fault.is_dropped:
            self._connection.reset()
        elif fault.late_s:
            asyncio.get_running_loop().call_later(fault.late_s, self._act_faulty, request, entry, fault)
        else:
            self._act_faulty(request, entry, fault)

    def _act_faulty(self, request: TradeRequest, entry: LoggedRequest, fault: RequestFault) -> None:
        answer = self._carry_out(request, entry) if fault.is_carried_out else ""
        if fault.is_reply_lost:
            asyncio.get_running_loop().call_later(fault.delay_s, self._connection.reset)
            return
        if fault.body is not None:
            answer = fault.body
        elif fault.ret_code is not None:
            headers = fault.headers(self._exchange.now_ms())
            answer = self._answer(request, fault.ret_code, fault.ret_msg, {}, headers)
        self._send(answer, fault.delay_s)

    def _carry_out(self, request: TradeRequest, entry: LoggedRequest) -> str:
        """Check and do what was asked; the frame that answers it."""
        header: dict[str, str] = {}
        code, message, result = 0, "OK", {}
        try:
            self._check(request)
            path, action = ACTIONS[request.op]
            allowance = self._limits.take(path, self._exchange.now_ms())
            if allowance is not None:
                header = allowance.headers()
                if not allowance.is_allowed:
                    raise Refusal(10006, "Too many visits. Exceeded the API Rate Limit.")
            result = dict(action(self._exchange, request.args[0]))
        except Refusal as refusal:
            code, message = refusal.code, refusal.message
        except Rejected as rejected:
            code, message = rejected.code, rejected.reason
        entry.ret_code = code
        return self._answer(request, code, message, result, header)

    def _check(self, request: TradeRequest) -> None:
        if not self._connection.is_authenticated:
            raise Refusal(10404, "Request not authorized")
        if request.op not in ACTIONS:
            raise Refusal(10404, "op type is not found")
        if len(request.args) != 1 or not isinstance(request.args[0], dict):
            raise Refusal(10001, "params error: args must hold one object")
        if request.req_id is not None:
            if len(request.req_id) > MAX_ID_CHARS:
                raise Refusal(10001, "params error: reqId is too long")
            if request.req_id in self._used_ids:
                raise Refusal(20006, "reqId is duplicated")
            self._used_ids.add(request.req_id)
        stamp = str(request.header.get("X-BAPI-TIMESTAMP", ""))
        window = str(request.header.get("X-BAPI-RECV-WINDOW", "5000"))
        check_window(stamp, window, self._exchange.now_ms())

    def _answer(
        self,
        request: TradeRequest,
        code: int,
        message: str,
        result: dict[str, Any] | None = None,
        header: dict[str, str] | None = None,
    ) -> str:
        """The frame that answers a request (bybit-v5.md 12)."""
        data = dict(result or {})
        frame: dict[str, Any] = {} if request.req_id is None else {"reqId": request.req_id}
        frame |= {"retCode": code, "retMsg": message, "op": request.op}
        frame |= {"data": data, "retExtInfo": data.pop("retExtInfo", {})}
        self._answered += 1
        trace = f"{self._connection.number:016x}{self._answered:016x}"
        frame["header"] = {**(header or {}), "Traceid": trace, "Timenow": str(self._exchange.now_ms())}
        return text({**frame, "connId": self._connection.conn_id})

    def _send(self, frame: str, delay_s: float = 0.0) -> None:
        self._connection.send_later(delay_s + self._exchange.config.order_ack_delay_ms / 1000, frame)
