"""The shipped config.toml: complete, true, and without effect on presets."""

from __future__ import annotations

import re
from functools import reduce
from itertools import pairwise
from pathlib import Path

import pytest

from cockpit.config.keys import LEAVES
from cockpit.config.load import LoadedSettings, load_settings
from cockpit.config.model import Settings
from cockpit.config.presets import PRESETS

SHIPPED = Path(__file__).resolve().parents[3] / "config.toml"


def loaded(path: Path, preset: str | None = None) -> LoadedSettings:
    return load_settings(path, {"preset.name": preset}, {})


@pytest.fixture
def uncommented(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(re.sub(r"^#(?=\w+ = )", "", SHIPPED.read_text(), flags=re.MULTILINE))
    return path


def test_the_shipped_file_changes_nothing() -> None:
    assert loaded(SHIPPED).settings == Settings()


@pytest.mark.parametrize("preset", PRESETS)
def test_the_shipped_file_overrides_no_preset(preset: str) -> None:
    assert loaded(SHIPPED, preset).settings == load_settings(None, {"preset.name": preset}, {}).settings


def test_every_key_is_in_the_file_with_its_default(uncommented: Path) -> None:
    found = loaded(uncommented)
    missing = [key for key in LEAVES if not found.sources[key].startswith(str(uncommented))]
    assert missing == [], "add these keys to config.toml"
    for key in LEAVES:
        value, default = (reduce(getattr, key.split("."), settings) for settings in (found.settings, Settings()))
        assert value == default, f"config.toml tells another default of {key}"


def test_every_key_is_explained() -> None:
    lines = SHIPPED.read_text().split("\n")
    bare = [line for above, line in pairwise(lines) if re.match(r"#?\w+ = ", line) and above[:2] != "# "]
    assert bare == []


def test_no_line_is_longer_than_an_editor_shows() -> None:
    assert max(len(line) for line in SHIPPED.read_text().split("\n")) <= 120
