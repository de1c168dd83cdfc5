"""``cockpit simex``: the simulated exchange as a process of its own."""

from __future__ import annotations

import errno
import json
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cockpit.cli.options import config_option, market_options, settings_from, source_flags
from cockpit.cli.processes import lock, lock_of, read_run_file, write_run_file
from cockpit.cli.run_files import SimexRun
from cockpit.domain.errors import CockpitError

if TYPE_CHECKING:
    from cockpit.simex.config import SimexConfig


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
    if run_file is not None:
        if lock(lock_of(run_file)) is None:
            raise CockpitError("a simulated exchange of this profile runs already")
        config = _as_before(config, read_run_file(run_file, SimexRun))

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


def _as_before(config: SimexConfig, earlier: SimexRun | None) -> SimexConfig:
    """After a crash: the same key, and the same port if it is free, for an engine that knows both already."""
    if earlier is None:
        return config
    port = earlier.port if _is_free(earlier.port) else 0
    return config.model_copy(update={"port": port, "api_key": earlier.api_key, "api_secret": earlier.api_secret})


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
