"""How often walls and signals come, an hour of each recording and preset: whether the presets' numbers are usable.

Counts, not times: the same on every machine. Short recordings are scaled up to an hour and say so.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from bench.frames import DATA, recordings
from bench.table import Row, Section, missing
from cockpit.config.presets import PRESETS

LONG = {"nexousdt-24h": "nexousdt-24h/frames.jsonl.gz"}
HOUR_NS = 3_600 * 10**9


def sections() -> list[Section]:
    """One section a recording."""
    known = dict(recordings()) | {name: DATA / path for name, path in LONG.items() if (DATA / path).is_file()}
    if not known:
        why = "no recordings beside the project"
        return [Section("walls and signals an hour", [missing("walls and signals", why, "an hour")])]
    return [_section(name, path) for name, path in known.items()]


def _section(name: str, path: Path) -> Section:
    rows: list[Row] = []
    hours = 0.0
    for preset in PRESETS:
        try:
            counts, hours = counted(path, preset)
        except ImportError as error:
            rows.append(missing(f"{preset}: walls and signals", f"not built: {error}", "an hour"))
            continue
        rows += [Row(f"{preset}: {kind}", counts[kind] / hours, "an hour") for kind in ("walls", "signals")]
    span = f"{hours:.1f} hours" if hours >= 1 else f"{hours * 60:.1f} minutes, scaled up"
    return Section(f"walls and signals on {name} ({span}), all its symbols together", rows)


def counted(path: Path, preset: str) -> tuple[Counter[str], float]:
    """Announced walls and raised signals, and the span of the recording in hours."""
    from cockpit.cli import bootstrap
    from cockpit.config.load import load_settings
    from cockpit.detectors.wall import WallEvent
    from cockpit.engine.effects import Step
    from cockpit.signals.base import SignalRaised

    counts: Counter[str] = Counter()

    def note(step: Step) -> None:
        for output in step.outputs:
            if isinstance(output, WallEvent):
                counts["walls"] += output.kind == "new"
            elif isinstance(output, SignalRaised):
                counts["signals"] += 1

    settings = load_settings(None, {"preset.name": preset}, {}).settings
    play = bootstrap.core_replay(path, settings, note)
    stamps = [frame.ts_recv for frame, _event in play.frames(bootstrap.recorded_frames(path))]
    return counts, (stamps[-1] - stamps[0]) / HOUR_NS
