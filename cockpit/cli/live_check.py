"""May this key trade in this environment: the exchange's own answer about it, judged. Pure: asks and reads nothing.

A right that this version does not know counts as the worst one. Rights of a key: bybit-v5.md 7.4.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

import msgspec

from cockpit.domain.account import AccountInfo
from cockpit.domain.enums import Environment

SUFFIX = 4
"""Last digits of the account number that the operator must name, at least."""
MARGIN_MODE = "ISOLATED_MARGIN"
EXPIRY_DAYS = (14, 7, 1)
"""From so many days before a key expires, the words become more urgent."""

_NEEDED = frozenset({"ContractTrade.Order", "ContractTrade.Position"})
_HARMLESS = frozenset({"Derivatives.DerivativesTrade", "Exchange.ExchangeHistory"})
"""The first is the unified account's own name of the needed ones, the second only reads."""
_NOT_NEEDED = frozenset(
    {
        "Spot.SpotTrade",
        "Options.OptionsTrade",
        "CopyTrading.CopyTrading",
        "BlockTrade.BlockTrade",
        "NFT.NFTQueryProductList",
    }
)
_MONEY_GROUPS = frozenset(
    {"Wallet", "Affiliate", "Earn", "FiatP2P", "FiatBybitPay", "FiatBitPay", "FiatConvertBroker", "FiatGlobalPay"}
)
"""Every right of these groups can take money out of the trading account."""
_LARGEST_BLOCK = 256
"""Addresses in a block that still counts as a binding."""


class Verdict(msgspec.Struct, frozen=True):
    """What speaks against starting, and what should be known before."""

    refusals: tuple[str, ...]
    warnings: tuple[str, ...]


def judge_start(
    environment: Environment, account: AccountInfo, hedged: Sequence[str], watched: Sequence[str]
) -> Verdict:
    """Judge the account behind a key before the engine starts with it.

    A key that could do harm with real money is refused in ``live`` and warned about elsewhere; an account that the
    engine cannot trade on is refused everywhere.

    Args:
        environment: where orders will go.
        account: what the exchange says of key and account.
        hedged: watched symbols that are in hedge mode.
        watched: every watched symbol. As long as one of them is in one-way mode a position of ours may be open there:
            the engine starts to protect it, and makes no entry where the mode is not one-way.
    """
    is_hopeless = bool(hedged) and set(watched) <= set(hedged)
    unfit, unsafe = (*_unfit(account), *_hedged(hedged if is_hopeless else ())), tuple(_unsafe(account))
    advice = (*_expiry(account.days_to_expiry), *_advice(account), *_hedged(() if is_hopeless else hedged))
    if environment is Environment.LIVE:
        return Verdict((*unfit, *unsafe), advice)
    return Verdict(unfit, (*unsafe, *advice))


def names_account(uid: str, typed: str) -> bool:
    """True if ``typed`` is the end of the account number, ``SUFFIX`` digits or more."""
    return len(typed) >= min(SUFFIX, len(uid)) > 0 and uid.endswith(typed)


def _unfit(account: AccountInfo) -> Iterator[str]:
    """Why the engine cannot trade on this account."""
    if account.is_read_only:
        yield "the key may only read: make one that may also write"
    missing = sorted(_NEEDED - set(account.rights))
    if missing:
        yield f"the key lacks {', '.join(missing)}"
    if not (account.can_trade or account.is_read_only or missing):
        yield "the key may not trade contracts"
    if account.margin_mode != MARGIN_MODE:
        yield (
            f"the account is in margin mode {account.margin_mode or 'unknown'}, the engine reckons with "
            f"{MARGIN_MODE}: set isolated margin at the exchange"
        )


def _hedged(hedged: Sequence[str]) -> Iterator[str]:
    if hedged:
        yield f"{_few(hedged)} in hedge mode, the engine trades one-way mode alone: set one-way mode at the exchange"


def _unsafe(account: AccountInfo) -> Iterator[str]:
    """What a thief of this key could do beyond trading."""
    money = [right for right in account.rights if right.partition(".")[0] in _MONEY_GROUPS]
    known = _NEEDED | _HARMLESS | _NOT_NEEDED
    unknown = [right for right in account.rights if right not in known and right not in money]
    if money or account.can_withdraw:
        yield f"the key may move money away ({_few(money or ['withdraw'])}): make one that may only trade contracts"
    if unknown:
        yield f"the key has rights that this version does not know ({_few(unknown)}): make one without them"
    if not _is_bound(account.ips):
        yield "the key is bound to no address: bind it to this machine's"


def _expiry(days: int | None) -> Iterator[str]:
    later, soon, now = EXPIRY_DAYS
    if days is None or days > later:
        return
    end = "today" if days <= 0 else "in 1 day" if days == 1 else f"in {days} days"
    if days <= now:
        yield f"the key expires {end}: then nothing but the stops at the exchange protects a position; renew it now"
    elif days <= soon:
        yield f"the key expires {end}: renew it this week"
    else:
        yield f"the key expires {end}"


def _advice(account: AccountInfo) -> Iterator[str]:
    spare = [right for right in account.rights if right in _NOT_NEEDED]
    if spare:
        yield f"the key may more than the engine needs ({_few(spare)})"
    if account.is_main:
        yield "this is a main account: a sub-account bounds what a mistake or a stolen key can cost"


def _is_bound(ips: Sequence[str]) -> bool:
    return bool(ips) and all(map(_is_narrow, ips))


def _is_narrow(address: str) -> bool:
    """True for an address or a small block; what cannot be read is none."""
    try:
        block = ipaddress.ip_network(address.strip(), strict=False)
    except ValueError:
        return False
    return block.num_addresses <= _LARGEST_BLOCK and not block.network_address.is_unspecified


def _few(names: Sequence[str]) -> str:
    """Names for a sentence, at most five of them."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
