"""Views of trading: signal queue, positions, orders, risk, flatten."""

from __future__ import annotations

from decimal import Decimal

from cockpit.domain.enums import Side
from cockpit.domain.instrument import Instrument
from cockpit.domain.time import NS_PER_MS, NS_PER_S
from cockpit.engine.core import TradingCore
from cockpit.engine.projection import words
from cockpit.engine.signal_desk import QueuedSignal
from cockpit.execution.flatten import FlattenState, SymbolProgress
from cockpit.execution.open_position import OpenPosition
from cockpit.execution.orders import TrackedOrder
from cockpit.execution.ticket import Ticket, ticket_hash
from cockpit.risk.checks import Check
from cockpit.risk.sizing import Refusal
from cockpit.signals.base import Gate, Signal
from cockpit.views import numbers, texts
from cockpit.views.model import (
    ClosedRow,
    FlattenRow,
    FlattenView,
    GatesView,
    GateView,
    OrderRow,
    OrdersView,
    PositionRow,
    PositionsView,
    RiskView,
    SignalRow,
    SignalsView,
    TicketView,
)


def signals_view(core: TradingCore, now_ns: int) -> SignalsView:
    """The queue, highest priority first, then the newest."""
    queue = sorted(core.signals.queue.values(), key=lambda item: (-item.signal.priority, -item.raised_ns))
    return SignalsView(
        rows=[_signal_row(core, queued, now_ns) for queued in queue],
        ended=[f"{_headline(item.signal)} {item.state}" for item in core.signals.ended[:8]],
    )


def _headline(signal: Signal) -> str:
    direction = texts.LETTER_LONG if signal.direction is Side.BUY else texts.LETTER_SHORT
    return f"{texts.SIGNAL_CODES.get(signal.kind.value, signal.kind.value)} {direction} {signal.symbol}"


def _signal_row(core: TradingCore, queued: QueuedSignal, now_ns: int) -> SignalRow:
    signal, wall = queued.signal, queued.signal.wall
    instrument = core.state.symbols[signal.symbol].instrument
    price = f"{wall.price:g}" if instrument is None else instrument.price_text(instrument.nearest_ticks(wall.price))
    eaten, pulled = words.percent(wall.eaten_ratio), words.percent(wall.pulled_ratio)
    return SignalRow(
        signal_id=signal.signal_id,
        content_hash=ticket_hash(signal, core.state.settings.risk),
        code=texts.SIGNAL_CODES.get(signal.kind.value, signal.kind.value),
        direction=texts.LETTER_LONG if signal.direction is Side.BUY else texts.LETTER_SHORT,
        symbol=signal.symbol,
        price=price,
        priority=f"p{signal.priority:.1f}",
        headline=f"eat {eaten}% pulled {pulled}% of {words.usd(wall.initial * wall.price)}",
        gates=[_gate(gate) for gate in signal.gates] + _failing_checks(core, signal),
        ticket=_ticket(core, signal, instrument),
        remaining_ms=max(0, queued.expires_ns - now_ns) // NS_PER_MS,
        ttl_ms=queued.ttl_ns // NS_PER_MS,
        shown_since_ms=queued.raised_ns // NS_PER_MS,
        state="refused" if queued.note else "live",
        note=queued.note,
    )


def _gate(gate: Gate) -> GateView:
    unit = f" {gate.unit}" if gate.unit else ""
    value = texts.NO_DATA if gate.value is None else f"{words.number(gate.value)}{unit}"
    return GateView(gate.name, value, f"{gate.comparison} {words.number(gate.threshold)}{unit}", gate.state)


def _failing_checks(core: TradingCore, signal: Signal) -> list[GateView]:
    """Entry gates that would refuse the signal now."""
    checks = core.signals.checks(signal)
    return [check_view(check) for check in checks if not check.passed]


def check_view(check: Check) -> GateView:
    """One entry gate; what nobody could tell is "no data", and just as closed."""
    state = "ok" if check.passed else "no data" if check.value == texts.NO_DATA else "fail"
    age_ms = None if check.age_s is None else round(check.age_s * 1000)
    return GateView(check.name, check.value, check.threshold, state, age_ms)


def gates_view(core: TradingCore, name: str) -> GatesView:
    """The entry gates of one symbol."""
    return GatesView(name, [check_view(check) for check in core.signals.gates.of_symbol(name)])


