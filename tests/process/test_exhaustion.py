"""The machine has no memory or no descriptors left for the engine: a flatten needs none (reliability.md F96)."""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path

import pytest

from cockpit.domain.commands import FlattenAll
from cockpit.risk.limits import RiskLimits
from tests.process.rig import Exchange, blocks, limited, until_so, wait_ready
from tests.process.verdict import Verdict, judged
from tests.support.link import attached
from tests.support.profile import ProfileFolder, profile_folder, wait_until

QUIET = ("--seed", "3", "--symbols", "BTCUSDT,SOLUSDT", "--restarts", "2")


@pytest.fixture
def profile(tmp_path: Path) -> Iterator[ProfileFolder]:
    with profile_folder(tmp_path) as folder:
        folder.start_headless(*QUIET)
        yield folder


@pytest.fixture
def exchange(profile: ProfileFolder) -> Exchange:
    """Holds two positions that the engine has seen."""
    exchange = Exchange(profile)
    exchange.hold("BTCUSDT", "Buy", "0.01", "50000")
    exchange.hold("SOLUSDT", "Sell", "5", "200")
    wait_ready(profile)
    until_so(lambda: len(profile.told()["positions"]["rows"]) == 2, "it has seen them")
    return exchange


@pytest.fixture
def verdict(profile: ProfileFolder, exchange: Exchange) -> Iterator[Verdict]:
    assert len(exchange.positions()) == 2
    with judged(profile, Decimal(repr(RiskLimits().max_exposure_pct))) as made:
        yield made


async def test_f096_engine_without_memory_for_another_thread_flattens_all_the_same(
    profile: ProfileFolder, exchange: Exchange, verdict: Verdict
) -> None:
    pid = profile.told()["pid"]
    # From here on no thread can be started; the flatten's own ones are there.
    resource.prlimit(pid, resource.RLIMIT_AS, (_address_space(pid), resource.RLIM_INFINITY))
    async with attached(profile.socket, "anna") as client:
        assert (await client.send(FlattenAll(), seen="test")).accepted
    wait_until(exchange.is_flat, "flat")
    until_so(lambda: blocks(profile) == ["paused after flatten"], "the flatten is over")
    verdict.holds()
    assert profile.told()["pid"] == pid


async def test_f096_engine_without_a_free_descriptor_flattens_all_the_same(
    profile: ProfileFolder, exchange: Exchange, verdict: Verdict
) -> None:
    pid = profile.told()["pid"]
    async with attached(profile.socket, "anna") as client:
        with ExitStack() as crowd:
            limit = max(_descriptors(pid)) + 1
            crowd.enter_context(limited(pid, resource.RLIMIT_NOFILE, limit))
            # Peers that connect and say nothing take every number that is left below the limit.
            for _ in range(limit - len(_descriptors(pid)) + 1):
                crowd.enter_context(_peer(profile))
            wait_until(lambda: len(_descriptors(pid)) == limit, "no descriptor is left")
            # The streams have to connect anew beside the flatten, out of the same reserve.
            for channel in ("public", "private"):
                exchange.ask("fault/socket", channel=channel, reset=True)
            assert (await client.send(FlattenAll(), seen="test")).accepted
            wait_until(exchange.is_flat, "flat")
    until_so(lambda: blocks(profile) == ["paused after flatten"], "the flatten is over")
    verdict.holds()
    assert profile.told()["pid"] == pid


def _descriptors(pid: int) -> list[int]:
    return [int(name) for name in os.listdir(f"/proc/{pid}/fd")]


def _peer(profile: ProfileFolder) -> socket.socket:
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    peer.connect(str(profile.socket))
    return peer


def _address_space(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmSize:"))
