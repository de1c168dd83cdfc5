"""pybit's HTTP client with its judgement and its keys taken out: it builds and sends, and hands back the bare reply.

pybit retries by sleeping, loses codes on the way and calls ``200 {}`` a success (libraries.md, trap 3). Here it sends
once and returns status, body and headers; what they mean is decided in ``rest.py``. One object belongs to one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from pybit.unified_trading import HTTP

from cockpit.adapters.bybit.config import RestLimits
from cockpit.adapters.bybit.credentials import SecretKey


class Reply(NamedTuple):
    """One HTTP reply, unjudged."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    route: str = ""
    """Path of the request."""


class SignedHttp(HTTP):  # type: ignore[misc]  # pybit is untyped
    """A pybit client for one worker thread.

    Args:
        key: signs; None allows public requests only.
        limits: timeouts and the time-to-live of requests.
        now_ms: exchange time for the signature.
        admit: is told the path of every request before it leaves; raises ``OverBudget`` if it may not.
    """

    def __init__(
        self,
        key: SecretKey | None,
        limits: RestLimits,
        now_ms: Callable[[], int],
        admit: Callable[[str], None] = lambda _route: None,
    ) -> None:
        # pybit itself gets no key: it would hold it as plain attributes of an object that is easily printed.
        super().__init__(
            timeout=(limits.connect_timeout_s, limits.order_deadline_s),
            recv_window=limits.recv_window_ms,
            max_retries=1,
            # An empty set would bring pybit's own retry codes back; -1 is never compared with a reply here.
            retry_codes={-1},
            force_retry=False,
            return_response_headers=True,
        )
        self._key = key
        self._now_ms = now_ms
        self._admit = admit
        # pybit adds a handler on stderr when logging is not configured yet; it would write across the screen.
        self.logger.handlers.clear()
        # Neither a proxy nor a .netrc of the environment, and no following of redirects: orders go where they say.
        self.client.trust_env = False
        self.client.max_redirects = 0

    def _submit_request(self, method: Any = None, path: Any = None, query: Any = None, auth: bool = False) -> Any:
        """Every request passes here once: with retries off pybit sends it once or not at all."""
        self._admit(urlsplit(path).path)
        return super()._submit_request(method=method, path=path, query=query, auth=auth)

    def _prepare_headers(
        self, payload: str, recv_window: int, content_type: str = "application/json"
    ) -> dict[str, str]:
        """As pybit does, with the exchange's time instead of this machine's (bybit-v5.md 2.2, 2.3)."""
        if self._key is None:
            raise PermissionError("there is no key to sign with")
        timestamp, name = self._now_ms(), self._key.reveal_key()
        return {
            "Content-Type": content_type,
            "X-BAPI-API-KEY": name,
            "X-BAPI-SIGN": self._key.sign(f"{timestamp}{name}{recv_window}{payload}"),
            "X-BAPI-SIGN-TYPE": "2",
            "X-BAPI-TIMESTAMP": str(timestamp),
            "X-BAPI-RECV-WINDOW": str(recv_window),
        }

    def _check_status_code(self, response: Any, *_: Any) -> None:
        """Every status is a reply."""

    def _handle_response(self, response: Any, *_: Any) -> Reply:
        """The reply as it came."""
        return Reply(response.status_code, response.content, response.headers, urlsplit(response.url).path)

    def __repr__(self) -> str:
        return "SignedHttp(hidden)"

    __str__ = __repr__
