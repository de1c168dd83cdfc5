"""The account: money as the exchange reports it."""

from __future__ import annotations

from decimal import Decimal

import msgspec


class BalanceReport(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """USDT side of a unified account (wallet-balance or the ``wallet`` topic)."""

    equity: Decimal
    """Wallet balance plus open profit, USDT."""
    wallet_balance: Decimal
    available: Decimal
    """Free for new orders, USDT."""
    initial_margin: Decimal = Decimal(0)
    """Margin bound by positions and orders, USDT."""
    ts_recv: int = 0


class AccountInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Identity and modes of the account behind the key."""

    uid: str
    margin_mode: str
    """ISOLATED_MARGIN, REGULAR_MARGIN or PORTFOLIO_MARGIN."""
    can_trade: bool
    can_withdraw: bool
    ips: tuple[str, ...]
    """Addresses the key is bound to; ("*",) or () means none."""
    days_to_expiry: int | None = None
    """None: it does not expire."""
    is_read_only: bool = False
    rights: tuple[str, ...] = ()
    """Everything that was granted, as GROUP.RIGHT in the exchange's words, sorted."""
    is_main: bool = False
    """A main account, not a sub-account."""
