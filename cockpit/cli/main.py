"""The ``cockpit`` command: which commands there are, and which exit code an error becomes. No command's own work.

Exit codes: 0 done, 1 failed, 2 configuration or usage, 3 refused by a safety rule.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NamedTuple, NoReturn

import click

from cockpit import __version__
from cockpit.adapters.system.process import keep_private, last_words
from cockpit.cli.narration import say, say_error
from cockpit.config.secrets import take_variables
from cockpit.domain.errors import CockpitError, ConfigError, SafetyRefusal

DONE, FAILED, USAGE, REFUSED = 0, 1, 2, 3
INTERRUPTED = 130


class Entry(NamedTuple):
    """Where a command is, and what it does in one line."""

    target: str
    """Module and object."""
    summary: str


COMMANDS = {
    "run": Entry(
        "cockpit.cli.run:run", "Start the engine in the background if none runs for this profile, and open its screen."
    ),
    "attach": Entry(
        "cockpit.cli.attach:attach", "Open the screen of the running engine. q leaves it; the engine goes on."
    ),
    "status": Entry("cockpit.cli.status:status", "Tell whether an engine runs, what its tasks do, and what is open."),
    "stop": Entry("cockpit.cli.stop:stop", "End the engine, then the simulated exchange."),
    "flatten": Entry(
        "cockpit.cli.flatten:flatten",
        "Close every position and cancel every order, and keep at it until the exchange says zero.",
    ),
    "simex": Entry("cockpit.cli.simex:simex", "Run the simulated exchange until ctrl+c."),
    "record": Entry("cockpit.cli.record:record", "Record order books, trades and tickers until ctrl+c."),
    "replay": Entry(
        "cockpit.cli.replay:replay",
        "Play a recording: a frame file, Bybit's archive, or a folder that the engine has recorded.",
    ),
    "diag": Entry("cockpit.cli.diag:diag", "Diagnostics of levels and order books."),
    "journal": Entry("cockpit.cli.journal:journal", "Print trades, signals, walls, events or statistics."),
    "doctor": Entry("cockpit.cli.doctor:doctor", "Check machine, terminal, configuration, key and exchange."),
    "config": Entry("cockpit.cli.config:config", "Show, check and describe the configuration."),
}
"""By name; a command's module is imported only when the command is used, its summary stands here for ``--help``."""


class CommandTable(click.Group):
    """The commands of ``COMMANDS``. Options without a command belong to ``run``."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].target.partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of ``--help``, out of the table: importing every command for it takes seconds."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])

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
