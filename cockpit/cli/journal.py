"""``cockpit journal``: what happened, read beside a running engine or without one."""

from __future__ import annotations

import asyncio
import csv
import os
import sys
from collections.abc import Sequence
from heapq import merge
from operator import itemgetter
from pathlib import Path
from typing import Any

import click
import msgspec

from cockpit.cli.csv_cells import cell
from cockpit.cli.journal_table import figures, table
from cockpit.cli.narration import say, tell, tell_json
from cockpit.cli.options import ENVIRONMENTS, config_option, data_dir_option, settings_from
from cockpit.config.profile import profile_of
from cockpit.domain.enums import Severity, Side

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
    elif what == "stats":
        tell(figures(rows[0]))
    else:
        tell(table(rows, COLUMNS[what]))


async def _read(target: Path | str, what: str, limit: int, symbol: str | None) -> list[dict[str, Any]]:
    from cockpit.adapters.store.reader import JournalReader

    async with JournalReader(target) as reader:
        if what == "stats":
            stats = await reader.stats(symbol=symbol)
            return [msgspec.structs.asdict(stats) | {"days": [*map(msgspec.structs.asdict, stats.days)]}]
        rows = await reader.rows(what, limit=limit, symbol=symbol)
        if what == "events":
            return _with_closes(rows, await reader.rows("trades", limit=limit, symbol=symbol), limit)
        return rows


def _write_csv(rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    writer = csv.DictWriter(sys.stdout, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: cell(value) for name, value in row.items()})


def _with_closes(events: list[dict[str, Any]], trades: list[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
    """Events and the ends of trades, which have a table of their own, by time; each keeps the order it came in."""
    ended = sorted((trade for trade in trades if trade["closed_ns"]), key=itemgetter("closed_ns"))
    return list(merge(events, map(_close, ended), key=itemgetter("ts_ns")))[-limit:]


def _close(trade: dict[str, Any]) -> dict[str, Any]:
    """The end of a trade in the columns of an event."""
    side = "long" if trade["direction"] == Side.BUY else "short"
    r = "" if trade["r_multiple"] is None else f" {trade['r_multiple']:+.2f} R"
    words = f"closed {side} {trade['qty']:f} by {trade['exit_reason'] or 'unknown'}: {trade['net_pnl']:+.2f} USDT{r}"
    return {
        "id": None,
        "type": "position_closed",
        "severity": Severity.INFO.value,
        "text": words,
        "symbol": trade["symbol"],
        "details": {"trade_id": trade["trade_id"]},
        "ts_ns": trade["closed_ns"],
    }
