"""Private frames to account pushes: one message, one ``AccountPush``, in arrival order. No sockets."""

from __future__ import annotations

import msgspec

from cockpit.adapters.bybit import parse, wire_private
from cockpit.adapters.bybit.wire import UNREADABLE, WireTopic
from cockpit.domain.account import BalanceReport
from cockpit.domain.errors import RemoteProtocolError
from cockpit.domain.events import AccountPush
from cockpit.domain.orders import OrderReport
from cockpit.domain.positions import FillReport, PositionReport

TOPICS = ("order", "execution", "position", "wallet")
"""All categories at once: the categorised topics save nothing and their names in pushes are not documented."""

Report = OrderReport | FillReport | PositionReport | BalanceReport

_topic = msgspec.json.Decoder(WireTopic)
_orders = msgspec.json.Decoder(wire_private.WireOrderPush, strict=False)
_fills = msgspec.json.Decoder(wire_private.WireFillPush, strict=False)
_positions = msgspec.json.Decoder(wire_private.WirePositionPush, strict=False)
_wallets = msgspec.json.Decoder(wire_private.WireWalletPush, strict=False)


def decode_private(raw: bytes, ts_recv: int) -> AccountPush | None:
    """One private frame, stamped with ``ts_recv`` (ns); None if it tells nothing about linear contracts or USDT.

    Raises:
        RemoteProtocolError: any row of it cannot be read; then none of its rows may be used.
    """
    try:
        reports = _reports(raw, ts_recv)
    except UNREADABLE as error:
        raise RemoteProtocolError(str(error)) from error
    return AccountPush(reports, ts_recv) if reports else None


def _reports(raw: bytes, ts_recv: int) -> list[Report]:
    topic = _topic.decode(raw).topic
    if topic.startswith("execution.fast"):  # has neither fee nor type; the same fills come in "execution"
        return []
    topic = topic.partition(".")[0]
    if topic == "order":
        return [parse.order_report(row, ts_recv) for row in _orders.decode(raw).data if parse.is_ours(row.category)]
    if topic == "execution":
        return [parse.fill_report(row, ts_recv) for row in _fills.decode(raw).data if parse.is_ours(row.category)]
    if topic == "position":
        rows = _positions.decode(raw).data
        return [parse.position_report(row, ts_recv) for row in rows if parse.is_ours(row.category)]
    if topic == "wallet":
        balances = [parse.balance_report(row, ts_recv) for row in _wallets.decode(raw).data]
        return [balance for balance in balances if balance is not None]
    return []
