"""What the entry gates look at: facts out of the engine's state, and every gate's verdict on them. Decides nothing.

The rules themselves stand in ``risk.checks``; who asks and what follows is the business of ``signal_desk``.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from cockpit.domain.enums import Side
from cockpit.domain.time import NS_PER_MS, NS_PER_S
from cockpit.engine.state import EngineState, SymbolState
from cockpit.risk.checks import AccountFacts, Check, MarketFacts, account_checks, market_checks

STEADY_FRAMES = 2
"""Consistent frames that a new book needs before an entry may rely on it (reliability.md F37)."""


class EntryGates:
    """Every gate that does not belong to one order.

    Args:
        state: what the core knows.
        margin_used: initial margin bound and in flight, USDT.
        day_pnl: the day's profit that the loss limit looks at, USDT.
    """

    def __init__(
        self,
        state: EngineState,
        margin_used: Callable[[], Decimal],
        day_pnl: Callable[[], Decimal],
    ) -> None:
        self.state = state
        self._margin_used = margin_used
        self._day_pnl = day_pnl

    def of_account(self) -> list[Check]:
        """The gates that hold for every symbol, now."""
        return account_checks(self.account_facts(), self.state.settings.risk)

    def of_symbol(self, name: str) -> list[Check]:
        """The gates of a symbol now, outside of any signal."""
        return market_checks(self.market_facts(name, None, None), self.state.settings.risk, self.state.now_ns)

    def of_entry(self, name: str, reference: float, side: Side) -> list[Check]:
        """Every gate that an entry in a symbol meets now."""
        facts = self.market_facts(name, reference, side)
        return [*self.of_account(), *market_checks(facts, self.state.settings.risk, self.state.now_ns)]

    def account_facts(self) -> AccountFacts:
        """What the entry gate knows of account and connections now."""
        state = self.state
        balance, host, venue = state.balance, state.host, state.venue
        cutoff = state.now_ns - 60 * NS_PER_S
        return AccountFacts(
            now_ns=state.now_ns,
            state=state.trading.value,
            lock_reasons=tuple(state.locks.values()),
            is_market_ended=state.is_ended,
            open_positions=len(state.positions.symbols() | {o.symbol for o in state.orders.live_entries()}),
            unknown_intents=len(state.orders.unknown()),
            reconciled_ns=state.reconciled_ns,
            differences=self._differences(),
            naked=tuple(sorted(name for name, held in state.positions.open.items() if held.is_naked)),
            private_answered_ns=state.private_answered_ns,
            entries_last_minute=sum(stamp > cutoff for stamp in state.entry_times),
            day_pnl_usdt=self._day_pnl(),
            day_r_usdt=state.day.r_usdt,
            balance_ns=None if balance is None else balance.ts_recv,
            equity=Decimal(0) if balance is None else balance.equity,
            margin_used=self._margin_used(),
            host_ns=None if host is None else host.ts_recv,
            loop_lag_ms=None if host is None else host.loop_lag_ns / NS_PER_MS,
            disk_free_mb=None if host is None else host.disk_free_mb,
            is_lock_held=host is not None and host.is_lock_held,
            clock_uncertainty_ms=_ms(None if host is None else host.clock_uncertainty_ns),
            clock_read_ns=None if host is None else host.clock_read_ns,
            commit_ms=_ms(None if host is None else host.commit_p99_ns),
            committed_ns=None if host is None else host.committed_ns,
            room_percent=None if venue is None else venue.room_percent,
            room_route="" if venue is None else venue.room_route,
            room_ns=None if venue is None else venue.ts_recv,
        )

    def _differences(self) -> tuple[str, ...]:
        """Symbols in which our books and the exchange's last word differ."""
        books = self.state.positions
        held = {name for name, position in books.open.items() if position.flat_since_ns is not None}
        missing = {order.symbol for order in self.state.orders.unbooked()}
        return tuple(sorted(held | missing))

    def market_facts(self, name: str, reference: float | None, side: Side | None) -> MarketFacts:
        """What the entry gate knows of one symbol now."""
        symbol = self.state.symbols[name]
        market, state = symbol.market, self.state
        bid, ask = market.book.best_bid, market.book.best_ask
        mid = market.mid
        spread = None if bid is None or ask is None or not mid else (ask[0] - bid[0]) / mid * 10_000
        return MarketFacts(
            symbol=name,
            is_book_valid=market.book.is_valid and symbol.frames_since_gap >= STEADY_FRAMES,
            book_reason=market.book.invalid_reason or "settling after a gap",
            book_recv_ns=symbol.recv_ns,
            book_lag_s=self._lag_s(symbol),
            spread_bps=spread,
            mid=mid,
            mark=symbol.mark,
            mark_ns=None if market.ticker is None else market.ticker.ts_recv,
            reference=mid if reference is None else reference,
            status="" if symbol.instrument is None else symbol.instrument.status,
            rules_read_at=symbol.rules_read_ns,
            mode_read_ns=symbol.mode_read_ns,
            has_leverage=symbol.has_leverage,
            has_position=name in state.positions.symbols(),
            has_in_flight=state.orders.is_busy(name) or self._may_stop_arrive(symbol),
            last_entry_ns=None if side is None else symbol.last_entry_ns.get(side),
        )

    def _may_stop_arrive(self, symbol: SymbolState) -> bool:
        """True while a stop asked for an earlier position could still reach the exchange and move a new one's."""
        ttl_ns = round(self.state.settings.execution.unknown_first_query_s * NS_PER_S)
        asked_ns = symbol.stop_asked_ns
        return symbol.stops_unanswered > 0 or (asked_ns is not None and self.state.now_ns - asked_ns < ttl_ns)

    def _lag_s(self, symbol: SymbolState) -> float:
        """Age of the last frame at its arrival; needs the clocks' difference and a market that runs at real speed."""
        host = self.state.host
        if host is None or host.clock_offset_ns is None or self.state.settings.pace != 1.0 or not symbol.md_latency_ns:
            return 0.0
        return max(0, symbol.md_latency_ns[-1] + host.clock_offset_ns) / NS_PER_S


def _ms(nanos: int | None) -> float | None:
    return None if nanos is None else nanos / NS_PER_MS
