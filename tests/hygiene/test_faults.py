"""The fault catalogue of docs/RELIABILITY.md is complete, and every test that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.program import ROOT

PAGE = (ROOT / "docs" / "RELIABILITY.md").read_text()
FAULTS = range(1, 127)
NO_TEST = re.compile(r"no test: .{40,}")
"""A reason in words stands in place of a test."""


def every_test() -> set[str]:
    """Each test as path::name, seen from the project's folder."""
    found: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        names = re.findall(r"^ *(?:async )?def (test_\w+)\(", path.read_text(), re.MULTILINE)
        found |= {f"{path.relative_to(ROOT)}::{name}" for name in names}
    return found


def rows(page: str) -> dict[int, str]:
    """The last column of each fault's row."""
    return {int(number): cell for number, cell in re.findall(r"^\| F(\d+) \| [^|]+ \| (.+) \|$", page, re.MULTILINE)}


def cited(cell: str) -> list[str]:
    """What a row names, a name that begins with :: completed by the path before it; one without may be anywhere."""
    names, path = [], ""
    for word in re.findall(r"`([^`]+)`", cell):
        if re.fullmatch(r"(?:[\w/.]+\.py)?(?:::)?test_\w*(?:\.\.\.)?", word) and "::" in word:
            path, _, name = word.rpartition("::") if not word.startswith("::") else (path, "::", word[2:])
            names.append(f"{path}::{name}")
        elif re.fullmatch(r"test_\w+(?:\.\.\.)?", word):
            names.append(f"::{word}")
    return names


def exists(name: str, tree: set[str]) -> bool:
    """A test of this name in this file or folder; "..." stands for the rest of a name."""
    path, _, wanted = name.rpartition("::")
    end = ".*" if wanted.endswith("...") else ""
    pattern = re.compile(rf"(?:.*/)?{re.escape(path)}.*::{re.escape(wanted.removesuffix('...'))}{end}")
    return any(pattern.fullmatch(test) for test in tree)


def complaints(page: str, tree: set[str]) -> list[str]:
    """What is wrong with the catalogue."""
    found = rows(page)
    wrong = [f"F{number} has no row" for number in FAULTS if number not in found]
    for number, cell in sorted(found.items()):
        names = cited(cell)
        wrong += [f"F{number}: there is no {name}" for name in names if not exists(name, tree)]
        if not NO_TEST.search(cell) and not any(_numbered(name, number) for name in names):
            wrong.append(f"F{number}: neither a test of its number nor a reason")
    return wrong


def _numbered(name: str, number: int) -> bool:
    numbers = re.match(r"test((?:_f\d{3})+)(?:_|$)", name.rpartition("::")[2].removesuffix("..."))
    return numbers is not None and f"_f{number:03d}" in numbers[1]


def test_every_fault_has_a_test_of_its_number_or_a_reason() -> None:
    assert complaints(PAGE, every_test()) == []


def test_every_file_of_tests_that_a_fault_names_exists() -> None:
    named = {word.partition("::")[0] for cell in rows(PAGE).values() for word in re.findall(r"`([^`]+\.py)", cell)}
    assert [path for path in sorted(named) if not any((ROOT / "tests").rglob(Path(path).name))] == []
    assert len(named) > 20


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (r"\| F41 \|.*\n", "", "F41 has no row"),
        ("test_f041_stop_stays", "test_f041_stop_goes", "F41: there is no"),
        (r"(\| F41 \| [^|]+ \|).*", r"\1 `tests/dst` |", "F41: neither"),
        (r"(\| F41 \| [^|]+ \|).*", r"\1 `test_f042_streams_are_dead` |", "F41: neither"),
        (r"(\| F120 \| [^|]+ \|).*", r"\1 no test: later |", "F120: neither"),
    ],
)
def test_a_catalogue_with_a_hole_is_noticed(old: str, new: str, complaint: str) -> None:
    spoiled = re.sub(old, new, PAGE)
    assert spoiled != PAGE
    told = complaints(spoiled, every_test())
    assert len(told) >= 1
    assert told[0].startswith(complaint)
