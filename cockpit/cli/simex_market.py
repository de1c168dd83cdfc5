"""What the running simulated exchange lists. A recording brings its own symbols, whatever the configuration names, and
its own book depths; only --symbols narrows them.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, TypeVar
from urllib.error import URLError
from urllib.request import urlopen

import msgspec

from cockpit.cli.run_files import SimexRun
from cockpit.domain.errors import CockpitError, ConfigError

if TYPE_CHECKING:
    from cockpit.config.load import LoadedSettings

TIMEOUT_S = 5.0

_T = TypeVar("_T")


class _Entry(msgspec.Struct):
    symbol: str


class _Listing(msgspec.Struct, rename={"entries": "list"}):
    entries: list[_Entry]


class _Reply(msgspec.Struct):
    result: _Listing


class _Status(msgspec.Struct):
    recorded_depths: dict[str, list[int]]


def listed_symbols(simex: SimexRun) -> tuple[str, ...]:
    """Symbols in the exchange's order.

    Raises:
        CockpitError: it does not answer as an exchange does.
    """
    reply = _asked(f"{simex.rest}/v5/market/instruments-info?category=linear&limit=1000", _Reply)
    return tuple(entry.symbol for entry in reply.result.entries)


def followed_symbols(simex: SimexRun, loaded: LoadedSettings) -> tuple[str, ...]:
    """The symbols to follow: those named by --symbols, else all that the exchange lists.

    Raises:
        ConfigError: the exchange does not list one that was named.
    """
    listed = listed_symbols(simex)
    if not loaded.sources["venue.symbols"].startswith("flag"):
        return listed
    wanted = loaded.settings.venue.symbols
    missing = [symbol for symbol in wanted if symbol not in listed]
    if missing:
        raise ConfigError(f"--symbols: {', '.join(missing)} not in {simex.market}; it has {', '.join(listed)}")
    return wanted


def followed_depth(simex: SimexRun, symbols: Collection[str], wanted: int) -> int:
    """Levels a side of the book to subscribe to: see ``common_depth``; ``wanted`` if the market is no recording."""
    depths = _asked(f"{simex.control}/status", _Status).recorded_depths
    return common_depth([depths.get(symbol, []) for symbol in symbols], wanted)


def common_depth(recorded: Collection[Collection[int]], wanted: int) -> int:
    """``wanted`` if every symbol was recorded with it, else the deepest that every symbol was recorded with.

    A derived book has other frames than the recorded one, and with them other walls than a replay of the file finds.
    ``wanted`` too if there is nothing in common; the exchange then derives it or refuses.
    """
    common = set[int].intersection(*map(set, recorded)) - {1} if recorded else set()
    return wanted if wanted in common else max(common, default=wanted)


def _asked(url: str, form: type[_T]) -> _T:
    try:
        with urlopen(url, timeout=TIMEOUT_S) as response:  # noqa: S310 - our own process on loopback
            return msgspec.json.decode(response.read(), type=form)
    except (URLError, TimeoutError, msgspec.MsgspecError) as error:
        raise CockpitError(f"the simulated exchange does not answer {url} as it should: {error}") from error
