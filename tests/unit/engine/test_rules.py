"""Trading rules change while the engine runs: sizes and stops follow, positions go on, what is off is not offered."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from cockpit.domain.commands import ClosePosition
from cockpit.domain.enums import OrderRole, Severity, Side
from cockpit.domain.events import InstrumentsFailed, InstrumentsLoaded, Outcome
from cockpit.domain.ids import role_of
from cockpit.domain.instrument import Instrument
from cockpit.domain.orders import EntryOrigin
from cockpit.engine.effects import LoadInstruments, Noted, PositionOpened
from cockpit.execution.config import ExecutionConfig
from cockpit.ports.journal import Recovery
from tests.support.core_fixtures import AAA, BBB, Bench, instrument, recovery
from tests.support.core_scenes import bounce, long


def loaded(bench: Bench, *rules: Instrument, asked: list[str] | None = None) -> None:
    bench.feed(InstrumentsLoaded(list(rules), bench.now_ns, asked or [rule.symbol for rule in rules]))


def reads(bench: Bench) -> int:
    return len(bench.asked(LoadInstruments))


def told(bench: Bench) -> list[tuple[str, Severity]]:
    return [(note.text, note.severity) for note in bench.told(Noted) if note.event == "rules"]


def test_rules_are_read_again_before_they_are_an_hour_old() -> None:
    bench = Bench(execution=ExecutionConfig(rules_read_s=60)).start()
    bench.wait(50, market=False)
    assert reads(bench) == 0
    bench.wait(15, market=False)
    assert bench.asked(LoadInstruments) == [LoadInstruments([AAA])]
    loaded(bench, instrument())
    assert bench.core.state.symbols[AAA].rules_read_ns == bench.now_ns
    bench.wait(50, market=False)
    assert reads(bench) == 1
    assert told(bench) == []


def test_a_read_that_fails_is_told_and_tried_again_while_the_known_rules_hold() -> None:
    bench = Bench(execution=ExecutionConfig(rules_read_s=60)).start()
    bench.wait(62, market=False)
    bench.feed(InstrumentsFailed("no answer", bench.now_ns))
    bench.wait(16, market=False)
    assert reads(bench) == 2
    assert bench.core.state.instrument(AAA) == instrument()
    assert told(bench) == [("reading the trading rules failed: no answer", Severity.WARNING)]


@pytest.mark.parametrize("code", [10001, 110017])
def test_f081_a_refusal_as_by_other_rules_reads_them_at_once_and_not_again_and_again(code: int) -> None:
    bench = bounce(Bench().start())
    assert bench.approve() == ""
    bench.answer(bench.sent[0], Outcome.NO, code=code, reason="quantity")
    assert reads(bench) == 1
    bench.answer(bench.sent[0], Outcome.NO, code=code, reason="quantity")
    assert reads(bench) == 1


def test_a_refusal_of_another_kind_reads_no_rules() -> None:
    bench = bounce(Bench().start())
    assert bench.approve() == ""
    bench.answer(bench.sent[0], Outcome.NO, code=110007, reason="balance")
    assert reads(bench) == 0


def test_f081_the_next_size_and_price_obey_the_new_rules() -> None:
    bench = bounce(Bench().start())
    loaded(bench, instrument(tick_size=Decimal("0.05"), qty_step=Decimal(5), max_qty=Decimal(20)))
    assert bench.approve() == ""
    entry = bench.sent[0]
    assert (entry.tick_size, entry.qty_step) == (Decimal("0.05"), Decimal(5))
    assert entry.lots * Decimal(5) <= 20
    assert entry.price is not None
    assert Decimal("99.5") < entry.price * Decimal("0.05") < Decimal("100.5")
    ((text, severity),) = told(bench)
    assert "tick_size 0.01 → 0.05, qty_step 0.1 → 5, max_qty 10000 → 20" in text
    assert severity is Severity.WARNING


def test_f081_a_position_goes_on_when_the_tick_changes_under_it() -> None:
    bench = long(Bench().start())
    held = bench.core.state.positions.open[AAA]
    assert (held.stop_wanted, held.stop_confirmed) == (9967, 9967)
    loaded(bench, instrument(tick_size=Decimal("0.1"), qty_step=Decimal(1)))
    assert held.origin is not None
    assert (held.origin.stop, held.stop_wanted, held.stop_confirmed) == (997, 997, 997)
    assert held.risk_usdt(instrument(tick_size=Decimal("0.1"))) == (held.entry_price - Decimal("99.7")) * held.peak_qty
    bench.push(bench.position(AAA, "25", "100.02", None))
    bench.wait(3)
    (stop,) = bench.stops
    assert (stop.stop_loss, stop.tick_size) == (997, Decimal("0.1"))
    assert bench.order(ClosePosition(AAA, 50)) == ""
    assert (bench.sent[-1].lots, bench.sent[-1].qty_step, role_of(bench.sent[-1].client_id)) == (
        12,
        Decimal(1),
        OrderRole.CLOSE,
    )


def test_a_stop_off_the_new_grid_moves_towards_the_entry() -> None:
    coarse = instrument(tick_size=Decimal("0.5"))
    assert coarse.ticks_beyond(Decimal("99.67"), Side.BUY) == 200
    assert coarse.ticks_beyond(Decimal("99.67"), Side.SELL) == 199


def test_f081_a_trade_of_the_journal_is_put_on_the_grid_of_today() -> None:
    bench = long(Bench().start())
    row = msgspec.structs.replace(_open_row(bench), parameters={"origin": msgspec.to_builtins(_origin(bench))})
    again: Recovery = recovery(epoch=2, open_trades=[row], open_fills=list(bench.account.fills))
    later = Bench(recover=again, start_ns=bench.now_ns, instruments=[instrument(tick_size=Decimal("0.1"))])
    later.account = bench.account
    later.start()
    held = later.core.state.positions.open[AAA]
    assert held.origin is not None
    assert (held.origin.stop, held.origin.tick_size) == (997, Decimal("0.1"))


def test_f080_a_symbol_that_does_not_trade_any_more_takes_no_entries_and_keeps_its_exits() -> None:
    bench = bounce(Bench().start())
    loaded(bench, instrument(status="Settling"))
    assert "instrument Settling (needs Trading)" in bench.approve()
    assert told(bench)[0][1] is Severity.ERROR
    loaded(bench, instrument())
    assert bench.approve() == ""


def test_f080_a_symbol_that_is_not_listed_any_more_takes_no_entries() -> None:
    bench = bounce(Bench().start())
    loaded(bench, asked=[AAA])
    assert "instrument not listed (needs Trading)" in bench.approve()
    assert told(bench) == [(f"trading rules of {AAA} changed: status Trading → not listed", Severity.ERROR)]


def test_rules_of_a_held_symbol_that_nobody_watches_are_read() -> None:
    bench = Bench().start()
    bench.position(BBB, "3", "100")
    bench.wait(12)
    assert bench.asked(LoadInstruments)[-1] == LoadInstruments([AAA, BBB])
    loaded(bench, instrument(), instrument(BBB))
    before = reads(bench)
    bench.wait(40)
    assert reads(bench) == before
    assert bench.core.state.instrument(BBB) == instrument(BBB)


def _open_row(bench: Bench) -> Any:
    return bench.told(PositionOpened)[-1].trade


def _origin(bench: Bench) -> EntryOrigin:
    origin = bench.core.state.positions.open[AAA].origin
    assert origin is not None
    return origin
