"""The trade socket kept alive, and calls over it: sent once, one deadline over all of it, one of three outcomes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from websockets.exceptions import ConnectionClosed

from cockpit.adapters.bybit.credentials import SecretKey
from cockpit.adapters.bybit.streams import Stream, StreamShell
from cockpit.adapters.bybit.trade import TradeReply, TradeSession
from cockpit.domain.enums import StreamName
from cockpit.domain.errors import OutcomeUnknown, VenueError, VenueUnavailable
from cockpit.domain.events import StreamLost
from cockpit.domain.time import NS_PER_MS

_NOT_READY = "the trade socket is not ready; nothing was sent"


class TradeStream(Stream[TradeSession]):
    """One trade connection after another.

    Args:
        url: where to connect.
        key: signs auth.
        shell: what all streams share.
        offset_ns: exchange time minus local time, as measured last.
    """

    def __init__(self, url: str, key: SecretKey, shell: StreamShell, offset_ns: Callable[[], int]) -> None:
        super().__init__(StreamName.TRADE, url, self._new_session, shell)
        self._key = key
        self._offset_ns = offset_ns
        self._answers: dict[str, asyncio.Future[TradeReply]] = {}
        self._count = 0
        self._beat: Callable[[], None] = _nothing

    @property
    def is_ready(self) -> bool:
        """True while a call would be sent."""
        return self._session is not None and self._session.takes_requests

    async def keep(self, beat: Callable[[], None]) -> None:
        """Keep the socket alive until cancelled; ``beat`` is called again and again while it is ready."""
        self._beat = beat
        try:
            await self.run()
        except Exception as error:
            self._shell.queue.put([StreamLost(self._name, f"its task failed: {error!r}", self._shell.clock.now_ns())])
            raise

    async def call(self, op: str, params: dict[str, Any], window_ms: int, deadline_s: float) -> TradeReply:
        """Send one request, once, and wait for its answer.

        Raises:
            VenueUnavailable: nothing was sent.
            OutcomeUnknown: it was sent, and no answer came in time or before the connection was lost.
        """
        session, clock = self._session, self._shell.clock
        if session is None:
            raise VenueUnavailable(_NOT_READY)
        self._count += 1
        req_id = f"ck-{self._count}"
        stamp_ms = (clock.now_ns() + self._offset_ns()) // NS_PER_MS
        session.request(req_id, op, params, stamp_ms, window_ms)
        answer: asyncio.Future[TradeReply] = asyncio.get_running_loop().create_future()
        self._answers[req_id] = answer
        try:
            async with asyncio.timeout(deadline_s):
                await self._flush()
                return await answer
        except TimeoutError:
            raise self._unanswered(session, req_id, f"no answer in {deadline_s:g} s") from None
        except ConnectionClosed as error:
            raise self._unanswered(session, req_id, "the connection was lost") from error
        except asyncio.CancelledError:
            session.forget(req_id, clock.monotonic_ns())
            raise
        finally:
            del self._answers[req_id]

    def _unanswered(self, session: TradeSession, req_id: str, reason: str) -> VenueError:
        if session.forget(req_id, self._shell.clock.monotonic_ns()):
            return VenueUnavailable(f"{reason}; nothing was sent")
        return OutcomeUnknown(f"{reason} over the trade socket")

    def _new_session(self) -> TradeSession:
        return TradeSession(self._shell.limits, self._key, self._offset_ns(), self._replied)

    def _replied(self, reply: TradeReply) -> None:
        answer = self._answers.get(reply.req_id)
        if answer is not None and not answer.done():
            answer.set_result(reply)

    def _watched(self, session: TradeSession) -> None:
        if session.takes_requests:
            self._beat()

    def _ended(self, session: TradeSession, reason: str) -> None:
        """Whoever waits for an answer of this connection will not get one."""
        for req_id, answer in self._answers.items():
            if not answer.done():
                answer.set_exception(self._unanswered(session, req_id, f"the connection was lost ({reason})"))
                answer.exception()  # whoever is still sending learns of the loss by itself


def _nothing() -> None:
    return
