"""One send in a worker thread, and what a failed one means: never left this machine, or nobody knows."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from http.client import HTTPException

import requests
import urllib3.exceptions

from cockpit.adapters.bybit.http import Reply, SignedHttp
from cockpit.domain.errors import OutcomeUnknown, VenueError, VenueUnavailable

Call = Callable[[SignedHttp], Reply]
"""One pybit method with its parameters, for example ``lambda http: http.place_order(**params)``."""

_NEVER_LEFT = (
    urllib3.exceptions.NewConnectionError,  # refused, unreachable, or the name is unknown
    urllib3.exceptions.ConnectTimeoutError,
    ssl.SSLCertVerificationError,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
)


def send(call: Call, client: SignedHttp, host: str) -> Reply:
    """Send one request to ``host``.

    Raises:
        VenueUnavailable: nothing was sent.
        OutcomeUnknown: it may have arrived.
    """
    client.endpoint = host
    try:
        return call(client)
    except PermissionError as error:
        raise VenueUnavailable(f"nothing was sent: {error}") from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, HTTPException, OSError) as error:
        raise outcome_of(error) from error


def outcome_of(error: Exception) -> VenueError:
    """What a transport error means.

    A connection that was never made sent nothing. Everything later may have arrived, also an error while reading.
    """
    text = f"{type(error).__name__} while calling the exchange"
    if any(isinstance(part, _NEVER_LEFT) for part in _chain(error)):
        return VenueUnavailable(f"{text}; nothing was sent")
    return OutcomeUnknown(text)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and everything it was made of (requests and urllib3 nest theirs in arguments and ``reason``)."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        part = waiting.pop()
        if not isinstance(part, BaseException) or id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        waiting += [*part.args, getattr(part, "reason", None), part.__cause__, part.__context__]
