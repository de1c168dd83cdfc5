"""The public linear socket: requests, acknowledgements, first snapshots (bybit-v5.md 9 and 10).

Pushes themselves are published by the exchange through the hub.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from cockpit.simex.encode import public_ack
from cockpit.simex.exchange import Exchange
from cockpit.simex.hub import Connection, Hub

MAX_ARGS_CHARS = 21_000
"""Longest list of arguments of one connection's request (bybit-v5.md 3.4)."""


class Request(msgspec.Struct):
    """A client frame; unknown keys are ignored."""

    op: str = ""
    args: list[Any] = []
    req_id: Any = None


OnFrame = Callable[[str | bytes], None]


async def serve_socket(socket: WebSocket, hub: Hub, connection: Connection, on_frame: OnFrame) -> None:
    """Read frames into ``on_frame`` and write queued frames until either side ends the connection."""
    await socket.accept()
    hub.add(connection)
    writer = asyncio.create_task(connection.write())
    reader = asyncio.create_task(_read(socket, on_frame))
    try:
        done, _ = await asyncio.wait((writer, reader), return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            error = task.exception()
            if error is not None and not isinstance(error, WebSocketDisconnect):
                raise error
    finally:
        hub.remove(connection)
        for task in (writer, reader):
            task.cancel()
        await asyncio.gather(writer, reader, return_exceptions=True)


async def _read(socket: WebSocket, on_frame: OnFrame) -> None:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        text = message.get("text")
        on_frame(text if text is not None else message.get("bytes") or b"")


class PublicSocket:
    """Answers the requests of one public connection."""

    def __init__(self, exchange: Exchange, connection: Connection) -> None:
        self._exchange = exchange
        self._connection = connection
        self._delay_s = exchange.config.ack_delay_ms / 1000

    def on_frame(self, data: str | bytes) -> None:
        """Handle one client frame; every frame gets exactly one answer."""
        try:
            request = msgspec.json.decode(data, type=Request)
        except msgspec.DecodeError as error:
            self._answer("", None, error=f"Failed to decode incoming data:{error}")
            return
        if request.op == "ping":
            self._answer("ping", request.req_id, ret_msg="pong")
        elif request.op == "subscribe":
            self._subscribe(request)
        elif request.op == "unsubscribe":
            for topic in request.args:
                self._exchange.public.unsubscribe(self._connection, str(topic))
            self._answer("unsubscribe", request.req_id)
        else:
            self._answer(request.op, request.req_id, error="error:invalid op")

    def _subscribe(self, request: Request) -> None:
        """One bad topic fails the whole request (bybit-v5.md 9.4)."""
        topics = [str(topic) for topic in request.args]
        error = self._exchange.socket_faults.refusal("public", topics)
        if sum(map(len, topics)) > MAX_ARGS_CHARS:
            error = "error:args is too long"
        for topic in topics:
            if self._first_frame(topic) is None:
                error = error or f"error:handler not found,topic:{topic}"
            elif topic in self._connection.topics:
                error = error or f"error:already subscribed,topic:{topic}"
        if error or not topics:
            self._answer("subscribe", request.req_id, error=error or "error:args is empty")
            return
        self._connection.topics.update(topics)
        loop = asyncio.get_running_loop()
        loop.call_later(self._delay_s, self._activate, topics, request.req_id)

    def _activate(self, topics: list[str], req_id: Any) -> None:
        """Acknowledge and send the first snapshots; from here on pushes follow."""
        ack = public_ack("subscribe", req_id, self._connection.conn_id)
        if not self._exchange.config.is_snapshot_before_ack:
            self._connection.send(ack)
        for topic in dict.fromkeys(topics):
            if topic not in self._connection.topics:
                continue
            snapshot = self._first_frame(topic)
            frame = snapshot() if snapshot is not None else None
            if frame is not None:
                self._connection.send(frame)
            self._exchange.public.subscribe(self._connection, topic)
            if topic.startswith("orderbook."):
                self._exchange.first_book_subscription.set()
        if self._exchange.config.is_snapshot_before_ack:
            self._connection.send(ack)

    def _first_frame(self, topic: str) -> Callable[[], str | None] | None:
        """The maker of the first frame of a topic, None if there is no such topic."""
        kind, _, rest = topic.partition(".")
        depth, _, symbol = rest.partition(".") if kind == "orderbook" else ("", "", rest)
        market = self._exchange.markets.get(symbol)
        if market is None:
            return None
        if kind == "orderbook":
            is_known = depth.isdecimal() and int(depth) in market.depths
            return partial(market.book_snapshot, int(depth)) if is_known else None
        if kind == "tickers":
            return market.ticker_snapshot
        return _nothing if kind == "publicTrade" else None

    def _answer(self, op: str, req_id: Any, *, error: str = "", ret_msg: str = "") -> None:
        frame = public_ack(op, req_id, self._connection.conn_id, error=error, ret_msg=ret_msg)
        self._connection.send_later(self._delay_s, frame)


def _nothing() -> str | None:
    """Trades have no backlog (bybit-v5.md 10.2)."""
    return None
