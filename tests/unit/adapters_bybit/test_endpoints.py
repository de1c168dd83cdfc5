"""Addresses per environment, and that no wrong one gets through."""

from __future__ import annotations

import pytest

from cockpit.adapters.bybit.config import BybitConfig
from cockpit.adapters.bybit.endpoints import endpoints_for, trade_address
from cockpit.domain.enums import Environment, OrderPath
from cockpit.domain.errors import ConfigError

LOOP = {"rest": "http://127.0.0.1:9", "public": "ws://127.0.0.1:9/v5/public", "private": "ws://[::1]:9/v5/private"}


@pytest.mark.parametrize("environment", [Environment.LIVE, Environment.DEMO, Environment.TESTNET])
def test_each_remote_environment_has_its_own_encrypted_hosts(environment: Environment) -> None:
    chosen = endpoints_for(environment)
    assert chosen.rest.startswith("https://api")
    assert chosen.public_linear.endswith("/v5/public/linear")
    assert chosen.private.startswith("wss://stream")


def test_only_live_has_an_alternate_host_and_only_with_its_own_address() -> None:
    assert endpoints_for(Environment.LIVE).rest_alternate == "https://api.bytick.com"
    assert endpoints_for(Environment.LIVE, rest="https://api.bybit.nl").rest_alternate == ""
    assert endpoints_for(Environment.DEMO).rest_alternate == ""


def test_alternate_host_that_is_named_is_taken_and_checked_like_the_first() -> None:
    chosen = endpoints_for(Environment.LIVE, rest="https://api.bybit.nl", rest_alternate="https://api.bytick.com/")
    assert chosen.rest_alternate == "https://api.bytick.com"
    assert endpoints_for(Environment.SIM, **LOOP, rest_alternate="http://127.0.0.1:8").rest_alternate
    for environment, url in (
        (Environment.LIVE, "https://api.evil.example"),
        (Environment.SIM, "https://api.bybit.com"),
    ):
        given = LOOP if environment is Environment.SIM else {}
        with pytest.raises(ConfigError):
            endpoints_for(environment, **given, rest_alternate=url)


def test_sim_needs_its_addresses_and_they_are_on_this_machine() -> None:
    assert endpoints_for(Environment.SIM, **LOOP).public_linear == "ws://127.0.0.1:9/v5/public/linear"
    with pytest.raises(ConfigError, match="no rest address"):
        endpoints_for(Environment.SIM)
    with pytest.raises(ConfigError, match="stays on this machine"):
        endpoints_for(Environment.SIM, **{**LOOP, "rest": "https://api.bybit.com"})


@pytest.mark.parametrize(
    ("environment", "urls"),
    [
        (Environment.DEMO, {"rest": "https://api.bybit.com"}),
        (Environment.TESTNET, {"rest": "https://api-demo.bybit.com"}),
        (Environment.LIVE, {"rest": "https://api-testnet.bybit.com"}),
        (Environment.LIVE, {"rest": "http://api.bybit.com"}),
        (Environment.LIVE, {"rest": "http://127.0.0.1:80"}),
        (Environment.LIVE, {"rest": "https://api.bybit.com.evil.example"}),
        (Environment.LIVE, {"rest": "https://user@api.bybit.com"}),
        (Environment.LIVE, {"rest": "ftp://api.bybit.com"}),
        (Environment.LIVE, {"public": "ws://stream.bybit.com/v5/public"}),
        (Environment.LIVE, {"public": "https://stream.bybit.com/v5/public"}),
        (Environment.DEMO, {"private": "wss://stream.bybit.com/v5/private"}),
    ],
)
def test_foreign_or_open_addresses_are_refused(environment: Environment, urls: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        endpoints_for(environment, **urls)


def test_configuration_gives_checked_addresses() -> None:
    config = BybitConfig(rest_url=LOOP["rest"] + "/", public_url=LOOP["public"], private_url=LOOP["private"])
    assert config.endpoints().rest == "http://127.0.0.1:9"
    with pytest.raises(ConfigError):
        BybitConfig().endpoints()


def test_trade_socket_is_of_its_environment_and_demo_has_none() -> None:
    assert trade_address(Environment.LIVE) == "wss://stream.bybit.com/v5/trade"
    assert trade_address(Environment.TESTNET) == "wss://stream-testnet.bybit.com/v5/trade"
    assert trade_address(Environment.SIM, "ws://127.0.0.1:9/v5/trade") == "ws://127.0.0.1:9/v5/trade"
    for environment, url in (
        (Environment.DEMO, ""),
        (Environment.DEMO, "wss://stream.bybit.com/v5/trade"),
        (Environment.SIM, ""),
        (Environment.SIM, "wss://stream.bybit.com/v5/trade"),
        (Environment.LIVE, "wss://stream-testnet.bybit.com/v5/trade"),
        (Environment.LIVE, "ws://stream.bybit.com/v5/trade"),
    ):
        with pytest.raises(ConfigError):
            trade_address(environment, url)


def test_flatten_finds_its_addresses_whatever_is_wrong_with_the_trade_socket() -> None:
    config = BybitConfig(environment=Environment.DEMO, order_path=OrderPath.SOCKET, trade_url="nonsense")
    assert config.endpoints().rest == "https://api-demo.bybit.com"
    with pytest.raises(ConfigError, match="trade address"):
        config.trade_address()
