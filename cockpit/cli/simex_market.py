"""What the running simulated exchange lists. A recording brings its own symbols, whatever the configuration names;
only --symbols narrows them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

import msgspec

from cockpit.cli.run_files import SimexRun
from cockpit.domain.errors import CockpitError, ConfigError

if TYPE_CHECKING:
    from cockpit.config.load import LoadedSettings

TIMEOUT_S = 5.0


class _Entry(msgspec.Struct):
    symbol: str


class _Listing(msgspec.Struct, rename={"entries": "list"}):
    entries: list[_Entry]


class _Reply(msgspec.Struct):
    result: _Listing


def listed_symbols(simex: SimexRun) -> tuple[str, ...]:
    """Symbols in the exchange's order.

    Raises:
        CockpitError: it does not answer as an exchange does.
    """
    url = f"{simex.rest}/v5/market/instruments-info?category=linear&limit=1000"
    try:
        with urlopen(url, timeout=TIMEOUT_S) as response:  # noqa: S310 - our own process on loopback
            reply = msgspec.json.decode(response.read(), type=_Reply)
    except (URLError, TimeoutError, msgspec.MsgspecError) as error:
        raise CockpitError(f"simex at {simex.rest} does not list its symbols: {error}") from error
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
