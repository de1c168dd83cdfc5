"""What an engine reads before it begins: trading rules. Without them it begins all the same, entries off.

Stops and closes of what is held do not wait for rules (reliability.md P6): a whole position is closed without any.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from cockpit.domain.errors import AuthRejected, ConfigError, VenueError
from cockpit.domain.events import InstrumentsFailed, InstrumentsLoaded
from cockpit.ports.clock import Clock
from cockpit.ports.venue import Venue

PAUSES_S = (0.25, 0.5, 1.0)
"""Between the tries to read the rules before the engine begins without them."""
_log = logging.getLogger(__name__)


async def read_rules(venue: Venue, symbols: Sequence[str], clock: Clock) -> InstrumentsLoaded | InstrumentsFailed:
    """The trading rules of ``symbols``, or why they could not be read; the core goes on asking for them.

    Raises:
        AuthRejected: the exchange refuses the key.
    """
    for pause_s in (*PAUSES_S, None):
        try:
            return InstrumentsLoaded(await venue.instruments(symbols), clock.now_ns(), list(symbols))
        except AuthRejected:
            raise
        except VenueError as error:
            reason = str(error)
        _log.warning("the trading rules cannot be read: %s", reason)
        if pause_s is not None:
            await clock.sleep(pause_s)
    return InstrumentsFailed(f"the engine begins without them: {reason}", clock.now_ns())


def followed(symbols: Sequence[str], rules: InstrumentsLoaded | InstrumentsFailed, *, is_held: bool) -> list[str]:
    """The symbols whose market is subscribed: those listed, or all of them while that is not known.

    Args:
        symbols: what was asked for.
        rules: what was read.
        is_held: a position of ours is open.

    Raises:
        ConfigError: none is listed and nothing is held, so that there is nothing to do.
    """
    if isinstance(rules, InstrumentsFailed):
        return list(symbols)
    listed = {instrument.symbol for instrument in rules.instruments}
    if not listed and not is_held:
        raise ConfigError(f"the exchange does not list {', '.join(symbols)}; see [venue] symbols")
    return [symbol for symbol in symbols if symbol in listed]
