"""``cockpit record``: public frames of an exchange to disk, without engine, account or orders."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from cockpit.adapters.bybit.config import BybitConfig
from cockpit.adapters.recording.config import RecorderConfig
from cockpit.cli import background
from cockpit.cli.clock import CLOCK
from cockpit.cli.narration import Progress, say
from cockpit.cli.options import (
    ENVIRONMENTS,
    config_option,
    data_dir_option,
    market_options,
    settings_from,
    source_flags,
)
from cockpit.config.profile import profile_of
from cockpit.domain.enums import Environment
from cockpit.domain.events import StreamLost
from cockpit.domain.time import NS_PER_S
from cockpit.ports.recorder import FrameSink


@click.command()
@click.option("--env", type=ENVIRONMENTS, help="Whose market. Default: sim. demo and live both have mainnet's.")
@market_options
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the segments. Default: in the data folder.")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="Stop by itself after this long.")
@config_option
@data_dir_option
def record(
    env: str | None,
    out: Path | None,
    minutes: float | None,
    config_path: Path | None,
    data_dir: Path | None,
    **market: Any,
) -> None:
    """Record order books, trades and tickers until ctrl+c. Prints the folder, which cockpit replay plays."""
    loaded = settings_from(config_path, {"venue.environment": env} | source_flags(**market))
    settings = loaded.settings
    profile = profile_of(settings.venue.environment, data_dir, os.environ)
    profile.create()
    config: BybitConfig = settings.venue
    symbols = settings.venue.symbols
    if profile.environment is Environment.SIM:
        from cockpit.cli.accounts import sim_venue
        from cockpit.cli.simex_market import followed_depth, followed_symbols

        simex = background.ensure_simex(profile, settings, config_path, CLOCK)
        symbols = followed_symbols(simex, loaded)
        depth = followed_depth(simex, symbols, config.depth)
        config = sim_venue(config, simex)[0].model_copy(update={"depth": depth})
    stamp = datetime.fromtimestamp(CLOCK.now_ns() / NS_PER_S, UTC).strftime("%Y%m%d-%H%M%S")
    folder = out or profile.folder / "recorded" / stamp
    asyncio.run(_record(config, symbols, settings.recorder, folder, minutes))
    click.echo(str(folder))


class _Counted:
    """Passes frames on and counts them for the person who waits."""

    def __init__(self, sink: FrameSink, progress: Progress) -> None:
        self._sink = sink
        self._progress = progress

    def frame(self, ts_recv: int, direction: str, raw: bytes) -> None:
        self._progress.step()
        self._sink.frame(ts_recv, direction, raw)

    def close(self) -> None:
        self._sink.close()


async def _record(
    config: BybitConfig, symbols: tuple[str, ...], limits: RecorderConfig, folder: Path, minutes: float | None
) -> None:
    from cockpit.cli import bootstrap

    progress = Progress("frames", CLOCK)
    sink = _Counted(bootstrap.recorder(limits, folder), progress)
    venue = bootstrap.venue(config, None, sink)
    say(f"recording {', '.join(symbols)} to {folder}; ctrl+c ends it")

    async def follow() -> None:
        await venue.subscribe(symbols)
        async for event in venue.events():
            if isinstance(event, StreamLost):
                say(f"stream lost, trying again: {event.reason}")

    following = asyncio.create_task(follow())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, following.cancel)
    try:
        await asyncio.wait([following], timeout=None if minutes is None else minutes * 60)
        if following.done() and not following.cancelled():
            following.result()
    finally:
        following.cancel()
        await venue.aclose()
        sink.close()
    progress.done()
