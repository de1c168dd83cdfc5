"""Position, account and user routes (bybit-v5.md 6 and 7). Parameters in, ``result`` out."""

from __future__ import annotations

from typing import Any

from cockpit.domain.enums import TriggerBy
from cockpit.matching.attached import StopChange
from cockpit.matching.fees import MAKER_RATE, TAKER_RATE
from cockpit.simex.auth import Refusal
from cockpit.simex.exchange import Exchange
from cockpit.simex.paging import number, page
from cockpit.simex.params import Params, decimal, required_decimal, text, word
from cockpit.simex.rest_market import category_of, linear_market
from cockpit.simex.rest_trade import chosen_symbols
from cockpit.simex.rows import closed_profit_row, position_rows, transaction_row, wallet_row
from cockpit.simex.rules import plain

DAY_MS = 24 * 3600 * 1000
MARGIN_MODES = ("ISOLATED_MARGIN", "REGULAR_MARGIN", "PORTFOLIO_MARGIN")


def positions(exchange: Exchange, params: Params) -> dict[str, Any]:
    """``GET /v5/position/list``: with a symbol always one row, with settleCoin only those that are open."""
    account = exchange.desk.account
    category = category_of(params)
    symbols = chosen_symbols(exchange, params) if category == "linear" else []
    if not text(params, "symbol"):
        symbols = [symbol for symbol in symbols if account.position(symbol).lots]
    chunk, cursor = page(symbols, params, default=20, most=200)
    rows = [row for symbol in chunk for row in position_rows(account, symbol, exchange.markets[symbol].rules)]
    return {"category": category, "list": rows, "nextPageCursor": cursor}


def set_leverage(exchange: Exchange, params: Params) -> dict[str, Any]:
    """``POST /v5/position/set-leverage``."""
    market = linear_market(exchange, params)
    buy, sell = required_decimal(params, "buyLeverage"), required_decimal(params, "sellLeverage")
    if buy != sell:
        raise Refusal(10001, "params error: buyLeverage must equal sellLeverage in one-way mode")
    exchange.desk.matching.set_leverage(market.symbol, buy)
    exchange.desk.flush()
    return {}


def switch_mode(exchange: Exchange, params: Params) -> dict[str, Any]:
    """``POST /v5/position/switch-mode``: the account is one-way and stays so."""
    if category_of(params) != "linear":
        raise Refusal(110029, "hedge mode is not supported for this symbol")
    if number(params, "mode", -1) == 0:
        raise Refusal(110025, "Position mode is not modified")
    raise Refusal(110029, "hedge mode is not simulated")


def trading_stop(exchange: Exchange, params: Params) -> dict[str, Any]:
    """``POST /v5/position/trading-stop`` in Full mode."""
    market = linear_market(exchange, params)
    if text(params, "tpslMode") not in ("", "Full"):
        raise Refusal(10001, "params error: tpslMode Partial is not simulated")
    if decimal(params, "trailingStop"):
        raise Refusal(10001, "params error: trailingStop is not simulated")
    change = StopChange(
        symbol=market.symbol,
        stop_loss=decimal(params, "stopLoss"),
        take_profit=decimal(params, "takeProfit"),
        sl_trigger_by=word(params, "slTriggerBy", TriggerBy) if text(params, "slTriggerBy") else None,
        tp_trigger_by=word(params, "tpTriggerBy", TriggerBy) if text(params, "tpTriggerBy") else None,
        position_idx=number(params, "positionIdx", 0),
    )
    exchange.desk.matching.attached.set(change, exchange.now_ms())
    exchange.desk.flush()
    return {}


def closed_pnl(exchange: Exchange, params: Params) -> dict[str, Any]:
    """``GET /v5/position/closed-pnl``: newest first."""
    symbols = set(chosen_symbols(exchange, params, required=False))
    start, end = number(params, "startTime", 0), number(params, "endTime", 2**53)
    rows = [
        row
        for row in reversed(exchange.desk.account.ledger.closed)
        if row.symbol in symbols and start <= row.updated_ms <= end
    ]
    chunk, cursor = page(rows, params, default=50, most=100)
    listed = [closed_profit_row(row, exchange.markets[row.symbol].rules) for row in chunk]
    return {"category": "linear", "list": listed, "nextPageCursor": cursor}


def wallet_balance(exchange: Exchange, params: Params) -> dict[str, Any]:
    """``GET /v5/account/wallet-balance``."""
    if text(params, "accountType") != "UNIFIED":
        raise Refusal(10001, "params error: accountType only support UNIFIED.")
    return {"list": [wallet_row(exchange.desk.account)]}


