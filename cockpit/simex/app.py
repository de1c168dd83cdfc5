"""The ASGI application: which path leads where. Loopback only; the control routes are not part of Bybit's API."""

from __future__ import annotations

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.routing import Route as HttpRoute
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from cockpit.simex import rest_account, rest_market, rest_trade
from cockpit.simex.auth import Credentials
from cockpit.simex.control import Control
from cockpit.simex.exchange import Exchange
from cockpit.simex.feed import Feed
from cockpit.simex.hub import Connection, Hub
from cockpit.simex.limits import RateLimits
from cockpit.simex.request_log import RequestLog
from cockpit.simex.rest import Handler, Rest, Route
from cockpit.simex.ws_private import PrivateSocket
from cockpit.simex.ws_public import OnFrame, PublicSocket, serve_socket
from cockpit.simex.ws_trade import TradeSocket


def _read(handler: Handler) -> Route:
    return Route("GET", handler, is_private=True)


def _write(handler: Handler) -> Route:
    return Route("POST", handler, is_private=True, is_write=True)


ROUTES = {
    "/v5/market/time": Route("GET", rest_market.market_time),
    "/v5/market/instruments-info": Route("GET", rest_market.instruments_info),
    "/v5/market/tickers": Route("GET", rest_market.tickers),
    "/v5/market/orderbook": Route("GET", rest_market.orderbook),
    "/v5/market/recent-trade": Route("GET", rest_market.recent_trade),
    "/v5/market/kline": Route("GET", rest_market.kline),
    "/v5/market/funding/history": Route("GET", rest_market.empty_list),
    "/v5/market/open-interest": Route("GET", rest_market.empty_list),
    "/v5/order/create": _write(rest_trade.create),
    "/v5/order/amend": _write(rest_trade.amend),
    "/v5/order/cancel": _write(rest_trade.cancel),
    "/v5/order/cancel-all": _write(rest_trade.cancel_all),
    "/v5/order/create-batch": _write(rest_trade.batch(rest_trade.create)),
    "/v5/order/amend-batch": _write(rest_trade.batch(rest_trade.amend)),
    "/v5/order/cancel-batch": _write(rest_trade.batch(rest_trade.cancel)),
    "/v5/order/realtime": _read(rest_trade.realtime),
    "/v5/order/history": _read(rest_trade.history),
    "/v5/execution/list": _read(rest_trade.executions),
    "/v5/position/list": _read(rest_account.positions),
    "/v5/position/closed-pnl": _read(rest_account.closed_pnl),
    "/v5/position/set-leverage": _write(rest_account.set_leverage),
    "/v5/position/switch-mode": _write(rest_account.switch_mode),
    "/v5/position/trading-stop": _write(rest_account.trading_stop),
    "/v5/account/wallet-balance": _read(rest_account.wallet_balance),
    "/v5/account/info": _read(rest_account.account_info),
    "/v5/account/fee-rate": _read(rest_account.fee_rate),
    "/v5/account/instruments-info": _read(rest_market.instruments_info),
    "/v5/account/set-margin-mode": _write(rest_account.set_margin_mode),
    "/v5/account/transaction-log": _read(rest_account.transaction_log),
    "/v5/user/query-api": _read(rest_account.query_api),
    "/v5/asset/coin/query-info": _read(rest_account.coin_info),
}


def build_app(exchange: Exchange, credentials: Credentials, feed: Feed) -> Starlette:
    """The application of one exchange."""
    limits = RateLimits()
    log = RequestLog()
    rest = Rest(exchange, credentials, limits, ROUTES, log)
    control = Control(exchange, log, feed)

    async def connect(socket: WebSocket, channel: str, hub: Hub, handler: Callable[[Connection], OnFrame]) -> None:
        if exchange.socket_faults.refuses(channel):
            await socket.close(1013)
            return
        connection = Connection(socket, channel, exchange.socket_faults)
        await serve_socket(socket, hub, connection, handler(connection))

    async def public(socket: WebSocket) -> None:
        if exchange.is_lost:
            await socket.close(1013)
            return
        await connect(socket, "public", exchange.public, lambda c: PublicSocket(exchange, c).on_frame)

    async def private(socket: WebSocket) -> None:
        hub = exchange.desk.private
        await connect(socket, "private", hub, lambda c: PrivateSocket(exchange, credentials, c).on_frame)

    async def trade(socket: WebSocket) -> None:
        def handler(connection: Connection) -> OnFrame:
            return TradeSocket(exchange, credentials, limits, log, connection).on_frame

        await connect(socket, "trade", exchange.trade, handler)

    return Starlette(
        routes=[
            WebSocketRoute("/v5/public/linear", public),
            WebSocketRoute("/v5/private", private),
            WebSocketRoute("/v5/trade", trade),
            HttpRoute("/sim/{verb:path}", control.handle, methods=["GET", "POST"]),
            HttpRoute("/{path:path}", rest.handle, methods=["GET", "POST"]),
        ]
    )
