"""The control routes under ``/sim/``: look inside, inject faults, play a foreign actor. Loopback only, unsigned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from cockpit.simex.exchange import Exchange
from cockpit.simex.faults import RestFault, SocketFault
from cockpit.simex.rest import Rest, json_response

Verb = Callable[[dict[str, Any]], Any]


class Control:
    """Answers the control routes of one exchange."""

    def __init__(self, exchange: Exchange, rest: Rest) -> None:
        self._exchange = exchange
        self._rest = rest
        self._verbs: dict[tuple[str, str], Verb] = {
            ("GET", "status"): self.status,
            ("GET", "requests"): self.requests,
            ("GET", "counters"): self.counters,
            ("POST", "fault/rest"): self.fault_rest,
            ("POST", "fault/socket"): self.fault_socket,
            ("POST", "heal"): self.heal,
        }

    async def handle(self, request: Request) -> Response:
        """Answer one control request; the body is a JSON object."""
        verb = self._verbs.get((request.method, request.path_params["verb"]))
        if verb is None:
            return Response(status_code=404)
        try:
            body = msgspec.json.decode(await request.body() or b"{}", type=dict[str, Any])
            answer = verb({**request.query_params, **body})
        except (msgspec.MsgspecError, ValueError, KeyError) as error:
            return Response(f"bad control request: {error!r}", status_code=400)
        return json_response(msgspec.json.encode(answer))

    def status(self, params: dict[str, Any]) -> dict[str, Any]:
        """What is being simulated, and how far it is."""
        return {
            "market": self._exchange.config.market,
            "speed": self._exchange.config.speed,
            "started": self._exchange.is_started,
            "ended": self._exchange.is_ended,
            "symbols": list(self._exchange.markets),
            "wall_clock_ms": self._exchange.now_ms(),
        }

    def requests(self, params: dict[str, Any]) -> dict[str, Any]:
        """The last private requests, oldest first; ``path`` filters, ``after`` skips numbers up to it."""
        after, path = int(params.get("after", 0)), params.get("path")
        rows = [entry for entry in self._rest.log if entry.number > after and path in (None, entry.path)]
        return {"requests": rows}

    def counters(self, params: dict[str, Any]) -> dict[str, Any]:
        """Requests per path, and open sockets."""
        return {"requests": self._rest.counts, "public_sockets": len(self._exchange.public.connections)}

    def fault_rest(self, params: dict[str, Any]) -> dict[str, Any]:
        """Queue a fault of a REST route: ``route`` and the fields of ``faults.RestFault``."""
        route = str(params.pop("route"))
        self._exchange.rest_faults.add(route, msgspec.convert(params, RestFault))
        return {}

    def fault_socket(self, params: dict[str, Any]) -> dict[str, Any]:
        """Disturb a channel: ``channel``, then ``close``, ``reset``, ``half_open``, ``refuse`` or a ``SocketFault``."""
        channel = str(params.pop("channel"))
        refuse = params.pop("refuse", None)
        if refuse is not None:
            self._exchange.socket_faults.refused[channel] = int(refuse)
        hub = self._exchange.hubs[channel]
        if "close" in params:
            hub.close_all(int(params.pop("close")))
        if params.pop("reset", False):
            hub.reset_all()
        if params.pop("half_open", False):
            hub.freeze_all()
        raw = params.pop("raw", None)
        if raw is not None:
            hub.send_all(str(raw))
        self._exchange.socket_faults.set(channel, msgspec.convert(params, SocketFault))
        return {}

    def heal(self, params: dict[str, Any]) -> dict[str, Any]:
        """Remove every fault."""
        self._exchange.rest_faults.clear()
        self._exchange.socket_faults.clear()
        return {}
