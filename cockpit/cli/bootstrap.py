"""The composition root: the only module that names the concrete classes behind the ports and puts them together."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

from cockpit.adapters.bybit.config import BybitConfig
from cockpit.adapters.bybit.credentials import SecretKey
from cockpit.adapters.bybit.venue import BybitVenue
from cockpit.adapters.recording.config import RecorderConfig
from cockpit.adapters.recording.frames import RecordedFrame
from cockpit.adapters.recording.reader import read_frames
from cockpit.adapters.recording.writer import SegmentWriter
from cockpit.adapters.store.journal import SqlJournal
from cockpit.cli.clock import CLOCK
from cockpit.cli.core_replay import CoreReplay, OnStep
from cockpit.cli.entries_off import take_word
from cockpit.cli.narration import say
from cockpit.config.model import Settings
from cockpit.config.profile import Profile
from cockpit.domain.enums import Environment
from cockpit.domain.time import NS_PER_S
from cockpit.engine.core import TradingCore
from cockpit.engine.state import CoreSettings
from cockpit.ports.journal import Recovery
from cockpit.ports.recorder import FrameSink

_MB = 1_000_000


def venue(config: BybitConfig, key: SecretKey | None, sink: FrameSink | None) -> BybitVenue:
    """One account of the exchange, or its public market alone (``key`` None)."""
    return BybitVenue(config, key, CLOCK, Random(), sink)  # noqa: S311 - jitter of reconnects


def journal(settings: Settings, profile: Profile) -> SqlJournal:
    """The journal of a profile. Raises ``CockpitError``: entries must stay off, and that cannot be written."""
    take_word(profile)
    return SqlJournal(settings.journal.url or profile.journal, CLOCK, settings.journal, profile.flags_file)


def recorder(limits: RecorderConfig, folder: Path) -> SegmentWriter:
    """A recorder of raw frames into ``folder``, running."""
    return SegmentWriter(folder, limits.segment_mb * _MB, limits.cap_mb * _MB, CLOCK)


def core(settings: Settings, symbols: Iterable[str], recovery: Recovery) -> TradingCore:
    """The live core."""
    return TradingCore(
        CoreSettings(
            environment=settings.venue.environment,
            symbols=tuple(symbols),
            epoch=recovery.epoch,
            folder=recovery.folder,
            order_path=settings.venue.order_path,
            pace=settings.venue.speed if settings.venue.environment is Environment.SIM else 1.0,
            engine=settings.engine,
            detectors=settings.detectors,
            signals=settings.signals,
            risk=settings.risk,
            execution=settings.execution,
        ),
        recovery,
    )


def recorded_frames(recording: Path) -> Iterator[RecordedFrame]:
    """The frames of a recording; a cut-off end is told on stderr."""
    return read_frames(recording, say)


def paced(frames: Iterable[RecordedFrame], pace: float | None) -> Iterator[RecordedFrame]:
    """Frames at ``pace`` times their own speed; None: as they come."""
    start_ns = first_ns = None
    for frame in frames:
        if pace is not None:
            if first_ns is None or start_ns is None:
                first_ns, start_ns = frame.ts_recv, CLOCK.monotonic_ns()
            wait_ns = start_ns + (frame.ts_recv - first_ns) / pace - CLOCK.monotonic_ns()
            if wait_ns > 0:
                time.sleep(wait_ns / NS_PER_S)
        yield frame


def core_replay(recording: Path, settings: Settings, on_step: OnStep) -> CoreReplay:
    """A fresh core for the symbols of a recording."""
    from cockpit.cli.simex_market import common_depth
    from cockpit.simex.recording_scan import RecordingContent

    content = RecordingContent(recording)
    instruments = [rules.instrument for rules in content.rules().values()]
    recorded = {symbol: found.depths - {1} for symbol, found in content.symbols.items()}
    depth = common_depth([recorded[instrument.symbol] for instrument in instruments], settings.venue.depth)
    depths = {symbol: depth if depth in found else max(found) for symbol, found in recorded.items() if len(found) > 1}
    return CoreReplay(settings, instruments, depths, on_step)
