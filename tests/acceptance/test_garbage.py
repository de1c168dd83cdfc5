"""An engine whose public stream talks nonsense: it goes on, trusts no book it cannot trust, and says why.

Rules, account and orders are those of a real simulated exchange; only the public stream is hostile.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from cockpit.domain.commands import ApproveSignal
from cockpit.domain.ids import SignalId
from cockpit.link.unix_client import UnixClient
from cockpit.views.model import BookView, SignalRow, SignalsView
from tests.support.hostile_public import HostilePublic, hostile_public
from tests.support.link import Screen, attached, until
from tests.support.profile import ProfileFolder, profile_folder, wait_until
from tests.support.program import environment

SYMBOL, OTHER = "BTCUSDT", "ETHUSDT"

CONFIG = """
[venue]
symbols = ["BTCUSDT", "ETHUSDT"]
[venue.streams]
bad_frames_per_minute = 10000
[signals]
ttl_s = 3600.0
[signals.breakout]
eaten_mode = "any"
trend_gate = false
[detectors.density]
abs_usd = 1000.0
"""

BIDS = [(f"{100 - at / 10:.1f}", "1") for at in range(10)]
ASKS = [(f"{100.1 + at / 10:.1f}", "1") for at in range(10)]
WALL = ("100.5", "1000")


class Arena:
    """The engine, its hostile stream and its folder."""

    def __init__(self, profile: ProfileFolder, hostile: HostilePublic, engine: subprocess.Popen[bytes]) -> None:
        self.profile = profile
        self.hostile = hostile
        self.engine = engine

    def send_book(self, symbol: str = SYMBOL) -> None:
        """A good snapshot."""
        self.hostile.push(self.hostile.snapshot(symbol, BIDS, ASKS))

    def log(self) -> list[dict[str, Any]]:
        """The engine's log."""
        path = self.profile.folder / "sim" / "logs" / "engine.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()]

    def raise_a_signal(self) -> None:
        """A wall that lasts and is then removed while the price goes beyond it: a breakout."""
        hostile = self.hostile
        hostile.push(hostile.snapshot(SYMBOL, BIDS, [*(level for level in ASKS if level[0] != WALL[0]), WALL]))
        for at in range(12):
            hostile.later(100)
            hostile.push(hostile.delta(SYMBOL, [("99.1", str(2 + at))]))
        broken = [(price, "0") for price, _ in ASKS if float(price) <= 100.6]
        hostile.push(hostile.delta(SYMBOL, [("100.6", "1")], broken))


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    folder = tmp_path_factory.mktemp("garbage")
    config = folder / "config.toml"
    config.write_text(CONFIG)
    (folder / "run").mkdir(mode=0o700)
    run_file = folder / "run" / "simex.json"
    command = ["simex", "--config", str(config), "--run-file", str(run_file)]
    simex = subprocess.Popen([sys.executable, "-m", "cockpit", *command], env=environment(), stdin=subprocess.DEVNULL)
    try:
        with hostile_public() as hostile, profile_folder(folder) as profile:
            wait_until(lambda: profile.simex is not None, "the exchange is ready", 60.0)
            assert profile.simex is not None
            run_file.write_text(json.dumps(profile.simex | {"public": hostile.base}))
            engine = profile.start_headless("--config", str(config))
            arena = Arena(profile, hostile, engine)
            wait_until(lambda: f"orderbook.50.{SYMBOL}" in hostile.topics, "the engine subscribes")
            arena.raise_a_signal()
            yield arena
            assert engine.poll() is None
    finally:
        simex.kill()
        simex.wait()


