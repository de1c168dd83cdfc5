from __future__ import annotations

import pytest

from cockpit.cli.accounts import account_key, key_problems
from cockpit.domain.account import AccountInfo
from cockpit.domain.enums import Environment
from cockpit.domain.errors import ConfigError


def account(*, can_trade: bool = True, can_withdraw: bool = False, ips: tuple[str, ...] = ("10.0.0.1",)) -> AccountInfo:
    return AccountInfo(
        uid="12345678", margin_mode="ISOLATED_MARGIN", can_trade=can_trade, can_withdraw=can_withdraw, ips=ips
    )


def test_key_that_can_only_trade_from_one_address_is_accepted() -> None:
    assert key_problems(account()) == []


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (account(can_withdraw=True), "withdraw"),
        (account(can_trade=False), "may not trade"),
        (account(ips=()), "bound to no address"),
        (account(ips=("*",)), "bound to no address"),
    ],
)
def test_key_that_may_too_much_or_too_little_is_refused_in_words(given: AccountInfo, word: str) -> None:
    assert [problem for problem in key_problems(given) if word in problem]


def test_missing_key_names_the_places_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CONFIG_HOME", "HOME", "CREDENTIALS_DIRECTORY", "BYBIT_API_KEY", "BYBIT_API_SECRET"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match=r"key-testnet\.json"):
        account_key(Environment.TESTNET, keep_variables=True)
