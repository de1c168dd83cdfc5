"""A recording through the trading core alone: no exchange, no clock of the machine, no orders. For ``cockpit replay``.

The core's time is the receive time of the recorded frames; its timers fire between them. Order effects are not carried
out, so every signal runs to its own end.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import count

from cockpit.adapters.bybit.public import PublicDecoder
from cockpit.adapters.recording.frames import RecordedFrame
from cockpit.config.model import Settings
from cockpit.domain.enums import Approval, Environment, StreamName
from cockpit.domain.errors import RemoteProtocolError
from cockpit.domain.events import FrameRejected, InstrumentsLoaded, StreamUp, TimerFired
from cockpit.domain.instrument import Instrument
from cockpit.engine.core import EngineEvent, TradingCore
from cockpit.engine.effects import SetTimer, Step, StepDigest
from cockpit.engine.state import CoreSettings
from cockpit.ports.journal import Recovery

OnStep = Callable[[Step], None]

_BOOK_TOPIC = re.compile(rb'"orderbook\.(\d+)\.([A-Z0-9-]+)"')


class CoreReplay:
    """One pass of a recording through a fresh core."""

    def __init__(
        self, settings: Settings, instruments: list[Instrument], depths: Mapping[str, int], on_step: OnStep
    ) -> None:
        """``depths``: the book that the core follows, of symbols that were recorded at several depths."""
        self.core = TradingCore(core_settings(settings, [each.symbol for each in instruments]), NOTHING_TO_RECOVER)
        self.digest = StepDigest()
        self.rejected: list[str] = []
        """What was wrong with frames that could not be decoded."""
        self._depths = depths
        self._instruments = instruments
        self._on_step = on_step
        self._decoder = PublicDecoder()
        self._timers: list[tuple[int, int, str]] = []
        self._due: dict[str, int] = {}
        self._numbers = count()

    def frames(self, frames: Iterable[RecordedFrame]) -> Iterator[tuple[RecordedFrame, object]]:
        """Feed every received frame; yields each with the event it was, after the core has taken it."""
        started = False
        for frame in frames:
            if frame.direction != "recv":
                continue
            if not started:
                started = True
                self._start(frame.ts_recv)
            self._fire_timers(frame.ts_recv)
            yield frame, self._frame(frame)

    def _start(self, now_ns: int) -> None:
        self._take(self.core.start(now_ns))
        self._feed(InstrumentsLoaded(self._instruments, now_ns))
        self._feed(StreamUp(StreamName.PUBLIC, now_ns))

    def _frame(self, frame: RecordedFrame) -> object:
        try:
            event = self._decoder.decode(frame.raw, frame.ts_recv)
        except RemoteProtocolError as error:
            self.rejected.append(str(error))
            self._feed(FrameRejected(StreamName.PUBLIC, error.reason, error.symbol, frame.ts_recv))
            return None
        if event is not None and not self._is_other_depth(frame.raw):
            self._feed(event)
        return event

    def _is_other_depth(self, raw: bytes) -> bool:
        topic = _BOOK_TOPIC.search(raw, 0, 256) if self._depths else None
        return topic is not None and int(topic[1]) not in {1, self._depths.get(topic[2].decode(), int(topic[1]))}

    def _feed(self, event: EngineEvent) -> None:
        self._take(self.core.process(event))

    def _take(self, step: Step) -> None:
        self.digest.add(step)
        for effect in step.effects:
            if isinstance(effect, SetTimer):
                self._due[effect.name] = effect.at_ns
                heapq.heappush(self._timers, (effect.at_ns, next(self._numbers), effect.name))
        if step.outputs:
            self._on_step(step)

    def _fire_timers(self, now_ns: int) -> None:
        while self._timers and self._timers[0][0] <= now_ns:
            at_ns, _, name = heapq.heappop(self._timers)
            if self._due.get(name) == at_ns:
                del self._due[name]
                self._feed(TimerFired(name, at_ns))


NOTHING_TO_RECOVER = Recovery(
    epoch=0, open_intents=[], open_trades=[], seen_exec_ids=[], last_fill_ms=0, day_realised=Decimal(0)
)


def core_settings(settings: Settings, symbols: Iterable[str]) -> CoreSettings:
    """What the core is configured with in a replay: the operator's settings, and nobody who approves."""
    return CoreSettings(
        environment=Environment.SIM,
        symbols=tuple(symbols),
        epoch=0,
        engine=settings.engine.model_copy(update={"approval": Approval.OBSERVE}),
        detectors=settings.detectors,
        signals=settings.signals,
        risk=settings.risk,
        execution=settings.execution,
    )
