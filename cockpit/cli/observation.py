"""Watching one symbol for a while with the engine's own market state and detectors, live or in a recording."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from pathlib import Path

from cockpit.adapters.bybit.config import BybitConfig
from cockpit.cli import background, bootstrap
from cockpit.cli.clock import CLOCK
from cockpit.cli.core_replay import NOTHING_TO_RECOVER, core_settings
from cockpit.cli.narration import Progress, say
from cockpit.config.model import Settings
from cockpit.config.profile import profile_of
from cockpit.detectors.wall import WallEvent
from cockpit.domain.enums import Environment
from cockpit.domain.errors import ConfigError
from cockpit.domain.events import StreamLost
from cockpit.domain.market import BookDelta, BookSnapshot, Ticker, TouchHeartbeat, Trades
from cockpit.domain.time import NS_PER_S
from cockpit.engine.core import TradingCore
from cockpit.engine.effects import BookStateChanged, Step
from cockpit.engine.state import SymbolState
from cockpit.signals.base import SignalRaised

_MARKET = (BookSnapshot, BookDelta, Trades, Ticker, TouchHeartbeat)


class Observation:
    """What was seen of one symbol."""

    def __init__(self, symbol: str, state: SymbolState) -> None:
        self.symbol = symbol
        self.state = state
        self.frames = 0
        self.gaps = 0
        self.seconds = 0.0
        """Time between the first and the last frame."""
        self.wall_events: Counter[str] = Counter()
        self.signals: Counter[str] = Counter()
        self._first_ns: int | None = None

    def take(self, step: Step) -> None:
        """Count what the core decided."""
        for output in step.outputs:
            if isinstance(output, WallEvent) and output.wall.symbol == self.symbol:
                self.wall_events[output.kind] += 1
            elif isinstance(output, SignalRaised) and output.signal.symbol == self.symbol:
                self.signals[output.signal.kind.value] += 1
            elif isinstance(output, BookStateChanged) and output.symbol == self.symbol and not output.is_valid:
                self.gaps += 1

    def frame(self, ts_recv: int) -> None:
        """Count one frame of the symbol."""
        self.frames += 1
        if self._first_ns is None:
            self._first_ns = ts_recv
        self.seconds = (ts_recv - self._first_ns) / NS_PER_S


def observe(
    settings: Settings, symbol: str, minutes: float, config_path: Path | None, data_dir: Path | None
) -> Observation:
    """Watch ``symbol`` for ``minutes``: of a recording if the market is one, else of the environment's streams.

    Raises:
        ConfigError: the market does not have the symbol.
    """
    market = settings.venue.market
    is_sim = settings.venue.environment is Environment.SIM
    if is_sim and market.startswith("recording:"):
        return _of_recording(Path(market.removeprefix("recording:")), settings, symbol, minutes)
    config: BybitConfig = settings.venue
    if is_sim:
        from cockpit.cli.accounts import sim_venue
        from cockpit.cli.simex_market import listed_symbols

        profile = profile_of(Environment.SIM, data_dir, os.environ)
        simex = background.simex_of(profile)
        if simex is None:
            profile.create()
            simex = background.ensure_simex(profile, settings, config_path, CLOCK)
        listed = listed_symbols(simex)
        if symbol not in listed:
            raise ConfigError(f"the simulated exchange does not list {symbol}; it has {', '.join(listed)}")
        config = sim_venue(config, simex)[0]
    return asyncio.run(_of_stream(config, settings, symbol, minutes))


def _of_recording(path: Path, settings: Settings, symbol: str, minutes: float) -> Observation:
    play = bootstrap.core_replay(path, settings, lambda step: seen.take(step))
    if symbol not in play.core.state.symbols:
        raise ConfigError(f"{path} does not hold {symbol}; it has {', '.join(play.core.state.symbols)}")
    seen = Observation(symbol, play.core.state.symbols[symbol])
    for frame, event in play.frames(bootstrap.recorded_frames(path)):
        if isinstance(event, _MARKET) and event.symbol == symbol:
            seen.frame(frame.ts_recv)
        if seen.seconds >= minutes * 60:
            break
    return seen


async def _of_stream(config: BybitConfig, settings: Settings, symbol: str, minutes: float) -> Observation:
    core = TradingCore(core_settings(settings, [symbol]), NOTHING_TO_RECOVER)
    seen = Observation(symbol, core.state.symbols[symbol])
    venue = bootstrap.venue(config, None, None)
    progress = Progress("frames", CLOCK)
    say(f"watching {symbol} for {minutes:g} min")
    try:
        async with asyncio.timeout(minutes * 60):
            await venue.subscribe([symbol])
            async for event in venue.events():
                if isinstance(event, _MARKET):
                    progress.step()
                    seen.frame(event.ts_recv)
                    seen.take(core.process(event))
                elif isinstance(event, StreamLost):
                    say(f"stream lost, trying again: {event.reason}")
    except TimeoutError:
        progress.done()
    finally:
        await venue.aclose()
    return seen
