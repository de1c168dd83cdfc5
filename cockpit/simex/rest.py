"""The way of a REST request: log, faults, signature, budget, handler, envelope (bybit-v5.md 2). No business rules."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any
from urllib.parse import unquote

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from cockpit.matching.records import Rejected
from cockpit.simex.auth import Credentials, Refusal, check_request
from cockpit.simex.encode import reply
from cockpit.simex.exchange import Exchange
from cockpit.simex.faults import RequestFault
from cockpit.simex.hub import transport_of
from cockpit.simex.limits import Allowance, RateLimits
from cockpit.simex.request_log import LoggedRequest, RequestLog

Handler = Callable[[Exchange, Mapping[str, Any]], dict[str, Any]]


class Route(msgspec.Struct, frozen=True):
    """One REST route."""

    method: str
    handler: Handler
    is_private: bool = False
    is_write: bool = False
    """Changes the account: logged, and acknowledged after the configured delay."""


class Rest:
    """Serves the routes of one exchange."""

    def __init__(
        self,
        exchange: Exchange,
        credentials: Credentials,
        limits: RateLimits,
        routes: Mapping[str, Route],
        log: RequestLog,
    ) -> None:
        self._exchange = exchange
        self._credentials = credentials
        self._routes = routes
        self._limits = limits
        self._log = log

    async def handle(self, request: Request) -> Response:
        """Answer one request."""
        path = request.url.path
        route = self._routes.get(path)
        if route is None or route.method != request.method:
            return Response(status_code=404)
        body = await request.body()
        payload = body if request.method == "POST" else bytes(request.scope["query_string"])
        params = _params(request.method, payload)
        now_ms = self._exchange.now_ms()
        entry = self._log.add(now_ms, request.method, path, params, is_private=route.is_private)
        fault = self._exchange.rest_faults.take(path, params.get("symbol"))
        if fault is not None:
            return await self._serve_faulty(request, route, entry, payload, fault)
        response = self._answer(request, route, entry, payload)
        if route.is_write and self._exchange.config.order_ack_delay_ms:
            await asyncio.sleep(self._exchange.config.order_ack_delay_ms / 1000)
        return response

    def _answer(
        self, request: Request, route: Route, entry: LoggedRequest, payload: bytes, stale_s: float = 0.0
    ) -> Response:
        """Check, carry out and word one request."""
        headers: dict[str, str] = {}
        now_ms = self._exchange.now_ms()
        seen = self._exchange if route.is_write or not stale_s else self._earlier(now_ms - round(stale_s * 1000))
        code, message, result = 0, "OK", {}
        ext: Any = None
        try:
            if route.is_private:
                check_request(self._credentials, request.headers, payload, now_ms)
                allowance = self._limits.take(entry.path, now_ms)
                headers = _rate_headers(allowance)
                if allowance is not None and not allowance.is_allowed:
                    raise Refusal(10006, "Too many visits. Exceeded the API Rate Limit.")
            result = dict(route.handler(seen, entry.params))
            ext = result.pop("retExtInfo", None)
        except Refusal as refusal:
            code, message, result = refusal.code, refusal.message, {}
        except Rejected as rejected:
            code, message, result = rejected.code, rejected.reason, {}
        entry.ret_code = code
        return json_response(reply(code, message, result, self._exchange.now_ms(), ext), headers)

    def _earlier(self, at_ms: int) -> Exchange:
        """The exchange with the account as it was."""
        exchange = copy.copy(self._exchange)
        exchange.desk = copy.copy(exchange.desk)
        exchange.desk.account = exchange.desk.past.account(exchange.desk.account, at_ms)
        return exchange

    async def _serve_faulty(
        self, request: Request, route: Route, entry: LoggedRequest, payload: bytes, fault: RequestFault
    ) -> Response:
        """Carry out one request the way an injected fault wants it."""
        if fault.is_dropped:
            return self._break_line(request)
        await asyncio.sleep(fault.late_s)
        response = None
        if fault.is_carried_out:
            response = self._answer(request, route, entry, payload, fault.stale_s)
        await asyncio.sleep(fault.delay_s)
        if fault.is_reply_lost:
            return self._break_line(request)
        if fault.body is not None or fault.status is not None:
            return Response(fault.body or "", status_code=fault.status or 200, media_type="application/json")
        if fault.ret_code is not None or response is None:
            return self._refusal(fault)
        return _dripping(response, fault.drip_bytes_per_s) if fault.drip_bytes_per_s else response

    def _refusal(self, fault: RequestFault) -> Response:
        now_ms = self._exchange.now_ms()
        return json_response(reply(fault.ret_code or 0, fault.ret_msg, {}, now_ms), fault.headers(now_ms))

    @staticmethod
    def _break_line(request: Request) -> Response:
        transport_of(request.scope).abort()
        return Response(status_code=500)


def json_response(body: bytes, headers: Mapping[str, str] | None = None) -> Response:
    """A 200 reply with a JSON body."""
    return Response(body, media_type="application/json", headers=dict(headers or {}))


def _dripping(response: Response, bytes_per_s: float) -> Response:
    """The same reply, its body byte by byte."""

    async def drops() -> AsyncIterator[bytes]:
        for number in range(len(response.body)):
            await asyncio.sleep(1 / bytes_per_s)
            yield bytes(response.body[number : number + 1])

    return StreamingResponse(drops(), headers=dict(response.headers))


def _rate_headers(allowance: Allowance | None) -> dict[str, str]:
    return {} if allowance is None else allowance.headers()


def _params(method: str, payload: bytes) -> dict[str, Any]:
    """Parameters of a request; what cannot be parsed becomes no parameters, the handler then misses them."""
    if method == "POST":
        try:
            decoded = msgspec.json.decode(payload or b"{}")
        except msgspec.DecodeError:
            return {}
        return decoded if isinstance(decoded, dict) else {}
    pairs = (part.partition("=") for part in payload.decode().split("&") if part)
    return {unquote(name): unquote(value) for name, _, value in pairs}
