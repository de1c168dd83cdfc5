"""What is installed: the wheel's contents, and locks that name no place on the network."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.program import ROOT

LOCKS = ["requirements.txt", "requirements-test.txt"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names of the files in a wheel built from this tree."""
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--wheel-dir", str(out), str(ROOT)], check=True, capture_output=True)
    with zipfile.ZipFile(next(out.glob("*.whl"))) as archive:
        return set(archive.namelist())


def test_wheel_holds_every_module(wheel: set[str]) -> None:
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "cockpit").rglob("*.py")}
    assert modules - wheel == set()
    assert not any(name.startswith("tests/") for name in wheel)


def test_wheel_holds_themes_configuration_migrations_and_the_command(wheel: set[str]) -> None:
    themes = {f"cockpit/_themes/{path.name}" for path in (ROOT / "themes").glob("*.toml")}
    assert themes
    assert themes - wheel == set()
    assert "cockpit/_config.toml" in wheel
    assert "cockpit/py.typed" in wheel
    assert any(re.fullmatch(r"cockpit/adapters/store/migrations/versions/\w+\.py", name) for name in wheel)
    assert any(name.endswith("entry_points.txt") for name in wheel)


@pytest.mark.parametrize("name", LOCKS)
def test_lock_is_pinned_and_hashed_and_names_no_host(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links|^-i\b|@ ", text, re.MULTILINE)
    for line in re.findall(r"^[A-Za-z0-9](?:[^\n\\]|\\\n)*", text, re.MULTILINE):
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==", line), line[:80]
        assert "--hash=sha256:" in line, line[:80]


def test_test_lock_holds_the_programs_own_versions() -> None:
    own, test = ({*re.findall(r"^([\w.-]+==[\w.]+)", (ROOT / name).read_text(), re.MULTILINE)} for name in LOCKS)
    assert own - test == set()


def test_no_file_of_the_project_names_a_path_of_this_machine() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    texts = [path for name in listed if (path := ROOT / name).suffix in {".py", ".toml", ".md", ""} and path.is_file()]
    machine = (f"{ROOT}/", f"{Path.home()}/", f"{sys.prefix}/")
    named = {str(path): [word for word in machine if word in path.read_text(errors="replace")] for path in texts}
    assert {path: words for path, words in named.items() if words} == {}
