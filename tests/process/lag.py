"""How late the engine's loop is, as its health section tells, less what the machine made it wait for a processor."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cockpit.views.frames import ViewFrame
from cockpit.views.model import HealthView
from tests.support.link import attached

PROBE_S = 0.25
"""The engine measures this often."""
PUBLISH_S = 0.25
RETRY_S = 0.1
BLOCKED_MS = 1_000.0
"""From here on a loop counts as blocked (reliability.md F103). One that waits for a locked database itself, instead of
its writer's thread, is at least as late: that is SQLite's busy timeout."""


def p99(values: list[float]) -> float:
    """The 99th percentile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]


class LagProbe:
    """Looks on, in a thread of its own, until it is stopped: at one engine after the other on the same socket."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._told: list[tuple[float, float]] = []
        """Time of each look at this engine, and how long it has waited for a processor in all until then, ms."""
        self._away: list[tuple[float, float]] = []
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

    @contextmanager
    def away(self) -> Iterator[None]:
        """The engine is stopped on purpose meanwhile: spans that reach into this one are not its own doing."""
        began = time.monotonic()
        self._away.append((began, math.inf))
        try:
            yield
        finally:
            self._away[-1] = (began, time.monotonic())

    def holds(self) -> None:
        """At no time has the loop been blocked."""
        worst = max(self.own_ms, default=0.0)
        assert worst < BLOCKED_MS, f"the loop was blocked for {worst:.0f} ms"

    def new_engine(self) -> None:
        """Looks from here on are at another process."""
        self._told.clear()

    def look(self, now: float, lag_ms: float, waited_ms: float) -> None:
        """Take in one telling of the engine; ``now`` in seconds."""
        self._told.append((now, waited_ms))
        since = now - 2 * PROBE_S - PUBLISH_S - lag_ms / 1000
        before = [waited for at, waited in self._told if at <= since]
        if not before or any(began <= now and since <= ended for began, ended in self._away):
            return  # nobody knows how long the engine waited for a processor in this span, or it was stopped
        self.lag_ms.append(lag_ms)
        self.own_ms.append(max(0.0, lag_ms - (waited_ms - before[-1])))

    def _ask(self) -> None:
        while not self._over.wait(RETRY_S):
            asyncio.run(self._look_on())

    async def _look_on(self) -> None:
        following = asyncio.create_task(self._follow())
        while not following.done() and not self._over.is_set():
            await asyncio.wait([following], timeout=RETRY_S)
        following.cancel()
        with suppress(OSError, asyncio.CancelledError):  # no engine, or it went away; or the probe is over
            await following

    async def _follow(self) -> None:
        async with attached(self._socket, "lag probe", observer=True) as client:
            self.new_engine()
            async for event in client.events():
                if isinstance(event, ViewFrame) and isinstance(event.view, HealthView):
                    self.look(time.monotonic(), float(event.view.loop_lag_ms or 0), _waited_ms(client.hello.pid))


def _waited_ms(pid: int) -> float:
    """How long the process's loop has been ready and had no processor, in all."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e6
