"""The journal on SQLAlchemy Core: SQLite by default."""
