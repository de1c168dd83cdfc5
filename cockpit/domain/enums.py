"""Closed vocabularies. Values are the words of Bybit v5 where the exchange has one."""

from __future__ import annotations

from enum import StrEnum


class Side(StrEnum):
    """Direction of an order, a fill or a taker."""

    BUY = "Buy"
    SELL = "Sell"

    @property
    def opposite(self) -> Side:
        """The side that closes this one."""
        return Side.SELL if self is Side.BUY else Side.BUY

    @property
    def sign(self) -> int:
        """+1 for BUY, -1 for SELL."""
        return 1 if self is Side.BUY else -1


class BookSide(StrEnum):
    """Side of the order book on which liquidity rests."""

    BID = "bid"
    ASK = "ask"

    @property
    def taker(self) -> Side:
        """The taker side whose trades consume this side of the book."""
        return Side.SELL if self is BookSide.BID else Side.BUY


class OrderType(StrEnum):
    """Order type as Bybit names it."""

    LIMIT = "Limit"
    MARKET = "Market"


class TimeInForce(StrEnum):
    """Time in force as Bybit names it."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    POST_ONLY = "PostOnly"


class OrderStatus(StrEnum):
    """Life of an order. The first four are ours alone, the others are what the exchange says."""

    INTENT = "intent"  # durable in the journal, not known to have left
    SENT = "sent"  # acknowledged as received; not yet seen open
    UNKNOWN = "unknown"  # may or may not exist at the exchange; never resent, always queried
    DEAD = "dead"  # proven never to have existed at the exchange
    NEW = "New"
    PARTIALLY_FILLED = "PartiallyFilled"
    UNTRIGGERED = "Untriggered"
    TRIGGERED = "Triggered"
    FILLED = "Filled"
    CANCELLED = "Cancelled"
    REJECTED = "Rejected"
    DEACTIVATED = "Deactivated"


class OrderRole(StrEnum):
    """Why we send an order. Everything that is not ENTRY only reduces."""

    ENTRY = "entry"
    CLOSE = "close"
    FLATTEN = "flatten"


class TriggerBy(StrEnum):
    """Which price triggers a stop."""

    LAST = "LastPrice"
    MARK = "MarkPrice"
    INDEX = "IndexPrice"


class ExecType(StrEnum):
    """Execution type."""

    TRADE = "Trade"
    ADL = "AdlTrade"
    FUNDING = "Funding"
    LIQUIDATION = "BustTrade"
    OTHER = "Other"


TRADING = frozenset({ExecType.TRADE, ExecType.ADL, ExecType.LIQUIDATION})
"""Executions that change a position's size."""


class Environment(StrEnum):
    """Where orders go. Fixed at start, shown always."""

    SIM = "sim"
    DEMO = "demo"
    TESTNET = "testnet"
    LIVE = "live"


class Approval(StrEnum):
    """Who lets a signal through: nobody, the operator, or the gates alone."""

    OBSERVE = "observe"
    MANUAL = "manual"
    AUTO = "auto"


class SignalKind(StrEnum):
    """Every kind of signal the product names; the spine raises BREAKOUT and BOUNCE."""

    BREAKOUT = "breakout"
    BOUNCE = "bounce"
    RETEST = "retest"
    MOMENTUM = "momentum"
    DENSITY_ENTRY = "density_entry"
    DRIFT = "drift"
    BURST = "burst"
    REGIME = "regime"


class StreamName(StrEnum):
    """The streams the engine depends on."""

    PUBLIC = "public"
    PRIVATE = "private"
    TRADE = "trade"  # only where orders go over the trade socket


class OrderPath(StrEnum):
    """The way on which an order goes to the exchange."""

    REST = "rest"
    SOCKET = "socket"


class Severity(StrEnum):
    """Severity of a system event, as the journal stores it."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"
