"""The journal on SQLAlchemy Core: SQLite by default, another database by URL."""
