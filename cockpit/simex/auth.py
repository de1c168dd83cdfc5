"""Who may ask: signatures over the raw bytes and the time window (bybit-v5.md 2.2, 2.3, 9.2). Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import msgspec

CLOCK_AHEAD_MS = 1000
"""A client clock may be less than this ahead of the exchange."""


class Refusal(Exception):
    """The exchange says no; becomes ``retCode`` and ``retMsg`` of the reply."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Credentials(msgspec.Struct, frozen=True):
    """The only key of the exchange."""

    api_key: str
    api_secret: str

    def __repr__(self) -> str:
        return "Credentials(hidden)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []

    def sign(self, text: bytes) -> str:
        """Lower-case hex HMAC-SHA256."""
        return hmac.new(self.api_secret.encode(), text, hashlib.sha256).hexdigest()


def check_request(credentials: Credentials, headers: Mapping[str, str], payload: bytes, now_ms: int) -> None:
    """Verify a signed REST request.

    Args:
        credentials: the key that may ask.
        headers: request headers, case-insensitive.
        payload: the raw query string of a GET, the raw body of a POST.
        now_ms: exchange time.

    Raises:
        Refusal: 10003 wrong key, 10004 wrong signature, 10002 outside the time window, 10001 malformed headers.
    """
    key = headers.get("x-bapi-api-key", "")
    stamp, window = headers.get("x-bapi-timestamp", ""), headers.get("x-bapi-recv-window", "5000")
    if key != credentials.api_key:
        raise Refusal(10003, "API key is invalid.")
    check_window(stamp, window, now_ms)
    expected = credentials.sign(stamp.encode() + key.encode() + window.encode() + payload)
    if not hmac.compare_digest(expected, headers.get("x-bapi-sign", "")):
        raise Refusal(10004, "error sign! origin_string[...]")


def check_window(stamp: str, window: str, now_ms: int) -> None:
    """Raise 10002 unless ``now - window <= stamp < now + 1000``."""
    if not (stamp.isdecimal() and window.isdecimal()):
        raise Refusal(10001, "timestamp or recv_window is not a number")
    if not now_ms - int(window) <= int(stamp) < now_ms + CLOCK_AHEAD_MS:
        raise Refusal(
            10002,
            "invalid request, please check your server timestamp or recv_window param. "
            f"req_timestamp[{stamp}],server_timestamp[{now_ms}],recv_window[{window}]",
        )


def check_socket(credentials: Credentials, args: list[Any], now_ms: int) -> str:
    """Error text of a socket ``auth`` request, empty if it is good. ``expires`` may be an int or a string."""
    if len(args) != 3:
        return "Params Error"
    key, expires, signature = (str(part) for part in args)
    if not expires.isdecimal() or int(expires) <= now_ms:
        return "Params Error"
    if key != credentials.api_key:
        return "Invalid apikey"
    expected = credentials.sign(f"GET/realtime{expires}".encode())
    return "" if hmac.compare_digest(expected, signature) else "Invalid sign"
