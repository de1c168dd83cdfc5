"""Brings a database to the schema of this version, by the migrations that the package carries."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from cockpit.adapters.store import database
from cockpit.domain.errors import ConfigError


def migration_config() -> Config:
    """Alembic's configuration, without a file."""
    config = Config()
    config.set_main_option("script_location", "cockpit.adapters.store:migrations")
    config.set_main_option("path_separator", "os")
    return config


def upgrade(connection: Connection, known: str = "") -> None:
    """Run every missing migration inside the transaction of ``connection``, on a copy kept of what was there before.

    Args:
        connection: in a transaction that has changed nothing yet.
        known: the migration that the database was brought to, "" for an empty one, of which no copy is kept.

    Raises:
        ConfigError: the database was written by a newer version.
        OSError, sqlite3.Error: the copy could not be made; nothing was changed.
    """
    config = migration_config()
    config.attributes["connection"] = connection
    path = database.sqlite_path(connection.engine.url)
    try:
        if known and path is not None:
            ScriptDirectory.from_config(config).get_revision(known)
            database.keep_copy(path, f"before-migration-{known}")
        command.upgrade(config, "head")
    except CommandError as error:
        raise ConfigError(
            f"the journal {connection.engine.url.database} was written by another version of the program "
            f"(this one knows schema {ScriptDirectory.from_config(config).get_current_head()}): {error}"
        ) from error
