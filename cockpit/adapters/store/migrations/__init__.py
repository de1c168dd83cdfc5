"""Alembic migrations of the journal; run at every start of the engine."""
