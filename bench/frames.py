"""The frames that the benches feed: real recordings where they lie beside the project, and a seeded generator.

The generator stands for 40 instruments: true diffs of the best 50 levels of a deeper book, about 13 changed levels a
message, an eighth of them deletes, and one trade message for four book messages. A symbol's deltas form a cycle: its
last one leads back to the first book, so a stream of any length stays valid.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from cockpit.adapters.recording.frames import RecordedFrame
from cockpit.adapters.recording.reader import read_frames
from cockpit.domain.instrument import Instrument
from cockpit.domain.time import NS_PER_MS, NS_PER_S

SYMBOLS = 40
WINDOW = 50
DEPTH = 70
"""Levels a side that the generator keeps; what lies beyond the window comes into it when nearer levels go."""

START_NS = 1_760_000_000 * NS_PER_S
TRADE_EVERY = 4
RECORDINGS = {
    "btcusdt-perp-2023": "btcusdt-perp-2023/frames.jsonl.gz",
    "bybit-linear-2026-08": "bybit-linear-2026-08/frames_ob50.jsonl.gz",
}
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

Side = dict[int, int]
"""Ticks to lots."""

_BOOK = (
    b'{"topic":"orderbook.50.%b","type":"%b","ts":%%(ts)d,"data":{"s":"%b","b":[%b],"a":[%b],'
    b'"u":%%(u)d,"seq":%%(seq)d},"cts":%%(ts)d}'
)
_TRADES = b'{"topic":"publicTrade.%b","type":"snapshot","ts":%%(ts)d,"data":[%b]}'
_PRINT = (
    b'{"T":%%(ts)d,"s":"%b","S":"%b","v":"%b","p":"%b","L":"PlusTick","i":"%b-%%(u)d-%d","BT":false,"seq":%%(seq)d}'
)


class Cycle(NamedTuple):
    """The frames of one symbol as ``bytes % {ts, u, seq}`` templates; only book frames count ``u`` up."""

    symbol: str
    decimals: int
    """Digits of a price."""
    snapshot: bytes
    messages: list[tuple[bool, bytes]]
    """(is a book message, template), in sending order; after the last one the first follows again."""


class Symbol:
    """Renders one symbol's endless stream."""

    def __init__(self, cycle: Cycle) -> None:
        self.symbol = cycle.symbol
        self._cycle = cycle
        self._at = 0
        self._update_id = 1

    def snapshot(self, ts_ms: int, seq: int) -> bytes:
        """Begin the cycle anew: its first book."""
        self._at = 0
        return self._cycle.snapshot % {b"ts": ts_ms, b"u": self._update_id, b"seq": seq}

    def next(self, ts_ms: int, seq: int) -> bytes:
        """The next message."""
        is_book, template = self._cycle.messages[self._at]
        self._at = (self._at + 1) % len(self._cycle.messages)
        self._update_id += is_book
        return template % {b"ts": ts_ms, b"u": self._update_id, b"seq": seq}


def cycles(symbols: int = SYMBOLS, deltas: int = 400, seed: int = 7) -> list[Cycle]:
    """One cycle a symbol, always the same for the same arguments."""
    return [_cycle(f"BENCH{number:02d}USDT", deltas, random.Random(f"{seed}-{number}")) for number in range(symbols)]


class FrameSet(NamedTuple):
    """Frames with the instruments they tell of."""

    name: str
    frames: list[RecordedFrame]
    instruments: list[Instrument]
    path: Path | None
    """The recording they come from."""


