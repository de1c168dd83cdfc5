"""Sizes stay readable at a glance: modules, classes and functions have limits. Only database migrations are exempt."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.support.program import ROOT

MODULE_LINES = 500
CLASS_LINES = 300
FUNCTION_LINES = 50

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def modules() -> list[Path]:
    found = sorted((ROOT / "cockpit").rglob("*.py"))
    return [path for path in found if "versions" not in path.parts]


def definitions() -> Iterator[tuple[Path, Definition, int]]:
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, Definition):
                yield path, node, (node.end_lineno or node.lineno) - node.lineno + 1


def named(path: Path, name: str, lines: int) -> str:
    return f"{path.relative_to(ROOT)} {name}: {lines} lines"


def test_modules_are_short() -> None:
    counts = [(path, len(path.read_text().splitlines())) for path in modules()]
    assert [named(path, "", lines) for path, lines in counts if lines > MODULE_LINES] == []


def test_classes_are_short() -> None:
    found = [(path, node.name, lines) for path, node, lines in definitions() if isinstance(node, ast.ClassDef)]
    assert [named(*each) for each in found if each[2] > CLASS_LINES] == []


def test_functions_are_short() -> None:
    found = [(path, node.name, lines) for path, node, lines in definitions() if not isinstance(node, ast.ClassDef)]
    assert [named(*each) for each in found if each[2] > FUNCTION_LINES] == []


def test_every_module_says_what_lives_in_it() -> None:
    silent = [path for path in modules() if not ast.get_docstring(ast.parse(path.read_text()))]
    assert [str(path.relative_to(ROOT)) for path in silent] == []


def test_nothing_prints_past_the_narration() -> None:
    calls = [
        (path, node.lineno)
        for path in modules()
        if "cli" not in path.relative_to(ROOT).parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert [f"{path.relative_to(ROOT)}:{line}" for path, line in calls] == []
