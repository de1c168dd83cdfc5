"""Flatten as a process, of the command and of the engine: it ends at zero whatever is broken, and never naked."""

from __future__ import annotations

import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from decimal import Decimal

import pytest

from cockpit.adapters.store.flag_file import SIZE
from cockpit.domain.commands import FlattenAll
from cockpit.risk.limits import RiskLimits
from tests.process.request_record import CANCEL_ALL, CREATE
from tests.process.rig import Exchange, blocks, until_so
from tests.process.verdict import Verdict, judged
from tests.support.link import attached
from tests.support.profile import PATIENCE_S, ProfileFolder, profile_folder, wait_until
from tests.support.program import environment
from tests.support.pty_terminal import PtyTerminal

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


@pytest.fixture
def verdict(profile: ProfileFolder, exchange: Exchange) -> Iterator[Verdict]:
    with judged(profile, Decimal(repr(RiskLimits().max_exposure_pct))) as made:
        yield made


def _hold(exchange: Exchange, *symbols: str) -> None:
    for symbol in symbols:
        side, qty, stop = HELD[symbol]
        exchange.hold(symbol, side, qty, stop)
    assert sorted(exchange.positions()) == sorted(symbols)


@contextmanager
def _started_flatten(profile: ProfileFolder) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "cockpit", *_flatten(profile)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _flatten(profile: ProfileFolder) -> list[str]:
    return ["flatten", "--yes", "--data-dir", str(profile.folder)]


def _no_room() -> None:
    """Nothing can be written any more, not even over what is there."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def test_f043_ten_positions_with_every_second_answer_lost_are_flat_soon_after_healing(
    profile: ProfileFolder, exchange: Exchange, verdict: Verdict
) -> None:
    _hold(exchange, *HELD)
    exchange.ask("manual/order", symbol="DOGEUSDT", side="Buy", orderType="Limit", qty="100", price="0.08")
    for route in ROUTES * 20:
        exchange.ask("fault/rest", route=route, is_reply_lost=True)
        exchange.ask("fault/rest", route=route)
    with _started_flatten(profile) as flatten:
        wait_until(lambda: exchange.sent(CREATE) >= 10, "ten closes are sent")
        exchange.heal()
        healed_ms = exchange.now_ms
        wait_until(exchange.is_flat, "flat")
        assert exchange.now_ms - healed_ms <= FLAT_BOUND_MS
        _, said = flatten.communicate(timeout=PATIENCE_S)
    assert flatten.returncode == 0, said
    assert "SIM is flat" in said
    assert exchange.is_flat(), "flat at the first reading only"
    assert verdict.witness.naked_ms == {}
    verdict.exchange_holds()


def test_f042_f054_flatten_works_without_engine_sockets_and_room_on_the_disk_for_a_single_word(
    profile: ProfileFolder, exchange: Exchange, verdict: Verdict
) -> None:
    assert profile.engine is None
    _hold(exchange, "BTCUSDT", "ETHUSDT", "SOLUSDT")
    for channel in ("public", "private", "trade"):
        exchange.ask("fault/socket", channel=channel, refuse=-1)
    flatten = profile.spawn(*_flatten(profile), preexec_fn=_no_room)
    assert flatten.wait(PATIENCE_S) == 0
    assert exchange.is_flat()
    assert exchange.is_flat()
    verdict.exchange_holds()


def test_f097_flatten_whose_terminal_hangs_up_goes_on_to_zero(
    profile: ProfileFolder, exchange: Exchange, verdict: Verdict
) -> None:
    _hold(exchange, "BTCUSDT", "ETHUSDT")
    exchange.ask("fault/rest", route=CREATE, count=-1, ret_code=10016)
    terminal = PtyTerminal("cockpit", _flatten(profile), 80, 24, environment())
    try:
        assert terminal.read_until(lambda: b"round 2" in terminal.output)
        terminal.hang_up()
        exchange.heal()
        assert terminal.process.wait(PATIENCE_S) == 0
    finally:
        terminal.close()
    assert exchange.is_flat()
    verdict.exchange_holds()


def _engine_that_sees(profile: ProfileFolder, exchange: Exchange, *symbols: str) -> subprocess.Popen[bytes]:
    engine = profile.start_headless("--symbols", ",".join(HELD))
    _hold(exchange, *symbols)
    until_so(lambda: len(profile.told()["positions"]["rows"]) == len(symbols), "the engine sees what is held")
    return engine


async def _die_in_a_flatten(profile: ProfileFolder, exchange: Exchange, engine: subprocess.Popen[bytes]) -> None:
    """Closes are refused, so that the engine is killed with its flatten begun and everything open."""
    exchange.ask("fault/rest", route=CREATE, count=-1, ret_code=10016)
    sent = exchange.sent(CREATE)
    async with attached(profile.socket, "anna") as client:
        assert (await client.send(FlattenAll(), seen="test")).accepted
    wait_until(lambda: exchange.sent(CREATE) > sent, "a close is tried")
    engine.kill()
    engine.wait()
    assert len(exchange.positions()) == 2


def _goes_on(profile: ProfileFolder, exchange: Exchange, preexec_fn: Callable[[], None] | None = None) -> None:
    """An engine that cannot start takes everything to zero, and ends with an error."""
    exchange.heal()
    again = profile.spawn("run", "--headless", "--symbols", ",".join(HELD), preexec_fn=preexec_fn)
    wait_until(exchange.is_flat, "flat without a journal")
    assert again.wait(PATIENCE_S) != 0


def _next_one_looks_again(profile: ProfileFolder, verdict: Verdict) -> None:
    last = profile.start_headless("--symbols", ",".join(HELD))
    until_so(lambda: "paused after flatten" in profile.told()["header"]["blocks"], "the next one looks again")
    verdict.holds()
    last.kill()
    last.wait()


async def test_f054_f055_engine_killed_in_a_flatten_that_its_journal_does_not_know_goes_on_with_it(
    profile: ProfileFolder, exchange: Exchange, verdict: Verdict
) -> None:
    engine = _engine_that_sees(profile, exchange, "BTCUSDT", "ETHUSDT")
    journal = profile.folder / "sim" / "journal.sqlite"
    with closing(sqlite3.connect(journal, isolation_level=None, timeout=PATIENCE_S)) as other:
        other.execute("begin immediate")
        await _die_in_a_flatten(profile, exchange, engine)
        verdict.exchange_holds()
        _goes_on(profile, exchange)
    _next_one_looks_again(profile, verdict)


async def test_f054_f055_f088_engine_killed_in_a_flatten_on_a_full_disk_goes_on_with_it_there(
    profile: ProfileFolder, exchange: Exchange, verdict: Verdict
) -> None:
    engine = _engine_that_sees(profile, exchange, "BTCUSDT", "ETHUSDT")
    resource.prlimit(engine.pid, resource.RLIMIT_FSIZE, (SIZE, SIZE))  # room where the file of flags has been
    until_so(lambda: any("journal" in reason for reason in blocks(profile)), "entries are off")
    await _die_in_a_flatten(profile, exchange, engine)
    verdict.exchange_holds()
    _goes_on(profile, exchange, _no_room)
    _next_one_looks_again(profile, verdict)
