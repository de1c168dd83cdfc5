"""Numbers, ages, prices and bars as text. Pure; widths are fixed so that nothing moves on screen."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache

import msgspec

EIGHTHS = " ▏▎▍▌▋▊▉█"
SPARKS = "▁▂▃▄▅▆▇█"
ASCII_SPARKS = "_.-~=+*#"
HEAT = " ░▒▓█"
ASCII_HEAT = " .:*#"


class Glyphs(msgspec.Struct, frozen=True):
    """The drawing characters of a screen; every set has the same widths."""

    is_ascii: bool
    cursor: str
    ok: str
    bad: str
    unknown: str
    warning: str
    wall: str
    frame: str
    rule: str
    up: str
    down: str
    sent: str
    acked: str
    cancelling: str


BLOCKS = Glyphs(False, "▸", "✓", "✗", "·", "!", "●", "│", "─", "▲", "▼", "·", ">", "x")
ASCII = Glyphs(True, ">", "+", "x", ".", "!", "o", "|", "-", "^", "v", ".", ">", "x")


def thousands(digits: str) -> str:
    """A plain decimal text with its whole part in groups of three."""
    sign = "-" if digits.startswith("-") else ""
    whole, dot, fraction = digits.removeprefix("-").partition(".")
    return f"{sign}{int(whole or '0'):,}".replace(",", " ") + dot + fraction


class PriceScale:
    """Turns ticks into price text for one instrument and one grouping.

    Args:
        tick_size: the instrument's tick as plain decimal text.
        group: ticks a row; the price shows only the digits that a row's step needs.
    """

    def __init__(self, tick_size: str, group: int) -> None:
        step = (Decimal(tick_size) * group).normalize()
        self._tick_size = tick_size
        self.decimals = _places(step)
        self.step = f"{step:f}"
        self._tick_decimals = _places(Decimal(tick_size).normalize())

    def text(self, ticks: int) -> str:
        """Price of a row that starts at ``ticks``, grouped by thousands."""
        return _price_text(self._tick_size, ticks, self.decimals)

    def exact(self, ticks: int) -> str:
        """Price of ``ticks`` to the tick whatever the grouping, for what stands at that price alone."""
        return _price_text(self._tick_size, ticks, self._tick_decimals)


def _places(step: Decimal) -> int:
    return max(0, -int(step.as_tuple().exponent))


@lru_cache(maxsize=2048)
def _price_text(tick_size: str, ticks: int, decimals: int) -> str:
    """The same prices stand on a ladder for many frames."""
    return thousands(f"{Decimal(tick_size) * ticks:.{decimals}f}")


def clock(ms: int) -> str:
    """UTC time of day of a wall clock in ms: ``12:04:31``."""
    seconds = ms // 1000 % 86_400
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def bar(value: float, full: float, width: int, glyphs: Glyphs) -> str:
    """A bar that grows to the right, at most ``width`` cells, without padding."""
    eighths = _parts(value, full, width, 8)
    if glyphs.is_ascii:
        return "=" * ((eighths + 4) // 8)
    return "█" * (eighths // 8) + (EIGHTHS[eighths % 8] if eighths % 8 else "")


def bar_left(value: float, full: float, width: int, glyphs: Glyphs) -> str:
    """A bar that grows to the left from its right edge, at most ``width`` cells, without padding."""
    halves = _parts(value, full, width, 2)
    if glyphs.is_ascii:
        return "=" * ((halves + 1) // 2)
    return ("▐" if halves % 2 else "") + "█" * (halves // 2)


def spark(series: Sequence[float], width: int, glyphs: Glyphs) -> str:
    """The shape of the last ``width`` points, from their lowest to their highest; exactly ``width`` cells."""
    ramp = ASCII_SPARKS if glyphs.is_ascii else SPARKS
    points = list(series)[-width:]
    if not points:
        return " " * width
    low, high = min(points), max(points)
    span = high - low
    if span <= 1e-9 * max(abs(low), abs(high), 1e-9):
        return " " * (width - len(points)) + ramp[0] * len(points)
    steps = (min(7, int((point - low) / span * 7.999)) for point in points)
    return " " * (width - len(points)) + "".join(ramp[step] for step in steps)


def heat(value: float, full: float, glyphs: Glyphs) -> str:
    """One cell of a heat map."""
    ramp = ASCII_HEAT if glyphs.is_ascii else HEAT
    return ramp[_parts(value, full, 1, 4)]


def fate(percent: int, code: str, width: int = 5) -> str:
    """What became of a wall: its share and letter, as in ``81%C``. Where that is too wide, the sign gives way."""
    words = f"{percent}%{code}"
    return words if len(words) <= width else f"{percent}{code}"


def short_symbol(symbol: str) -> str:
    """The symbol without its quote currency."""
    for quote in ("USDT", "USDC", "USD"):
        if symbol.endswith(quote) and len(symbol) > len(quote):
            return symbol.removesuffix(quote)
    return symbol


def _parts(value: float, full: float, width: int, parts: int) -> int:
    """How many of ``width * parts`` pieces a value fills; at least one for any value above zero."""
    if value <= 0 or full <= 0:
        return 0
    return max(1, min(width * parts, round(value / full * width * parts)))
