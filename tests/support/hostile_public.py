"""A public socket in Bybit's manner that says what a test tells it to, in a thread of its own.

It answers requests, repeats ``orderbook.1`` so that it does not count as dead, and sends no book by itself.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

Level = tuple[str, str]
HEARTBEAT_S = 1.0


class HostilePublic:
    """One server; ``base`` goes where the public base of an exchange goes."""

    def __init__(self) -> None:
        self.base = ""
        self.connects = 0
        self.topics: set[str] = set()
        self._connections: list[ServerConnection] = []
        self._update_ids: dict[str, int] = {}
        self._now_ms = time.time_ns() // 1_000_000
        self._over = threading.Event()

    def push(self, frame: str | bytes) -> None:
        """Send a frame as it is to every connection."""
        for connection in list(self._connections):
            try:
                connection.send(frame)
            except ConnectionClosed:
                continue

    def cut(self) -> None:
        """Break every connection without a word."""
        for connection in list(self._connections):
            connection.socket.shutdown(2)

    def later(self, ms: int) -> None:
        """Let event time go on."""
        self._now_ms += ms

    def snapshot(self, symbol: str, bids: Sequence[Level], asks: Sequence[Level]) -> str:
        """A book snapshot with the next update id."""
        return json.dumps(self.book(symbol, "snapshot", bids, asks), separators=(",", ":"))

    def delta(self, symbol: str, bids: Sequence[Level] = (), asks: Sequence[Level] = ()) -> str:
        """A book delta with the next update id."""
        return json.dumps(self.book(symbol, "delta", bids, asks), separators=(",", ":"))

    def book(
        self, symbol: str, kind: str, bids: Sequence[Any], asks: Sequence[Any], *, skip: int = 0
    ) -> dict[str, Any]:
        """A book frame to be spoilt; ``skip`` leaves out that many update ids."""
        update_id = self._update_ids.get(symbol, 1000) + 1 + skip
        self._update_ids[symbol] = update_id
        data = {"s": symbol, "b": list(bids), "a": list(asks), "u": update_id, "seq": update_id}
        stamp = {"ts": self._now_ms, "cts": self._now_ms}
        return {"topic": f"orderbook.50.{symbol}", "type": kind, "data": data} | stamp

    def _handle(self, connection: ServerConnection) -> None:
        self.connects += 1
        self._connections.append(connection)
        try:
            for text in connection:
                self._answer(connection, json.loads(text))
        except (ConnectionClosed, OSError):
            pass
        finally:
            self._connections.remove(connection)

    def _answer(self, connection: ServerConnection, frame: dict[str, Any]) -> None:
        if frame["op"] == "subscribe":
            self.topics |= set(frame["args"])
        answer = {"success": True, "ret_msg": "pong" if frame["op"] == "ping" else "", "op": frame["op"]}
        connection.send(json.dumps(answer | {"req_id": frame.get("req_id", "")}))

    def _beat(self) -> None:
        while not self._over.wait(HEARTBEAT_S):
            for topic in sorted(topic for topic in self.topics if topic.startswith("orderbook.1.")):
                data = {"s": topic.rpartition(".")[2], "b": [], "a": [], "u": 1, "seq": 1}
                self.push(json.dumps({"topic": topic, "type": "snapshot", "ts": self._now_ms, "data": data}))

    def end(self, server: Server) -> None:
        """End server and connections."""
        self._over.set()
        server.shutdown()
        self.cut()


@contextmanager
def hostile_public() -> Iterator[HostilePublic]:
    """A running server."""
    hostile = HostilePublic()
    with serve(hostile._handle, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        hostile.base = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/v5/public"
        threads = [threading.Thread(target=work) for work in (server.serve_forever, hostile._beat)]
        for thread in threads:
            thread.start()
        try:
            yield hostile
        finally:
            hostile.end(server)
            for thread in threads:
                thread.join(5)
