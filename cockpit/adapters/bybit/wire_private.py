"""Account messages and REST rows as Bybit sends them: only the fields we use, numbers as the text they came in.

The private topics and the REST lists share their rows (bybit-v5.md 5.5, 5.8, 6.1, 7.1, 11); where names differ
(``avgPrice`` by REST, ``entryPrice`` by stream) both are fields. Meaning is given in ``parse.py``.
"""

from __future__ import annotations

import msgspec

Number = str | int | float | None
"""A number as it comes: text by the protocol; "", null or an absent field stand for "none"."""


class WireOrder(msgspec.Struct, frozen=True, rename="camel"):
    """One order."""

    symbol: str
    order_id: str
    side: str
    order_status: str
    order_type: str
    qty: Number
    category: str = ""
    order_link_id: str | None = ""
    cum_exec_qty: Number = ""
    price: Number = ""
    avg_price: Number = ""
    reduce_only: bool | None = False
    stop_order_type: str | None = ""
    trigger_price: Number = ""
    stop_loss: Number = ""
    take_profit: Number = ""
    cancel_type: str | None = ""
    reject_reason: str | None = ""
    create_type: str | None = ""
    position_idx: int = 0
    created_time: Number = ""
    updated_time: Number = ""


class WireFill(msgspec.Struct, frozen=True, rename="camel"):
    """One execution."""

    symbol: str
    exec_id: str
    order_id: str
    side: str
    exec_type: str
    exec_price: Number
    exec_qty: Number
    exec_fee: Number
    exec_time: Number
    category: str = ""
    order_link_id: str | None = ""
    fee_currency: str | None = ""
    is_maker: bool | None = False
    closed_size: Number = ""
    create_type: str | None = ""
    stop_order_type: str | None = ""
    seq: Number = ""


class WirePosition(msgspec.Struct, frozen=True, rename="camel"):
    """One position."""

    symbol: str
    side: str | None
    size: Number
    category: str = ""
    avg_price: Number = ""
    entry_price: Number = ""
    mark_price: Number = ""
    stop_loss: Number = ""
    take_profit: Number = ""
    liq_price: Number = ""
    leverage: Number = ""
    adl_rank_indicator: Number = ""
    position_idx: int = 0
    seq: Number = ""
    updated_time: Number = ""


class WireCoin(
    msgspec.Struct,
    frozen=True,
    rename={"total_order_im": "totalOrderIM", "total_position_im": "totalPositionIM"}
    | {"wallet_balance": "walletBalance"},
):
    """One coin of the wallet."""

    coin: str
    equity: Number
    wallet_balance: Number
    total_order_im: Number = ""
    total_position_im: Number = ""
    locked: Number = ""
    bonus: Number = ""


class WireWallet(msgspec.Struct, frozen=True, rename="camel"):
    """The unified account. The totals are USD and say nothing under isolated margin."""

    coin: list[WireCoin]
    total_margin_balance: Number = ""
    total_available_balance: Number = ""


class WireTransaction(msgspec.Struct, frozen=True, rename="camel"):
    """One row of the transaction log."""

    id: str
    type: str
    currency: str
    change: Number
    transaction_time: Number
    category: str | None = ""
    symbol: str | None = ""
    cash_flow: Number = ""
    funding: Number = ""
    fee: Number = ""
    cash_balance: Number = ""
    trade_id: str | None = ""


class WireOrderPush(msgspec.Struct, frozen=True):
    """A message of topic ``order``."""

    data: list[WireOrder]


class WireFillPush(msgspec.Struct, frozen=True):
    """A message of topic ``execution``."""

    data: list[WireFill]


class WirePositionPush(msgspec.Struct, frozen=True):
    """A message of topic ``position``."""

    data: list[WirePosition]


class WireWalletPush(msgspec.Struct, frozen=True):
    """A message of topic ``wallet``."""

    data: list[WireWallet]


class WirePriceFilter(msgspec.Struct, frozen=True, rename="camel"):
    """Price rules of an instrument."""

    tick_size: str


class WireLotFilter(msgspec.Struct, frozen=True, rename="camel"):
    """Quantity rules of an instrument."""

    qty_step: str
    min_order_qty: str
    max_order_qty: str
    max_mkt_order_qty: str
    min_notional_value: str


class WireLeverageFilter(msgspec.Struct, frozen=True, rename="camel"):
    """Leverage rules of an instrument."""

    max_leverage: str


class WireInstrument(msgspec.Struct, frozen=True, rename="camel"):
    """One row of ``instruments-info``."""

    symbol: str
    status: str
    price_filter: WirePriceFilter
    lot_size_filter: WireLotFilter
    leverage_filter: WireLeverageFilter


class WireKey(msgspec.Struct, frozen=True):
    """Answer of ``user/query-api``: the key behind the requests."""

    permissions: dict[str, list[str] | None]
    user_id: int | str = msgspec.field(name="userID")
    read_only: int = msgspec.field(name="readOnly")
    ips: list[str] | None = None
    deadline_day: int | None = msgspec.field(name="deadlineDay", default=None)
    """Whole days left; negative for a key that is bound to addresses, which does not expire."""
    is_master: bool | None = msgspec.field(name="isMaster", default=None)


class WireAccount(msgspec.Struct, frozen=True, rename="camel"):
    """Answer of ``account/info``."""

    margin_mode: str
