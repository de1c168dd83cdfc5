"""Brings a database to the schema of this version, by the migrations that the package carries."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from cockpit.domain.errors import ConfigError


def migration_config() -> Config:
    """Alembic's configuration, without a file."""
    config = Config()
    config.set_main_option("script_location", "cockpit.adapters.store:migrations")
    config.set_main_option("path_separator", "os")
    return config


def upgrade(connection: Connection) -> None:
    """Run every missing migration inside the transaction of ``connection``.

    Raises:
        ConfigError: the database was written by a newer version.
    """
    config = migration_config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise ConfigError(
            f"the journal {connection.engine.url.database} was written by another version of the program "
            f"(this one knows schema {ScriptDirectory.from_config(config).get_current_head()}): {error}"
        ) from error