class Watched:
    """What a screen of the engine shows."""

    def __init__(self, client: UnixClient) -> None:
        self.client = client
        self.screen = Screen(client)

    def book(self, symbol: str = SYMBOL) -> BookView | None:
        found = self.screen.view(f"book:{symbol}")
        return found if isinstance(found, BookView) else None

    async def until_book(self, state: str, reason: str = "", symbol: str = SYMBOL) -> None:
        def holds() -> bool:
            book = self.book(symbol)
            return book is not None and book.state == state and reason in book.state_reason

        try:
            await until(holds)
        except TimeoutError:
            book = self.book(symbol)
            shown = "nothing" if book is None else f"{book.state} {book.state_reason!r}"
            pytest.fail(f"{symbol} shows {shown}, not {state} {reason!r}")

    async def signal(self) -> SignalRow:
        def rows() -> list[SignalRow]:
            view = self.screen.view("signals")
            return view.rows if isinstance(view, SignalsView) else []

        await until(rows, "the breakout is in the queue")
        return rows()[0]


@pytest.fixture
async def watched(arena: Arena) -> AsyncIterator[Watched]:
    async with attached(arena.profile.socket) as client:
        await client.watch([SYMBOL, OTHER])
        yield Watched(client)


def spoilt(hostile: HostilePublic, bids: list[Any], asks: list[Any], **fields: Any) -> str:
    """A delta with the next update id and whatever levels; ``json`` writes NaN and Infinity as such."""
    return json.dumps(hostile.book(SYMBOL, "delta", bids, asks) | fields, separators=(",", ":"))


def trade_frame(price: str) -> str:
    row = {"T": 1, "s": SYMBOL, "S": "Buy", "v": "1", "p": price, "i": "x", "BT": False}
    return json.dumps(
        {"topic": f"publicTrade.{SYMBOL}", "type": "snapshot", "ts": 1, "data": [row]}, separators=(",", ":")
    )


