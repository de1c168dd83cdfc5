"""A disk that is really full under a running engine: a small file system, filled by somebody else to its last page.

Needs the right to mount one, and is skipped without it; there ``tests/faults/test_f088_full_database.py`` stays.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from cockpit.adapters.store.reader import JournalReader
from cockpit.domain.commands import Command, FlattenAll, PauseEntries, ResumeEntries
from tests.process.rig import CHURNING, MARKET, Exchange, blocks, until_holding, until_so, wait_ready, write_config
from tests.process.verdict import judged
from tests.support.link import attached
from tests.support.profile import ProfileFolder, profile_folder, wait_until

DISK = "size=48m"
TRADING = CHURNING | {"risk": CHURNING["risk"] | {"min_disk_mb": 0.001}}
"""Space that runs low keeps no entry off: what is seen here is what the full disk itself does."""
FULL = "journal cannot be written: "
WORDS = "database or disk is full"
"""SQLite's for SQLITE_FULL."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own."""
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"{DISK},mode=0700", "tmpfs", str(tmp_path)], capture_output=True, check=False
    )
    if made.returncode != 0:
        pytest.skip(f"may not mount a file system: {made.stderr.decode().strip()}")
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


@pytest.fixture
def profile(disk: Path) -> Iterator[ProfileFolder]:
    with profile_folder(disk) as folder:
        yield folder


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Not a page is left."""
    filler = disk / "filler"
    try:
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4_096))
        assert shutil.disk_usage(disk).free == 0
        yield
    finally:
        filler.unlink()


def _is_full(profile: ProfileFolder) -> bool:
    return any(reason.startswith(FULL) and WORDS in reason for reason in blocks(profile))


async def _send(profile: ProfileFolder, command: Command) -> None:
    async with attached(profile.socket, "anna") as client:
        assert (await client.send(command, seen="test")).accepted


async def _until_journal_is_complete(profile: ProfileFolder, exchange: Exchange) -> None:
    missing: set[str] = set()
    async with JournalReader(profile.folder / "sim" / "journal.sqlite") as reader:
        for _ in range(600):
            known = {row["exec_id"] for row in await reader.rows("executions", limit=100_000)}
            if not (missing := exchange.exec_ids() - known):
                return
            await asyncio.sleep(0.1)
    raise AssertionError(f"executions that are not in the journal: {missing}")


@pytest.mark.timeout(240)
async def test_f054_f088_disk_without_a_page_left_closes_entries_keeps_no_position_open_and_forgets_no_pause(
    profile: ProfileFolder, disk: Path
) -> None:
    trading = [*MARKET, "--auto", "--config", str(write_config(disk / "trading.toml", TRADING))]
    engine = profile.start_headless(*trading)
    exchange = Exchange(profile)
    with judged(profile) as verdict:
        until_holding(exchange, 2)
        with filled(disk):
            until_so(lambda: _is_full(profile), "entries are off")
            verdict.hear()
            entries = len(verdict.requests.accepted)
            await _send(profile, FlattenAll())
            wait_until(exchange.is_flat, "flat")
            until_so(lambda: "paused after flatten" in blocks(profile), "the flatten is over")
            verdict.holds()
            assert _is_full(profile)
            assert len(verdict.requests.accepted) == entries
        until_so(lambda: blocks(profile) == ["paused after flatten"], "the journal is written again")
        await _until_journal_is_complete(profile, exchange)
        await _send(profile, ResumeEntries())
        until_holding(exchange, 1)

        with filled(disk):
            until_so(lambda: _is_full(profile), "entries are off")
            await _send(profile, PauseEntries())
            until_so(lambda: any("paused" in reason for reason in blocks(profile)), "paused")
            engine.kill()
            engine.wait()
        with verdict.silence():
            pass
        profile.start_headless(*trading)
        until_so(lambda: blocks(profile) == ["paused by the operator"], "the next one knows of the pause")
        verdict.holds()
        await _until_journal_is_complete(profile, exchange)
        await _send(profile, ResumeEntries())
        wait_ready(profile)
