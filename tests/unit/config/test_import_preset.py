"""JSON presets of the earlier bots as TOML."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cockpit.config.import_preset import import_preset
from cockpit.config.load import load_settings
from cockpit.domain.errors import ConfigError

OLD = {
    "name": "high_percent_strict",
    "density_config": {"k_density": 7.0, "bucket_ticks": 3, "lookback_window_s": 300},
    "signal_config": {"enter_on_density_eat_ratio": 0.75, "tpm_on_touch_frac": 0.7},
    "position_config": {"time_stop_minutes": 180, "activity_drop_threshold": 0.4, "prelevel_limit_offset_bps": 2.0},
}


def test_what_is_imported_loads_with_the_same_meaning(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text(import_preset(json.dumps(OLD), "old.json"))
    settings = load_settings(path, {}, {}).settings
    assert settings.detectors.density.criteria == ("median_bucket",)
    assert (settings.detectors.density.k_density, settings.detectors.density.bucket_ticks) == (7.0, 3)
    assert settings.signals.breakout.min_eaten == 0.75
    assert settings.detectors.activity.drop_threshold == 0.4
    assert settings.execution.exits.time_stop_breakout_s == 10_800


def test_what_has_no_counterpart_is_listed() -> None:
    text = import_preset(json.dumps(OLD), "old.json")
    assert "#   signal_config.tpm_on_touch_frac = 0.7" in text
    assert '#   name = "high_percent_strict"' in text


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "is not JSON"),
        ("[1]", "a JSON object"),
        ('{"k_density": "seven"}', "k_density"),
        ('{"k_density": -1}', "greater than 0"),
        ('{"a": {"k_density": 1.0}, "b": {"k_density": 2.0}}', "twice"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        import_preset(text, "old.json")
