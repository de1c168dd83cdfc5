"""The machine has no memory left for the engine: exits and stops do not need any (reliability.md F96)."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from cockpit.domain.commands import FlattenAll
from tests.process.rig import Exchange, blocks, until_so, wait_ready
from tests.support.link import attached
from tests.support.profile import ProfileFolder, profile_folder, wait_until

QUIET = ("--seed", "3", "--symbols", "BTCUSDT,SOLUSDT", "--restarts", "2")


@pytest.fixture
def profile(tmp_path: Path) -> Iterator[ProfileFolder]:
    with profile_folder(tmp_path) as folder:
        folder.start_headless(*QUIET)
        yield folder


async def test_f096_engine_without_memory_for_another_thread_flattens_all_the_same(profile: ProfileFolder) -> None:
    exchange = Exchange(profile)
    exchange.hold("BTCUSDT", "Buy", "0.01", "50000")
    exchange.hold("SOLUSDT", "Sell", "5")
    pid = wait_ready(profile)["pid"]
    until_so(lambda: len(profile.told()["positions"]["rows"]) == 2, "it has seen them")
    # From here on no thread can be started; the flatten's own ones are there.
    resource.prlimit(pid, resource.RLIMIT_AS, (_address_space(pid), resource.RLIM_INFINITY))
    async with attached(profile.socket, "anna") as client:
        assert (await client.send(FlattenAll(), seen="test")).accepted
    wait_until(exchange.is_flat, "flat")
    until_so(lambda: blocks(profile) == ["paused after flatten"], "the flatten is over")
    assert profile.told()["pid"] == pid


def _address_space(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmSize:"))