def _ticket(core: TradingCore, signal: Signal, instrument: Instrument | None) -> TicketView:
    ticket = core.signals.ticket(signal)
    side = signal.direction.value
    if isinstance(ticket, Refusal) or instrument is None:
        refusal = ticket.text if isinstance(ticket, Refusal) else ""
        return TicketView(
            side=side,
            qty="",
            entry="",
            stop="",
            take_profit="",
            risk_money="",
            risk_percent="",
            notional="",
            reward_r="",
            fees="",
            slippage="",
            refusal=refusal,
        )
    return _ticket_words(core, ticket, instrument)


def _ticket_words(core: TradingCore, ticket: Ticket, instrument: Instrument) -> TicketView:
    sizing, balance = ticket.sizing, core.state.balance
    share = sizing.risk_usdt / balance.equity * 100 if balance is not None and balance.equity else Decimal(0)
    return TicketView(
        side=ticket.side.value,
        qty=instrument.qty_text(sizing.lots),
        entry=instrument.price_text(ticket.limit),
        stop=instrument.price_text(ticket.stop),
        take_profit="" if ticket.take_profit is None else instrument.price_text(ticket.take_profit),
        risk_money=words.money(sizing.risk_usdt, sign=False),
        risk_percent=f"{share:.2f}%",
        notional=words.usd(float(sizing.notional_usdt)),
        reward_r="" if ticket.reward_r is None else f"{ticket.reward_r:.1f}R",
        fees=words.money(ticket.fees_usdt, sign=False),
        slippage=texts.NO_VALUE if ticket.slippage_usdt is None else words.money(ticket.slippage_usdt, sign=False),
        cut=sizing.cut,
    )


def positions_view(core: TradingCore, now_ns: int, closed: list[ClosedRow]) -> PositionsView:
    """Our positions, then the foreign ones; and the trades that ended last."""
    rows = [_position_row(core, position, now_ns) for position in core.state.positions.open.values()]
    rows += [
        PositionRow(
            symbol=report.symbol,
            is_long=report.side is Side.BUY,
            qty=f"{report.qty}",
            entry=f"{report.entry_price}",
            mark="" if report.mark_price is None else f"{report.mark_price}",
            pnl_r="",
            pnl_ticks="",
            pnl_percent="",
            pnl_money="",
            fees="",
            is_profit=False,
            stop="" if not report.stop_loss else f"{report.stop_loss}",
            stop_state="ack" if report.stop_loss else "missing",
            stop_ack_ms=None,
            breakeven="",
            at_breakeven=False,
            age="",
            liquidation="" if report.liq_price is None else f"{report.liq_price}",
            is_foreign=True,
        )
        for report in core.state.positions.unclaimed.values()
    ]
    return PositionsView(rows, closed)


def _position_row(core: TradingCore, position: OpenPosition, now_ns: int) -> PositionRow:
    symbol = core.state.symbols.get(position.symbol)
    instrument = None if symbol is None else symbol.instrument
    mid = None if symbol is None else symbol.market.mid
    mark = position.entry_price if mid is None else Decimal(repr(mid))
    net = position.net_at(mark, core.state.fee_rate)
    risk = Decimal(0) if instrument is None else position.risk_usdt(instrument)
    move = (mark - position.entry_price) * position.side.sign
    stop, stop_state = _stop(position, instrument)
    return PositionRow(
        symbol=position.symbol,
        is_long=position.side is Side.BUY,
        qty=f"{position.qty}",
        entry=_price(instrument, position.entry_price),
        mark=_price(instrument, mark),
        pnl_r=f"{net / risk:+.2f}R" if risk else texts.NO_VALUE,
        pnl_ticks=f"{move / instrument.tick_size:+.0f}t" if instrument is not None else "",
        pnl_percent=f"{move / position.entry_price * 100:+.3f}%" if position.entry_price else "",
        pnl_money=words.money(net),
        fees=" ".join([words.money(-position.fills.fees), *_coin_fees(position)]),
        is_profit=net > 0,
        stop=stop,
        stop_state=stop_state,
        stop_ack_ms=None if position.stop_ack_ns is None else position.stop_ack_ns // NS_PER_MS,
        breakeven=""
        if instrument is None
        else instrument.price_text(position.breakeven(instrument, core.state.fee_rate)),
        at_breakeven=position.at_breakeven,
        age=numbers.age((now_ns - position.opened_ns) / NS_PER_S),
        liquidation=_liquidation(position, instrument),
        is_foreign=position.is_foreign,
        exits=[
            GateView(texts.EXIT_NAMES.get(c.name, c.name), c.value, c.threshold, c.state)
            for c in core.exits.checks(position.symbol)
        ],
        state="closing" if position.close_id is not None else "open",
    )


