"""``cockpit journal``: what happened, read beside a running engine or without one."""

from __future__ import annotations

import asyncio
import csv
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from cockpit.cli.csv_cells import cell
from cockpit.cli.narration import LONGEST_LINE, say, tell, tell_json
from cockpit.cli.options import ENVIRONMENTS, config_option, data_dir_option, settings_from
from cockpit.config.profile import profile_of
from cockpit.domain.text import safe
from cockpit.domain.time import NS_PER_S

HISTORIES = ("trades", "signals", "walls", "events")
COLUMNS = {
    "trades": (
        "opened_ns", "symbol", "direction", "kind", "qty", "entry_price", "exit_price", "exit_reason", "net_pnl",
        "r_multiple",
    ),
    "signals": ("raised_event_ns", "symbol", "kind", "direction", "wall_price", "priority", "state", "reason"),
    "walls": ("ts_ns", "symbol", "event", "side", "price", "current_size", "traded", "pulled", "notional_usdt"),
    "events": ("ts_ns", "severity", "type", "symbol", "text"),
}  # fmt: skip
"""What a person sees of each row; --json and --csv hold all of it."""


@click.command()
@click.argument("what", type=click.Choice([*HISTORIES, "stats"]), default="trades")
@click.option("--json", "form", flag_value="json", help="JSON lines with every column.")
@click.option("--csv", "form", flag_value="csv", help="CSV with every column.")
@click.option("--limit", type=click.IntRange(1), default=200, show_default=True, help="Newest rows.")
@click.option("--symbol", help="This symbol only.")
@click.option("--env", type=ENVIRONMENTS, help="Whose journal. Default: sim.")
@config_option
@data_dir_option
def journal(
    what: str,
    form: str | None,
    limit: int,
    symbol: str | None,
    env: str | None,
    config_path: Path | None,
    data_dir: Path | None,
) -> None:
    """Print trades, signals, walls, events or statistics."""
    settings = settings_from(config_path, {"venue.environment": env}).settings
    target = settings.journal.url or profile_of(settings.venue.environment, data_dir, os.environ).journal
    rows = asyncio.run(_read(target, what, limit, symbol))
    if form == "json":
        for row in rows:
            tell_json(row)
    elif form == "csv":
        _write_csv(rows)
    elif not rows:
        say(f"no {what} yet")
    else:
        tell(_table(rows, COLUMNS.get(what, tuple(rows[0]))))


async def _read(target: Path | str, what: str, limit: int, symbol: str | None) -> list[dict[str, Any]]:
    from cockpit.adapters.store.reader import JournalReader

    async with JournalReader(target) as reader:
        if what != "stats":
            return await reader.rows(what, limit=limit, symbol=symbol)
        figures: dict[str, Any] = msgspec.to_builtins(await reader.stats(symbol=symbol))
        return [figures]


def _write_csv(rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    writer = csv.DictWriter(sys.stdout, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: cell(value) for name, value in row.items()})


def _table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> str:
    """Aligned text, one line a row; a single row (statistics) as name and value."""
    if len(rows) == 1 and "days" in rows[0]:
        return "\n".join(f"{name:<16}{_cell(name, value)}" for name, value in rows[0].items())
    table = [[name.removesuffix("_ns") for name in columns]]
    table += [[_cell(name, row.get(name)) for name in columns] for row in rows]
    widths = [max(len(line[at]) for line in table) for at in range(len(columns))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in table)
    return "\n".join(line.rstrip() for line in lines)


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "-"
    if name.endswith("_ns"):
        return datetime.fromtimestamp(value / NS_PER_S, UTC).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict | list):
        return msgspec.json.encode(value).decode()
    return safe(str(value), LONGEST_LINE)
