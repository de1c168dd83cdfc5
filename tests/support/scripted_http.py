"""A real HTTP server on loopback whose answers a test scripts, for faults that no exchange would agree to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple


class Request(NamedTuple):
    """One request as it arrived."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: str

    @property
    def fields(self) -> dict[str, Any]:
        """Query or JSON body as a dictionary."""
        if self.body:
            return dict(json.loads(self.body))
        return dict(part.split("=", 1) for part in self.query.split("&") if part)


Answer = bytes | Callable[[Request, asyncio.StreamWriter], Any] | None
"""Raw bytes of a reply; a coroutine function that writes; None hangs up without an answer."""


def reply(body: bytes | dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> bytes:
    """The bytes of an HTTP reply."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(content)}", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + content


def ok(result: dict[str, Any] | None = None) -> bytes:
    """A reply of Bybit that says yes."""
    return reply({"retCode": 0, "retMsg": "OK", "result": result or {}, "retExtInfo": {}, "time": 1})


def refusal(code: int, text: str = "no", headers: dict[str, str] | None = None) -> bytes:
    """A reply of Bybit with a retCode."""
    return reply({"retCode": code, "retMsg": text, "result": {}, "retExtInfo": {}, "time": 1}, headers=headers)


class ScriptedHttp:
    """Answers by path; counts everything."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Request] = []
        self.answers: dict[str, Callable[[Request], Answer]] = {}

    def on(self, path: str, answer: Answer | Callable[[Request], Answer]) -> None:
        """Answer ``path`` with fixed bytes (None: hang up) or with what a function of the request gives."""
        self.answers[path] = answer if callable(answer) else lambda _: answer  # type: ignore[assignment]

    def count(self, path: str) -> int:
        """How many requests came for ``path``."""
        return sum(request.path == path for request in self.requests)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await _read_request(reader):
                self.requests.append(request)
                answer = self.answers.get(request.path, lambda _: refusal(10017, "no such route"))(request)
                if answer is None:
                    break
                if callable(answer):
                    await answer(request, writer)
                else:
                    writer.write(answer)
                    await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def scripted_http() -> AsyncIterator[ScriptedHttp]:
    """A running server; its connections end with it."""
    script = ScriptedHttp()
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        await script.serve(reader, writer)
        connections.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    script.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield script
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    path, _, query = target.partition("?")
    return Request(method, path, query, headers, body.decode())
