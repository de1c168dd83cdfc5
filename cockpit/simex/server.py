"""The process entry of the simulated exchange: builds it, binds 127.0.0.1, says when it is ready, runs until told."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import uvicorn
import uvloop
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from cockpit.adapters.system.clock import LiveClock
from cockpit.ports.clock import Clock
from cockpit.simex.app import build_app
from cockpit.simex.auth import Credentials
from cockpit.simex.config import SimexConfig
from cockpit.simex.exchange import Exchange
from cockpit.simex.feed import Feed
from cockpit.simex.feed_recording import RecordingFeed
from cockpit.simex.feed_relay import RelayFeed
from cockpit.simex.feed_synthetic import SyntheticFeed
from cockpit.simex.hub import TRANSPORT
from cockpit.simex.state import check_listed, load_ledger

HOST = "127.0.0.1"
TOUCH_CHECK_S = 0.25

OnReady = Callable[[dict[str, Any]], None]


def run_simex(config: SimexConfig, on_ready: OnReady) -> None:
    """Run a simulated exchange until SIGTERM or SIGINT.

    Args:
        config: what to simulate.
        on_ready: called once, when requests are answered, with ``rest``, ``public``, ``private``, ``trade``,
            ``control`` (URLs), ``api_key`` and ``api_secret``.

    Raises:
        ConfigError: the market source cannot be opened.
        OSError: the port is taken.
    """

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        async with serving(config) as ready:
            on_ready(ready)
            await stop.wait()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


@contextlib.asynccontextmanager
async def serving(config: SimexConfig, clock: Clock | None = None) -> AsyncIterator[dict[str, Any]]:
    """A running exchange in the present event loop; yields what ``run_simex`` reports as ready."""
    clock = clock or LiveClock()
    credentials = Credentials(config.api_key or secrets.token_hex(9), config.api_secret or secrets.token_hex(18))
    feed = await open_feed(config, clock)
    ledger = load_ledger(config.account_file, config.market, secrets.token_hex(8), config.start_balance_usdt)
    exchange = Exchange(config, clock, feed.markets(), ledger)
    check_listed(ledger, exchange.markets)
    if config.account_file is not None:
        exchange.desk.keep_in(config.account_file, config.market)
    with _bound(config.port) as listener:
        server = _Server(_uvicorn_config(build_app(exchange, credentials, feed)))
        tasks = [
            asyncio.create_task(server.serve(sockets=[listener])),
            asyncio.create_task(feed.run(exchange)),
            asyncio.create_task(_repeat_touches(exchange, clock)),
        ]
        try:
            await _until_started(server, tasks[0], clock)
            yield ready_message(listener.getsockname()[1], credentials)
        finally:
            await _stop(server, exchange, tasks)


async def open_feed(config: SimexConfig, clock: Clock) -> Feed:
    """The market source that ``config.market`` names.

    Raises:
        ConfigError: it cannot be opened.
    """
    if config.market == "relay":
        return await RelayFeed.open(config, clock)
    if config.recording_path is not None:
        return RecordingFeed(config.recording_path, config.speed, config.recording_start_delay_s, clock)
    return SyntheticFeed(config.symbols, config.seed, config.speed, clock)


def ready_message(port: int, credentials: Credentials) -> dict[str, Any]:
    """What a caller needs to know to use the exchange."""
    http, ws = f"http://{HOST}:{port}", f"ws://{HOST}:{port}"
    return {
        "rest": http,
        "public": f"{ws}/v5/public",
        "private": f"{ws}/v5/private",
        "trade": f"{ws}/v5/trade",
        "control": f"{http}/sim",
        "api_key": credentials.api_key,
        "api_secret": credentials.api_secret,
    }


async def _repeat_touches(exchange: Exchange, clock: Clock) -> None:
    while True:
        await clock.sleep(TOUCH_CHECK_S)
        exchange.repeat_touches()


async def _until_started(server: _Server, task: asyncio.Task[None], clock: Clock) -> None:
    while not server.started:
        if task.done():
            task.result()
            raise RuntimeError("the server ended before it started")
        await clock.sleep(0.01)


async def _stop(server: _Server, exchange: Exchange, tasks: list[asyncio.Task[None]]) -> None:
    for hub in exchange.hubs.values():
        hub.close_all(1001, "exchange stops")
    server.should_exit = True
    for task in tasks[1:]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result


def _bound(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError:
        listener.close()
        raise
    return listener


def _uvicorn_config(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_HttpProtocol,
        ws=_SocketProtocol,
        ws_ping_interval=None,  # Bybit never pings (bybit-v5.md 9.1)
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
    )


class _Server(uvicorn.Server):
    """A server that leaves signals to the process that runs it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


Asgi = Callable[[Any, Any, Any], Awaitable[None]]


def _leaving_transport(protocol: Any, app: Asgi) -> Asgi:
    """``app`` with the protocol's transport in the scope, so that faults can break the line."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        scope[TRANSPORT] = protocol.transport
        await app(scope, receive, send)

    return wrapped


class _HttpProtocol(H11Protocol):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.app = _leaving_transport(self, self.app)


class _SocketProtocol(WebSocketsSansIOProtocol):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.app = _leaving_transport(self, self.app)
