"""The journal's row of one trade, out of a position. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from cockpit.domain.orders import EntryOrigin
from cockpit.domain.positions import FillReport
from cockpit.engine.state import EngineState
from cockpit.execution.open_position import OpenPosition
from cockpit.ports.journal import TradeRow

STOP_REASONS = frozenset({"stop_loss", "breakeven_stop"})
"""Exit reasons that say the stop at the exchange has fired."""


def trade_id_of(position: OpenPosition) -> str:
    """The journal's id of a position: its signal's, or one made of symbol and first execution for a foreign one."""
    if position.origin is None:
        return f"foreign-{position.symbol}-{position.first_exec_id or position.opened_ns}"
    return position.origin.trade_id


def merged_row(row: TradeRow, into: str, now_ns: int) -> TradeRow:
    """The end of a trade whose position went on as another one's; its money is counted there."""
    nothing = Decimal(0)
    return msgspec.structs.replace(
        row, closed_ns=now_ns, exit_reason=f"merged into {into}", gross_pnl=nothing, fees=nothing, net_pnl=nothing
    )


def trade_row(state: EngineState, position: OpenPosition, now_ns: int, closed_by: FillReport | None = None) -> TradeRow:
    """The trade as it stands; with an exit reason it is closed.

    Args:
        state: engine state, for the instrument.
        position: the position.
        now_ns: engine time.
        closed_by: the fill that closed it, None if the exchange told of the end without one.
    """
    instrument = state.symbols[position.symbol].instrument if position.symbol in state.symbols else None
    origin = position.origin
    risk = position.risk_usdt(instrument) if instrument is not None else Decimal(0)
    gross, fees = position.gross, position.fees
    is_closed = bool(position.exit_reason)
    exit_price = position.exit_value / position.exit_qty if position.exit_qty else None
    return TradeRow(
        trade_id=trade_id_of(position),
        symbol=position.symbol,
        kind="foreign" if origin is None else origin.kind.value,
        direction=position.side.value,
        opened_ns=position.opened_ns,
        first_exec_id=position.first_exec_id,
        qty=position.peak_qty,
        entry_price=position.entry_price,
        initial_stop=None if origin is None or instrument is None else instrument.price(origin.stop),
        risk_usdt=risk,
        closed_ns=now_ns if is_closed else None,
        exit_price=exit_price,
        exit_reason=position.exit_reason,
        stop_loss_triggered=closed_by is not None and position.exit_reason in STOP_REASONS,
        gross_pnl=gross,
        fees=fees,
        coin_fees={coin: f"{amount:f}" for coin, amount in position.coin_fees.items()},
        net_pnl=gross - fees,
        r_multiple=float((gross - fees) / risk) if is_closed and risk else None,
        signal_to_approve_ms=position.latency.get("signal_to_approve"),
        approve_to_ack_ms=position.latency.get("approve_to_ack"),
        ack_to_fill_ms=position.latency.get("ack_to_fill"),
        stop_ack_ms=None if position.stop_ack_ns is None else position.stop_ack_ns // 1_000_000,
        parameters=_to_take_up(position, origin, is_closed=is_closed),
    )


def _to_take_up(position: OpenPosition, origin: EntryOrigin | None, *, is_closed: bool) -> dict[str, Any]:
    """What the next start needs of a trade: where it came from, its stop, the newest report that was taken, and why it
    is being closed. A close of a part is no such wish.

    Of one that began with what the exchange said: that word. Of one that ended without our knowing how: what no
    execution has closed, since those may come late.
    """
    kept: dict[str, Any] = {"seen": list(position.seen)}
    if origin is not None:
        kept |= {"origin": msgspec.to_builtins(origin), "stop": position.stop_wanted}
    if position.exit_wanted:
        kept["exit_wanted"] = position.exit_wanted
    if position.base is not None and not is_closed:
        kept["base"] = msgspec.to_builtins(position.base)
    if is_closed and position.fills.qty != 0:
        left = msgspec.structs.replace(position.fills, realised=Decimal(0), fees=Decimal(0))
        kept["left"] = msgspec.to_builtins(left)
    return kept
