"""Which account an environment trades on, and what must be true of it before real money may be traded."""

from __future__ import annotations

import asyncio
import os
import sys

import click

from cockpit.adapters.bybit.config import BybitConfig
from cockpit.adapters.bybit.credentials import SecretKey
from cockpit.cli.narration import say
from cockpit.cli.run_files import SimexRun
from cockpit.config.secrets import find_key
from cockpit.domain.account import AccountInfo
from cockpit.domain.enums import Environment
from cockpit.domain.errors import ConfigError, SafetyRefusal

SUFFIX = 4
"""Digits of the account number that the operator types before live trading."""

_EXPIRY_WARNINGS_DAYS = 14


def sim_venue(config: BybitConfig, simex: SimexRun) -> tuple[BybitConfig, SecretKey]:
    """Addresses and key of the running simulated exchange."""
    own = {"rest_url": simex.rest, "public_url": simex.public, "private_url": simex.private}
    return config.model_copy(update=own), SecretKey(simex.api_key, simex.api_secret)


def account_key(environment: Environment, *, keep_variables: bool = False) -> SecretKey:
    """The operator's key for demo, testnet or live.

    Args:
        environment: whose key.
        keep_variables: leave the key variables in the environment, for a child that reads them itself.

    Raises:
        ConfigError: there is none, with the places where one may be put.
        SafetyRefusal: its file is open to others.
    """
    environ = dict(os.environ) if keep_variables else os.environ
    may_ask = sys.stdin.isatty() and not keep_variables
    found = find_key(environment, environ, _ask if may_ask else None)
    if found is None:
        raise ConfigError(
            f"there is no API key for {environment.value}: put it into "
            f"$XDG_CONFIG_HOME/cockpit/key-{environment.value}.json (mode 600) as "
            '{"api_key": "...", "api_secret": "..."}, or into the keyring (cockpit doctor looks for it)'
        )
    for warning in found.warnings:
        say(f"warning: {warning}")
    return found.key


def confirm_account(config: BybitConfig, key: SecretKey, confirmed: str | None) -> str:
    """Check the account behind a live key and have its number's end typed; returns that end.

    Args:
        config: environment and addresses.
        key: the key.
        confirmed: what has been typed already, None to ask now.

    Raises:
        SafetyRefusal: the key may do too much, is not bound to an address, or the number was not typed.
    """
    account = asyncio.run(_account(config, key))
    for problem in key_problems(account):
        raise SafetyRefusal(f"live trading is refused: {problem}")
    if account.days_to_expiry is not None and account.days_to_expiry <= _EXPIRY_WARNINGS_DAYS:
        say(f"warning: the key expires in {account.days_to_expiry} days")
    suffix = account.uid[-SUFFIX:]
    if confirmed is None:
        if not sys.stdin.isatty():
            raise SafetyRefusal("live trading needs the account's number typed: start it from a terminal")
        say(f"LIVE: real money, account {'*' * (len(account.uid) - SUFFIX)}{suffix}")
        confirmed = click.prompt(
            f"type the last {SUFFIX} digits of the account", default="", show_default=False, err=True
        )
    if confirmed != suffix:
        raise SafetyRefusal("that is not the account of this key; nothing was started")
    return suffix


def key_problems(account: AccountInfo) -> list[str]:
    """Why this key must not trade real money, one phrase a reason."""
    problems = []
    if not account.can_trade:
        problems.append("the key may not trade contracts")
    if account.can_withdraw:
        problems.append("the key may withdraw: make one that can only trade")
    if not account.ips or "*" in account.ips:
        problems.append("the key is bound to no address: bind it to this machine's")
    return problems


async def _account(config: BybitConfig, key: SecretKey) -> AccountInfo:
    from cockpit.cli import bootstrap

    venue = bootstrap.venue(config, key, None)
    try:
        return await venue.account()
    finally:
        await venue.aclose()


def _ask(prompt: str) -> str:
    answer: str = click.prompt(prompt.rstrip(": "), hide_input=True, default="", show_default=False, err=True)
    return answer
