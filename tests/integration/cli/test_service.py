"""Words to a service manager: over a real socket, and none where there is no manager."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from cockpit.adapters.system.service import ALIVE, READY, ServiceManager
from cockpit.cli.doctor import linger


@pytest.mark.parametrize("is_abstract", [False, True])
def test_f103_words_reach_the_manager(tmp_path: Path, is_abstract: bool) -> None:
    name = f"@cockpit-test-{tmp_path.name}-{tmp_path.parent.name}" if is_abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{name[1:]}" if is_abstract else name)
        manager.settimeout(5)
        told = ServiceManager({"NOTIFY_SOCKET": name})
        assert told.tell(READY)
        assert told.tell(ALIVE)
        assert [manager.recv(64), manager.recv(64)] == [b"READY=1", b"WATCHDOG=1"]


def test_without_a_manager_or_with_a_dead_one_nothing_happens(tmp_path: Path) -> None:
    assert not ServiceManager({}).tell(READY)
    assert not ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).tell(READY)


def test_f121_doctor_says_whether_processes_outlive_the_logout(tmp_path: Path) -> None:
    booted, kept = tmp_path / "run", tmp_path / "linger"
    assert list(linger(booted, kept, "anna")) == []
    booted.mkdir()
    (finding,) = linger(booted, kept, "anna")
    assert (finding.state, "loginctl enable-linger" in finding.detail) == ("warn", True)
    kept.mkdir()
    (kept / "anna").touch()
    assert [finding.state for finding in linger(booted, kept, "anna")] == ["ok"]
