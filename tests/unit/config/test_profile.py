"""Where a profile lives, and what it refuses to live in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cockpit.config.private import read_private
from cockpit.config.profile import profile_of
from cockpit.domain.enums import Environment
from cockpit.domain.errors import ConfigError, SafetyRefusal

SIM = Environment.SIM


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(root: Path) -> set[int]:
    return {path.stat().st_mode & 0o777 for path in (root, *root.rglob("*")) if path.is_dir()}


def test_the_default_place_follows_the_desktop_standard() -> None:
    plain = profile_of(SIM, None, {"HOME": "/home/a"})
    assert plain.data_dir == Path("/home/a/.local/state/cockpit")
    assert plain.run_dir == plain.data_dir / "run"
    told = profile_of(SIM, None, {"HOME": "/home/a", "XDG_STATE_HOME": "/s", "XDG_RUNTIME_DIR": "/r"})
    assert (told.data_dir, told.run_dir) == (Path("/s/cockpit"), Path("/r/cockpit"))
    assert told.simex_file == Path("/r/cockpit/simex.json")


def test_two_data_folders_never_share_a_socket() -> None:
    environ = {"HOME": "/home/a", "XDG_RUNTIME_DIR": "/r"}
    sockets = {profile_of(SIM, path, environ).socket for path in (None, Path("/x"), Path("/y"))}
    assert len(sockets) == 3


def test_two_environments_share_neither_journal_nor_socket_nor_lock(tmp_path: Path) -> None:
    profiles = [profile_of(environment, tmp_path, {}) for environment in Environment]
    for name in ("journal", "socket", "lock_file", "log_file", "recordings", "engine_file"):
        assert len({getattr(profile, name) for profile in profiles}) == len(profiles), name


def test_each_market_has_its_own_simulated_account(tmp_path: Path) -> None:
    profile = profile_of(SIM, tmp_path, {})
    markets = ("synthetic", "relay", "recording:/a/x.jsonl", "recording:/b/x.jsonl")
    accounts = {profile.simex_account(market) for market in markets}
    assert len(accounts) == len(markets)
    assert all(path.parent == profile.folder for path in accounts)


def test_without_a_home_a_folder_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--data-dir"):
        profile_of(SIM, None, {})
    assert profile_of(SIM, tmp_path, {}).data_dir == tmp_path


def test_everything_made_is_for_the_owner_alone(tmp_path: Path) -> None:
    profile = profile_of(SIM, tmp_path / "new" / "data", {})
    profile.create()
    profile.create()
    assert modes(tmp_path / "new") == {0o700}
    profile.lock_file.touch()
    assert profile.lock_file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("loose", [".", "sim", "sim/logs", "run"])
def test_a_folder_that_others_can_change_is_refused(tmp_path: Path, loose: str) -> None:
    profile = profile_of(SIM, tmp_path / "data", {})
    profile.create()
    folder = tmp_path / "data" / loose
    folder.chmod(0o770)
    with pytest.raises(SafetyRefusal, match=f"chmod 700 {folder}"):
        profile.create()


def test_a_link_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "data").symlink_to(tmp_path / "real")
    with pytest.raises(SafetyRefusal, match="symbolic link"):
        profile_of(SIM, tmp_path / "data", {}).create()


def test_a_file_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(ConfigError):
        profile_of(SIM, tmp_path / "data", {}).create()


def test_a_socket_path_that_the_system_cannot_hold_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    profile = profile_of(SIM, tmp_path / ("x" * 100), {})
    with pytest.raises(ConfigError, match="107 bytes"):
        profile.create()
    assert list(tmp_path.iterdir()) == []


def test_a_private_file_is_read_and_a_missing_one_is_none(tmp_path: Path) -> None:
    path = tmp_path / "x"
    assert read_private(path) is None
    path.write_text("a")
    path.chmod(0o600)
    assert read_private(path) == "a"


def test_a_file_that_others_may_read_or_that_is_a_link_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("a")
    path.chmod(0o640)
    with pytest.raises(SafetyRefusal, match="chmod 600"):
        read_private(path)
    path.chmod(0o600)
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(SafetyRefusal, match="symbolic link"):
        read_private(tmp_path / "link")
