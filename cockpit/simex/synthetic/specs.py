"""What a synthetic symbol looks like: price, steps, liveliness. Facts only; the flow itself is in ``flow``."""

from __future__ import annotations

import math
import zlib
from decimal import Decimal

import msgspec

from cockpit.domain.instrument import Instrument


class SymbolSpec(msgspec.Struct, frozen=True):
    """One synthetic symbol."""

    instrument: Instrument
    start_price: Decimal
    """Price at virtual time zero, USDT."""
    steps_per_s: float
    """Mean number of book changes per second in normal times."""
    level_usdt: float
    """Typical value of one ordinary level."""
    wall_usdt: float
    """Typical value of a wall."""


# symbol: price, tick, quantity step, steps per second, level value in 1000 USDT
_KNOWN: dict[str, tuple[str, str, str, float, float]] = {
    "BTCUSDT": ("65120.5", "0.1", "0.001", 36.0, 9.0),
    "ETHUSDT": ("3180.45", "0.01", "0.01", 32.0, 7.0),
    "SOLUSDT": ("151.32", "0.01", "0.1", 24.0, 5.5),
    "DOGEUSDT": ("0.12345", "0.00001", "1", 16.0, 4.5),
    "XRPUSDT": ("0.5852", "0.0001", "0.1", 14.0, 5.0),
    "ADAUSDT": ("0.4521", "0.0001", "1", 10.0, 4.5),
    "LINKUSDT": ("14.215", "0.001", "0.1", 9.0, 4.0),
    "AVAXUSDT": ("27.105", "0.001", "0.1", 9.0, 4.0),
    "BNBUSDT": ("582.30", "0.05", "0.01", 12.0, 4.5),
    "LTCUSDT": ("71.45", "0.01", "0.1", 8.0, 4.0),
    "DOTUSDT": ("6.152", "0.001", "0.1", 7.0, 4.0),
    "SUIUSDT": ("1.8320", "0.0001", "1", 10.0, 4.0),
}


def spec_of(symbol: str) -> SymbolSpec:
    """The spec of ``symbol``; names without an entry get plausible rules derived from the name alone."""
    if symbol in _KNOWN:
        known_price, known_tick, known_step, steps_per_s, level_k = _KNOWN[symbol]
        numbers = Decimal(known_price), Decimal(known_tick), Decimal(known_step)
        return _spec(symbol, *numbers, (steps_per_s, level_k * 1000))
    digest = zlib.crc32(symbol.encode())
    price: float = 10 ** (digest % 4000 / 1000 - 2)
    tick = Decimal(1).scaleb(math.floor(math.log10(price)) - 3 - digest // 4000 % 2)
    step = Decimal(1).scaleb(max(-3, math.floor(math.log10(5 / price)) - 1)) if price > 0.5 else Decimal(1)
    start = (Decimal(repr(price)) / tick).to_integral_value() * tick
    return _spec(symbol, start, tick, step, (5.0 + digest % 40 / 10, 4000.0))


def _spec(symbol: str, price: Decimal, tick: Decimal, step: Decimal, liveliness: tuple[float, float]) -> SymbolSpec:
    steps_per_s, level_usdt = liveliness
    most = (Decimal(2_000_000) / price / step).to_integral_value() * step
    instrument = Instrument(
        symbol=symbol,
        tick_size=tick,
        qty_step=step,
        min_qty=step,
        max_qty=most,
        max_market_qty=(most / 4 / step).to_integral_value() * step,
        min_notional=Decimal(5),
        max_leverage=Decimal(100 if symbol in {"BTCUSDT", "ETHUSDT"} else 50),
    )
    return SymbolSpec(instrument, price, steps_per_s, level_usdt, max(110_000.0, 22.0 * level_usdt))