def generated(count: int = 30_000, per_second: int = 2_500, symbols: int = SYMBOLS) -> FrameSet:
    """``count`` messages after the snapshots, evenly spaced, symbol by symbol in turn."""
    made = cycles(symbols)
    streams = [Symbol(cycle) for cycle in made]
    frames = [_at(START_NS, stream.snapshot(START_NS // NS_PER_MS, 0)) for stream in streams]
    for number in range(count):
        now_ns = START_NS + number * NS_PER_S // per_second
        frames.append(_at(now_ns, streams[number % symbols].next(now_ns // NS_PER_MS, number + 1)))
    return FrameSet(f"generated frames, {symbols} symbols", frames, [instrument(cycle) for cycle in made], None)


def instrument(cycle: Cycle) -> Instrument:
    """Trading rules that fit the generated prices and sizes."""
    lot = Decimal("0.001")
    return Instrument(
        symbol=cycle.symbol,
        tick_size=Decimal(1).scaleb(-cycle.decimals),
        qty_step=lot,
        min_qty=lot,
        max_qty=Decimal(100_000),
        max_market_qty=Decimal(100_000),
        min_notional=Decimal(5),
        max_leverage=Decimal(50),
    )


def recordings() -> Iterator[tuple[str, Path]]:
    """(name, file) of the recordings that are there."""
    for name, relative in RECORDINGS.items():
        if (DATA / relative).is_file():
            yield name, DATA / relative


def recorded(name: str, path: Path) -> FrameSet:
    """The frames of a recording that came from the exchange, and its instruments."""
    from cockpit.simex.recording_scan import RecordingContent

    frames = [frame for frame in read_frames(path) if frame.direction == "recv"]
    return FrameSet(name, frames, [rules.instrument for rules in RecordingContent(path).rules().values()], path)


def _at(now_ns: int, raw: bytes) -> RecordedFrame:
    return RecordedFrame(now_ns, "recv", raw)


# ---------------------------------------------------------------------------------------------------- the generator


class _Book:
    """A book deeper than its window, walking in ticks."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.decimals = rng.choice((1, 2, 4))
        self.touch = rng.randint(20_000, 60_000)
        self.usual = rng.randint(20, 4_000)
        self.bids: Side = {}
        self.asks: Side = {}
        self._refill()

    def step(self) -> None:
        """Change about a dozen levels; now and then move the touch by a tick."""
        if self.rng.random() < 0.15:
            self._move(self.rng.choice((-1, 1)))
        for side, best in ((self.bids, self.touch), (self.asks, self.touch + 1)):
            sign = -1 if side is self.bids else 1
            for _ in range(self.rng.choice((2, 4, 6, 8, 10))):
                tick = best + sign * min(int(self.rng.expovariate(1 / 14)), DEPTH)
                if self.rng.random() < 0.12 and len(side) > WINDOW and tick != best:
                    side.pop(tick, None)
                else:
                    side[tick] = self._size()
        self._refill()

    def window(self) -> tuple[Side, Side]:
        """The best levels of both sides."""
        bids = {tick: self.bids[tick] for tick in sorted(self.bids, reverse=True)[:WINDOW]}
        return bids, {tick: self.asks[tick] for tick in sorted(self.asks)[:WINDOW]}

    def price(self, ticks: int) -> bytes:
        """Ticks as the exchange writes a price."""
        return f"{ticks / 10**self.decimals:.{self.decimals}f}".encode()

    def _move(self, ticks: int) -> None:
        self.touch += ticks
        if ticks > 0:
            self.asks.pop(self.touch, None)
            self.bids[self.touch] = self._size()
            self.asks.setdefault(self.touch + 1, self._size())
        else:
            self.bids.pop(self.touch + 1, None)
            self.asks[self.touch + 1] = self._size()
            self.bids.setdefault(self.touch, self._size())

    def _size(self) -> int:
        size = max(1, int(self.usual * self.rng.lognormvariate(0, 1)))
        return size * 25 if self.rng.random() < 0.002 else size

    def _refill(self) -> None:
        for side, best, sign in ((self.bids, self.touch, -1), (self.asks, self.touch + 1, 1)):
            for far in [tick for tick in side if (tick - best) * sign > DEPTH]:
                del side[far]
            for distance in range(DEPTH, 0, -1):
                if len(side) >= DEPTH - 8:
                    break
                side.setdefault(best + sign * distance, self._size())


def _cycle(symbol: str, deltas: int, rng: random.Random) -> Cycle:
    book, name = _Book(rng), symbol.encode()
    first = before = book.window()
    messages: list[tuple[bool, bytes]] = []
    for number in range(deltas):
        book.step()
        after = book.window()
        messages.append((True, _delta(name, book, before, after)))
        if number % TRADE_EVERY == 0:
            messages.append((False, _trades(name, book, after)))
        before = after
    messages.append((True, _delta(name, book, before, first)))
    levels = [_levels(book, side) for side in first]
    return Cycle(symbol, book.decimals, _BOOK % (name, b"snapshot", name, *levels), messages)


def _delta(name: bytes, book: _Book, before: tuple[Side, Side], after: tuple[Side, Side]) -> bytes:
    changed = []
    for old, new in zip(before, after, strict=True):
        gone = dict.fromkeys(old.keys() - new.keys(), 0)
        changed.append(_levels(book, gone | {tick: lots for tick, lots in new.items() if old.get(tick) != lots}))
    return _BOOK % (name, b"delta", name, *changed)


def _levels(book: _Book, side: Side) -> bytes:
    return b",".join(b'["%b","%b"]' % (book.price(tick), _size_text(lots)) for tick, lots in side.items())


def _size_text(lots: int) -> bytes:
    return b"%g" % (lots / 1000) if lots else b"0"


def _trades(name: bytes, book: _Book, window: tuple[Side, Side]) -> bytes:
    is_buy = book.rng.random() < 0.5
    side, best = (b"Buy", min(window[1])) if is_buy else (b"Sell", max(window[0]))
    prints = [
        _PRINT % (name, side, _size_text(max(1, book.usual // 4)), book.price(best), name, number)
        for number in range(book.rng.choice((1, 1, 2, 3)))
    ]
    return _TRADES % (name, b",".join(prints))
