"""What the documents name exists: make targets, commands, options, modules, keys, packages, files they link to."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from cockpit.cli.main import COMMANDS, cli
from cockpit.ui.keymap import ACTIONS
from tests.support.program import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
GLOSSARY = ROOT / "docs" / "GLOSSARY.md"
ARCHITECTURE = ROOT / "docs" / "ARCHITECTURE.md"

KEY_NAMES = {"↓": "down", "↑": "up", "→": "right", "←": "left", "PgUp": "pageup", "PgDn": "pagedown"}


def code_of(page: Path) -> str:
    """Everything of a page that stands in code quotes or code blocks."""
    text = page.read_text()
    blocks = re.findall(r"```(?:sh|text)?\n(.*?)```", text, re.DOTALL)
    return "\n".join([*blocks, *re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))])


def command_lines(page: Path) -> Iterator[list[str]]:
    """The words behind each ``cockpit`` that a page shows as a command, without comments."""
    for line in re.findall(r"^(?:\.venv/bin/)?cockpit((?: [^\n#;]+)?)", code_of(page), re.MULTILINE):
        yield line.split()


def heading_anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if link.startswith("http"):
            continue
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), f"{page.name}: {link}"
        assert not anchor or anchor in heading_anchors(path), f"{page.name}: {link}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^make ([a-z]+)", code_of(page), re.MULTILINE)) - targets == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_options_exist(page: Path) -> None:
    for words in command_lines(page):
        name = next((word for word in words if re.fullmatch(r"[a-z]+", word)), "run")
        assert name in COMMANDS, f"{page.name}: cockpit {' '.join(words)}"
        command = cli.get_command(None, name)
        known = {option for parameter in command.params for option in parameter.opts}
        wanted = {word.partition("=")[0].rstrip(",)") for word in words if word.startswith("--")}
        if not hasattr(command, "commands"):
            assert wanted - known - {"--help"} == set(), f"{page.name}: cockpit {' '.join(words)}"


def test_paths_named_in_the_architecture_exist() -> None:
    code = code_of(ARCHITECTURE)
    named = set(re.findall(r"\b(?:\w+/)+(?:\w+\.\w+)?", code))
    roots = (ROOT, ROOT / "cockpit")
    assert [path for path in sorted(named) if not any((root / path).exists() for root in roots)] == []


def test_floors_in_the_architecture_are_those_that_are_checked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    names = [re.findall(r"\w+", re.sub(r"\(\w+\)", "", layer)) for layer in layers]
    block = re.search(r"```text\n(.*?)```", ARCHITECTURE.read_text(), re.DOTALL)
    assert block is not None
    drawn = [re.findall(r"\w+", re.split(r"  +", line.strip())[0]) for line in block[1].splitlines()]
    assert [sorted(row) for row in drawn] == [sorted(row) for row in names]


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    packages = {re.match(r"[\w.-]+", line)[0] for line in project["dependencies"]}  # type: ignore[index]
    rows = re.findall(r"^\| ([\w., -]+) \| (.+) \|$", ARCHITECTURE.read_text(), re.MULTILINE)
    explained = {name for names, reason in rows for name in names.split(", ") if reason}
    assert packages - explained == set()


def test_key_table_of_the_readme_is_the_key_map() -> None:
    text = (ROOT / "README.md").read_text()
    rows = re.findall(r"^\| ((?:`[^`]+`[ ;]*(?:then )?)+) \|", text, re.MULTILINE)
    shown = {KEY_NAMES.get(key, key) for row in rows for key in re.findall(r"`([^`]+)`", row)}
    keys = {key for action in ACTIONS for key in action.keys}
    assert {key for key in shown if len(key) == 1 or key in KEY_NAMES.values()} - keys == set()
    assert {action.id for action in ACTIONS if not shown & set(action.keys)} == set()


def test_glossary_explains_each_term_once() -> None:
    terms = re.findall(r"^\| ([^|]+) \| [^|]+ \| [^|]+ \|$", GLOSSARY.read_text(), re.MULTILINE)
    words = [term for term in terms if term != "term"]
    assert len(words) > 50
    assert sorted({word for word in words if words.count(word) > 1}) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_name_no_place_outside_the_project(page: Path) -> None:
    assert "shared/" not in page.read_text()
