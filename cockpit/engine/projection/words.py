"""Numbers into the short texts of the screen. Pure."""

from __future__ import annotations

from decimal import Decimal

from cockpit.detectors.wall import Wall

NOTHING = 1e-9


def usd(value: float) -> str:
    """Money of market size in at most five characters, as in 27.8M, 412k, 950."""
    for limit, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            short = value / limit
            return f"{short:.1f}{unit}" if abs(short) < 100 else f"{short:.0f}{unit}"
    return f"{value:.0f}"


def money(value: Decimal | float, *, sign: bool = True) -> str:
    """Our own money, two digits, signed."""
    return f"{value:+,.2f}" if sign else f"{value:,.2f}"


def percent(ratio: float) -> int:
    """A ratio in whole percent, rounded down so that 100 % means all of it."""
    return int(ratio * 100 + 1e-9)


def fate_percent(wall: Wall) -> int:
    """What the letter of a wall speaks of, as a share of its first size: pulled for P, else eaten by trades.

    Refills can be taken too; 100 says that all of the first size went, and no more than that.
    """
    return min(100, percent(wall.pulled_ratio if wall.code == "P" else wall.eaten_ratio))


def number(value: float) -> str:
    """A measured value with three significant digits; what is left of a subtraction of equals is 0."""
    return "0" if abs(value) < NOTHING else f"{value:.3g}"
