"""The ``cockpit`` command: which commands there are, and which exit code an error becomes. No command's own work.

Exit codes: 0 done, 1 failed, 2 configuration or usage, 3 refused by a safety rule.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

import click

from cockpit import __version__
from cockpit.adapters.system.process import keep_private, last_words
from cockpit.cli.narration import say, say_error
from cockpit.config.secrets import take_variables
from cockpit.domain.errors import CockpitError, ConfigError, SafetyRefusal

DONE, FAILED, USAGE, REFUSED = 0, 1, 2, 3
INTERRUPTED = 130

COMMANDS = {
    "run": "cockpit.cli.run:run",
    "attach": "cockpit.cli.attach:attach",
    "status": "cockpit.cli.status:status",
    "stop": "cockpit.cli.stop:stop",
    "flatten": "cockpit.cli.flatten:flatten",
    "simex": "cockpit.cli.simex:simex",
    "record": "cockpit.cli.record:record",
    "replay": "cockpit.cli.replay:replay",
    "diag": "cockpit.cli.diag:diag",
    "journal": "cockpit.cli.journal:journal",
    "doctor": "cockpit.cli.doctor:doctor",
    "config": "cockpit.cli.config:config",
}
"""Name to module and object; a command's module is imported only when the command is used."""


class CommandTable(click.Group):
    """The commands of ``COMMANDS``. Options without a command belong to ``run``."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """``cockpit`` and ``cockpit --headless`` mean ``cockpit run ...``."""
        if not args or (args[0].startswith("-") and args[0] not in {"--help", "-h", "--version"}):
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group(cls=CommandTable, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cockpit")
def cli() -> None:
    """Terminal cockpit for trading liquidity walls on Bybit. Without a command: cockpit run."""


def exit_code(arguments: Sequence[str]) -> int:
    """Run one command line; errors become one sentence on stderr and an exit code."""
    try:
        code = cli.main(list(arguments), prog_name="cockpit", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.exceptions.Abort:
        return INTERRUPTED
    except CockpitError as error:
        say_error(str(error))
        return code_of(error)
    except BrokenPipeError:
        # The reader of our stdout has left (cockpit journal | head); there is nobody to tell.
        sys.stdout = None
        return FAILED
    except ConnectionError as error:
        say_error(f"the engine went away or refused: {error}")
        return FAILED
    except Exception as error:  # noqa: BLE001 - the command line is one of the two places that catch everything
        say(last_words(error))
        say_error(f"this is a bug: {type(error).__name__}: {error}")
        return FAILED
    return code if isinstance(code, int) else DONE


def code_of(error: CockpitError) -> int:
    """The exit code of an error."""
    match error:
        case ConfigError():
            return USAGE
        case SafetyRefusal():
            return REFUSED
        case _:
            return FAILED


def main() -> NoReturn:
    """Entry point of the ``cockpit`` command."""
    keep_private()
    take_variables(os.environ)
    sys.exit(exit_code(sys.argv[1:]))
