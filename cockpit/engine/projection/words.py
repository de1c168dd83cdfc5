"""Numbers into the short texts of the screen. Pure."""

from __future__ import annotations

from decimal import Decimal


def usd(value: float) -> str:
    """Money of market size in at most five characters, as in 27.8M, 412k, 950."""
    for limit, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            short = value / limit
            return f"{short:.1f}{unit}" if abs(short) < 100 else f"{short:.0f}{unit}"
    return f"{value:.0f}"


def size(value: float) -> str:
    """A size in at most six characters (interface.md 4.1, number format)."""
    magnitude = abs(value)
    for limit, divisor, unit, digits in (
        (1e9, 1e9, "b", 2),
        (1e6, 1e6, "m", 2),
        (1e4, 1e3, "k", 1),
        (1e3, 1e3, "k", 2),
    ):
        if magnitude >= limit:
            return f"{value / divisor:.{digits}f}{unit}"
    digits = 0 if magnitude >= 100 else 1 if magnitude >= 10 else 2 if magnitude >= 1 else 3
    return f"{value:.{digits}f}"


def money(value: Decimal | float, *, sign: bool = True) -> str:
    """Our own money, two digits, signed."""
    return f"{value:+,.2f}" if sign else f"{value:,.2f}"


def span(seconds: float) -> str:
    """A span in at most five characters, as in 31s, 4m12, 2h03, 3d."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3_600:
        return f"{whole // 60}m{whole % 60:02d}"
    if whole < 86_400:
        return f"{whole // 3_600}h{whole % 3_600 // 60:02d}"
    return f"{whole // 86_400}d"


def percent(ratio: float) -> int:
    """A ratio in whole percent, rounded down so that 100 % means all of it."""
    return int(ratio * 100 + 1e-9)


def number(value: float) -> str:
    """A measured value with three significant digits."""
    return f"{value:.3g}"
