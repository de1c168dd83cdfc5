"""Assembles the sections. Keeps only what a screen wants to see over time."""

from __future__ import annotations

from collections import deque

from cockpit.domain.enums import OrderPath
from cockpit.domain.time import NS_PER_MS, NS_PER_S
from cockpit.engine.core import TradingCore
from cockpit.engine.locks import PAUSED, TradingState
from cockpit.engine.projection.figures import ShellFigures
from cockpit.engine.projection.markets import SymbolSeries, book_view, flow_view, walls_view, watchlist_view
from cockpit.engine.projection.trading import (
    flatten_view,
    gates_view,
    orders_view,
    positions_view,
    risk_view,
    signals_view,
)
from cockpit.engine.story import Story
from cockpit.views import texts
from cockpit.views.model import HeaderView, HealthView, LogView, TaskLight, View

SLOW_NS = NS_PER_S // 2
"""Sections that nobody reads at ten frames a second are made this often."""


class Projection:
    """Engine state into views."""

    def __init__(self, core: TradingCore, figures: ShellFigures) -> None:
        self.core = core
        self.figures = figures
        self.story = Story()
        self._series = {symbol: SymbolSeries() for symbol in core.state.symbols}
        self._next_sample_ns = 0
        self._next_slow_ns = 0
        self._md_ms: tuple[int | None, int | None] = (None, None)
        self._steps: deque[tuple[int, int]] = deque(maxlen=10)
        """(time, step number) once a second."""

    def sample(self, now_ns: int) -> None:
        """Take the once-a-second points; call it at any rate."""
        if now_ns < self._next_sample_ns:
            return
        self._next_sample_ns = now_ns + NS_PER_S
        self._steps.append((now_ns, self.core.state.seq))
        self._md_ms = self._market_data_age()
        for name, symbol in self.core.state.symbols.items():
            self._series[name].sample(symbol, now_ns)

    def _market_data_age(self) -> tuple[int | None, int | None]:
        """Median and 95th percentile of the age of market data at arrival, ms; None without data or at another pace."""
        ages = sorted(age for symbol in self.core.state.symbols.values() for age in symbol.md_latency_ns)
        if not ages or self.figures.speed:
            return None, None
        return ages[len(ages) // 2] // NS_PER_MS, ages[int(len(ages) * 0.95)] // NS_PER_MS

    def views(self, now_ns: int, watched: frozenset[str]) -> list[View]:
        """The sections as they stand; book and flow of the watched symbols only."""
        core = self.core
        views: list[View] = [self._header(now_ns), signals_view(core, now_ns)]
        views.append(positions_view(core, now_ns, list(self.story.closed)))
        views += [flatten_view(core), LogView(list(self.story.lines)), orders_view(core, now_ns)]
        is_slow_due = now_ns >= self._next_slow_ns
        for name in sorted(watched & core.state.symbols.keys()):
            symbol = core.state.symbols[name]
            book = book_view(core, symbol, self._series[name], now_ns)
            if book is not None:
                views.append(book)
            views.append(flow_view(symbol, self._series[name]))
            if is_slow_due:
                views.append(gates_view(core, name))
        if is_slow_due:
            self._next_slow_ns = now_ns + SLOW_NS
            views += [
                walls_view(core),
                watchlist_view(core, self._series, now_ns),
                risk_view(core),
                self._health(now_ns),
            ]
        return views

    def _header(self, now_ns: int) -> HeaderView:
        core, figures, state = self.core, self.figures, self.core.state
        risk = risk_view(core)
        closed = next((c.text for c in core.signals.gates.of_account() if not c.passed and c.name != "state"), "")
        return HeaderView(
            environment=figures.environment_word,
            source=figures.source,
            account=figures.account,
            speed=figures.speed,
            is_ended=state.is_ended,
            profile=figures.profile,
            symbols=list(state.symbols),
            md_ms=self._md_ms[0],
            order_ms=state.order_ms,
            day_r=risk.day_r,
            day_limit_r=risk.day_limit_r,
            day_money=risk.day_money,
            positions_open=len(core.state.positions.symbols()),
            positions_max=state.settings.risk.max_positions,
            approval=state.approval.value,
            entries=self._entries(closed),
            blocks=list(state.locks.values()),
            state=state.trading.value,
            closed=closed,
            streams_up=sum(state.streams.values()),
            streams_wanted=len(state.streams),
            now_ms=now_ns // NS_PER_S * 1000,
            preset=figures.preset,
            recorder=figures.recorder,
            tasks_bad=[task.name for task in figures.tasks if task.state != "running"],
        )

    def _entries(self, closed: str) -> str:
        """The word for entries: the state, said more exactly where it is READY or a pause alone."""
        state = self.core.state
        if state.trading is TradingState.READY:
            return texts.ENTRIES_CLOSED if closed else texts.ENTRIES_ENABLED
        return texts.ENTRIES_PAUSED if set(state.locks) == {PAUSED} else state.trading.value

    def _health(self, now_ns: int) -> HealthView:
        core, figures, state = self.core, self.figures, self.core.state
        return HealthView(
            tasks=[TaskLight(t.name, str(t.state), t.detail, t.restarts, t.age_ms) for t in figures.tasks],
            md_p50_ms=self._md_ms[0],
            md_p95_ms=self._md_ms[1],
            order_ms=state.order_ms,
            is_over_socket=state.settings.order_path is OrderPath.SOCKET,
            drift_ms=figures.drift_ms,
            reconnects=state.reconnects,
            gaps=state.gaps,
            rejected_frames=state.rejected_frames,
            frames_per_s=self._rate(),
            loop_lag_ms=figures.loop_lag_ns // NS_PER_MS,
            signals_per_hour=core.signals.raised_since(now_ns - 3_600 * NS_PER_S),
            viewers=figures.viewers,
            engine_version=figures.engine_version,
            uptime_s=max(0, now_ns - figures.started_ns) // NS_PER_S,
        )

    def _rate(self) -> int:
        """Steps a second over the last ten seconds."""
        if len(self._steps) < 2:
            return 0
        (first_ns, first), (last_ns, last) = self._steps[0], self._steps[-1]
        return round((last - first) * NS_PER_S / max(1, last_ns - first_ns))
