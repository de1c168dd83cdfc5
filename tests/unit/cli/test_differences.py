"""A running engine against what is asked for on the command line."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cockpit.cli.background import refuse_differences
from cockpit.cli.processes import write_run_file
from cockpit.cli.run_files import EngineRun
from cockpit.config.profile import Profile, profile_of
from cockpit.domain.enums import Environment
from cockpit.domain.errors import CockpitError, SafetyRefusal
from cockpit.link.socket_file import listen

RUN = EngineRun(
    pid=42,
    environment="sim",
    market="synthetic",
    speed=1.0,
    seed=2,
    symbols=["BTCUSDT", "ETHUSDT"],
    preset="plotnost",
)


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    made = profile_of(Environment.SIM, tmp_path, {})
    made.create()
    return made


@pytest.fixture
def engine(profile: Profile) -> Iterator[socket.socket]:
    """Something that answers on the profile's socket."""
    write_run_file(profile.engine_file, RUN)
    with listen(profile.socket) as server:
        yield server


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    "asked", [{}, {"preset": "plotnost"}, {"market": "synthetic", "symbols": "BTCUSDT,ETHUSDT"}], ids=str
)
def test_engine_that_is_what_was_asked_for_is_taken(profile: Profile, tmp_path: Path, asked: dict[str, str]) -> None:
    assert refuse_differences(asked, profile, tmp_path) == RUN


@pytest.mark.usefixtures("engine")
def test_every_difference_is_named_with_both_sides(profile: Profile, tmp_path: Path) -> None:
    with pytest.raises(SafetyRefusal) as refusal:
        refuse_differences({"preset": "micro", "symbols": "BTCUSDT"}, profile, tmp_path)
    text = str(refusal.value)
    assert "pid 42" in text
    assert "--preset: it has plotnost, you asked for micro" in text
    assert "--symbols: it has BTCUSDT,ETHUSDT, you asked for BTCUSDT" in text


@pytest.mark.usefixtures("engine")
def test_engine_of_another_environment_in_the_same_folder_is_a_difference(tmp_path: Path) -> None:
    demo = profile_of(Environment.DEMO, tmp_path, {})
    with pytest.raises(SafetyRefusal, match="--env: it has sim, you asked for demo"):
        refuse_differences({}, demo, tmp_path)


@pytest.mark.usefixtures("engine")
def test_engine_of_another_version_is_told_apart_from_none(profile: Profile, tmp_path: Path) -> None:
    profile.engine_file.write_text('{"pid": 42, "layout": "of tomorrow"}')
    with pytest.raises(CockpitError, match="another version"):
        refuse_differences({}, profile, tmp_path)


def test_file_that_a_killed_engine_left_is_no_engine(profile: Profile, tmp_path: Path) -> None:
    write_run_file(profile.engine_file, RUN)
    listen(profile.socket).close()
    assert refuse_differences({"preset": "micro"}, profile, tmp_path) is None
