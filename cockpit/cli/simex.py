"""``cockpit simex``: the simulated exchange as a process of its own."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import click

from cockpit.cli.options import config_option, market_options, settings_from, source_flags
from cockpit.cli.processes import read_run_file, write_run_file
from cockpit.cli.run_files import SimexRun
from cockpit.domain.errors import CockpitError


@click.command()
@click.option("--port", type=click.IntRange(0, 65_535), default=0, show_default=True, help="0 picks a free one.")
@market_options
@config_option
@click.option("--account-file", type=click.Path(path_type=Path), hidden=True)
@click.option("--run-file", type=click.Path(path_type=Path), hidden=True)
def simex(port: int, config_path: Path | None, account_file: Path | None, run_file: Path | None, **market: Any) -> None:
    """Run the simulated exchange until ctrl+c.

    When it answers, one JSON line on stdout tells its addresses and its key.
    """
    from cockpit.config.model import simex_config
    from cockpit.simex.server import run_simex

    settings = settings_from(config_path, source_flags(**market)).settings
    config = simex_config(settings, port=port, account_file=account_file)
    earlier = None if run_file is None else read_run_file(run_file, SimexRun)
    if earlier is not None:
        # An engine that runs already knows these addresses and this key; after a crash it finds the exchange there.
        config = config.model_copy(
            update={"port": earlier.port, "api_key": earlier.api_key, "api_secret": earlier.api_secret}
        )

    def announce(ready: dict[str, Any]) -> None:
        if run_file is None:
            click.echo(json.dumps(ready))
            return
        write_run_file(
            run_file,
            SimexRun(
                pid=os.getpid(),
                market=config.market,
                speed=config.speed,
                seed=config.seed,
                symbols=list(config.symbols),
                **ready,
            ),
        )

    try:
        run_simex(config, announce)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise PortTaken(f"port {config.port} is taken: choose another with --port, or --port 0 for any") from error


class PortTaken(CockpitError):
    """Another program listens on the port."""
