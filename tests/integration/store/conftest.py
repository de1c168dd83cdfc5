"""A journal on a real SQLite file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cockpit.adapters.store.journal import SqlJournal
from cockpit.adapters.system.clock import LiveClock
from tests.support.journal_rows import NOW


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.sqlite"


@pytest.fixture
async def journal(path: Path) -> AsyncIterator[SqlJournal]:
    journal = SqlJournal(path, LiveClock())
    await journal.start(NOW)
    yield journal
    await journal.aclose()
