from __future__ import annotations

from collections.abc import Callable

import click
import pytest

from cockpit.cli import main
from cockpit.domain.errors import CockpitError, ConfigError, JournalError, SafetyRefusal
from cockpit.link.client import LinkRefused


@pytest.fixture
def fails_with(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Make ``cockpit status`` raise."""

    def make(error: BaseException) -> None:
        @click.command()
        def status() -> None:
            raise error

        monkeypatch.setattr(main.CommandTable, "get_command", lambda _self, _ctx, _name: status)

    return make


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("a"), 2),
        (SafetyRefusal("a"), 3),
        (JournalError("a"), 1),
        (CockpitError("a"), 1),
        (LinkRefused("a"), 1),
        (BrokenPipeError(), 1),
        (ZeroDivisionError("a"), 1),
        (click.Abort(), 130),
        (KeyboardInterrupt(), 130),
    ],
)
def test_error_becomes_an_exit_code(
    fails_with: Callable[[BaseException], None], error: BaseException, code: int
) -> None:
    fails_with(error)
    assert main.exit_code(["status"]) == code


def test_error_is_one_sentence_on_stderr(
    fails_with: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str]
) -> None:
    fails_with(ConfigError("config.toml:3: unknown key"))
    main.exit_code(["status"])
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "cockpit: config.toml:3: unknown key\n")


@pytest.mark.parametrize("arguments", [[], ["--headless"], ["--env", "demo"]])
def test_options_without_a_command_belong_to_run(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []

    @click.command(context_settings={"ignore_unknown_options": True})
    @click.argument("words", nargs=-1)
    def run(words: tuple[str, ...]) -> None:
        heard.extend(words)

    monkeypatch.setattr(main.CommandTable, "get_command", lambda _self, _ctx, name: run if name == "run" else None)
    assert main.exit_code(arguments) == 0
    assert heard == arguments


def test_help_says_of_each_command_what_the_command_says_of_itself() -> None:
    table = main.CommandTable()
    for name, entry in main.COMMANDS.items():
        command = table.get_command(click.Context(main.cli), name)
        assert command is not None
        assert command.get_short_help_str(limit=200) == entry.summary
