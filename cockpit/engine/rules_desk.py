"""Trading rules: read at start, at least hourly, and at once when an order is refused as if they had changed.

Open positions and what is known of them move onto a new grid; what is on its way keeps the grid it was made for, and
is not written on another one (reliability.md F81). Nothing is decided here about entries: the gate reads what is kept.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from cockpit.domain.enums import Severity
from cockpit.domain.events import InstrumentsFailed, InstrumentsLoaded, OrderAnswer, Outcome, StopAnswer
from cockpit.domain.instrument import Instrument
from cockpit.domain.time import NS_PER_S
from cockpit.engine.effects import LoadInstruments
from cockpit.engine.state import EngineState, Outbox

AGAIN_NS = 15 * NS_PER_S
"""Least pause between two reads, whatever asks for them ..."""
FIRST_NS = 3 * NS_PER_S
"""... and while none has come back yet."""
RULE_CODES = frozenset({10001, 30208, 30209, 30228, 110003, 110017, 110023, 110063, 110066, 110074, 110094})
"""Refusals of Bybit that other rules or another status than the known ones may explain (bybit-v5.md section 13)."""
NOT_LISTED = "not listed"
_TOLD = ("status", "tick_size", "qty_step", "min_qty", "max_qty", "max_market_qty", "min_notional")


class RulesDesk:
    """Keeps the trading rules of every symbol that is watched or held."""

    def __init__(self, state: EngineState) -> None:
        self.state = state
        self._read_ns = 0
        """When rules came last."""
        self._asked_ns = 0
        self._told: set[str] = set()
        """Symbols that were told not to be listed."""

    def recover(self) -> None:
        """Put what the journal remembers onto the grid of today."""
        for symbol in self.state.symbols.values():
            if symbol.instrument is not None:
                self.state.positions.put_on_grid(symbol.instrument)

    def on_tick(self, out: Outbox) -> None:
        """Once a second: read again when the rules are old, or when a symbol is held whose rules are not known."""
        old_ns = round(self.state.settings.execution.rules_read_s * NS_PER_S)
        if self.state.now_ns - self._read_ns >= old_ns or any(map(self._is_unknown, self.state.positions.symbols())):
            self._read(out)

    def on_answer(self, answer: OrderAnswer | StopAnswer, out: Outbox) -> None:
        """A refusal that says that the rules may have changed."""
        if answer.outcome is Outcome.NO and answer.code in RULE_CODES:
            self._read(out)

    def on_loaded(self, event: InstrumentsLoaded, out: Outbox) -> None:
        """The rules as they are now. A symbol that was asked for and is not named is not listed any more."""
        self._read_ns = self.state.now_ns
        named = {instrument.symbol for instrument in event.instruments}
        for instrument in (*event.instruments, *self._gone(set(event.asked) - named)):
            known = self.state.instrument(instrument.symbol)
            self.state.keep_rules(instrument)
            if known is not None and known != instrument:
                self._tell(known, instrument, out)
            self.state.positions.put_on_grid(instrument)
        for symbol in event.asked:
            if self._is_unknown(symbol) and symbol not in self._told:
                self._told.add(symbol)
                text = f"the exchange does not list {symbol}: no entries in it until it does and the engine starts anew"
                out.note("rules", Severity.ERROR, text, symbol)

    def on_failed(self, event: InstrumentsFailed, out: Outbox) -> None:
        """They could not be read; the known ones hold until they are too old."""
        out.note("rules", Severity.WARNING, f"reading the trading rules failed: {event.reason}")

    def _is_unknown(self, symbol: str) -> bool:
        return self.state.instrument(symbol) is None

    def _read(self, out: Outbox) -> None:
        pause_ns = AGAIN_NS if self._read_ns else FIRST_NS
        if self._asked_ns and self.state.now_ns - self._asked_ns < pause_ns:
            return
        self._asked_ns = self.state.now_ns
        out.effects.append(LoadInstruments(sorted(self.state.symbols.keys() | self.state.positions.symbols())))

    def _gone(self, symbols: Iterable[str]) -> list[Instrument]:
        known = [self.state.instrument(symbol) for symbol in sorted(symbols)]
        return [msgspec.structs.replace(each, status=NOT_LISTED) for each in known if each is not None]

    @staticmethod
    def _tell(before: Instrument, now: Instrument, out: Outbox) -> None:
        pairs = ((name, getattr(before, name), getattr(now, name)) for name in _TOLD)
        changes = [f"{name} {old} → {new}" for name, old, new in pairs if old != new]
        if changes:
            severity = Severity.ERROR if before.status != now.status else Severity.WARNING
            out.note("rules", severity, f"trading rules of {now.symbol} changed: {', '.join(changes)}", now.symbol)
