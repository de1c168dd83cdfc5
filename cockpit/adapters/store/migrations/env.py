"""Alembic's entry: runs migrations on the connection it is handed. Never opens one of its own."""

from __future__ import annotations

from typing import Any

from alembic import context
from sqlalchemy import TypeDecorator

from cockpit.adapters.store.schema import metadata


def _plain_type(kind: str, value: Any, _context: Any) -> Any:
    """Write our own column types into migrations as what the database sees."""
    return "sa.Text()" if kind == "type" and isinstance(value, TypeDecorator) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot change columns in place
    render_item=_plain_type,
)
context.run_migrations()
