"""The account as it was: what a read sees that is answered from an old snapshot (reliability.md F65). A fault only."""

from __future__ import annotations

from collections import deque

import msgspec

from cockpit.matching.account import Account, Ledger

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Ledger).decode

KEPT = 500


class Past:
    """Copies of one account after each change, from the moment in which somebody wants them."""

    def __init__(self) -> None:
        self.is_kept = False
        self._copies: deque[tuple[int, bytes]] = deque(maxlen=KEPT)

    def keep(self, account: Account, now_ms: int) -> None:
        """Remember the account as it stands."""
        self.is_kept = True
        self._copies.append((now_ms, _encode(account.ledger)))

    def forget(self) -> None:
        """Nobody asks any more."""
        self.is_kept = False
        self._copies.clear()

    def account(self, present: Account, at_ms: int) -> Account:
        """The account as it was at a time; as it was first remembered if that is later."""
        if not self._copies:
            return present
        known = [data for kept_ms, data in self._copies if kept_ms <= at_ms]
        return present.with_ledger(_decode(known[-1] if known else self._copies[0][1]))
