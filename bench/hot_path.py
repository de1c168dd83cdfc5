"""From the bytes of a frame to a decision, in one process without sockets: CPU time a frame, stage by stage.

All stages of a pass run one after the other on the same frames and the passes repeat, so what else the machine does
falls on all of them alike; a figure is the median of its passes. Every pass starts from nothing.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from statistics import median

import msgspec

from bench.frames import FrameSet, generated, recorded, recordings
from bench.peers import TextAndDecimalBook, pybit_book
from bench.table import Row, Section, missing
from cockpit.adapters.bybit.public import PublicDecoder
from cockpit.adapters.recording.frames import RecordedFrame
from cockpit.detectors.bank import DetectorBank
from cockpit.detectors.config import DetectorsConfig
from cockpit.domain.events import MarketEnded
from cockpit.domain.market import BookDelta, BookSnapshot
from cockpit.market.book import OrderBook
from cockpit.market.measures import imbalance, microprice, spread_bps
from cockpit.market.state import MarketState

PASSES = 5
PYBIT_FRAMES = 3_000
"""The SDK is slow enough that a part of the frames tells its cost."""

Stage = Callable[[list[RecordedFrame]], Callable[[], None]]
"""Prepares one pass over frames; what it returns is the part that is timed."""

BARE, BOOK, FEATURES, CORE = "bare decode", "book", "features", "core"
BARE_BOOKS, PEER, PYBIT = "bare decode of books", "peer model", "pybit"


# ----------------------------------------------------------------------------------------------------------- stages


class _BareBook(msgspec.Struct, gc=False):
    b: list[tuple[float, float]]
    a: list[tuple[float, float]]
    u: int


class _BareBookFrame(msgspec.Struct, gc=False):
    data: _BareBook
    cts: int = 0


class _BareTrade(msgspec.Struct, gc=False):
    T: int
    S: str
    v: float
    p: float


class _BareTradeFrame(msgspec.Struct, gc=False):
    data: list[_BareTrade]


class _BareOther(msgspec.Struct, gc=False):
    topic: str = ""


_DECODERS = (
    (b'{"topic":"orderbook.', msgspec.json.Decoder(_BareBookFrame, strict=False).decode),
    (b'{"topic":"publicTrade.', msgspec.json.Decoder(_BareTradeFrame, strict=False).decode),
    (b"", msgspec.json.Decoder(_BareOther).decode),
)


def bare_decode(frames: list[RecordedFrame]) -> Callable[[], None]:
    """The least that reading these bytes can cost here: typed structs, floats, nothing kept."""
    work = [(next(decode for start, decode in _DECODERS if frame.raw.startswith(start)), frame.raw) for frame in frames]

    def run() -> None:
        for decode, raw in work:
            decode(raw)

    return run


def to_book(frames: list[RecordedFrame]) -> Callable[[], None]:
    """Bytes to a domain event, checked, into the book of its symbol. Other events are decoded only."""
    decoder = PublicDecoder()
    books: dict[str, OrderBook] = {}

    def run() -> None:
        for frame in frames:
            event = decoder.decode(frame.raw, frame.ts_recv)
            if isinstance(event, BookDelta | BookSnapshot):
                book = books.get(event.symbol)
                if book is None:
                    book = books[event.symbol] = OrderBook(event.symbol)
                book.apply(event)

    return run


def to_features(frames: list[RecordedFrame]) -> Callable[[], None]:
    """The same, with tape, features of the touch, and walls."""
    decoder, config = PublicDecoder(), DetectorsConfig()
    symbols: dict[str, tuple[MarketState, DetectorBank]] = {}

    def run() -> None:
        for frame in frames:
            event = decoder.decode(frame.raw, frame.ts_recv)
            if event is None or isinstance(event, MarketEnded):
                continue
            known = symbols.get(event.symbol)
            if known is None:
                known = symbols[event.symbol] = (MarketState(event.symbol), DetectorBank(event.symbol, config))
            market, bank = known
            market.apply(event)
            if market.mid is not None and type(event) is BookDelta:
                measure(market.book)
            bank.update(market, event)

    return run


def measure(book: OrderBook) -> tuple[float | None, ...]:
    """Spread, microprice and imbalance of 5 and 10 levels."""
    bids, asks = book.bids_ladder, book.asks_ladder
    bid, ask, bid_sizes, ask_sizes = bids.prices[0], asks.prices[0], bids.sizes, asks.sizes
    return (
        spread_bps(bid, ask),
        microprice(bid, bid_sizes[0], ask, ask_sizes[0]),
        imbalance(bid_sizes, ask_sizes, 5),
        imbalance(bid_sizes, ask_sizes, 10),
    )


def to_core(frame_set: FrameSet) -> Stage:
    """Bytes through the trading core: every detector, every gate, a step a frame, its timers between them."""
    from cockpit.cli.core_replay import CoreReplay
    from cockpit.config.model import Settings

    def make(frames: list[RecordedFrame]) -> Callable[[], None]:
        replay = CoreReplay(Settings(), frame_set.instruments, {}, lambda _step: None)

        def run() -> None:
            for _ in replay.frames(frames):
                pass

        return run

    return make


def to_peer_model(books: list[RecordedFrame]) -> Callable[[], None]:
    """Order-book frames into the model of a peer, best prices read."""
    model = TextAndDecimalBook()

    def run() -> None:
        for frame in books:
            model.take(frame.raw)

    return run


def to_pybit(books: list[RecordedFrame]) -> Callable[[], None]:
    """Order-book frames through the exchange's own SDK."""
    take = pybit_book({msgspec.json.decode(frame.raw)["topic"] for frame in books})

    def run() -> None:
        for frame in books:
            take(frame.raw)

    return run


