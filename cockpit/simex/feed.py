"""What every market source offers, and the choice of one. The sources themselves are in ``feed_*``."""

from __future__ import annotations

from typing import Protocol

from cockpit.simex.events import MarketSink
from cockpit.simex.symbol_market import SymbolMarket


class Feed(Protocol):
    """One market source."""

    def markets(self) -> list[SymbolMarket]:
        """The symbols it brings, empty of data."""
        ...

    def jump(self, symbol: str, factor: float) -> None:
        """Let the price of a symbol jump to ``factor`` times itself without trades in between.

        Raises:
            ValueError: this source tells what happened elsewhere and cannot be moved.
        """
        ...

    async def run(self, sink: MarketSink) -> None:
        """Speak to ``sink`` until the source ends; cancel to stop."""
        ...