def truncated(hostile: HostilePublic) -> str:
    text = hostile.delta(SYMBOL, BIDS)
    return text[: len(text) // 2]


GARBAGE: dict[str, tuple[Callable[[HostilePublic], str | bytes], str]] = {
    "truncated JSON": (truncated, "bad frame: Input data was truncated"),
    "null as a price": (lambda h: spoilt(h, [[None, "1"]], []), "bad frame: "),
    "null as the levels": (lambda h: spoilt(h, [], []).replace('"b":[]', '"b":null'), "bad frame: "),
    "an empty price": (lambda h: spoilt(h, [["", "1"]], []), "bad frame: "),
    "an empty size": (lambda h: spoilt(h, [], [["100.3", ""]]), "bad frame: "),
    "NaN as text": (lambda h: spoilt(h, [["NaN", "1"]], []), "bad frame: "),
    "NaN as a number": (lambda h: spoilt(h, [[float("nan"), 1]], []), "bad frame: "),
    "infinity": (lambda h: spoilt(h, [["100.0", "Infinity"]], []), "bad frame: "),
    "a size below zero": (lambda h: spoilt(h, [["100.0", "-1"]], []), "bad frame: "),
    "words as a number": (lambda h: spoilt(h, [["cheap", "1"]], []), "bad frame: "),
    "a level of one number": (lambda h: spoilt(h, [["100.0"]], []), "bad frame: "),
    "no update id": (lambda h: spoilt(h, [], []).replace('"u":', '"x":'), "bad frame: "),
    "an unknown kind of book frame": (lambda h: spoilt(h, [], [], type="patch"), "bad frame: "),
    "bytes that are no UTF-8": (lambda h: spoilt(h, [["A", "1"]], []).encode().replace(b"A", b"\xff"), "bad frame: "),
    "NaN in a trade": (lambda h: trade_frame("NaN"), "bad frame: "),
    "a gap in u": (lambda h: json.dumps(h.book(SYMBOL, "delta", [], [], skip=1), separators=(",", ":")), "update id"),
    "a crossed book": (lambda h: h.delta(SYMBOL, [("100.9", "5")]), "crossed: bid 100.9"),
    "a locked book": (lambda h: h.delta(SYMBOL, [("100.1", "5")]), "crossed: bid 100.1"),
    "a price of zero": (lambda h: h.delta(SYMBOL, [("0", "5")]), "bad frame: "),
}


@pytest.mark.parametrize("name", GARBAGE)
async def test_book_is_invalid_and_entries_are_refused_until_a_fresh_snapshot(
    name: str, arena: Arena, watched: Watched
) -> None:
    make, reason = GARBAGE[name]
    signal = await watched.signal()
    arena.send_book()
    await watched.until_book("VALID")
    told_before = len(arena.log())

    arena.hostile.push(make(arena.hostile))
    await watched.until_book("INVALID", reason)
    book = watched.book()
    assert book is not None
    assert (book.bids, book.asks) == ([], [])

    approve = ApproveSignal(SignalId(signal.signal_id), signal.content_hash)
    answer = await watched.client.send(approve, seen="test")
    assert not answer.accepted
    assert "not valid" in answer.reason
    assert book.state_reason in answer.reason

    def is_in_the_log() -> bool:
        words = f"book INVALID: {book.state_reason}"
        return any(words in line["event"] and line["symbol"] == SYMBOL for line in arena.log()[told_before:])

    await until(is_in_the_log)
    arena.hostile.push(arena.hostile.delta(SYMBOL, BIDS))
    arena.send_book()
    await watched.until_book("VALID")
    assert arena.engine.poll() is None


HARMLESS = {
    "unknown topic": '{"topic":"liquidation.BTCUSDT","type":"snapshot","ts":1,"data":{"price":"NaN"}}',
    "book without a depth": '{"topic":"orderbook.rpi.BTCUSDT","type":"snapshot","ts":1,"data":null}',
    "symbol that nobody follows": '{"topic":"orderbook.50.NOUSDT","type":"delta","ts":1,"data":{}}',
    "no object": "[]",
    "no JSON": "hello",
    "nothing": "",
    "unknown answer": '{"op":"subscribe","success":false,"req_id":"zz","ret_msg":"no"}',
    "deep nesting": "[" * 100_000,
}


@pytest.mark.parametrize("name", HARMLESS)
async def test_frame_that_is_about_no_book_of_ours_leaves_the_book_alone(
    name: str, arena: Arena, watched: Watched
) -> None:
    arena.send_book()
    await watched.until_book("VALID")
    arena.hostile.push(HARMLESS[name])
    arena.hostile.later(100)
    arena.hostile.push(arena.hostile.delta(SYMBOL, [("99.5", "77")]))
    await until(lambda: (book := watched.book()) is not None and any(size == 77 for _, size in book.bids))
    await watched.until_book("VALID")


async def test_deltas_before_the_snapshot_make_no_book(arena: Arena, watched: Watched) -> None:
    for _ in range(5):
        arena.hostile.push(arena.hostile.delta(OTHER, BIDS, ASKS))
    arena.send_book()
    await watched.until_book("VALID")
    await watched.until_book("INVALID", "no snapshot yet", OTHER)
    other = watched.book(OTHER)
    assert other is not None
    assert (other.bids, other.asks) == ([], [])
    arena.send_book(OTHER)
    await watched.until_book("VALID", symbol=OTHER)


async def test_cut_stream_takes_the_book_with_it_and_a_new_one_brings_it_back(arena: Arena, watched: Watched) -> None:
    arena.send_book()
    await watched.until_book("VALID")
    connects = arena.hostile.connects
    arena.hostile.cut()
    await watched.until_book("INVALID", "stream lost")
    await until(lambda: arena.hostile.connects > connects)
    lost = [line for line in arena.log() if "public stream lost" in line["event"]]
    assert lost
    assert {line["level"] for line in lost if line["event"].startswith("public stream lost")} == {"error"}

    def sends_until_valid() -> bool:
        arena.send_book()
        book = watched.book()
        return book is not None and book.state == "VALID"

    await until(sends_until_valid)
