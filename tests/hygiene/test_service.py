"""The shipped systemd unit: it restarts, is watched, and can touch nothing but its own folders."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

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
        ("ProtectSystem", "strict"),
        ("ProtectHome", "read-only"),
        ("PrivateTmp", "yes"),
        ("RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6"),
        ("CapabilityBoundingSet", ""),
        ("LimitCORE", "0"),
    ],
)
def test_f121_the_unit_is_hardened_and_watched(service: configparser.SectionProxy, key: str, value: str) -> None:
    assert service[key] == value


def test_the_unit_bounds_memory_and_names_its_key_as_a_credential(service: configparser.SectionProxy) -> None:
    assert service["MemoryMax"].endswith("G")
    assert service["LoadCredential"].startswith("cockpit-demo:")
    assert "--headless" in service["ExecStart"]
