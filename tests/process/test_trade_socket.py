"""Orders over the trade socket with real processes: approved by hand, protected, closed, and killed on the way."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from cockpit.domain.commands import ApproveSignal, ClosePosition
from cockpit.domain.enums import OrderRole
from cockpit.domain.ids import SignalId, role_of
from cockpit.views.model import SignalsView
from tests.process.request_record import CREATE
from tests.process.rig import EAGER, MARKET, Exchange, until_so, wait_ready, write_config
from tests.process.verdict import judged, naked
from tests.support.link import Screen, attached
from tests.support.profile import ProfileFolder, profile_folder

OVER_SOCKET = EAGER | {"venue": {"order_path": "socket"}}


@pytest.fixture
def profile(tmp_path: Path) -> Iterator[ProfileFolder]:
    with profile_folder(tmp_path) as folder:
        yield folder


async def _approve(profile: ProfileFolder) -> str:
    """Approve signals as they come until one is accepted; its id."""
    async with attached(profile.socket) as client, asyncio.timeout(60):
        screen = Screen(client)
        while True:
            shown = screen.view("signals")
            for row in shown.rows if isinstance(shown, SignalsView) else ():
                command = ApproveSignal(SignalId(row.signal_id), row.content_hash)
                if row.state == "live" and (await client.send(command, seen="test")).accepted:
                    return str(row.signal_id)
            await asyncio.sleep(0.05)


async def _close(profile: ProfileFolder, symbol: str) -> None:
    async with attached(profile.socket) as client:
        reply = await client.send(ClosePosition(symbol), seen="test")
        assert reply.accepted, reply.reason


def _orders(exchange: Exchange) -> list[tuple[OrderRole | None, str, int | None]]:
    """Role, way and answer of each order that has arrived."""
    rows = exchange.ask("requests")["requests"]
    sent = [row for row in rows if row["path"] == CREATE]
    return [(role_of(row["params"]["orderLinkId"]), row["method"], row["ret_code"]) for row in sent]


@pytest.mark.timeout(240)
async def test_approved_entry_leaves_over_the_socket_once_survives_a_kill_and_is_closed(profile: ProfileFolder) -> None:
    config = write_config(profile.folder / "trading.toml", OVER_SOCKET)
    options = [*MARKET, "--config", str(config)]
    engine = profile.start_headless(*options)
    exchange = Exchange(profile)
    told = wait_ready(profile)
    assert (told["header"]["streams_up"], told["header"]["streams_wanted"]) == (3, 3)
    assert {task["state"] for task in told["health"]["tasks"] if task["name"] == "trade-socket"} == {"running"}
    with judged(profile) as verdict:
        exchange.ask("fault/trade", op="order.create", delay_s=2.0)
        approved = await _approve(profile)
        until_so(lambda: _orders(exchange) != [], "the entry has arrived", 30)
        engine.send_signal(signal.SIGKILL)
        engine.wait()
        (symbol,) = exchange.positions()
        assert naked(exchange.account) == []

        profile.start_headless(*options)
        wait_ready(profile)
        until_so(lambda: symbol in _held(profile), "the next engine has taken the position up")
        verdict.holds()
        assert list(verdict.requests.accepted) == [approved]
        await _close(profile, symbol)
        until_so(exchange.is_flat, "the position is closed")
        verdict.holds()
    assert _orders(exchange) == [(OrderRole.ENTRY, "WS", 0), (OrderRole.CLOSE, "WS", 0)]


def _held(profile: ProfileFolder) -> set[str]:
    return {row["symbol"] for row in profile.status()["positions"]["rows"] if not row["is_foreign"]}
