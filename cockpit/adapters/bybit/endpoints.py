"""Where each environment lives. A wrong host is refused here, before anything is sent.

Hosts: bybit-v5.md section 1. ``sim`` is always on this machine; every other environment is always on Bybit's hosts of
that environment and always over TLS, so an order meant for one place can never leave for another.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

import msgspec

from cockpit.domain.enums import Environment
from cockpit.domain.errors import ConfigError

CATEGORY = "linear"
COIN = "USDT"

_LIVE_SITES = (
    "bybit.com",
    "bytick.com",
    "bybit.nl",
    "bybit.tr",
    "bybit.kz",
    "bybitgeorgia.ge",
    "bybit.ae",
    "bybit.eu",
    "bybit.id",
    "manepa.jp",
)
_LIVE_REST = frozenset(f"api.{site}" for site in _LIVE_SITES)
_LIVE_STREAM = frozenset(f"stream.{site}" for site in _LIVE_SITES)
_TEST_SITES = ("bybit.com", "manepa.jp")


class Endpoints(msgspec.Struct, frozen=True, kw_only=True):
    """The addresses of one environment, without a slash at the end."""

    rest: str
    rest_alternate: str = ""
    """A second host of the same exchange and account, used by the flatten path alone; "" if there is none."""
    public: str
    """Base of the public streams, up to and with ``/v5/public``."""
    private: str

    @property
    def public_linear(self) -> str:
        """The public stream of USDT contracts."""
        return f"{self.public}/{CATEGORY}"


_DEFAULTS = {
    Environment.LIVE: Endpoints(
        rest="https://api.bybit.com",
        rest_alternate="https://api.bytick.com",
        public="wss://stream.bybit.com/v5/public",
        private="wss://stream.bybit.com/v5/private",
    ),
    Environment.TESTNET: Endpoints(
        rest="https://api-testnet.bybit.com",
        public="wss://stream-testnet.bybit.com/v5/public",
        private="wss://stream-testnet.bybit.com/v5/private",
    ),
    # Demo trading has no public stream of its own: its market is mainnet's.
    Environment.DEMO: Endpoints(
        rest="https://api-demo.bybit.com",
        public="wss://stream.bybit.com/v5/public",
        private="wss://stream-demo.bybit.com/v5/private",
    ),
}

_TRADE = {
    Environment.LIVE: "wss://stream.bybit.com/v5/trade",
    Environment.TESTNET: "wss://stream-testnet.bybit.com/v5/trade",
}
"""Trade sockets; demo trading has none (bybit-v5.md 12)."""

_HOSTS = {
    Environment.LIVE: {"rest": _LIVE_REST, "public": _LIVE_STREAM, "private": _LIVE_STREAM, "trade": _LIVE_STREAM},
    Environment.TESTNET: {
        "rest": frozenset(f"api-testnet.{site}" for site in _TEST_SITES),
        "public": frozenset(f"stream-testnet.{site}" for site in _TEST_SITES),
        "private": frozenset(f"stream-testnet.{site}" for site in _TEST_SITES),
        "trade": frozenset(f"stream-testnet.{site}" for site in _TEST_SITES),
    },
    Environment.DEMO: {
        "rest": frozenset({"api-demo.bybit.com"}),
        "public": _LIVE_STREAM,
        "private": frozenset({"stream-demo.bybit.com"}),
        "trade": frozenset[str](),
    },
}


def endpoints_for(
    environment: Environment,
    *,
    rest: str = "",
    rest_alternate: str = "",
    public: str = "",
    private: str = "",
) -> Endpoints:
    """The addresses of ``environment``; a non-empty argument replaces that address.

    An overridden REST address has no alternate host of its own: another site may hold other accounts. Who names one
    says that it is the same exchange.

    Raises:
        ConfigError: an address is missing (``sim`` has no defaults), malformed, or not of this environment.
    """
    base = _DEFAULTS.get(environment)
    chosen = Endpoints(
        rest=_clean(rest or (base.rest if base else "")),
        rest_alternate=_clean(rest_alternate or (base.rest_alternate if base and not rest else "")),
        public=_clean(public or (base.public if base else "")),
        private=_clean(private or (base.private if base else "")),
    )
    for role in ("rest", "public", "private"):
        _check(environment, role, getattr(chosen, role))
    if chosen.rest_alternate:
        _check(environment, "rest", chosen.rest_alternate)
    return chosen


def trade_address(environment: Environment, given: str = "") -> str:
    """The trade socket of ``environment``, or ``given`` instead; apart from the others, for a flatten needs it not.

    Raises:
        ConfigError: there is none, or it is malformed or not of this environment.
    """
    chosen = _clean(given or _TRADE.get(environment, ""))
    _check(environment, "trade", chosen)
    return chosen


def _clean(url: str) -> str:
    return url.strip().rstrip("/")


def _check(environment: Environment, role: str, url: str) -> None:
    if not url:
        raise ConfigError(f"no {role} address for environment {environment.value}")
    parts = urlsplit(url)
    secure, plain = ("https", "http") if role == "rest" else ("wss", "ws")
    if parts.scheme not in {secure, plain} or not parts.hostname:
        raise ConfigError(f"{role} address {url!r} is not a {secure}:// or {plain}:// address")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ConfigError(f"{role} address {url!r} must hold neither a user, a query nor a fragment")
    if environment is Environment.SIM:
        if not _is_loopback(parts.hostname):
            raise ConfigError(f"{role} address {url!r}: environment sim stays on this machine")
        return
    _check_remote(environment, role, url, parts)


def _check_remote(environment: Environment, role: str, url: str, parts: SplitResult) -> None:
    if parts.scheme not in {"https", "wss"}:
        raise ConfigError(f"{role} address {url!r} is not encrypted; only a loopback address may be")
    allowed = _HOSTS[environment][role]
    if parts.hostname not in allowed:
        known = ", ".join(sorted(allowed))
        raise ConfigError(f"{role} address {url!r} is no host of environment {environment.value} (known: {known})")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
