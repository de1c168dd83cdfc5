"""Faults F37 to F40: market data that must not be traded on."""

from __future__ import annotations

import json

from cockpit.domain.commands import PauseEntries, ResumeEntries
from cockpit.engine.effects import BookStateChanged
from tests.faults.bench import BTC, ETH, Bench


def book_states(bench: Bench, symbol: str) -> list[bool]:
    """Valid or not, as the engine said of the symbol's book."""
    told = [told for told in bench.core.told if isinstance(told, BookStateChanged) and told.symbol == symbol]
    return [change.is_valid for change in told]


async def test_f037_snapshot_with_update_id_1_in_mid_stream(bench: Bench) -> None:
    market = bench.core.state.symbols[BTC].market
    assert market.mid is not None
    bid, ask = f"{market.mid - 5:.1f}", f"{market.mid + 5:.1f}"
    data = {"s": BTC, "b": [[bid, "1"]], "a": [[ask, "1"]], "u": 1, "seq": 1}
    frame = {"topic": f"orderbook.50.{BTC}", "type": "snapshot", "ts": 1, "data": data, "cts": 1}
    before = len(book_states(bench, BTC))
    await bench.control("fault/socket", channel="public", raw=json.dumps(frame))
    await bench.until(lambda: book_states(bench, BTC)[before:] == [False, True], "the next delta does not fit: anew")
    await bench.enter(BTC)
    await bench.settled()


async def test_f038_gap_in_update_ids(bench: Bench) -> None:
    before = len(book_states(bench, BTC))
    await bench.control("fault/socket", channel="public", drop=1, topic=f"orderbook.50.{BTC}")
    await bench.until(lambda: book_states(bench, BTC)[before:] == [False, True], "the book is asked for anew")
    assert bench.core.state.gaps >= 1
    await bench.enter(BTC)
    await bench.settled()


async def test_f039_crossed_book(bench: Bench) -> None:
    before = len(book_states(bench, BTC))
    await bench.control("market/crossed", symbol=BTC)
    await bench.until(lambda: book_states(bench, BTC)[before:] == [False, True], "the book is asked for anew")
    await bench.enter(BTC)
    await bench.settled()


async def test_f040_one_symbol_is_silent_while_others_flow(bench: Bench) -> None:
    await bench.command(PauseEntries())
    silent = bench.signal(BTC)
    await bench.until(lambda: silent in bench.core.signals.queue, "the signal waits")
    await bench.control("fault/socket", channel="public", is_silent=True, topic=BTC)
    state = bench.core.state
    heard = state.symbols[BTC].recv_ns or 0
    await bench.until(lambda: state.now_ns - heard > 4_100_000_000, "nothing was heard of it for 4 s")
    await bench.command(ResumeEntries())
    await bench.enter(ETH)
    await bench.until(lambda: "book age" in bench.core.signals.queue[silent].note, "the symbol's age is the reason")
    await bench.control("heal")
    await bench.until(lambda: bench.is_protected(BTC), "it is taken when the symbol speaks again")
    await bench.settled()
