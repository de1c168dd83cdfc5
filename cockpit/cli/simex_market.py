"""What the running simulated exchange lists. A recording brings its own symbols, whatever the configuration names."""

from __future__ import annotations

from urllib.error import URLError
from urllib.request import urlopen

import msgspec

from cockpit.cli.run_files import SimexRun
from cockpit.domain.errors import CockpitError

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
