"""The private socket: authentication, topics, heartbeat (bybit-v5.md 9.2 and 11). Pushes come from the desk."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from cockpit.simex.auth import Credentials, check_socket
from cockpit.simex.desk import CATEGORISED_TOPICS, PRIVATE_TOPICS
from cockpit.simex.encode import text
from cockpit.simex.exchange import Exchange
from cockpit.simex.hub import Connection
from cockpit.simex.ws_public import Request


class PrivateSocket:
    """Answers the requests of one private connection."""

    def __init__(self, exchange: Exchange, credentials: Credentials, connection: Connection) -> None:
        self._exchange = exchange
        self._credentials = credentials
        self._connection = connection
        self._delay_s = exchange.config.ack_delay_ms / 1000

    def on_frame(self, data: str | bytes) -> None:
        """Handle one client frame; every frame gets exactly one answer."""
        try:
            request = msgspec.json.decode(data, type=Request)
        except msgspec.DecodeError as error:
            self._answer("", None, f"Failed to decode incoming data:{error}")
            return
        if request.op == "ping":
            self._pong(request)
        elif request.op == "auth":
            self._authenticate(request)
        elif request.op in ("subscribe", "unsubscribe"):
            self._change_topics(request)
        else:
            self._answer(request.op, request.req_id, "error:invalid op")

    def _pong(self, request: Request) -> None:
        frame = {"op": "pong", "args": [str(self._exchange.now_ms())], "conn_id": self._connection.conn_id}
        if request.req_id is not None:
            frame = {"req_id": request.req_id, **frame}
        self._connection.send_later(self._delay_s, text(frame))

    def _authenticate(self, request: Request) -> None:
        error = check_socket(self._credentials, request.args, self._exchange.now_ms())
        self._connection.is_authenticated = not error
        self._answer("auth", request.req_id, error)
        if error:
            asyncio.get_running_loop().call_later(self._delay_s * 2 + 0.05, self._connection.close)

    def _change_topics(self, request: Request) -> None:
        topics = [str(topic) for topic in request.args]
        error = ""
        if not self._connection.is_authenticated:
            error = "Request not authorized"
        elif request.op == "subscribe":
            error = self._exchange.socket_faults.refusal("private", topics)
            error = error or _topic_error(topics, self._connection.topics)
        if not error:
            hub = self._exchange.desk.private
            change = hub.subscribe if request.op == "subscribe" else hub.unsubscribe
            for topic in topics:
                change(self._connection, topic)
        self._answer(request.op, request.req_id, error)

    def _answer(self, op: str, req_id: Any, error: str = "") -> None:
        frame = {"success": not error, "ret_msg": error, "op": op, "conn_id": self._connection.conn_id}
        if req_id is not None:
            frame["req_id"] = req_id
        self._connection.send_later(self._delay_s, text(frame))


def _topic_error(topics: list[str], subscribed: set[str]) -> str:
    """Why these topics cannot be subscribed to together; empty if they can."""
    if not topics:
        return "error:args is empty"
    for topic in topics:
        if topic not in PRIVATE_TOPICS | CATEGORISED_TOPICS:
            return f"error:handler not found,topic:{topic}"
        if topic in subscribed:
            return f"error:already subscribed,topic:{topic}"
        if f"{topic}.linear" in topics:
            return f"error:all-in-one and categorised topic mixed,topic:{topic}"
    return ""
