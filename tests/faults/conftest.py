"""What every fault test starts from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.bench import BTC, ETH, SOL, Bench, running_bench


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Bench]:
    """An exchange with three symbols, no engine yet."""
    async with running_bench(tmp_path, (BTC, ETH, SOL)) as bench:
        yield bench


@pytest.fixture
async def bench(exchange: Bench) -> Bench:
    """The same with an engine whose entries are on."""
    await exchange.start()
    return exchange
