"""Public stream messages as Bybit sends them: one struct a topic, only the fields we use.

No meaning is given to anything here (that is ``public.py``). Private and REST payloads are in ``wire_private.py``.
Field names on the wire: bybit-v5.md section 10.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from cockpit.domain.enums import Side

# The bounds refuse NaN, infinity and negative numbers inside the decoder, where they cost next to nothing.
WirePrice = Annotated[float, msgspec.Meta(gt=0, lt=1e15)]
WireSize = Annotated[float, msgspec.Meta(ge=0, lt=1e18)]
WireTradeSize = Annotated[float, msgspec.Meta(gt=0, lt=1e18)]
WireText = str | float | UnsetType
"""A number of a merged topic: text by the protocol, absent if it did not change."""


UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What a decoder raises for text that is not what it should be; the last one for absurdly deep nesting."""


class WireBook(msgspec.Struct, gc=False, frozen=True):
    """``data`` of ``orderbook.N.SYMBOL``."""

    s: str
    b: list[tuple[WirePrice, WireSize]]
    a: list[tuple[WirePrice, WireSize]]
    u: int
    seq: int = 0


class WireBookFrame(msgspec.Struct, gc=False, frozen=True):
    """A message of ``orderbook.N.SYMBOL``."""

    type: Literal["snapshot", "delta"]
    ts: int
    data: WireBook
    cts: int = 0


class WireTrade(
    msgspec.Struct,
    gc=False,
    frozen=True,
    rename={"time": "T", "symbol": "s", "side": "S", "size": "v", "price": "p", "trade_id": "i", "is_block": "BT"},
):
    """One row of ``publicTrade.SYMBOL``."""

    time: int
    symbol: str
    side: Side
    size: WireTradeSize
    price: WirePrice
    trade_id: str
    is_block: bool = False


class WireTradeFrame(msgspec.Struct, frozen=True):
    """A message of ``publicTrade.SYMBOL``."""

    ts: int
    data: list[WireTrade]


class WireTicker(msgspec.Struct, frozen=True, rename="camel"):
    """``data`` of ``tickers.SYMBOL``: in a delta an absent field is unchanged.

    The last two fields exist on simex alone: a 24 h change measured since the start of a recording, and its end.
    """

    symbol: str
    last_price: WireText = UNSET
    mark_price: WireText = UNSET
    index_price: WireText = UNSET
    price24h_pcnt: WireText = UNSET
    turnover24h: WireText = UNSET
    funding_rate: WireText = UNSET
    next_funding_time: WireText = UNSET
    change24h_since_start: bool | UnsetType = UNSET
    ended: bool = False


class WireTickerFrame(msgspec.Struct, frozen=True):
    """A message of ``tickers.SYMBOL``."""

    type: Literal["snapshot", "delta"]
    ts: int
    data: WireTicker


class WireTopic(msgspec.Struct, frozen=True):
    """The topic of any stream message, "" for acks and pongs."""

    topic: str = ""
