"""The account's file: one per market, rewritten as a whole so that it is never half written. No rules here."""

from __future__ import annotations

import os
from collections.abc import Collection
from decimal import Decimal
from pathlib import Path

import msgspec

from cockpit.domain.errors import ConfigError
from cockpit.matching.account import Ledger

FORMAT = 1


class _File(msgspec.Struct):
    format: int
    market: str
    ledger: Ledger


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_File).decode


def check_listed(ledger: Ledger, symbols: Collection[str]) -> None:
    """Raise ConfigError if the account holds something in a symbol that the market does not list."""
    held = {symbol for symbol, position in ledger.positions.items() if position.lots}
    held |= {order.symbol for order in ledger.orders.values() if order.is_active}
    missing = sorted(held - set(symbols))
    if missing:
        raise ConfigError(
            f"the simulated account holds positions or orders in {', '.join(missing)}; list these symbols"
        )


def load_ledger(path: Path | None, market: str, fresh_id: str, start_balance: Decimal) -> Ledger:
    """The kept ledger of ``market``, or a new one with ``start_balance``.

    Raises:
        ConfigError: the file is damaged, or belongs to another market.
    """
    if path is None or not path.exists():
        return Ledger(account_id=fresh_id, wallet=start_balance)
    try:
        kept = _decode(path.read_bytes())
    except msgspec.MsgspecError as error:
        raise ConfigError(f"{path}: not an account file of the simulated exchange ({error})") from error
    if kept.format != FORMAT:
        raise ConfigError(f"{path}: account file format {kept.format}, this version reads {FORMAT}")
    if kept.market != market:
        raise ConfigError(f"{path}: this account belongs to market {kept.market!r}, not {market!r}")
    return kept.ledger


def save_ledger(path: Path, market: str, ledger: Ledger) -> None:
    """Write the ledger beside the file and move it into place; only the owner may read it.

    Whole after a crash of the process. A power failure may cost the last changes: it is play money.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(_encode(_File(FORMAT, market, ledger)))
    beside.replace(path)
