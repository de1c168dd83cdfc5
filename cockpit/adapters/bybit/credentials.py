"""The API key as a value that cannot be printed, pickled or compared by accident. No reading of files here."""

from __future__ import annotations

import hashlib
import hmac
from typing import NoReturn

_HIDDEN = "SecretKey(hidden)"


class SecretKey:
    """Key and secret of one exchange account. Every way to show it says ``SecretKey(hidden)``."""

    __slots__ = ("_key", "_secret")

    def __init__(self, key: str, secret: str) -> None:
        self._key = key
        self._secret = secret

    @property
    def key(self) -> str:
        """The public half; it names the account, so it is kept out of logs all the same."""
        return self._key

    def reveal(self) -> str:
        """The secret itself, for the one caller that signs with a library."""
        return self._secret

    def sign(self, text: str) -> str:
        """HMAC-SHA256 of ``text`` as lower-case hex (bybit-v5.md 2.2)."""
        return hmac.new(self._secret.encode(), text.encode(), hashlib.sha256).hexdigest()

    def __repr__(self) -> str:
        return _HIDDEN

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return _HIDDEN

    def __reduce__(self) -> NoReturn:
        raise TypeError("a SecretKey is not pickled")