def account_info(exchange: Exchange, params: Params) -> dict[str, Any]:
    """``GET /v5/account/info``."""
    return {
        "unifiedMarginStatus": 5,
        "marginMode": exchange.desk.account.ledger.margin_mode,
        "isMasterTrader": False,
        "spotHedgingStatus": "OFF",
        "updatedTime": "0",
        "dcpStatus": "OFF",
        "timeWindow": 0,
        "smpGroup": 0,
    }


def set_margin_mode(exchange: Exchange, params: Params) -> dict[str, Any]:
    """``POST /v5/account/set-margin-mode``."""
    mode = text(params, "setMarginMode")
    ledger = exchange.desk.account.ledger
    if mode not in MARGIN_MODES:
        raise Refusal(10001, "params error: setMarginMode invalid")
    if mode == ledger.margin_mode:
        raise Refusal(110026, "Margin mode is not modified")
    ledger.margin_mode = mode
    return {"reasons": []}


def fee_rate(exchange: Exchange, params: Params) -> dict[str, Any]:
    """``GET /v5/account/fee-rate``."""
    rates = {"takerFeeRate": plain(TAKER_RATE), "makerFeeRate": plain(MAKER_RATE)}
    symbols = chosen_symbols(exchange, params, required=False)
    return {"category": category_of(params), "list": [{"symbol": symbol, **rates} for symbol in symbols]}


def transaction_log(exchange: Exchange, params: Params) -> dict[str, Any]:
    """``GET /v5/account/transaction-log``: newest first; a day by default, seven at most (7.5)."""
    if text(params, "accountType") not in ("", "UNIFIED"):
        raise Refusal(10001, "params error: accountType only support UNIFIED.")
    start, end = _window(params, exchange.now_ms())
    wanted = {name: text(params, name) for name in ("category", "currency")}
    rows = [
        row
        for row in reversed(exchange.desk.account.ledger.money.log)
        if start <= row.time_ms <= end
        and wanted["category"] in ("", row.category)
        and wanted["currency"] in ("", row.currency)
        and text(params, "type") in ("", row.kind)
    ]
    chunk, cursor = page(rows, params, default=20, most=50)
    return {"list": [transaction_row(row) for row in chunk], "nextPageCursor": cursor}


def _window(params: Params, now_ms: int) -> tuple[int, int]:
    """The time window of a log: what is not told is made of what is, a day long."""
    start, end = number(params, "startTime", 0), number(params, "endTime", 0)
    end = end or (start + DAY_MS if start else now_ms)
    start = start or end - DAY_MS
    if not 0 <= end - start <= 7 * DAY_MS:
        raise Refusal(10001, "params error: the time range is longer than 7 days")
    return start, end


def query_api(exchange: Exchange, params: Params) -> dict[str, Any]:
    """``GET /v5/user/query-api``: a key that trades, cannot withdraw, and is bound to this machine."""
    created = "2026-01-01T00:00:00Z"
    return {
        "id": "1",
        "note": "simulated exchange",
        "apiKey": "",
        "readOnly": 0,
        "secret": "",
        "permissions": {
            "ContractTrade": ["Order", "Position"],
            "Spot": [],
            "Wallet": [],
            "Options": [],
            "Derivatives": ["DerivativesTrade"],
            "CopyTrading": [],
            "BlockTrade": [],
            "Exchange": [],
            "NFT": [],
            "Affiliate": [],
        },
        "ips": ["127.0.0.1"],
        "type": 1,
        "deadlineDay": 365,
        "expiredAt": "2099-01-01T00:00:00Z",
        "createdAt": created,
        "unified": 0,
        "uta": 1,
        "userID": 100001,
        "inviterID": 0,
        "vipLevel": "No VIP",
        "mktMakerLevel": "0",
        "affiliateID": 0,
        "rsaPublicKey": "",
        "isMaster": True,
        "parentUid": "0",
        "kycLevel": "LEVEL_DEFAULT",
        "kycRegion": "",
        **exchange.desk.key,
    }


def coin_info(exchange: Exchange, params: Params) -> dict[str, Any]:
    """``GET /v5/asset/coin/query-info``: the settlement coin (ccxt asks for it)."""
    chain = {
        "chain": "ETH",
        "chainType": "ERC20",
        "confirmation": "64",
        "withdrawFee": "1",
        "depositMin": "0",
        "withdrawMin": "10",
        "minAccuracy": "6",
        "chainDeposit": "0",
        "chainWithdraw": "0",
        "withdrawPercentageFee": "0",
    }
    return {"rows": [{"name": "USDT", "coin": "USDT", "remainAmount": "0", "chains": [chain]}]}
