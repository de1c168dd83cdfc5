"""A public stream server of generated frames at a rate that is told on stdin. A process of its own, see ``rig``.

It answers as much of Bybit's protocol as a subscriber needs (subscribe, ping, first snapshots, ``orderbook.1`` every
3 s) and writes into ``seq`` of each book frame the monotonic clock in microseconds just before the frame is sent.

Input lines: ``RATE BURST EVERY SECONDS``: frames a second; or in bursts of ``BURST`` frames at that rate, one every
``EVERY`` seconds (0 0: no bursts). ``0 0 0 0`` pauses. Output: one line ``{"port": ...}`` at the start, and after every
input line that has run its seconds one line with what was really sent.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from bench.frames import SYMBOLS, Symbol, cycles

TOUCH_S = 3.0
_TOUCH = (
    '{"topic":"orderbook.1.%s","type":"snapshot","ts":%d,"data":{"s":"%s","b":[["1","1"]],"a":[["2","1"]],'
    '"u":1,"seq":1},"cts":%d}'
)


def now_us() -> int:
    """The clock that all processes of this machine share, microseconds."""
    return time.monotonic_ns() // 1000


def now_ms() -> int:
    """Wall time, milliseconds."""
    return time.time_ns() // 1_000_000


class LoadServer:
    """One subscriber at a time."""

    def __init__(self) -> None:
        self._streams = [Symbol(cycle) for cycle in cycles(SYMBOLS)]
        self._next = 0
        self._peer: ServerConnection | None = None
        self._subscribed: set[str] = set()
        self.connections = 0
        """How many there were; more than one means that the engine gave one up."""

    async def serve_peer(self, peer: ServerConnection) -> None:
        """Answer the requests of one connection until it ends."""
        self._subscribed.clear()
        self.connections += 1
        touches = asyncio.create_task(self._repeat_touches(peer))
        try:
            async for text in peer:
                await self._answer(peer, json.loads(text))
        except ConnectionClosed:
            pass
        finally:
            touches.cancel()
            self._peer = None

    async def _answer(self, peer: ServerConnection, request: dict[str, object]) -> None:
        reply = {"success": True, "ret_msg": "", "conn_id": "bench", "req_id": request.get("req_id", "")}
        if request["op"] == "ping":
            await peer.send(json.dumps(reply | {"ret_msg": "pong", "op": "ping"}))
            return
        await peer.send(json.dumps(reply | {"op": request["op"]}))
        if request["op"] == "subscribe":
            self._subscribed |= set(request["args"])  # type: ignore[call-overload]
            for stream in self._streams:
                if f"orderbook.50.{stream.symbol}" in request["args"]:  # type: ignore[operator]
                    await peer.send(stream.snapshot(now_ms(), now_us()), text=True)
        self._peer = peer

    async def _repeat_touches(self, peer: ServerConnection) -> None:
        while True:
            for topic in [topic for topic in self._subscribed if topic.startswith("orderbook.1.")]:
                symbol, at = topic.rpartition(".")[2], now_ms()
                await peer.send(_TOUCH % (symbol, at, symbol, at))
            await asyncio.sleep(TOUCH_S)

    async def run(self, rate: float, burst: int, every_s: float, seconds: float) -> int:
        """Send for ``seconds``; returns the number of frames sent."""
        start = time.monotonic()
        sent = 0
        while (elapsed := time.monotonic() - start) < seconds:
            due = _due(elapsed, rate, burst, every_s)
            while sent < due and self._peer is not None:
                await self._send_one(self._peer)
                sent += 1
            await asyncio.sleep(0.0004)
        return sent

    async def _send_one(self, peer: ServerConnection) -> None:
        stream = self._streams[self._next]
        self._next = (self._next + 1) % len(self._streams)
        try:
            await peer.send(stream.next(now_ms(), now_us()), text=True)
        except ConnectionClosed:
            self._peer = None


def _due(elapsed: float, rate: float, burst: int, every_s: float) -> int:
    """How many frames should have been sent by now."""
    if not burst:
        return int(elapsed * rate)
    whole, inside = divmod(elapsed, every_s)
    return int(whole) * burst + min(burst, int(inside * rate))


async def main() -> None:
    """Serve until stdin ends."""
    server = LoadServer()
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with serve(server.serve_peer, "127.0.0.1", 0, compression=None, max_queue=None) as listener:
        print(json.dumps({"port": next(iter(listener.sockets)).getsockname()[1]}), flush=True)
        while line := await lines.readline():
            rate, burst, every_s, seconds = line.split()
            sent = await server.run(float(rate), int(burst), float(every_s), float(seconds))
            print(json.dumps({"sent": sent, "connections": server.connections}), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
