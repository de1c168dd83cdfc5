"""Rows of the journal out of a step. Pure: what is written is what was decided."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from cockpit.detectors.wall import WallEvent
from cockpit.domain.enums import OrderStatus, Severity
from cockpit.engine.effects import (
    ApprovalRefused,
    BookStateChanged,
    CommandAnswered,
    EntriesChanged,
    FillBooked,
    FlowBooked,
    Noted,
    OrderAnswered,
    OrderChanged,
    Output,
    PositionChanged,
    PositionClosed,
    PositionOpened,
    SignalDecided,
    Step,
    StopConfirmed,
)
from cockpit.engine.state import EngineState, SymbolState
from cockpit.ports.journal import (
    BookSnapshotRow,
    CoinParametersRow,
    DensityRow,
    IntentState,
    JournalRow,
    MarketStatRow,
    OperatorActionRow,
    SignalRow,
    SystemEventRow,
)
from cockpit.signals.base import Signal, SignalExpired, SignalRaised

SNAPSHOT_LEVELS = 50


def rows_of(step: Step) -> list[JournalRow]:
    """The journal rows of one step, in order."""
    rows = [_row(output, step.now_ns) for output in step.outputs]
    return [row for row in rows if row is not None]


def snapshot_rows(state: EngineState) -> list[JournalRow]:
    """Books and market statistics of all symbols as they stand."""
    rows: list[JournalRow] = []
    for symbol in state.symbols.values():
        rows.append(_market_stat(symbol, state.now_ns))
        market = symbol.market
        bid, ask = market.book.best_bid, market.book.best_ask
        if market.mid is None or bid is None or ask is None:
            continue
        rows.append(
            BookSnapshotRow(
                symbol=symbol.symbol,
                bids=list(zip(*market.book.bids(), strict=True))[:SNAPSHOT_LEVELS],
                asks=list(zip(*market.book.asks(), strict=True))[:SNAPSHOT_LEVELS],
                mid=market.mid,
                spread_bps=(ask[0] - bid[0]) / market.mid * 10_000,
                ts_ns=state.now_ns,
            )
        )
    return rows


def parameter_rows(state: EngineState) -> list[JournalRow]:
    """The thresholds in force, a row a symbol."""
    density, signals = state.settings.detectors.density, state.settings.signals
    return [
        CoinParametersRow(
            symbol=symbol.symbol,
            density_abs_usd=Decimal(repr(density.abs_usd)),
            density_relative=density.neighbours_x,
            density_side_percent=density.side_percent,
            cluster_range_percent=density.cluster_range_pct,
            breakout_eaten_percent=signals.breakout.min_eaten * 100,
            bounce_touch_percent=signals.bounce.touch_pct,
            bounce_stable_percent=signals.bounce.max_shrunk_pct,
            is_enabled=symbol.instrument is not None and symbol.instrument.status == "Trading",
            notes="" if symbol.instrument is None or not symbol.instrument.is_inferred else "rules inferred",
            updated_ns=state.now_ns,
        )
        for symbol in state.symbols.values()
    ]


def _row(output: Output, now_ns: int) -> JournalRow | None:
    match output:
        case WallEvent():
            return _density(output)
        case SignalRaised(signal):
            return _signal(signal, "raised", "", {}, now_ns)
        case SignalDecided():
            return _signal(output.signal, output.state, output.reason, output.ticket, now_ns)
        case OrderChanged():
            return _intent(output, now_ns)
        case FillBooked(fill):
            return fill
        case FlowBooked(row):
            return row
        case PositionOpened(trade) | PositionChanged(trade) | PositionClosed(trade):
            return trade
        case CommandAnswered():
            return _action(output, now_ns)
        case SignalExpired():
            return None  # the desk's own SignalDecided says what became of it
        case _:
            return _system_event(output, now_ns)


def _density(output: WallEvent) -> DensityRow:
    wall = output.wall
    return DensityRow(
        wall_id=wall.wall_id,
        event=str(output.kind),
        symbol=wall.symbol,
        side=str(wall.side),
        price=wall.price,
        initial_size=wall.initial,
        peak_size=wall.peak,
        current_size=wall.current,
        traded=wall.traded,
        pulled=wall.pulled,
        refilled=wall.refilled,
        touches=wall.touches,
        notional_usdt=wall.notional_usdt,
        side_percent=wall.side_percent or 0.0,
        relative_strength=wall.relative_strength or 0.0,
        is_cluster=wall.is_cluster,
        first_seen_ns=wall.first_seen_ns,
        ended_ns=wall.ended_ns,
        ts_ns=output.ts_event,
    )


def _signal(signal: Signal, state: str, reason: str, ticket: dict[str, Any], now_ns: int) -> SignalRow:
    return SignalRow(
        signal_id=signal.signal_id,
        symbol=signal.symbol,
        kind=signal.kind.value,
        direction=signal.direction.value,
        wall_id=signal.wall.wall_id,
        wall_price=signal.wall.price,
        priority=signal.priority,
        state=state,
        reason=reason,
        gates=[msgspec.to_builtins(gate) for gate in signal.gates],
        ticket=ticket,
        raised_event_ns=signal.raised_event_ns,
        ts_ns=now_ns,
    )


def _refusal(output: ApprovalRefused, now_ns: int) -> SystemEventRow:
    signal = output.signal
    return SystemEventRow(
        type="approval_refused",
        severity=Severity.WARNING,
        text=f"approval of {signal.signal_id} by {output.operator} refused: {output.reason}",
        symbol=signal.symbol,
        details={"signal_id": signal.signal_id, "operator": output.operator, "rules": list(output.rules)},
        ts_ns=now_ns,
    )


def _intent(output: OrderChanged, now_ns: int) -> IntentState | None:
    if not output.is_own or output.status is OrderStatus.INTENT:
        return None
    return IntentState(
        client_id=output.client_id,
        status=output.status.value,
        order_id=output.order_id,
        reason=output.reason,
        sent_ns=output.sent_ns,
        answered_ns=output.answered_ns,
        ts_ns=now_ns,
    )


def _action(output: CommandAnswered, now_ns: int) -> OperatorActionRow:
    return OperatorActionRow(
        command_id=output.command_id,
        operator=output.operator,
        action=output.action,
        arguments=output.arguments,
        accepted=output.accepted,
        answer=output.reason,
        seen=output.seen,
        ts_ns=now_ns,
    )


def _system_event(output: Output, now_ns: int) -> SystemEventRow | None:
    def event(kind: str, severity: Severity, text: str, symbol: str = "") -> SystemEventRow:
        return SystemEventRow(type=kind, severity=severity, text=text, symbol=symbol, ts_ns=now_ns)

    match output:
        case ApprovalRefused():
            return _refusal(output, now_ns)
        case Noted():
            return event(output.event, output.severity, output.text, output.symbol)
        case OrderAnswered():
            words = f"{output.client_id}: {output.outcome} by {output.path} after {output.ms} ms"
            severity = Severity.WARNING if output.is_detour else Severity.INFO
            return event("order_answered", severity, words, output.symbol)
        case StopConfirmed():
            span = "" if output.ms is None else f" after {output.ms} ms"
            return event("stop_confirmed", Severity.INFO, f"stop {output.price} confirmed{span}", output.symbol)
        case EntriesChanged(reasons):
            return event("entries", Severity.INFO, "; ".join(reasons) or "entries on")
        case BookStateChanged(symbol, is_valid, reason):
            severity = Severity.INFO if is_valid else Severity.WARNING
            return event("book", severity, "book valid" if is_valid else f"book invalid: {reason}", symbol)
        case _:
            return None


def _market_stat(symbol: SymbolState, now_ns: int) -> MarketStatRow:
    ticker, activity = symbol.market.ticker, symbol.bank.activity
    return MarketStatRow(
        symbol=symbol.symbol,
        last_price=symbol.market.tape.last_price,
        change_24h=None if ticker is None else ticker.change_24h,
        turnover_24h=None if ticker is None else ticker.turnover_24h,
        tpm=activity.tpm_60,
        activity_index=activity.index,
        walls=len(symbol.bank.walls),
        ts_ns=now_ns,
    )
