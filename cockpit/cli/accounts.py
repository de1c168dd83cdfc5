"""Which account an environment trades on, and what must be true of it before real money may be traded."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys

import click

from cockpit.adapters.bybit.config import BybitConfig
from cockpit.adapters.bybit.credentials import SecretKey
from cockpit.cli.live_check import SUFFIX, judge_start, names_account
from cockpit.cli.narration import say
from cockpit.cli.run_files import SimexRun
from cockpit.config.model import VenueConfig
from cockpit.config.private import read_private
from cockpit.config.profile import Profile
from cockpit.config.secrets import FoundKey, find_key, handed_over
from cockpit.domain.account import AccountInfo
from cockpit.domain.enums import Environment
from cockpit.domain.errors import AuthRejected, ConfigError, SafetyRefusal, VenueThrottled

_ASK_TRIES = 4
_ASK_PAUSE_S = 1.0
"""The exchange counts requests by the second; another program with this key may have spent the last one."""
_AUTH_WORDS = {
    10003: "the exchange does not know this key; is it one of this environment?",
    10004: "the secret does not belong to the key",
    10005: "the key lacks a right",
    10010: "the key is bound to other addresses than the one this machine calls from",
    33004: "the key has expired; make a new one",
}


def sim_venue(config: BybitConfig, simex: SimexRun) -> tuple[BybitConfig, SecretKey]:
    """Addresses and key of the running simulated exchange."""
    own = {
        "rest_url": simex.rest,
        "public_url": simex.public,
        "private_url": simex.private,
        "trade_url": simex.trade,
    }
    return config.model_copy(update=own), SecretKey(simex.api_key, simex.api_secret)


def account_key(environment: Environment, handed: int | None = None) -> SecretKey:
    """The operator's key for demo, testnet or live; warnings about its place are told.

    Args:
        environment: whose key.
        handed: descriptor of a key that the starting process handed over.

    Raises:
        ConfigError: there is none, with the places where one may be put.
        SafetyRefusal: its file is open to others.
    """
    if handed is not None:
        return handed_over(handed)
    found = found_key(environment, may_ask=sys.stdin.isatty())
    for warning in found.warnings:
        say(f"warning: {warning}")
    return found.key


def found_key(environment: Environment, *, may_ask: bool) -> FoundKey:
    """The operator's key for demo, testnet or live, and where it was. Raises as ``account_key``."""
    found = find_key(environment, os.environ, _ask if may_ask else None)
    if found is None:
        raise ConfigError(
            f"there is no API key for {environment.value}: put it into "
            f"$XDG_CONFIG_HOME/cockpit/key-{environment.value}.json (mode 600) as "
            '{"api_key": "...", "api_secret": "..."}, or into the keyring (cockpit doctor looks for it)'
        )
    return found


def checked_account(venue: VenueConfig, key: SecretKey) -> AccountInfo:
    """Ask the exchange about key and account, tell what should be known, and refuse what must not trade.

    Raises:
        SafetyRefusal: the key or the account is not fit for this environment, every reason named.
        VenueError: the exchange does not answer, or goes on calling it too many requests.
    """
    environment = venue.environment
    try:
        account, hedged = asyncio.run(_asked(venue, key))
    except AuthRejected as error:
        raise SafetyRefusal(
            f"{environment.value}: {_AUTH_WORDS.get(error.code, 'the key is refused')}: {error}"
        ) from error
    verdict = judge_start(environment, account, hedged, venue.symbols)
    for warning in verdict.warnings:
        say(f"warning: {warning}")
    if verdict.refusals:
        raise SafetyRefusal(f"trading {environment.value} is refused: {'; '.join(verdict.refusals)}")
    return account


def confirm_account(account: AccountInfo, named: str | None) -> str:
    """Have the account of real money named by the end of its number; returns that end.

    Args:
        account: the account behind the key.
        named: what was typed or configured already, None to ask now.

    Raises:
        SafetyRefusal: it was not named, or another one was.
    """
    suffix = account.uid[-SUFFIX:]
    if not named:
        if not sys.stdin.isatty():
            raise SafetyRefusal(
                "live trading needs the account named: start it from a terminal, or set [venue] account_suffix"
            )
        say(f"LIVE: real money, account {'*' * (len(account.uid) - SUFFIX)}{suffix}")
        named = click.prompt(f"type the last {SUFFIX} digits of the account", default="", show_default=False, err=True)
    if not names_account(account.uid, named):
        raise SafetyRefusal("that is not the account of this key; nothing was started")
    return suffix


def bind_account(profile: Profile, account: AccountInfo) -> None:
    """Let the profile's journal belong to this account from now on: limits of a day must not be left by a new key.

    Raises:
        SafetyRefusal: it belongs to another account.
    """
    path = profile.folder / "account"
    mark = hashlib.sha256(account.uid.encode()).hexdigest()
    known = read_private(path)
    if known is None:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w") as stream:
            stream.write(mark)
    elif known != mark:
        raise SafetyRefusal(
            f"{profile.folder} holds the journal of another account than the key's (...{account.uid[-SUFFIX:]}): "
            f"take another --data-dir, or remove {path} if the journal shall go on with this one"
        )


async def _asked(venue: VenueConfig, key: SecretKey) -> tuple[AccountInfo, list[str]]:
    from cockpit.cli import bootstrap

    exchange = bootstrap.venue(venue, key, None)
    try:
        for _ in range(_ASK_TRIES - 1):
            try:
                return await exchange.account(), await exchange.hedged(venue.symbols)
            except VenueThrottled:
                await asyncio.sleep(_ASK_PAUSE_S)
        return await exchange.account(), await exchange.hedged(venue.symbols)
    finally:
        await exchange.aclose()


def _ask(prompt: str) -> str:
    answer: str = click.prompt(prompt.rstrip(": "), hide_input=True, default="", show_default=False, err=True)
    return answer
