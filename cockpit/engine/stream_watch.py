"""Does the private stream tell everything: executions that only a read of the account shows (reliability.md F30, F31).

Such an execution is booked by whoever sees it first, once. If the stream has not told it 3 s after it happened, the
stream has lost data although it is alive: it is connected anew. What happened before the stream came up is no loss.
Pure rules.
"""

from __future__ import annotations

from collections.abc import Iterable

from cockpit.domain.enums import Severity, StreamName
from cockpit.domain.events import AccountPush, VenueReports
from cockpit.domain.positions import FillReport
from cockpit.domain.time import NS_PER_S
from cockpit.engine.effects import ReconnectStream
from cockpit.engine.state import EngineState, Outbox

GRACE_NS = 3 * NS_PER_S
PAUSE_NS = 60 * NS_PER_S
"""A stream that goes on losing data is not connected anew more often: connections are counted by the exchange."""


class StreamWatch:
    """Compares what reads show with what the private stream tells."""

    def __init__(self, state: EngineState) -> None:
        self.state = state
        self._due: dict[str, tuple[int, str]] = {}
        """Executions that the stream has not told yet: id -> (until when it may, symbol)."""
        self._told: set[str] = set()
        """Executions that the stream has told and that are not booked yet: they wait for those before them."""
        self._has_read = False
        """The account was read completely since the stream came up: what is new from now on happened under it."""
        self._reconnected_ns = -PAUSE_NS

    def on_stream(self) -> None:
        """The private stream came up or was lost."""
        self._due.clear()
        self._has_read = False

    def on_push(self, push: AccountPush) -> None:
        """What the stream told."""
        for report in push.reports:
            if isinstance(report, FillReport):
                self._due.pop(report.exec_id, None)
                self._told.add(report.exec_id)

    def before_reports(self, reports: VenueReports) -> None:
        """A complete read, before it is booked."""
        if self._has_read:
            self.before_fills(reports.fills)
        elif self.state.streams[StreamName.PRIVATE] and reports.requested_ns >= self.state.private_up_ns:
            self._has_read = True

    def before_fills(self, fills: Iterable[FillReport]) -> None:
        """Executions that a read shows, before they are booked."""
        if not self._has_read:
            return
        for fill in fills:
            if not self.state.positions.knows(fill.exec_id) and fill.exec_id not in self._told:
                happened_ns = self._local_ns(fill)
                if happened_ns > self.state.private_up_ns:
                    self._due.setdefault(fill.exec_id, (happened_ns + GRACE_NS, fill.symbol))

    def on_tick(self, out: Outbox) -> None:
        """Once a second: what was not told in time is lost."""
        self._told = {exec_id for exec_id in self._told if not self.state.positions.knows(exec_id)}
        lost = {exec_id: symbol for exec_id, (at_ns, symbol) in self._due.items() if at_ns <= self.state.now_ns}
        if not lost:
            return
        for exec_id in lost:
            del self._due[exec_id]
        exec_id, symbol = next(iter(lost.items()))
        text = f"the private stream lost data: {len(lost)} executions came by REST alone, first {exec_id}"
        out.note("stream_lost_data", Severity.ERROR, text, symbol)
        if self.state.now_ns - self._reconnected_ns >= PAUSE_NS:
            self._reconnected_ns = self.state.now_ns
            out.effects.append(ReconnectStream(StreamName.PRIVATE, "it lost an execution"))

    def _local_ns(self, fill: FillReport) -> int:
        """When an execution happened by our clock; where the clocks cannot be compared, now."""
        host = self.state.host
        if host is None or host.clock_offset_ns is None or self.state.settings.pace != 1.0:
            return self.state.now_ns
        return min(self.state.now_ns, fill.ts_event - host.clock_offset_ns)
