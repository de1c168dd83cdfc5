"""The ASGI application: which path leads where. Loopback only; the control routes are not part of Bybit's API."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import Route as HttpRoute
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from cockpit.simex import rest_market
from cockpit.simex.auth import Credentials
from cockpit.simex.control import Control
from cockpit.simex.exchange import Exchange
from cockpit.simex.hub import Connection
from cockpit.simex.rest import Rest, Route
from cockpit.simex.ws_public import PublicSocket, serve_socket

MARKET_ROUTES = {
    "/v5/market/time": Route("GET", rest_market.market_time),
    "/v5/market/instruments-info": Route("GET", rest_market.instruments_info),
    "/v5/market/tickers": Route("GET", rest_market.tickers),
    "/v5/market/orderbook": Route("GET", rest_market.orderbook),
    "/v5/market/recent-trade": Route("GET", rest_market.recent_trade),
    "/v5/market/kline": Route("GET", rest_market.kline),
}


def build_app(exchange: Exchange, credentials: Credentials) -> Starlette:
    """The application of one exchange."""
    rest = Rest(exchange, credentials, MARKET_ROUTES)
    control = Control(exchange, rest)

    async def public(socket: WebSocket) -> None:
        if exchange.socket_faults.refuses("public"):
            await socket.close(1013)
            return
        connection = Connection(socket, "public", exchange.socket_faults)
        await serve_socket(socket, exchange.public, connection, PublicSocket(exchange, connection).on_frame)

    return Starlette(
        routes=[
            WebSocketRoute("/v5/public/linear", public),
            HttpRoute("/sim/{verb:path}", control.handle, methods=["GET", "POST"]),
            HttpRoute("/{path:path}", rest.handle, methods=["GET", "POST"]),
        ]
    )
