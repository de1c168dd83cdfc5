"""Trading rules of the listed symbols: the instruments-info entry and the exact numbers behind it.

Also the only place of simex that turns ticks and lots into text.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from cockpit.domain.instrument import Instrument


class SymbolRules:
    """One listed symbol."""

    def __init__(self, instrument: Instrument, entry: dict[str, Any] | None = None) -> None:
        self.instrument = instrument
        self.entry = entry if entry is not None else entry_of(instrument)
        self._price_texts: dict[int, str] = {}
        self._qty_decimals = instrument.qty_decimals
        self._qty_unit = int(instrument.qty_step.scaleb(self._qty_decimals))

    def price_text(self, ticks: int) -> str:
        """Price of ``ticks`` with the tick's digits."""
        text = self._price_texts.get(ticks)
        if text is None:
            if len(self._price_texts) > 50_000:
                self._price_texts.clear()
            text = self._price_texts[ticks] = self.instrument.price_text(ticks)
        return text

    def qty_text(self, lots: int) -> str:
        """Quantity of ``lots`` with the step's digits."""
        if self._qty_decimals == 0:
            return str(lots * self._qty_unit)
        whole, rest = divmod(lots * self._qty_unit, 10**self._qty_decimals)
        return f"{whole}.{rest:0{self._qty_decimals}d}"


def entry_of(instrument: Instrument) -> dict[str, Any]:
    """The instruments-info entry of a linear perpetual (bybit-v5.md 4.1)."""
    tick, step = instrument.tick_size, instrument.qty_step
    coin = instrument.symbol.removesuffix("USDT")
    return {
        "symbol": instrument.symbol,
        "symbolId": sum(instrument.symbol.encode()),
        "contractType": "LinearPerpetual",
        "status": instrument.status,
        "baseCoin": coin,
        "quoteCoin": "USDT",
        "settleCoin": "USDT",
        "symbolType": "",
        "launchTime": "1585526400000",
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": str(instrument.price_decimals),
        "leverageFilter": {"minLeverage": "1", "maxLeverage": f"{instrument.max_leverage:.2f}", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": plain(tick), "maxPrice": plain(tick * 19_999_998), "tickSize": plain(tick)},
        "lotSizeFilter": {
            "maxOrderQty": plain(instrument.max_qty),
            "minOrderQty": plain(instrument.min_qty),
            "qtyStep": plain(step),
            "postOnlyMaxOrderQty": plain(instrument.max_qty),
            "maxMktOrderQty": plain(instrument.max_market_qty),
            "minNotionalValue": plain(instrument.min_notional),
        },
        "unifiedMarginTrade": True,
        "fundingInterval": 480,
        "copyTrading": "none",
        "upperFundingRate": "0.00375",
        "lowerFundingRate": "-0.00375",
        "isPreListing": False,
        "preListingInfo": None,
        "riskParameters": {"priceLimitRatioX": "0.05", "priceLimitRatioY": "0.1"},
        "displayName": "",
        "forbidUplWithdrawal": False,
    }


def instrument_of(entry: dict[str, Any]) -> Instrument:
    """The exact numbers of an instruments-info entry."""
    lot, price = entry["lotSizeFilter"], entry["priceFilter"]
    return Instrument(
        symbol=entry["symbol"],
        tick_size=Decimal(price["tickSize"]),
        qty_step=Decimal(lot["qtyStep"]),
        min_qty=Decimal(lot["minOrderQty"]),
        max_qty=Decimal(lot["maxOrderQty"]),
        max_market_qty=Decimal(lot["maxMktOrderQty"]),
        min_notional=Decimal(lot.get("minNotionalValue") or "5"),
        max_leverage=Decimal(entry["leverageFilter"]["maxLeverage"]),
        status=entry["status"],
    )


def plain(value: Decimal) -> str:
    """Decimal text without exponent and without trailing zeros after the point."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
