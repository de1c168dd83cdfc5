"""What runs without a screen must not load one; what every command loads must stay small."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.program import environment

HEADLESS = [
    "cockpit.engine.runner",
    "cockpit.link.unix_server",
    "cockpit.link.unix_client",
    "cockpit.adapters.bybit.public",
    "cockpit.adapters.recording.reader",
    "cockpit.adapters.store.journal",
    "cockpit.simex.server",
    "cockpit.cli.bootstrap",
]


def loaded_by(code: str) -> set[str]:
    """Top-level packages that are loaded after running ``code`` in a fresh process."""
    listing = "import sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{listing}"], capture_output=True, text=True, env=environment(), check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("module", HEADLESS)
def test_headless_parts_load_neither_textual_nor_rich(module: str) -> None:
    assert loaded_by(f"import {module}") & {"textual", "rich"} == set()


def test_engine_process_loads_no_screen() -> None:
    # Rich is there all the same: structlog loads it wherever it is installed.
    assert "textual" not in loaded_by("import cockpit.cli.engine_process")


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_asking_for_help_loads_no_exchange_database_or_screen(option: str) -> None:
    loaded = loaded_by(f"from cockpit.cli.main import exit_code; assert exit_code(['{option}']) == 0")
    assert loaded & {"textual", "pybit", "sqlalchemy", "numpy", "uvicorn", "websockets"} == set()
