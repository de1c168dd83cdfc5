"""How late the engine's loop is, as its health section tells, less what the machine made it wait for a processor."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

from cockpit.views.frames import ViewFrame
from cockpit.views.model import HealthView
from tests.support.link import attached

PROBE_S = 0.25
"""The engine measures this often."""
PUBLISH_S = 0.25


def p99(values: list[float]) -> float:
    """The 99th percentile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]


class LagProbe:
    """Looks on, in a thread of its own, until it is stopped."""

    def __init__(self, socket: Path, pid: int) -> None:
        self._socket = socket
        self._waits = Path(f"/proc/{pid}/schedstat")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._told: list[tuple[float, float]] = []
        """Time of each look, and how long the engine has waited for a processor in all until then, ms."""
        self.lag_ms: list[float] = []
        """As told."""
        self.own_ms: list[float] = []
        """Without the waits for a processor in the span that was measured."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        asyncio.run(self._follow())

    async def _follow(self) -> None:
        async with attached(self._socket, "lag probe", observer=True) as client:
            async for event in client.events():
                if isinstance(event, ViewFrame) and isinstance(event.view, HealthView):
                    self._add(float(event.view.loop_lag_ms or 0))
                if self._over.is_set():
                    return

    def _add(self, lag_ms: float) -> None:
        now, waited_ms = time.monotonic(), int(self._waits.read_text().split()[1]) / 1e6
        self._told.append((now, waited_ms))
        since = now - 2 * PROBE_S - PUBLISH_S - lag_ms / 1000
        before = [waited for at, waited in self._told if at <= since]
        if not before:  # nobody knows how long the engine waited for a processor in this span
            return
        self.lag_ms.append(lag_ms)
        self.own_ms.append(max(0.0, lag_ms - (waited_ms - before[-1])))
