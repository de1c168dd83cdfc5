"""The shipped systemd unit: a user manager can start it, it restarts, is watched, and gains no privileges."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

PRIVILEGED = (
    "AmbientCapabilities",
    "Bind",
    "CapabilityBoundingSet",
    "DynamicUser",
    "ExecPaths",
    "Group",
    "InaccessiblePaths",
    "IOScheduling",
    "MountFlags",
    "NoExecPaths",
    "Private",
    "ProcSubset",
    "Protect",
    "ReadOnlyPaths",
    "ReadWritePaths",
    "RootDirectory",
    "RootImage",
    "SupplementaryGroups",
    "TemporaryFileSystem",
    "User",
)
"""How the directives begin that change capabilities, mounts, or users (systemd.exec(5))."""

UNIT = Path(__file__).parents[2] / "docs" / "cockpit.service"


@pytest.fixture(scope="module")
def service() -> configparser.SectionProxy:
    unit = configparser.ConfigParser(strict=True, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(UNIT.read_text())
    return unit["Service"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Type", "notify"),
        ("Restart", "always"),
        ("WatchdogSec", "15"),
        ("NoNewPrivileges", "yes"),
        ("RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6"),
        ("RestrictNamespaces", "yes"),
        ("SystemCallArchitectures", "native"),
        ("UMask", "0077"),
        ("LimitCORE", "0"),
    ],
)
def test_f121_the_unit_is_hardened_and_watched(service: configparser.SectionProxy, key: str, value: str) -> None:
    assert service[key] == value


def test_the_unit_has_nothing_that_a_user_manager_may_not_do(service: configparser.SectionProxy) -> None:
    """It is installed in ``~/.config/systemd/user``, whose manager has no privileges.

    A directive that drops capabilities ends each start there with status 218/CAPABILITIES, and with ``Restart=always``
    for ever; one that mounts is ignored, or fails where user namespaces are forbidden. A lower ``OOMScoreAdjust`` is
    refused as well.
    """
    assert [key for key in service if key.startswith(PRIVILEGED)] == []
    assert int(service.get("OOMScoreAdjust", "0")) >= 0


def test_the_unit_comes_back_for_ever_but_not_in_a_hurry() -> None:
    unit = configparser.ConfigParser(strict=True, interpolation=None)
    unit.read_string(UNIT.read_text())
    assert unit["Unit"]["StartLimitIntervalSec"] == "0"
    assert int(unit["Service"]["RestartSec"]) >= 1


def test_the_unit_bounds_memory_and_names_its_key_as_a_credential(service: configparser.SectionProxy) -> None:
    assert service["MemoryMax"].endswith("G")
    assert service["LoadCredential"].startswith("cockpit-demo:")
    assert "--headless" in service["ExecStart"]
