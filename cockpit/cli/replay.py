"""``cockpit replay``: a recording through the engine's own code, alone and fast, or on the screen."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from cockpit.adapters.bybit.public import PublicDecoder
from cockpit.adapters.recording.reader import read_frames
from cockpit.adapters.system.clock import LiveClock
from cockpit.cli.bbo import BboTable
from cockpit.cli.narration import Progress, say
from cockpit.domain.errors import ConfigError, RemoteProtocolError


@click.command()
@click.argument("recording", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--speed", default="1", show_default=True, metavar="X|max", help="Times the recording's own pace.")
@click.option("--headless", is_flag=True, help="Frames through the core alone, without screen or exchange.")
@click.option("--bbo", "bbo_path", type=click.Path(path_type=Path), help="Best bid and offer after every book frame.")
def replay(recording: Path, speed: str, headless: bool, bbo_path: Path | None) -> None:
    """Play a recording."""
    if not headless:
        raise ConfigError("replay on the screen is not built yet: use cockpit replay FILE --headless")
    with ExitStack() as stack:
        table = None
        if bbo_path is not None:
            table = BboTable(stack.enter_context(bbo_path.open("w", newline="", encoding="utf-8")))
        play(recording, table)


def play(recording: Path, table: BboTable | None) -> None:
    """Decode every received frame of a recording and hand it on."""
    decoder = PublicDecoder()
    progress = Progress("frames", LiveClock())
    rejected: list[str] = []
    for frame in read_frames(recording, say):
        progress.step()
        if frame.direction != "recv":
            continue
        try:
            event = decoder.decode(frame.raw, frame.ts_recv)
            if table is not None:
                table.add(event, frame.raw)
        except RemoteProtocolError as error:
            rejected.append(f"frame {progress.count}: {error}")
    progress.done()
    if rejected:
        say(f"{len(rejected)} frames were rejected; the first: {rejected[0]}")
