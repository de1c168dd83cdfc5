from __future__ import annotations

import pytest

from cockpit.cli.accounts import account_key
from cockpit.domain.enums import Environment
from cockpit.domain.errors import ConfigError


def test_missing_key_names_the_places_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CONFIG_HOME", "HOME", "CREDENTIALS_DIRECTORY", "BYBIT_API_KEY", "BYBIT_API_SECRET"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match=r"key-testnet\.json"):
        account_key(Environment.TESTNET)
