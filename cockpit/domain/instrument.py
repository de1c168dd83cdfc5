r"""An instrument's rules, and the only rounding code of the project.

Orders carry int ticks and int lots; the exchange sees plain decimal text (``^\d+(\.\d+)?$``).
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import NewType

import msgspec

from cockpit.domain.enums import Side

Ticks = NewType("Ticks", int)
"""A price as a whole number of tick sizes."""

Lots = NewType("Lots", int)
"""A quantity as a whole number of quantity steps."""


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """Trading rules of one linear contract (Bybit ``instruments-info``)."""

    symbol: str
    tick_size: Decimal
    """Smallest price step, in quote currency."""
    qty_step: Decimal
    """Smallest quantity step, in base currency."""
    min_qty: Decimal
    max_qty: Decimal
    """Largest limit order, base currency."""
    max_market_qty: Decimal
    """Largest market order, base currency."""
    min_notional: Decimal
    """Smallest order value, quote currency."""
    max_leverage: Decimal
    status: str = "Trading"
    is_inferred: bool = False
    """True if the rules were inferred from a recording instead of being told by the exchange."""

    @property
    def price_decimals(self) -> int:
        """Digits after the point that a price of this instrument shows."""
        return _decimals(self.tick_size)

    @property
    def qty_decimals(self) -> int:
        """Digits after the point that a quantity of this instrument shows."""
        return _decimals(self.qty_step)

    def ticks(self, price: Decimal) -> Ticks:
        """Ticks of an exact price.

        Raises:
            ValueError: ``price`` is not a whole number of ticks.
        """
        return Ticks(_exact(price, self.tick_size, f"{self.symbol} price"))

    def nearest_ticks(self, price: float) -> Ticks:
        """Ticks of a market-data price, which lies on the grid up to float error; nearest tick otherwise."""
        return Ticks(round(price / _as_float(self.tick_size)))

    def nearest_ticks_of(self, prices: Iterable[float]) -> list[Ticks]:
        """``nearest_ticks`` of each price of a book's side: one call instead of fifty."""
        tick_size = _as_float(self.tick_size)
        return [Ticks(round(price / tick_size)) for price in prices]

    def ticks_down(self, price: Decimal | float) -> Ticks:
        """Largest whole number of ticks not above ``price``."""
        return Ticks(_rounded(price, self.tick_size, ROUND_FLOOR))

    def ticks_up(self, price: Decimal | float) -> Ticks:
        """Smallest whole number of ticks not below ``price``."""
        return Ticks(_rounded(price, self.tick_size, ROUND_CEILING))

    def ticks_beyond(self, price: Decimal, side: Side) -> Ticks:
        """The price on the grid, rounded up for a buy and down for a sell: a stop so rounded is never looser."""
        return self.ticks_up(price) if side is Side.BUY else self.ticks_down(price)

    def lots(self, qty: Decimal) -> Lots:
        """Lots of an exact quantity.

        Raises:
            ValueError: ``qty`` is not a whole number of quantity steps.
        """
        return Lots(_exact(qty, self.qty_step, f"{self.symbol} quantity"))

    def lots_down(self, qty: Decimal | float) -> Lots:
        """Largest whole number of quantity steps not above ``qty``."""
        return Lots(_rounded(qty, self.qty_step, ROUND_FLOOR))

    def price(self, ticks: int) -> Decimal:
        """Price of ``ticks`` in quote currency."""
        return self.tick_size * ticks

    def qty(self, lots: int) -> Decimal:
        """Quantity of ``lots`` in base currency."""
        return self.qty_step * lots

    def notional(self, ticks: int, lots: int) -> Decimal:
        """Value of ``lots`` at ``ticks`` in quote currency."""
        return self.price(ticks) * self.qty(lots)

    def price_text(self, ticks: int) -> str:
        """Price as the exchange reads it: plain decimal text with the tick's digits."""
        return f"{self.price(ticks):.{self.price_decimals}f}"

    def qty_text(self, lots: int) -> str:
        """Quantity as the exchange reads it: plain decimal text with the step's digits."""
        return f"{self.qty(lots):.{self.qty_decimals}f}"


@lru_cache(maxsize=256)
def _as_float(step: Decimal) -> float:
    return float(step)


@lru_cache(maxsize=256)
def _decimals(step: Decimal) -> int:
    exponent = step.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _exact(value: Decimal, step: Decimal, what: str) -> int:
    count, rest = divmod(value, step)
    if rest:
        raise ValueError(f"{what} {value} is not a multiple of {step}")
    return int(count)


def _rounded(value: Decimal | float, step: Decimal, rounding: str) -> int:
    """``value / step`` as an int; a float within 1e-9 steps of the grid counts as on it."""
    ratio = (value if isinstance(value, Decimal) else Decimal(repr(value))) / step
    nearest = ratio.quantize(Decimal(1), ROUND_HALF_EVEN)
    if abs(ratio - nearest) < Decimal("1e-9"):
        return int(nearest)
    return int(ratio.quantize(Decimal(1), rounding))