# --------------------------------------------------------------------------------------------------------- measuring


def cpu_us(make: Stage, frames: list[RecordedFrame]) -> float:
    """CPU microseconds a frame of one pass."""
    run = make(frames)
    gc.collect()
    start = time.process_time_ns()
    run()
    return (time.process_time_ns() - start) / len(frames) / 1000


def measured(frame_set: FrameSet, passes: int = PASSES, with_peers: bool = True) -> dict[str, float]:
    """Median CPU microseconds a frame of every stage that this revision has."""
    frames = frame_set.frames
    books = [frame for frame in frames if frame.raw.startswith(b'{"topic":"orderbook.')]
    stages: dict[str, tuple[Stage, list[RecordedFrame]]] = {
        BARE: (bare_decode, frames),
        BARE_BOOKS: (bare_decode, books),
        BOOK: (to_book, books),
        FEATURES: (to_features, frames),
    }
    with suppress(ImportError):
        stages[CORE] = (to_core(frame_set), frames)
    if with_peers:
        stages[PEER] = (to_peer_model, books)
        stages[PYBIT] = (to_pybit, books[:PYBIT_FRAMES])
    found: dict[str, list[float]] = {name: [] for name in stages}
    for _ in range(passes):
        for name, (make, part) in stages.items():
            found[name].append(cpu_us(make, part))
    return {name: median(values) for name, values in found.items()}


def replay_frames_per_s(path: Path) -> float:
    """Frames a CPU second of ``cockpit replay --headless --speed max``: file, decoding, core, no outputs."""
    from cockpit.cli import bootstrap
    from cockpit.config.model import Settings

    play = bootstrap.core_replay(path, Settings(), lambda _step: None)
    gc.collect()
    start = time.process_time_ns()
    count = sum(1 for _ in play.frames(bootstrap.recorded_frames(path)))
    return count * 1e9 / (time.process_time_ns() - start)


# -------------------------------------------------------------------------------------------------------------- rows


def sections() -> list[Section]:
    """Every recording that is there, and the generated stream."""
    return [*(_section(recorded(name, path)) for name, path in recordings()), _section(generated())]


def _section(frame_set: FrameSet) -> Section:
    name, frames, _, path = frame_set
    costs = measured(frame_set)
    bytes_mean = sum(len(frame.raw) for frame in frames) / len(frames)
    title = f"hot path on {name}: {len(frames):,} frames of {bytes_mean:.0f} bytes, CPU, median of {PASSES} passes"
    rows = [
        Row("bare msgspec decode, all frames", costs[BARE], "us/frame"),
        _book_row(costs),
        Row(
            "  the model of a peer, the same frames",
            costs[PEER],
            "us/frame",
            times_bare=costs[PEER] / costs[BARE_BOOKS],
        ),
        Row("  pybit, the same frames", costs[PYBIT], "us/frame", times_bare=costs[PYBIT] / costs[BARE_BOOKS]),
        _row("bytes to book, features, walls", costs, FEATURES, 12),
        _row("the same with every detector, gate and core step", costs, CORE, 20),
        Row("ratio to bare decode, with features and walls", costs[FEATURES] / costs[BARE], "x", 15),
    ]
    if path is not None:
        rows.append(_replay_row(path))
    return Section(title, rows)


def _book_row(costs: dict[str, float]) -> Row:
    ours, bare, peer = costs[BOOK], costs[BARE_BOOKS], costs[PEER]
    return Row("bytes to book, order-book frames", ours, "us/frame", times_bare=ours / bare, times_peer=peer / ours)


def _row(metric: str, costs: dict[str, float], stage: str, budget: float) -> Row:
    if stage not in costs:
        return missing(metric, "not built: this revision has no such module", "us/frame", budget)
    return Row(metric, costs[stage], "us/frame", budget, times_bare=costs[stage] / costs[BARE])


def _replay_row(path: Path) -> Row:
    metric = "replay, one core, everything on"
    try:
        speeds = [replay_frames_per_s(path) for _ in range(3)]
    except ImportError as error:
        return missing(metric, f"not built: {error}", "frames/s", 50_000, is_floor=True)
    return Row(metric, median(speeds), "frames/s", 50_000, is_floor=True)
