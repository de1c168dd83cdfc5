"""`make` on a machine where something is missing says in one sentence what to install."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.program import ROOT

TOO_OLD = '#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2"\nexit 1\n'
WITHOUT_VENV = '#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; *) exit 0;; esac\n'


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What `make` looks at, without any virtual environment."""
    for name in ("Makefile", "requirements.txt", "requirements-test.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def make(clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *arguments], cwd=clone, capture_output=True, text=True, check=False)


def fake_python(clone: Path, script: str) -> str:
    path = clone / "fake-python"
    path.write_text(script)
    path.chmod(0o755)
    return f"PYTHON={path}"


def test_missing_python_is_named_with_its_package(clone: Path) -> None:
    done = make(clone, "run", "PYTHON=no-such-python")
    assert done.returncode != 0
    assert "sudo apt install python3 python3-venv" in done.stderr


def test_python_that_is_too_old_is_named_with_the_way_out(clone: Path) -> None:
    done = make(clone, "run", fake_python(clone, TOO_OLD))
    assert "Python 3.9.2 is too old; cockpit needs 3.11 or later: make run PYTHON=" in done.stderr


def test_missing_venv_module_is_named_with_its_package(clone: Path) -> None:
    done = make(clone, "test", fake_python(clone, WITHOUT_VENV))
    assert "sudo apt install python3-venv" in done.stderr
    assert not (clone / ".venv").exists()


def test_nothing_is_installed_again_until_the_lock_changes(clone: Path) -> None:
    venv = clone / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(shutil.which("true") or "/bin/true")
    for at, name in enumerate((".made", ".installed")):
        (venv / name).touch()
        os.utime(venv / name, (2e9 + at, 2e9 + at))
    assert "pip" not in make(clone, "-n", "run").stdout
    os.utime(clone / "requirements.txt", (2.1e9, 2.1e9))
    assert "pip" in make(clone, "-n", "run").stdout
