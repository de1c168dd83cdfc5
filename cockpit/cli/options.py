"""Options that several commands share, and how they become settings."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from cockpit.config.load import LoadedSettings

_F = TypeVar("_F", bound=Callable[..., Any])

ENVIRONMENTS = click.Choice(["sim", "demo", "testnet", "live"])


def market_options(command: _F) -> _F:
    """Where the market comes from: --market, --speed, --seed, --symbols."""
    for option in reversed(
        [
            click.option("--market", metavar="SOURCE", help="synthetic, recording:PATH or relay (mainnet's streams)."),
            click.option("--speed", type=float, metavar="X", help="Pace of a synthetic or recorded market."),
            click.option("--seed", type=int, metavar="N", help="Seed of the synthetic market."),
            click.option("--symbols", metavar="A,B,...", help="USDT perpetuals, comma separated."),
        ]
    ):
        command = option(command)
    return command


def config_option(command: _F) -> _F:
    """--config: the file to read instead of the user's own."""
    return click.option(
        "--config",
        "config_path",
        type=click.Path(path_type=Path),
        help="Configuration file (default: config.toml in $XDG_CONFIG_HOME/cockpit).",
    )(command)


def data_dir_option(command: _F) -> _F:
    """--data-dir: where the profile lives."""
    return click.option(
        "--data-dir", type=click.Path(path_type=Path), help="Data folder (default: $XDG_STATE_HOME/cockpit)."
    )(command)


def symbols_of(text: str | None) -> list[str] | None:
    """``--symbols`` as a list, None if it was not given."""
    return None if text is None else [symbol.strip().upper() for symbol in text.split(",") if symbol.strip()]


def absolute_market(market: str | None) -> str | None:
    """A recording's path made absolute: background processes have another working folder."""
    if market is None or not market.startswith("recording:"):
        return market
    return f"recording:{Path(market.removeprefix('recording:')).expanduser().absolute()}"


def source_flags(market: str | None, speed: float | None, seed: int | None, symbols: str | None) -> dict[str, Any]:
    """The values of ``market_options`` as dotted keys."""
    return {
        "venue.market": absolute_market(market),
        "venue.speed": speed,
        "venue.seed": seed,
        "venue.symbols": symbols_of(symbols),
    }


def settings_from(config_path: Path | None, flags: dict[str, Any]) -> LoadedSettings:
    """Flags (dotted key to value, None: not given), variables, file and preset.

    Raises:
        ConfigError: every problem, one a line.
    """
    from cockpit.config.load import default_config_path, load_settings

    return load_settings(config_path or default_config_path(os.environ), flags, os.environ)
