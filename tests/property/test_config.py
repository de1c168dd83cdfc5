"""Whatever a file says: it is refused with a place and a key, or accepted with sound values of the written kind."""

from __future__ import annotations

import math
import tempfile
from decimal import Decimal
from enum import Enum
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from cockpit.config.keys import LEAVES, OPEN_SECTION
from cockpit.config.load import LoadedSettings, load_settings
from cockpit.config.toml_lines import key_lines
from cockpit.domain.errors import ConfigError

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\'), max_size=8)
VALUES = (
    st.floats().map(repr)
    | st.integers(-(10**6), 10**6).map(str)
    | st.sampled_from(
        ["true", "false", "nan", "-inf", "[]", "{}", '["BTCUSDT"]', "1979-05-27", '"1,5"', '"0.1"', "1e400"]
    )
    | TEXTS.map('"{}"'.format)
)
KEYS = st.sampled_from([key for key in LEAVES if key != OPEN_SECTION])


def load_text(text: str) -> LoadedSettings:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "c.toml")
        path.write_text(text, "utf-8")
        return load_settings(path, {}, {})


def refused_or_loaded(text: str) -> LoadedSettings | str:
    try:
        return load_text(text)
    except ConfigError as error:
        return str(error)


def toml_of(values: dict[str, str]) -> str:
    lines = [f"[{key.rpartition('.')[0]}]\n{key.rpartition('.')[2]} = {value}" for key, value in values.items()]
    return "\n".join(lines)


def is_sound(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, tuple | dict):
        return all(is_sound(inner) for inner in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, int | str | Decimal | Enum | BaseModel)


@settings(max_examples=300, deadline=None)
@given(KEYS, VALUES)
def test_f106_one_value_is_refused_by_name_or_accepted_as_it_was_written(key: str, text: str) -> None:
    loaded = refused_or_loaded(toml_of({key: text}))
    if isinstance(loaded, str):
        section = key.rpartition(".")[0]
        assert all(f":2: {key}" in line or f":2: {section}: " in line for line in loaded.split("\n"))
        return
    value = reduce(getattr, key.split("."), loaded.settings)
    assert is_sound(value)
    assert loaded.sources[key].endswith(":2")
    if isinstance(value, int | float) and not isinstance(value, bool | Enum):
        assert not text.startswith('"'), "a text was read as a number"
        assert float(text) == value
    if isinstance(value, bool):
        assert text in {"true", "false"}


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.from_regex(r"[a-z_]{1,12}", fullmatch=True), st.integers(), min_size=1, max_size=5))
def test_f106_every_unknown_key_is_told_with_its_line(unknown: dict[str, int]) -> None:
    text = "[risk]\n" + "\n".join(f"x{name} = {value}" for name, value in unknown.items())
    with pytest.raises(ConfigError) as caught:
        load_text(text)
    told = str(caught.value).split("\n")
    for number, name in enumerate(unknown, 2):
        assert any(f":{number}: risk.x{name}: unknown key" in line for line in told)
    assert len(told) == len(unknown)


@given(
    st.lists(
        st.tuples(
            st.from_regex(r"[a-z]{1,6}", fullmatch=True),
            st.sampled_from(["1", '"""\na\n[b]\n"""', "[\n1,\n]", "{x = 1}"]),
        )
    )
)
def test_lines_are_right_however_long_the_values_above_are(pairs: list[tuple[str, str]]) -> None:
    text, wanted = "", {}
    for number, (name, value) in enumerate(pairs):
        key = f"{name}{number}"
        wanted[key,] = text.count("\n") + 1
        text += f"{key} = {value}\n"
    found = key_lines(text)
    assert {path: line for path, line in found.items() if len(path) == 1} == wanted
