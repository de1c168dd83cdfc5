"""Commands as messages name them: with the data folder they are meant for, for a shell and for make."""

from __future__ import annotations

from pathlib import Path

import pytest

from cockpit.cli.hints import either, typed


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_the_default_folder_needs_no_naming(tmp_path: Path) -> None:
    assert typed("attach", None) == typed("attach", tmp_path / "cockpit") == "cockpit attach"
    assert either("stop", None) == "make stop  or  cockpit stop"
    assert either("stop --flatten", None) == "make stop ARGS=--flatten  or  cockpit stop --flatten"


def test_another_folder_is_named_whole_and_quoted_for_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert typed("attach", Path("paper")) == "cockpit attach --data-dir /paper"
    assert typed("status", Path("/my data")) == "cockpit status --data-dir '/my data'"
    assert either("stop --flatten", Path("/paper")) == (
        "make stop ARGS='--flatten --data-dir /paper'  or  cockpit stop --flatten --data-dir /paper"
    )


def test_without_a_home_every_folder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.delenv("HOME")
    assert typed("run", Path("/paper")) == "cockpit run --data-dir /paper"
