"""What every fault test starts from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cockpit.domain.enums import OrderPath
from cockpit.domain.time import NS_PER_S
from cockpit.engine import core
from tests.faults.bench import BTC, ETH, SOL, Bench, running_bench


@pytest.fixture
async def exchange(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> AsyncIterator[Bench]:
    """An exchange with three symbols, no engine yet. Engines tick faster than in life, so that tests are short.

    Orders go by REST, or the way that the test is parametrised with.
    """
    monkeypatch.setattr(core, "TICK_NS", NS_PER_S // 5)
    async with running_bench(tmp_path, (BTC, ETH, SOL), getattr(request, "param", OrderPath.REST)) as bench:
        yield bench


@pytest.fixture
async def bench(exchange: Bench) -> Bench:
    """The same with an engine whose entries are on."""
    await exchange.start()
    return exchange
