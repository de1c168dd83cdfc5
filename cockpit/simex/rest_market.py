"""Public REST routes (bybit-v5.md 4). Pure: parameters in, ``result`` out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cockpit.simex.auth import Refusal
from cockpit.simex.exchange import Exchange
from cockpit.simex.paging import number, page
from cockpit.simex.symbol_market import SymbolMarket

Params = Mapping[str, Any]

OTHER_CATEGORIES = {"spot", "inverse", "option"}


def market_time(exchange: Exchange, params: Params) -> dict[str, Any]:
    """``GET /v5/market/time``."""
    now_ns = exchange.now_ns()
    return {"timeSecond": str(now_ns // 1_000_000_000), "timeNano": str(now_ns)}


def instruments_info(exchange: Exchange, params: Params) -> dict[str, Any]:
    """``GET /v5/market/instruments-info``."""
    category = category_of(params)
    entries = [market.rules.entry for market in exchange.markets.values()] if category == "linear" else []
    wanted, status = params.get("symbol"), params.get("status") or "Trading"
    coin = params.get("baseCoin")
    rows = [
        entry
        for entry in entries
        if wanted in (None, "", entry["symbol"]) and entry["status"] == status and coin in (None, "", entry["baseCoin"])
    ]
    chunk, cursor = page(rows, params, default=500, most=1000)
    return {"category": category, "list": chunk, "nextPageCursor": cursor}


def tickers(exchange: Exchange, params: Params) -> dict[str, Any]:
    """``GET /v5/market/tickers``."""
    category = category_of(params)
    if category != "linear":
        return {"category": category, "list": []}
    chosen = [market_of(exchange, params)] if params.get("symbol") else exchange.markets.values()
    return {"category": category, "list": [_ticker_row(market) for market in chosen if market.ticker]}


def _ticker_row(market: SymbolMarket) -> dict[str, Any]:
    row = {"symbol": market.symbol, **market.ticker, **market.touch_rows()}
    row.setdefault("openInterestValue", "")  # ccxt takes a ticker without it for a spot one
    return {
        **row,
        "deliveryTime": "0",
        "basis": "",
        "basisRate": "",
        "predictedDeliveryPrice": "",
        "deliveryFeeRate": "",
    }


def orderbook(exchange: Exchange, params: Params) -> dict[str, Any]:
    """``GET /v5/market/orderbook``."""
    market = linear_market(exchange, params)
    limit = number(params, "limit", 25)
    if not 1 <= limit <= 1000:
        raise Refusal(10001, "params error: limit")
    latest = market.latest
    if latest is None:
        raise Refusal(10016, "no order book yet")
    bids, asks = market.rows(limit)
    stamps = {"ts": latest.ts_ms, "u": latest.seq % 1_000_000_000, "seq": latest.seq, "cts": latest.cts_ms}
    return {"s": market.symbol, "b": bids, "a": asks, **stamps}


def recent_trade(exchange: Exchange, params: Params) -> dict[str, Any]:
    """``GET /v5/market/recent-trade``, newest first."""
    market = linear_market(exchange, params)
    limit = min(number(params, "limit", 500), 1000)
    rows = [_trade_row(row) for row in list(market.trades)[::-1][:limit]]
    return {"category": "linear", "list": rows}


def _trade_row(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "execId": row["i"],
        "symbol": row["s"],
        "price": row["p"],
        "size": row["v"],
        "side": row["S"],
        "time": str(row["T"]),
        "isBlockTrade": row.get("BT", False),
        "isRPITrade": row.get("RPI", False),
        "seq": str(row.get("seq", "")),
    }


def kline(exchange: Exchange, params: Params) -> dict[str, Any]:
    """``GET /v5/market/kline`` out of the trades still remembered; may be short."""
    market = linear_market(exchange, params)
    interval = str(params.get("interval") or "")
    if interval not in _MINUTES:
        raise Refusal(10001, "params error: interval")
    candles = _candles(market, _MINUTES[interval] * 60_000)
    limit = number(params, "limit", 200)
    return {"category": "linear", "symbol": market.symbol, "list": candles[-limit:][::-1]}


_MINUTES = {"1": 1, "3": 3, "5": 5, "15": 15, "30": 30, "60": 60, "120": 120, "240": 240, "360": 360, "720": 720}
_MINUTES |= {"D": 1440, "W": 10080, "M": 43200}


def _candles(market: SymbolMarket, width_ms: int) -> list[list[str]]:
    """Rows ``[start, open, high, low, close, volume, turnover]``, oldest first."""
    buckets: dict[int, list[dict[str, Any]]] = {}
    for row in market.trades:
        buckets.setdefault(row["T"] - row["T"] % width_ms, []).append(row)
    candles = []
    for start, rows in buckets.items():
        prices = [float(row["p"]) for row in rows]
        sizes = [float(row["v"]) for row in rows]
        high, low = rows[prices.index(max(prices))]["p"], rows[prices.index(min(prices))]["p"]
        turnover = sum(price * size for price, size in zip(prices, sizes, strict=True))
        candles.append([str(start), rows[0]["p"], high, low, rows[-1]["p"], f"{sum(sizes):.6f}", f"{turnover:.4f}"])
    return candles


def empty_list(exchange: Exchange, params: Params) -> dict[str, Any]:
    """Routes that clients ask for but that have no rows here."""
    return {"category": category_of(params), "list": [], "nextPageCursor": ""}


def category_of(params: Params) -> str:
    """The category asked for.

    Raises:
        Refusal: 10001 for an unknown one.
    """
    category = str(params.get("category") or "")
    if category != "linear" and category not in OTHER_CATEGORIES:
        raise Refusal(10001, "params error: Category is invalid")
    return category


def linear_market(exchange: Exchange, params: Params) -> SymbolMarket:
    """The market of a linear symbol; 10001 otherwise."""
    if category_of(params) != "linear":
        raise Refusal(10001, "Not supported symbols")
    return market_of(exchange, params)


def market_of(exchange: Exchange, params: Params) -> SymbolMarket:
    """The market of ``symbol``; 10001 if it is not listed."""
    market = exchange.markets.get(str(params.get("symbol") or ""))
    if market is None:
        raise Refusal(10001, "params error: symbol invalid")
    return market
