"""What matching sees of one symbol's market: rules, book, reference prices. Filled by whoever owns the market."""

from __future__ import annotations

from decimal import Decimal

from cockpit.domain.enums import Side, TriggerBy
from cockpit.domain.instrument import Instrument
from cockpit.matching.book import ExternalBook


class MarketView:
    """One symbol's market."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.book = ExternalBook()
        self.last: int | None = None
        """Last trade, ticks."""
        self.mark: Decimal | None = None
        self.index: Decimal | None = None
        self.refuses_entries: str | None = None
        """Why only exits are accepted; None while entries are."""
        self.is_delisted = False
        """Being taken off the list: positions may only be reduced."""
        self.tick_multiple = 1
        self.lot_multiple = 1
        """New orders must lie on multiples of tick and lot, after the exchange has changed its rules."""
        self.seq = 0
        """Cross sequence of the last market event."""

    def price(self, by: TriggerBy) -> Decimal | None:
        """The price that ``by`` names; the next best known one where the market does not say it."""
        tick = self.instrument.tick_size
        if by is TriggerBy.LAST and self.last is not None:
            return tick * self.last
        if by is TriggerBy.INDEX and self.index is not None:
            return self.index
        if self.mark is not None:
            return self.mark
        double_mid = self.book.mid_ticks2()
        if double_mid is not None:
            return tick * double_mid / 2
        return None if self.last is None else tick * self.last

    def touch(self, taker: Side) -> Decimal | None:
        """Price at which a taker trades first; the mark if that side is empty."""
        best = self.book.side_for_taker(taker).best
        return self.price(TriggerBy.MARK) if best is None else self.instrument.price(best)
