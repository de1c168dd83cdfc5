"""Flatten as a process, of the command and of the engine: it ends at zero whatever is broken, and never naked."""

from __future__ import annotations

import resource
import sqlite3
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from typing import Any

import pytest

from cockpit.domain.commands import FlattenAll
from tests.process.rig import CREATE, Exchange, until_so, wait_ready, witnessed
from tests.support.link import attached
from tests.support.profile import PATIENCE_S, ProfileFolder, profile_folder, wait_until
from tests.support.program import environment

FLAT_BOUND_MS = 20_000
"""P11: from a healthy link to zero positions and orders, of the exchange's clock."""

HELD = {
    "BTCUSDT": ("Buy", "0.002", "33000"),
    "ETHUSDT": ("Sell", "0.04", "4800"),
    "SOLUSDT": ("Buy", "1", "75"),
    "DOGEUSDT": ("Sell", "1000", "0.19"),
    "XRPUSDT": ("Buy", "200", "0.29"),
    "ADAUSDT": ("Sell", "300", "0.68"),
    "LINKUSDT": ("Buy", "10", "7"),
    "AVAXUSDT": ("Sell", "5", "41"),
    "BNBUSDT": ("Buy", "0.2", "290"),
    "LTCUSDT": ("Sell", "2", "108"),
}
"""Side, quantity and a stop far away, of ten positions."""
CANCEL_ALL, CANCEL, STOP = "/v5/order/cancel-all", "/v5/order/cancel", "/v5/position/trading-stop"
ROUTES = [CREATE, CANCEL_ALL, "/v5/position/list", "/v5/order/realtime"]


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProfileFolder]:
    """An exchange whose engine is dead."""
    with profile_folder(tmp_path_factory.mktemp("flatten")) as folder:
        engine = folder.start_headless("--symbols", ",".join(HELD))
        engine.kill()
        engine.wait()
        yield folder


@pytest.fixture
def exchange(profile: ProfileFolder) -> Iterator[Exchange]:
    simulated = Exchange(profile)
    yield simulated
    simulated.heal()


def _hold(exchange: Exchange, *symbols: str) -> None:
    for symbol in symbols:
        side, qty, stop = HELD[symbol]
        exchange.hold(symbol, side, qty, stop)
    assert sorted(exchange.positions()) == sorted(symbols)
    exchange.new_requests()


@contextmanager
def _started_flatten(profile: ProfileFolder, file_limit: int | None = None) -> Iterator[subprocess.Popen[str]]:
    """``cockpit flatten --yes``; no file may grow beyond ``file_limit`` bytes."""

    def limit() -> None:
        if file_limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))

    with subprocess.Popen(
        [sys.executable, "-m", "cockpit", "flatten", "--yes", "--data-dir", str(profile.folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        preexec_fn=limit,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _no_stop_was_stripped(exchange: Exchange) -> None:
    """Out of the exchange's own records: what removes stops arrived only while nothing was open."""
    changes: list[tuple[int, str, Decimal]] = []
    for row in exchange.account["executions"]:
        sign = 1 if row["side"] == "Buy" else -1
        changes.append((int(row["execTime"]), row["symbol"], sign * Decimal(row["execQty"])))
    for request in exchange.new_requests():
        if not _strips_stops(request):
            continue
        held: dict[str, Decimal] = defaultdict(Decimal)
        for at_ms, symbol, qty in changes:
            if at_ms <= request["at_ms"]:
                held[symbol] += qty
        assert not any(held.values()), (request, held)


def _strips_stops(request: dict[str, Any]) -> bool:
    params = request["params"]
    if request["path"] == CANCEL_ALL:
        return params.get("orderFilter") != "Order"
    return request["path"] == CANCEL or (request["path"] == STOP and params.get("stopLoss") in ("", "0"))


def test_f043_ten_positions_with_every_second_answer_lost_are_flat_soon_after_healing(
    profile: ProfileFolder, exchange: Exchange
) -> None:
    _hold(exchange, *HELD)
    exchange.ask("manual/order", symbol="DOGEUSDT", side="Buy", orderType="Limit", qty="100", price="0.08")
    for route in ROUTES * 20:
        exchange.ask("fault/rest", route=route, is_reply_lost=True)
        exchange.ask("fault/rest", route=route)
    with witnessed(exchange) as witness, _started_flatten(profile) as flatten:
        wait_until(lambda: exchange.ask("counters")["requests"].get(CREATE, 0) >= 10, "ten closes are sent")
        exchange.heal()
        healed_ms = exchange.now_ms
        wait_until(exchange.is_flat, "flat")
        assert exchange.now_ms - healed_ms <= FLAT_BOUND_MS
        _, said = flatten.communicate(timeout=PATIENCE_S)
    assert flatten.returncode == 0, said
    assert "SIM is flat" in said
    assert exchange.is_flat(), "flat at the first reading only"
    assert witness.naked_ms == {}
    _no_stop_was_stripped(exchange)


def test_f042_f054_flatten_works_without_engine_sockets_and_room_on_the_disk(
    profile: ProfileFolder, exchange: Exchange
) -> None:
    assert profile.engine is None
    _hold(exchange, "BTCUSDT", "ETHUSDT", "SOLUSDT")
    for channel in ("public", "private", "trade"):
        exchange.ask("fault/socket", channel=channel, refuse=-1)
    with _started_flatten(profile, file_limit=0) as flatten:
        _, said = flatten.communicate(timeout=PATIENCE_S)
    assert flatten.returncode == 0, said
    assert exchange.is_flat()
    assert exchange.is_flat()
    _no_stop_was_stripped(exchange)


async def test_f054_f055_engine_killed_in_a_flatten_that_its_journal_does_not_know_goes_on_with_it(
    profile: ProfileFolder, exchange: Exchange
) -> None:
    engine = profile.start_headless("--symbols", ",".join(HELD))
    wait_ready(profile)
    _hold(exchange, "BTCUSDT", "ETHUSDT")
    exchange.ask("fault/rest", route=CREATE, count=-1, ret_code=10016)
    sent = exchange.ask("counters")["requests"].get(CREATE, 0)
    journal = profile.folder / "sim" / "journal.sqlite"
    with closing(sqlite3.connect(journal, isolation_level=None, timeout=PATIENCE_S)) as other:
        other.execute("begin immediate")
        async with attached(profile.socket, "anna") as client:
            assert (await client.send(FlattenAll(), seen="test")).accepted
        wait_until(lambda: exchange.ask("counters")["requests"].get(CREATE, 0) > sent, "a close is tried")
        engine.kill()
        engine.wait()
        assert len(exchange.positions()) == 2
        assert exchange.naked() == []
        exchange.heal()
        again = profile.spawn("run", "--headless", "--symbols", ",".join(HELD))
        wait_until(exchange.is_flat, "flat while the journal is locked")
        assert again.wait(timeout=PATIENCE_S) != 0
    last = profile.start_headless("--symbols", ",".join(HELD))
    until_so(lambda: "paused after flatten" in profile.told()["header"]["blocks"], "the next one looks again")
    last.kill()
    last.wait()
    _no_stop_was_stripped(exchange)
