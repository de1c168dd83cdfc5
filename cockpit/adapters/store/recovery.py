"""What the engine reads from the journal at start. Writes only what a start itself changes."""

from __future__ import annotations

import secrets
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, inspect, literal_column, select, text, update

from cockpit.adapters.store import database
from cockpit.adapters.store.rows import fill_report, open_intent, order_request, trade_row
from cockpit.adapters.store.schema import engine_state, executions, external_flows, intents, signals, trades
from cockpit.domain.enums import TRADING, OrderRole, OrderStatus
from cockpit.domain.ids import FOLDER_CHARACTERS, FOLDER_LETTERS
from cockpit.domain.orders import END_STATES
from cockpit.domain.time import ms_from_nanos
from cockpit.ports.journal import Recovery, compared_ms

EPOCH = "epoch"
FOLDER = "folder"
ENGINE_ENDED = "the engine ended before it was decided"
_DAY_NS = 86_400 * 10**9
_MINUTE_NS = 60 * 10**9
_SEEN_DAYS = 8
"""Bybit tells executions of the last 7 days when it is asked without a start (bybit-v5.md 5.8); one day more."""


def revision(connection: Connection) -> str:
    """The migration that this database was brought to, "" for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.scalar(text("select version_num from alembic_version")) or "")


def last_epoch(connection: Connection) -> int:
    """The epoch of the last start as this journal knows it, 0 before the first one."""
    stored = connection.scalar(select(engine_state.c.value).where(engine_state.c.name == EPOCH))
    return int(stored or 0)


def count_start(connection: Connection, now_ns: int, *, is_rebuilt: bool, known: int = 0) -> int:
    """Count this start and return the epoch; ``known`` is the last one that is known from elsewhere.

    A rebuilt journal has forgotten its count. It goes on from the minutes since 1970, which no count of starts
    reaches, so that no link id of an earlier epoch is ever made again.
    """
    epoch = (max(now_ns // _MINUTE_NS, known) if is_rebuilt else last_epoch(connection)) + 1
    write_state(connection, EPOCH, str(epoch), now_ns)
    return epoch


def folder_mark(connection: Connection, now_ns: int) -> str:
    """The mark of this data folder, made by chance at the first start of its journal (``domain.ids``)."""
    stored = connection.scalar(select(engine_state.c.value).where(engine_state.c.name == FOLDER))
    if stored is None:
        stored = secrets.choice(FOLDER_LETTERS) + "".join(secrets.choice(FOLDER_CHARACTERS) for _ in range(2))
        write_state(connection, FOLDER, stored, now_ns)
    return str(stored)


def write_state(connection: Connection, name: str, value: str, now_ns: int) -> None:
    """Set one name of ``engine_state``; an empty value removes it.

    Something is written in any case: a commit that had nothing to write would count as proof that the disk takes it.
    """
    statement = database.insert_into(connection.dialect.name, engine_state, ["name"])
    connection.execute(statement, {"name": name, "value": value, "updated_ns": now_ns})
    if not value:
        connection.execute(engine_state.delete().where(engine_state.c.name == name))


def end_signals(connection: Connection, now_ns: int) -> None:
    """Signals that an engine left undecided (it was killed, or failed) have ended with it."""
    undecided = update(signals).where(signals.c.state == "raised")
    connection.execute(undecided.values(state="expired", reason=ENGINE_ENDED, ts_ns=now_ns))


def read_recovery(connection: Connection, epoch: int, now_ns: int) -> Recovery:
    """Everything that was left open, and what must not be booked twice."""
    end_states = [status.value for status in END_STATES]
    open_orders = _rows(connection, select(intents).where(intents.c.status.not_in(end_states)).order_by("created_ns"))
    open_trades = _rows(connection, select(trades).where(trades.c.closed_ns.is_(None)).order_by("opened_ns"))
    oldest_ns = min([now_ns, *(row["opened_ns"] for row in open_trades)])
    lately_sent = intents.c.created_ns >= oldest_ns - _DAY_NS
    of_entries = select(intents).where(intents.c.role == OrderRole.ENTRY, lately_sent)
    entries = _rows(connection, of_entries.order_by("created_ns"))
    ended = select(trades).where(trades.c.closed_ns >= now_ns - _DAY_NS).order_by("closed_ns")
    closed_trades = _rows(connection, ended)
    open_fills = _fills_of(connection, open_trades)
    since = now_ns - _SEEN_DAYS * _DAY_NS
    seen = connection.scalars(select(executions.c.exec_id).where(executions.c.ts_event >= since))
    newest = connection.scalar(select(func.max(executions.c.ts_event)))
    midnight = now_ns - now_ns % _DAY_NS
    profits = connection.scalars(select(trades.c.net_pnl).where(trades.c.closed_ns >= midnight))
    state = connection.execute(select(engine_state.c.name, engine_state.c.value))
    settings = {name: value for name, value in state if name not in (EPOCH, FOLDER)}
    compared_ns = compared_ms(settings) * 10**6 or now_ns - _DAY_NS
    lately = select(executions).where(executions.c.ts_event >= compared_ns - 2 * _MINUTE_NS)
    flows = external_flows.c
    # A start reads the exchange's log from 00:00 UTC.
    flows_since_ms = min(compared_ns - 2 * _MINUTE_NS, now_ns - _DAY_NS) // 10**6
    flow_ids = connection.scalars(select(flows.row_id).where(flows.ts_ms >= flows_since_ms))
    return Recovery(
        epoch=epoch,
        folder=folder_mark(connection, now_ns),
        open_intents=[open_intent(row) for row in open_orders],
        entries=[order_request(row) for row in entries],
        dead_entries=[order_request(row) for row in entries if row["status"] == OrderStatus.DEAD],
        open_trades=[trade_row(row) for row in open_trades],
        closed_trades=[trade_row(row) for row in closed_trades],
        open_fills=[fill_report(row) for row in open_fills],
        seen_exec_ids=list(seen),
        last_seqs=_last_seqs(connection, since),
        last_fill_ms=ms_from_nanos(newest or 0),
        day_realised=sum(profits, Decimal(0)),
        ledger_fills=[fill_report(row) for row in _rows(connection, lately)],
        flow_ids=list(flow_ids),
        settings=settings,
    )


def _last_seqs(connection: Connection, since_ns: int) -> dict[str, int]:
    """The newest sequence of the trades of each symbol; other executions have sequences of their own."""
    columns = executions.c
    is_trade = columns.exec_type.in_(kind.value for kind in TRADING)
    newest = select(columns.symbol, func.max(columns.seq)).where(columns.ts_event >= since_ns, is_trade)
    return {row[0]: row[1] for row in connection.execute(newest.group_by(columns.symbol))}


def _fills_of(connection: Connection, open_trades: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The executions that made the open positions, in the order in which they were booked.

    They begin with the first one of each trade, not with a time: one that was read by REST may have been received
    before, and booked after, the push that opened the trade.
    """
    booked: ColumnElement[int] = literal_column("executions.rowid")
    first = [row["first_exec_id"] for row in open_trades]
    begun = connection.scalar(select(func.min(booked)).where(executions.c.exec_id.in_(first)))
    if begun is None:
        return []
    symbols = sorted({row["symbol"] for row in open_trades})
    query = select(executions).where(executions.c.symbol.in_(symbols), booked >= begun)
    return _rows(connection, query.order_by(booked))


def _rows(connection: Connection, query: Select[Any]) -> list[dict[str, Any]]:
    """Rows by column name, as plain ``str``: SQLAlchemy's names are a kind of ``str`` that msgspec does not take."""
    found = connection.execute(query).mappings()
    return [{str(name): value for name, value in row.items()} for row in found]
