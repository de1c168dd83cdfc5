"""Which account ``cockpit flatten`` takes, whatever is wrong around it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from cockpit.cli.flatten_target import find_target, left_alone, remember_environment
from cockpit.config.profile import Profile, profile_of
from cockpit.domain.enums import Environment
from cockpit.domain.errors import SafetyRefusal


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith(("COCKPIT_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "data"


def ran(folder: Path, environment: Environment) -> Profile:
    """An engine of this environment ran in the folder and died."""
    profile = profile_of(environment, folder, os.environ)
    profile.create()
    profile.lock_file.touch()
    remember_environment(profile)
    return profile


def written(folder: Path, text: str) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / "config.toml"
    path.write_text(text)
    return path


def test_the_environment_of_a_dead_engine_is_taken_and_not_the_configured_one(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran(folder, Environment.LIVE)
    settings, profile = find_target(None, None, folder)
    assert (settings.venue.environment, profile.environment) == (Environment.LIVE, Environment.LIVE)
    assert "LIVE is taken (the last engine ran there), not SIM (configured)" in capsys.readouterr().err


def test_real_money_goes_before_the_last_simulated_engine(folder: Path) -> None:
    ran(folder, Environment.SIM)
    config = written(folder, '[venue]\nenvironment = "live"\n')
    assert find_target(None, config, folder)[1].environment is Environment.LIVE
    assert find_target("sim", config, folder)[1].environment is Environment.SIM


def test_accounts_that_were_left_alone_are_named(folder: Path) -> None:
    live = ran(folder, Environment.LIVE)
    sim = ran(folder, Environment.SIM)
    assert left_alone(sim, folder) == ["live"]
    assert left_alone(live, folder) == []


def test_an_engine_of_another_version_tells_the_environment_all_the_same(folder: Path) -> None:
    profile = profile_of(Environment.DEMO, folder, os.environ)
    profile.create()
    profile.engine_file.write_text("a form of later years")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(profile.socket))
        listener.listen()
        assert find_target(None, None, folder)[1] == profile


@pytest.mark.parametrize(
    "text",
    [
        '[venue]\nenvironment = "demo"\nrest_url = "http://127.0.0.1:1"\n[risk]\nrisk_pct = "a lot"\n',
        '[venue]\nenvironment = "demo"\nrest_url = "http://127.0.0.1:1"\ndepth = 3\nno_such_key = 1\n[none]\na = nan\n',
    ],
)
def test_a_mistake_in_the_configuration_is_told_and_what_can_be_used_is_used(
    folder: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, profile = find_target(None, written(folder, text), folder)
    assert (profile.environment, settings.venue.environment) == (Environment.DEMO, Environment.DEMO)
    assert settings.venue.rest_url == "http://127.0.0.1:1"
    assert "the configuration is wrong" in capsys.readouterr().err


def test_an_unreadable_configuration_leaves_the_environment_of_the_last_engine(folder: Path) -> None:
    ran(folder, Environment.TESTNET)
    settings, profile = find_target(None, written(folder, "[venue\n"), folder)
    assert (profile.environment, settings.venue.environment) == (Environment.TESTNET, Environment.TESTNET)


def test_where_nothing_tells_the_account_what_to_type_is_said(folder: Path) -> None:
    config = written(folder, "[venue\n")
    with pytest.raises(SafetyRefusal, match="cockpit flatten --env live"):
        find_target(None, config, folder)
    assert find_target("live", config, folder)[0].venue.environment is Environment.LIVE
