"""The core as a whole: the same events give the same steps, and a mirrored market gives mirrored ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cockpit.domain.commands import ClosePosition, FlattenAll
from cockpit.domain.enums import Approval, Severity, Side, StreamName
from cockpit.domain.events import FrameRejected, MarketEnded, ReportsFailed, StreamLost, TopicRefused
from cockpit.engine.effects import BookStateChanged, EntriesChanged, ResyncBook, Step
from cockpit.engine.journaling import rows_of, snapshot_rows
from cockpit.ports.journal import (
    BookSnapshotRow,
    DensityRow,
    IntentState,
    MarketStatRow,
    OperatorActionRow,
    SignalRow,
    SystemEventRow,
    TradeRow,
)
from tests.support.core_fixtures import AAA, BBB, Bench
from tests.support.core_scenes import bounce, breakout, long, short


def story(bench: Bench) -> Bench:
    """A day in short: two symbols, a bounce and a breakout, a loss of frames, a close, a flatten."""
    long(bench, AAA)
    breakout(bench, symbol=BBB)
    bench.approve()
    bench.filled(bench.sent[-1], "100.05")
    bench.markets[AAA].lose_a_frame()
    bench.markets[AAA].snapshot()
    bench.order(ClosePosition(AAA))
    bench.closed(bench.sent[-1], "100.10")
    bench.order(FlattenAll())
    bench.closed(bench.sent[-1], "100.00")
    bench.wait(10)
    return bench


def test_two_runs_on_the_same_events_have_the_same_digest() -> None:
    one, other = (story(Bench(symbols=(AAA, BBB)).start()) for _ in range(2))
    assert one.digest.hexdigest() == other.digest.hexdigest()
    assert len(one.sent) == 4


def test_another_event_gives_another_digest() -> None:
    one = story(Bench(symbols=(AAA, BBB)).start())
    other = story(Bench(symbols=(AAA, BBB)).start())
    other.order(ClosePosition(AAA))
    assert one.digest.hexdigest() != other.digest.hexdigest()


def test_a_shift_of_all_times_changes_no_decision() -> None:
    later = Bench(symbols=(AAA, BBB), start_ns=1_767_614_400_000_000_000 + 3_333 * 10**9)
    one, other = story(Bench(symbols=(AAA, BBB)).start()), story(later.start())
    assert [(o.client_id, o.side, o.lots, o.price, o.stop_loss) for o in one.sent] == [
        (o.client_id, o.side, o.lots, o.price, o.stop_loss) for o in other.sent
    ]


@pytest.mark.parametrize("scene", [bounce, breakout])
def test_a_mirrored_market_gives_a_mirrored_order(scene: Callable[[Bench, Side], Bench]) -> None:
    buy, sell = scene(Bench().start(), Side.BUY), scene(Bench().start(), Side.SELL)
    assert buy.approve() == sell.approve() == ""
    (one,), (other,) = buy.sent, sell.sent
    assert (one.side, other.side) == (Side.BUY, Side.SELL)
    assert one.price is not None
    assert other.price is not None
    assert one.stop_loss is not None
    assert other.stop_loss is not None
    assert abs((one.price - 10_000) + (other.price - 10_000)) <= 1  # the collar is a share of the price, on the grid
    assert abs((one.stop_loss - 10_000) + (other.stop_loss - 10_000)) <= 1
    assert abs(one.lots - other.lots) <= 1


def test_repeated_account_messages_change_nothing() -> None:
    bench = long(Bench().start())
    position = bench.core.state.positions.open[AAA]
    known = (position.fills, position.qty, position.stop_confirmed, len(bench.sent), len(bench.outputs))
    order = bench.order_report(bench.sent[0], "Filled", "25", updated_ms=bench.now_ns // 1_000_000 - 1)
    for _ in range(3):
        bench.push(*bench.account.fills)
        bench.push(*bench.account.positions.values())
        bench.push(order)
    assert known == (position.fills, position.qty, position.stop_confirmed, len(bench.sent), len(bench.outputs))


# ------------------------------------------------------------------------------------------------------------ streams


def test_a_hole_in_the_book_asks_for_a_snapshot_once_and_again_only_after_a_while() -> None:
    bench = Bench().start()
    bench.markets[AAA].lose_a_frame()
    assert bench.asked(ResyncBook) == [ResyncBook(AAA)]
    assert bench.told(BookStateChanged)[-1].is_valid is False
    bench.wait(4)
    assert len(bench.asked(ResyncBook)) == 1
    bench.wait(2)
    assert len(bench.asked(ResyncBook)) == 2
    bench.markets[AAA].snapshot()
    assert bench.told(BookStateChanged)[-1].is_valid is True


def test_a_public_frame_that_was_not_understood_costs_the_book_of_its_symbol_alone() -> None:
    bench = Bench(symbols=(AAA, BBB)).start()
    bench.feed(FrameRejected(StreamName.PUBLIC, "no number", AAA, bench.now_ns))
    books = {name: symbol.market.book.is_valid for name, symbol in bench.core.state.symbols.items()}
    assert books == {AAA: False, BBB: True}
    assert bench.core.state.locks == {}
    assert bench.asked(ResyncBook) == [ResyncBook(AAA)]


def test_a_lost_public_stream_costs_every_book() -> None:
    bench = Bench(symbols=(AAA, BBB)).start()
    bench.feed(StreamLost(StreamName.PUBLIC, "silent", bench.now_ns))
    assert not any(symbol.market.book.is_valid for symbol in bench.core.state.symbols.values())
    assert all(symbol.market.mid is None for symbol in bench.core.state.symbols.values())


def test_entries_going_off_and_on_is_told_with_the_reasons() -> None:
    bench = Bench().start()
    bench.feed(MarketEnded(bench.now_ns))
    assert bench.told(EntriesChanged)[-1].reasons == ["the recording has ended"]


def test_failed_reads_and_refused_topics_are_told_and_change_nothing() -> None:
    bench = Bench().start()
    before = bench.core.state.reconciled_ns
    bench.feed(ReportsFailed("timeout", bench.now_ns))
    bench.feed(TopicRefused("tickers.AAAUSDT", "no such topic", bench.now_ns))
    assert bench.notes()[-2:] == ["reports", "topic_refused"]
    assert bench.core.state.reconciled_ns == before


def test_events_of_symbols_that_are_not_watched_are_ignored() -> None:
    bench, other = Bench().start(), Bench(symbols=(BBB,)).start()
    before = len(bench.outputs)
    for kind in ("snapshot", "ticker", "repeat"):
        other.markets[BBB].bench = bench
        getattr(other.markets[BBB], kind)()
    other.markets[BBB].heartbeat()
    assert len(bench.outputs) == before


# ------------------------------------------------------------------------------------------------------------ journal


def journal(bench: Bench) -> list[object]:
    """The rows of everything that has happened."""
    return list(rows_of(Step(1, bench.now_ns, bench.outputs, bench.effects)))


def test_the_journal_holds_the_life_of_a_trade_from_the_wall_to_the_money() -> None:
    bench = Bench(approval=Approval.MANUAL).start()
    long(bench)
    bench.order(ClosePosition(AAA))
    bench.closed(bench.sent[1], "101")
    rows = journal(bench)
    signals = [row for row in rows if isinstance(row, SignalRow)]
    assert [row.state for row in signals] == ["raised", "approved"]
    assert signals[-1].ticket["stop"] == 9967
    assert signals[-1].gates
    intents = [(row.client_id, row.status) for row in rows if isinstance(row, IntentState)]
    entry, close = (request.client_id for request in bench.sent)
    assert intents == [(entry, "sent"), (entry, "Filled"), (close, "sent"), (close, "Filled")]
    trades = [row for row in rows if isinstance(row, TradeRow)]
    assert trades[0].closed_ns is None
    assert (trades[-1].exit_reason, trades[-1].closed_ns is not None) == ("operator", True)
    assert trades[-1].signal_to_approve_ms is not None
    assert trades[-1].ack_to_fill_ms == 5
    assert next(row.event for row in rows if isinstance(row, DensityRow)) == "new"
    actions = [(row.action, row.accepted) for row in rows if isinstance(row, OperatorActionRow)]
    assert actions == [("ApproveSignal", True), ("ClosePosition", True)]
    events = [row.type for row in rows if isinstance(row, SystemEventRow)]
    assert "stop_confirmed" in events
    assert "entries" in events


def test_a_refused_command_is_in_the_journal_with_its_reason() -> None:
    bench = Bench().start()
    bench.order(ClosePosition(AAA))
    (action,) = [row for row in journal(bench) if isinstance(row, OperatorActionRow)]
    assert (action.accepted, action.answer) == (False, "no position in AAAUSDT")


def test_critical_events_keep_their_severity() -> None:
    bench = Bench().start()
    bench.order(FlattenAll())
    flatten = [row for row in journal(bench) if isinstance(row, SystemEventRow) and row.type == "flatten"]
    assert flatten[0].severity is Severity.CRITICAL


def test_snapshots_hold_books_that_are_valid_and_figures_of_every_symbol() -> None:
    bench = Bench(symbols=(AAA, BBB)).start()
    bench.markets[BBB].lose_a_frame()
    rows = snapshot_rows(bench.core.state)
    assert [row.symbol for row in rows if isinstance(row, MarketStatRow)] == [AAA, BBB]
    (book,) = [row for row in rows if isinstance(row, BookSnapshotRow)]
    assert (book.symbol, book.mid, len(book.bids)) == (AAA, 100.0, 20)
    assert book.spread_bps == pytest.approx(2.0)


def test_prices_and_sizes_in_orders_are_never_floats() -> None:
    bench = short(long(Bench(symbols=(AAA, BBB)).start(), AAA), BBB)
    bench.order(ClosePosition(AAA, 50))
    for request in bench.sent:
        numbers = [request.lots, request.price, request.stop_loss, request.take_profit]
        assert all(number is None or type(number) is int for number in numbers)
