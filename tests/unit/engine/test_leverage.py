"""Leverage is confirmed by the exchange before the first entry and left alone under a position."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from cockpit.domain.events import LeverageAnswer, Outcome
from cockpit.engine.effects import Noted, SetLeverage
from tests.support.core_fixtures import Bench


def test_every_flat_symbol_is_brought_to_the_configured_leverage_once() -> None:
    bench = Bench().start()
    bench.wait(30)
    symbols = list(bench.core.state.symbols)
    assert sorted(effect.symbol for effect in bench.asked(SetLeverage)) == sorted(symbols)
    assert {effect.leverage for effect in bench.asked(SetLeverage)} == {bench.core.state.settings.risk.leverage}
    assert all(symbol.has_leverage for symbol in bench.core.state.symbols.values())


def test_f085_a_refused_leverage_is_told_and_keeps_entries_of_the_symbol_out() -> None:
    bench = Bench().start()
    name = next(iter(bench.core.state.symbols))
    answer = LeverageAnswer(symbol=name, outcome=Outcome.NO, reason="risk tier", ts_recv=bench.now_ns)
    step = bench.core.process(answer)
    assert [output.text for output in step.outputs if isinstance(output, Noted)] == [
        f"leverage of {name} refused: risk tier"
    ]
    assert not bench.core.signals.gates.market_facts(name, None, None).has_leverage


def test_f085_an_open_position_with_another_leverage_is_not_touched() -> None:
    bench = Bench().start()
    name = next(iter(bench.core.state.symbols))
    asked = len(bench.asked(SetLeverage))
    report = bench.position(name, "1")
    bench.account.positions[name] = type(report)(
        **{field: getattr(report, field) for field in report.__struct_fields__} | {"leverage": Decimal(3)}
    )
    bench.read()
    bench.wait(30)
    assert len(bench.asked(SetLeverage)) == asked
    assert not bench.core.state.symbols[name].has_leverage


def test_f085_a_leverage_that_somebody_changed_by_hand_closes_the_symbol_until_it_is_set_again() -> None:
    bench = Bench().start()
    name = next(iter(bench.core.state.symbols))
    bench.wait(30)
    asked = len(bench.asked(SetLeverage))
    bench.push(msgspec.structs.replace(bench.position(name, "0"), leverage=Decimal(3)))
    assert not bench.core.signals.gates.market_facts(name, None, None).has_leverage
    bench.wait(3)
    assert [effect.symbol for effect in bench.asked(SetLeverage)][asked:] == [name]
    assert bench.core.signals.gates.market_facts(name, None, None).has_leverage


def test_a_row_from_before_the_leverage_was_set_does_not_close_the_symbol() -> None:
    bench = Bench().start()
    name = next(iter(bench.core.state.symbols))
    bench.core.state.symbols[name].leverage_asked_ns = bench.now_ns
    bench.push(msgspec.structs.replace(bench.position(name, "0"), leverage=Decimal(3)))
    assert bench.core.signals.gates.market_facts(name, None, None).has_leverage
