"""The key of an exchange account, and the only place that signs with it. No reading of files here."""

from __future__ import annotations

import hashlib
import hmac

from cockpit.domain.secret import Secret


class SecretKey(Secret):
    """Key and secret of one exchange account. Every way to show it says ``SecretKey(hidden)``."""

    __slots__ = ("_name",)

    def __init__(self, key: str, secret: str) -> None:
        super().__init__(secret)
        self._name = Secret(key)

    def reveal_key(self) -> str:
        """The half that is sent along; it names the account, so it is kept out of every output all the same."""
        return self._name.reveal()

    def sign(self, text: str) -> str:
        """HMAC-SHA256 of ``text`` as lower-case hex (bybit-v5.md 2.2)."""
        return hmac.new(self.reveal().encode(), text.encode(), hashlib.sha256).hexdigest()
