"""Who watches over open positions: what happens when the exchange's streams, or every operator, stay away. Pure rules.

Both rules count the core's own ticks, never the waits of a reconnect. Time in which the machine slept does not count:
the streams must have had their chance to come back. Stops at the exchange are the first defence; a flatten by REST is
the second one, and it is begun once for each loss.
"""

from __future__ import annotations

from cockpit.domain.enums import Severity, StreamName
from cockpit.domain.events import OperatorsAttached
from cockpit.domain.time import NS_PER_S
from cockpit.engine.config import Absence
from cockpit.engine.flatten_desk import FlattenDesk
from cockpit.engine.state import EngineState, Outbox

LONGEST_STEP_NS = 2 * NS_PER_S
"""What one tick counts for at most."""
ABSENT = "operator absence"


class WatchDesk:
    """The connection-loss watchdog, and the policy for an engine without an operator."""

    def __init__(self, state: EngineState, flatten: FlattenDesk) -> None:
        self.state = state
        self.flatten = flatten
        self._ticked_ns: int | None = None
        self._lost_ns = 0
        """How long a stream has been missing."""
        self._absent_ns = 0
        """How long no operator has been attached."""
        self._operators = 0
        self._has_fired: set[str] = set()
        """Rules that have begun a flatten since their cause came up."""

    def on_operators(self, event: OperatorsAttached) -> None:
        """Screens that may give commands have come or gone."""
        self._operators = event.count
        if event.count:
            self._absent_ns = 0
            self._has_fired.discard(ABSENT)
            self.state.locks.pop(ABSENT, None)

    def on_tick(self, out: Outbox) -> None:
        """Once a second: count what is missing, and act when it has been missing for too long."""
        now_ns, last_ns = self.state.now_ns, self._ticked_ns
        self._ticked_ns = now_ns
        step_ns = 0 if last_ns is None else min(max(0, now_ns - last_ns), LONGEST_STEP_NS)
        self._watch_streams(step_ns, out)
        if not self._operators:
            self._absent_ns += step_ns
            self._watch_operators(out)

    def _watch_streams(self, step_ns: int, out: Outbox) -> None:
        missing = [name for name, is_up in self.state.streams.items() if not is_up and not self._is_no_loss(name)]
        if not missing:
            self._lost_ns = 0
            self._has_fired.discard("connection")
            return
        self._lost_ns += step_ns
        limit_s = self.state.settings.execution.connection_loss_flatten_s
        if limit_s and self._lost_ns > limit_s * NS_PER_S:
            self._flatten("connection", f"{' and '.join(missing)} stream lost for more than {limit_s:g} s", out)

    def _is_no_loss(self, name: StreamName) -> bool:
        """A recording that is over has no market any more; without the trade socket closes take REST."""
        return name is StreamName.TRADE or (self.state.is_ended and name is StreamName.PUBLIC)

    def _watch_operators(self, out: Outbox) -> None:
        config = self.state.settings.engine
        if config.operator_absence is Absence.KEEP or self._absent_ns <= config.operator_absence_min * 60 * NS_PER_S:
            return
        text = f"no operator for more than {config.operator_absence_min:g} min"
        self.state.locks[ABSENT] = text
        if config.operator_absence is Absence.FLATTEN:
            self._flatten(ABSENT, text, out)

    def _flatten(self, rule: str, text: str, out: Outbox) -> None:
        """Close everything, once for each cause, if a position of ours is open."""
        if rule in self._has_fired or not any(held.origin is not None for held in self.state.positions.open.values()):
            return
        self._has_fired.add(rule)
        if self.flatten.start(out):
            words = f"{text} with an open position: flattening by REST"
            out.note("watchdog", Severity.CRITICAL, words)
