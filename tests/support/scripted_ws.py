"""A real websocket server on loopback that answers like Bybit until a test tells it otherwise."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed


class ScriptedStreams:
    """One server for public (``/v5/public/linear``), private (``/v5/private``) and trade (``/v5/trade``) sockets."""

    def __init__(self) -> None:
        self.base = ""
        self.connections: dict[str, list[ServerConnection]] = {"public": [], "private": [], "trade": []}
        self.connects = {"public": 0, "private": 0, "trade": 0}
        self.received: list[tuple[str, dict[str, Any]]] = []
        self.bad_topics: set[str] = set()
        self.sends_snapshots = True
        self.answers_pings = True
        self.accepts_auth = True
        self.refused_connects = 0
        self._update = 100

    @property
    def public(self) -> str:
        return f"{self.base}/v5/public"

    @property
    def private(self) -> str:
        return f"{self.base}/v5/private"

    @property
    def trade(self) -> str:
        return f"{self.base}/v5/trade"

    def frames(self, op: str) -> list[list[Any]]:
        """The ``args`` of every received frame of one op."""
        return [frame.get("args", []) for _, frame in self.received if frame["op"] == op]

    async def push(self, channel: str, frame: dict[str, Any] | str | bytes) -> None:
        """Send a frame to every open connection of a channel; text as it is."""
        text = json.dumps(frame, separators=(",", ":")) if isinstance(frame, dict) else frame
        for connection in list(self.connections[channel]):
            await connection.send(text)

    async def abort(self, channel: str) -> None:
        """Cut every connection of a channel without a word."""
        for connection in list(self.connections[channel]):
            connection.transport.abort()

    def book(self, kind: str, symbol: str, depth: int = 50) -> dict[str, Any]:
        """A book frame with the next update id."""
        self._update += 1
        data = {"s": symbol, "b": [["1.5", "2"]], "a": [["1.6", "1"]], "u": self._update, "seq": self._update}
        return {"topic": f"orderbook.{depth}.{symbol}", "type": kind, "ts": 5, "data": data, "cts": 4}

    async def handle(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        kind = connection.request.path.rpartition("/")[2]
        channel = kind if kind in self.connections else "public"
        self.connects[channel] += 1
        if self.refused_connects > 0:
            self.refused_connects -= 1
            connection.transport.abort()
            return
        self.connections[channel].append(connection)
        try:
            async for text in connection:
                frame = json.loads(text)
                self.received.append((channel, frame))
                await self._answer(channel, connection, frame)
        except ConnectionClosed:
            pass
        finally:
            self.connections[channel].remove(connection)

    async def _answer(self, channel: str, connection: ServerConnection, frame: dict[str, Any]) -> None:
        op, answer = frame["op"], {"success": True, "ret_msg": "", "req_id": frame.get("req_id", ""), "op": frame["op"]}
        topics: list[str] = []
        if op.startswith("order."):
            return
        if op == "ping":
            if not self.answers_pings:
                return
            answer["ret_msg"] = "pong"
        elif op == "auth":
            answer["success"] = self.accepts_auth
        elif op == "subscribe":
            topics = frame["args"]
            bad = sorted(self.bad_topics & set(topics))
            if bad:
                answer |= {"success": False, "ret_msg": f"error:handler not found,topic:{bad[0]}"}
                topics = []
        await connection.send(json.dumps(answer))
        if self.sends_snapshots:
            for topic in topics:
                if topic.startswith("orderbook."):
                    _, depth, symbol = topic.split(".")
                    await connection.send(json.dumps(self.book("snapshot", symbol, int(depth)), separators=(",", ":")))


@asynccontextmanager
async def scripted_streams() -> AsyncIterator[ScriptedStreams]:
    """A running server; its connections end with it."""
    script = ScriptedStreams()
    async with serve(script.handle, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        script.base = f"ws://127.0.0.1:{port}"
        yield script
        for channel in script.connections:
            await script.abort(channel)
        await asyncio.sleep(0)
