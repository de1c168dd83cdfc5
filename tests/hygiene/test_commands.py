"""The command line contract (design README, decision 15): every command and option is there."""

from __future__ import annotations

import pytest

from tests.support.program import cockpit

CONTRACT = {
    "run": "--headless --env --market --speed --seed --symbols --preset --config --data-dir --live --auto --mouse "
    "--low-bandwidth",
    "attach": "--observe",
    "status": "--json",
    "stop": "--leave-protected --flatten",
    "flatten": "--yes",
    "simex": "--port --market --speed --seed",
    "record": "",
    "replay": "FILE --speed --headless --bbo --features --every --walls --signals",
    "diag": "levels l2",
    "diag levels": "--symbol --preset --minutes --json",
    "diag l2": "--symbol --preset --minutes --json",
    "journal": "trades|signals|walls|events|stats --json --csv",
    "doctor": "",
    "config": "show check schema import",
}


@pytest.mark.parametrize("command", CONTRACT)
def test_command_and_its_options_are_there(command: str) -> None:
    done = cockpit(*command.split(), "--help")
    assert done.returncode == 0, done.stderr
    assert [word for word in CONTRACT[command].split() if word not in done.stdout] == []


def test_help_lists_every_command() -> None:
    done = cockpit("--help")
    assert [command for command in CONTRACT if command.split()[0] not in done.stdout] == []


@pytest.mark.parametrize(
    "arguments", [["dance"], ["--no-such-option"], ["replay"], ["simex", "--port", "x"], ["journal", "cats"]]
)
def test_wrong_usage_exits_2(arguments: list[str]) -> None:
    done = cockpit(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr
