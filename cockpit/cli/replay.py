"""``cockpit replay``: a recording through the engine's own code, alone and fast, or on the screen."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

import click

from cockpit.cli.narration import Progress, say
from cockpit.cli.options import config_option, settings_from
from cockpit.domain.errors import ConfigError
from cockpit.domain.time import NS_PER_MS, NS_PER_S

_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_UNIT_NS = {"ms": NS_PER_MS, "s": NS_PER_S, "m": 60 * NS_PER_S, "h": 3_600 * NS_PER_S}


class Span(click.ParamType):
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
def replay(
    recording: Path, speed: str, headless: bool, preset: str | None, config_path: Path | None, **outputs: Any
) -> None:
    """Play a recording: a frame file, Bybit's archive, or a folder that the engine has recorded."""
    pace = _pace(speed)
    if headless:
        settings = settings_from(config_path, {"preset.name": preset}).settings
        _play(recording, pace, settings, outputs)
        return
    if any(outputs[name] for name in ("bbo", "features", "walls", "signals")):
        raise ConfigError("--bbo, --features, --walls and --signals need --headless")
    raise ConfigError("replay on the screen has not been built yet: use cockpit run --market recording:FILE")


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


def _play(recording: Path, pace: float | None, settings: Any, outputs: dict[str, Any]) -> None:
    from cockpit.cli import bootstrap
    from cockpit.cli.bbo import BboTable
    from cockpit.cli.replay_tables import FeatureTable, SignalLines, WallLines

    with ExitStack() as stack:

        def opened(name: str) -> TextIO | None:
            path: Path | None = outputs[name]
            return None if path is None else stack.enter_context(path.open("w", newline="", encoding="utf-8"))

        streams = {name: opened(name) for name in ("bbo", "features", "walls", "signals")}
        bbo = BboTable(streams["bbo"]) if streams["bbo"] else None
        features = FeatureTable(streams["features"], outputs["every"]) if streams["features"] else None
        listeners = [
            *([WallLines(streams["walls"])] if streams["walls"] else []),
            *([SignalLines(streams["signals"])] if streams["signals"] else []),
        ]
        play = bootstrap.core_replay(recording, settings, lambda step: [each.add(step) for each in listeners])
        progress = Progress("frames", bootstrap.CLOCK)
        for frame, event in play.frames(bootstrap.paced(bootstrap.recorded_frames(recording), pace)):
            progress.step()
            if bbo is not None and event is not None:
                bbo.add(event, frame.raw)
            if features is not None and event is not None:
                for symbol in play.core.state.symbols.values():
                    features.add(symbol)
        progress.done()
    if play.rejected:
        say(f"{len(play.rejected)} frames were rejected; the first: {play.rejected[0]}")
    say(f"digest {play.digest.hexdigest()}")
