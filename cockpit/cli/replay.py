"""``cockpit replay``: a recording through the engine's own code, alone and fast, or on the screen."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

import click

from cockpit.cli.bbo import BboTable
from cockpit.cli.clock import CLOCK
from cockpit.cli.narration import Progress, say
from cockpit.cli.options import config_option, data_dir_option, settings_from
from cockpit.cli.replay_tables import FeatureTable, SignalLines, WallLines
from cockpit.config.model import Settings
from cockpit.domain.errors import ConfigError
from cockpit.domain.market import BookDelta, BookSnapshot, Trades
from cockpit.domain.time import NS_PER_MS, NS_PER_S
from cockpit.engine.effects import Step
from cockpit.engine.state import SymbolState

_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_UNIT_NS = {"ms": NS_PER_MS, "s": NS_PER_S, "m": 60 * NS_PER_S, "h": 3_600 * NS_PER_S}
OUTPUTS = ("bbo", "features", "walls", "signals")


class Span(click.ParamType[int]):
    """A length of time with its unit, as in 1s or 500ms; becomes nanoseconds."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Text to nanoseconds."""
        if isinstance(value, int):
            return value
        found = _SPAN.fullmatch(str(value))
        if found is None or float(found[1]) <= 0:
            self.fail(f"{value!r} is no span of time: write 500ms, 1s, 5m or 1h", param, ctx)
        return round(float(found[1]) * _UNIT_NS[found[2]])


_OUT = click.Path(path_type=Path, dir_okay=False, writable=True)


@click.command()
@click.argument("recording", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--speed", default="1", show_default=True, metavar="X|max", help="Times the recording's own pace.")
@click.option("--headless", is_flag=True, help="Frames through the core alone, without screen or exchange.")
@click.option("--bbo", type=_OUT, help="CSV: best bid and offer after every book frame, in the exchange's texts.")
@click.option("--features", type=_OUT, help="CSV: measures of each symbol, see --every.")
@click.option("--every", type=Span(), default="1s", show_default=True, help="Interval of --features.")
@click.option("--walls", type=_OUT, help="JSON lines: each step in the life of each wall.")
@click.option("--signals", type=_OUT, help="JSON lines: each signal, raised and expired.")
@click.option("--preset", help="Set of parameters.")
@config_option
@data_dir_option
def replay(
    recording: Path,
    speed: str,
    headless: bool,
    preset: str | None,
    config_path: Path | None,
    data_dir: Path | None,
    **outputs: Any,
) -> int:
    """Play a recording: a frame file, Bybit's archive, or a folder that the engine has recorded."""
    pace = _pace(speed)
    if headless:
        _play(recording, pace, settings_from(config_path, {"preset.name": preset}).settings, outputs)
        return 0
    if any(outputs[name] for name in OUTPUTS):
        raise ConfigError("--bbo, --features, --walls and --signals need --headless")
    if pace is None:
        raise ConfigError("--speed max needs --headless; the screen plays at a number of times real time")
    return _on_screen(recording, speed, preset, config_path, data_dir)


def _pace(text: str) -> float | None:
    """Times real time; None: as fast as it can."""
    if text == "max":
        return None
    try:
        pace = float(text)
    except ValueError:
        pace = 0.0
    if not 0 < pace <= 1_000:
        raise ConfigError(f"--speed {text}: a number above 0 and at most 1000, or max")
    return pace


def _on_screen(recording: Path, speed: str, preset: str | None, config_path: Path | None, data_dir: Path | None) -> int:
    """The cockpit on a simulated exchange that plays the recording."""
    from cockpit.cli.run import run

    if not recording.exists():
        raise ConfigError(f"{recording}: no such recording")
    given = {"--preset": preset, "--config": config_path, "--data-dir": data_dir}
    options = [word for name, value in given.items() if value is not None for word in (name, str(value))]
    arguments = ["--env", "sim", "--market", f"recording:{recording}", "--speed", speed, *options]
    code = run.main(arguments, prog_name="cockpit run", standalone_mode=False)
    return code if isinstance(code, int) else 0


def _play(recording: Path, pace: float | None, settings: Settings, paths: dict[str, Any]) -> None:
    from cockpit.cli import bootstrap

    with ExitStack() as stack:
        written = _Written(stack, paths)
        play = bootstrap.core_replay(recording, settings, written.step)
        progress = Progress("frames", CLOCK)
        for frame, event in play.frames(bootstrap.paced(bootstrap.recorded_frames(recording), pace)):
            progress.step()
            written.frame(frame.raw, event, play.core.state.symbols)
        progress.done()
    if play.rejected:
        say(f"{len(play.rejected)} frames were rejected; the first: {play.rejected[0]}")
    say(f"digest {play.digest.hexdigest()}")


class _Written:
    """The files that were asked for."""

    def __init__(self, stack: ExitStack, paths: dict[str, Any]) -> None:
        self._stack = stack
        self._paths = paths
        bbo, features, walls, signals = (self._open(name) for name in OUTPUTS)
        self._bbo = None if bbo is None else BboTable(bbo)
        self._features = None if features is None else FeatureTable(features, paths["every"])
        self._walls = None if walls is None else WallLines(walls)
        self._signals = None if signals is None else SignalLines(signals)

    def step(self, step: Step) -> None:
        """Take what the core decided."""
        if self._walls is not None:
            self._walls.add(step)
        if self._signals is not None:
            self._signals.add(step)

    def frame(self, raw: bytes, event: object, symbols: dict[str, SymbolState]) -> None:
        """Take a frame that the core has taken, and the event it was."""
        if self._bbo is not None:
            self._bbo.add(event, raw)
        if self._features is not None and isinstance(event, BookSnapshot | BookDelta | Trades):
            symbol = symbols.get(event.symbol)
            if symbol is not None:
                self._features.add(symbol)

    def _open(self, name: str) -> TextIO | None:
        path: Path | None = self._paths[name]
        return None if path is None else self._stack.enter_context(path.open("w", newline="", encoding="utf-8"))
