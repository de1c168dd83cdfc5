"""``cockpit config``: what is configured, from where, and whether it is right."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from cockpit.cli.narration import say, tell
from cockpit.cli.options import config_option, settings_from
from cockpit.domain.errors import ConfigError


@click.group()
def config() -> None:
    """Show, check and describe the configuration."""


@config.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object: key to value and source.")
@click.option("--preset", help="Set of parameters.")
@config_option
def show(as_json: bool, preset: str | None, config_path: Path | None) -> None:
    """Print every key with its value and where it comes from."""
    from cockpit.config.show import show as rows_of

    rows = rows_of(settings_from(config_path, {"preset.name": preset}))
    if as_json:
        click.echo(json.dumps({row.key: {"value": row.value, "source": row.source} for row in rows}, indent=2))
        return
    width = max(len(f"{row.key} = {row.value}") for row in rows if len(row.value) < 40)
    for row in rows:
        tell(f"{f'{row.key} = {row.value}':<{width}}  # {row.source}")


@config.command()
@config_option
def check(config_path: Path | None) -> None:
    """Tell every problem of flags, variables and file at once; exits 2 if there is one."""
    from cockpit.config.screen import check_screen

    loaded = settings_from(config_path, {})
    check_screen(loaded, os.environ)
    for warning in loaded.warnings:
        say(f"warning: {warning}")
    say("the configuration is right")


@config.command()
def schema() -> None:
    """Print the JSON Schema of config.toml."""
    from cockpit.config.show import schema as schema_of

    click.echo(json.dumps(schema_of(), indent=2, default=str))


@config.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
def import_(file: Path) -> None:
    """Turn a JSON preset of an earlier bot into TOML on stdout."""
    from cockpit.config.import_preset import import_preset

    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from error
    click.echo(import_preset(text, file.name), nl=False)