def _coin_fees(position: OpenPosition) -> list[str]:
    """Fees in other coins, each in its own: there is no rate to count them with."""
    return [f"{words.money(-amount)} {coin}" for coin, amount in sorted(position.coin_fees.items())]


def _price(instrument: Instrument | None, price: Decimal) -> str:
    return f"{price}" if instrument is None else f"{price:.{instrument.price_decimals}f}"


def _stop(position: OpenPosition, instrument: Instrument | None) -> tuple[str, str]:
    if instrument is None:
        return "", "missing"
    if position.stop_in_flight and position.stop_wanted is not None:
        return instrument.price_text(position.stop_wanted), "moving"
    if position.stop_confirmed is not None:
        return instrument.price_text(position.stop_confirmed), "ack"
    if position.stop_wanted is not None and position.report is None:
        return instrument.price_text(position.stop_wanted), "sent"
    return "", "missing"


def _liquidation(position: OpenPosition, instrument: Instrument | None) -> str:
    report = position.report
    return "" if report is None or not report.liq_price else _price(instrument, report.liq_price)


def orders_view(core: TradingCore, now_ns: int) -> OrdersView:
    """Open and in-flight orders, the newest first."""
    orders = core.state.orders.open_orders() + core.state.orders.in_flight()
    return OrdersView([_order_row(core, order, now_ns) for order in sorted(orders, key=lambda o: -o.sent_ns)])


def _order_row(core: TradingCore, order: TrackedOrder, now_ns: int) -> OrderRow:
    symbol = core.state.symbols.get(order.symbol)
    instrument = None if symbol is None else symbol.instrument
    report, request = order.report, order.request
    price, qty, kind = "", "", "" if order.role is None else order.role.value
    if report is not None:
        price = "" if not report.price else f"{report.price}"
        qty = f"{report.qty}"
        kind = report.stop_order_type or kind or report.order_type.value
    elif request is not None and instrument is not None:
        price = "" if request.price is None else instrument.price_text(request.price)
        qty = instrument.qty_text(request.lots) if request.lots else "all"
    stamp = order.sent_ns or (0 if report is None else report.created_ms * NS_PER_MS)
    return OrderRow(
        client_id=order.client_id or order.order_id,
        symbol=order.symbol,
        side=order.side.value,
        kind=kind,
        price=price,
        qty=qty,
        filled=f"{order.filled_qty}",
        state=order.status.value,
        age="" if not stamp else numbers.age((now_ns - stamp) / NS_PER_S),
        is_foreign=not order.is_own and not (report is not None and report.stop_order_type),
    )


def risk_view(core: TradingCore) -> RiskView:
    """Limits, room and the gates that hold for every symbol."""
    state, limits = core.state, core.state.settings.risk
    equity = Decimal(0) if state.balance is None else state.balance.equity
    exposure = core.signals.margin_used() / equity * 100 if equity else Decimal(0)
    pnl = core.signals.day_pnl()
    day = state.day
    return RiskView(
        equity=words.money(equity, sign=False),
        available="" if state.balance is None else words.money(state.balance.available, sign=False),
        day_r=f"{pnl / day.r_usdt:+.1f}R" if day.r_usdt else texts.NO_VALUE,
        day_limit_r=f"-{limits.day_loss_limit_r:g}R",
        day_money=words.money(pnl),
        exposure_percent=float(exposure),
        exposure_limit_percent=limits.max_exposure_pct,
        exposure=f"{exposure:.1f}% / {limits.max_exposure_pct:g}%",
        streak=day.streak,
        trades_today=day.trades,
        wins_today=day.wins,
        losses_today=day.trades - day.wins,
        gates=[check_view(check) for check in core.signals.gates.of_account()],
    )


def flatten_view(core: TradingCore) -> FlattenView:
    """The emergency flatten with each acknowledgement."""
    flatten = core.flatten.flatten
    rows = [_flatten_row(symbol, progress) for symbol, progress in sorted(flatten.progress.items())]
    detail = ""
    if flatten.state is FlattenState.RUNNING and not rows:
        detail = "no position known; reading the account"
    return FlattenView(state=flatten.state.value, rows=rows, detail=detail)


def _flatten_row(symbol: str, progress: SymbolProgress) -> FlattenRow:
    state = "acked" if progress.acked_ms is not None else "closing"
    state = "flat" if progress.is_flat else "dust" if progress.is_dust else state
    left = "" if progress.is_flat else f"{progress.left.normalize():f} left"
    detail = " ".join(filter(None, (left, f"attempt {progress.attempts}", progress.detail)))
    return FlattenRow(symbol, state, detail, progress.acked_ms)
