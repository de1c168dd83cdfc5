"""Orders and cancels on their way out: by REST or over the trade socket, with the same three outcomes. Sent once.

The path of a call is chosen before anything of it has left and never changed afterwards: what fails on one path is not
tried on the other. Everything else that changes the account (stops, leverage, cancel-all) exists by REST alone.
"""

from __future__ import annotations

from cockpit.adapters.bybit import trade
from cockpit.adapters.bybit.params import Params
from cockpit.adapters.bybit.rest import BybitRest, Pool
from cockpit.adapters.bybit.retcodes import CodeClass, class_of
from cockpit.adapters.bybit.trade_stream import TradeStream
from cockpit.domain.enums import OrderPath, OrderRole
from cockpit.domain.errors import LocalProtocolError


class OrderCalls:
    """Both ways of an order.

    Args:
        rest: calls by REST; its clock, its deadlines and its silence after a ban hold for the socket too.
        socket: the trade socket, None where orders go by REST alone.
    """

    def __init__(self, rest: BybitRest, socket: TradeStream | None) -> None:
        self._rest = rest
        self._socket = socket

    def path_of(self, role: OrderRole) -> OrderPath:
        """The way that an order of this role takes if it is sent now.

        An entry waits for the socket, since it may be left out; a close takes REST while the socket is not ready; a
        flatten depends on nothing but REST.
        """
        if self._socket is None or role is OrderRole.FLATTEN:
            return OrderPath.REST
        return OrderPath.SOCKET if self._socket.is_ready or role is OrderRole.ENTRY else OrderPath.REST

    async def create(self, params: Params, path: OrderPath, pool: Pool) -> bytes:
        """Send one order; the JSON of the answer's result. Raises as ``BybitRest.change``."""
        if path is OrderPath.SOCKET:
            return await self.over_socket(trade.CREATE, params, pool)
        return await self._rest.change(lambda client: client.place_order(**params), pool)

    async def over_socket(self, op: str, params: Params, pool: Pool = Pool.ORDERS) -> bytes:
        """A request over the socket under the rules of REST: what REST could not look up must not be sent.

        Both ways share the account's limits (bybit-v5.md 3.2), so it is counted with REST's.

        Returns the JSON of the answer's result; raises as ``BybitRest.change``.
        """
        if self._socket is None:
            raise LocalProtocolError("there is no trade socket in this configuration")
        self._rest.check_silence(Pool.ORDERS)
        await self._rest.check_clock(pool)
        limits, route = self._rest.limits, f"/v5/{op.replace('.', '/')}"
        await self._rest.take_turn(route, pool)
        reply = await self._socket.call(op, params, limits.recv_window_ms, limits.order_deadline_s)
        if reply.code is not None and class_of(reply.code) is CodeClass.TIME:
            self._rest.suspect_clock()
        elif reply.code is not None and class_of(reply.code) is CodeClass.RATE:
            self._rest.refused_for_rate(route, reply.code)
        return reply.result()
