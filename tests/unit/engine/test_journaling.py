"""Rows that the engine writes of itself."""

from __future__ import annotations

from decimal import Decimal

from cockpit.engine.journaling import parameter_rows
from cockpit.ports.journal import CoinParametersRow
from tests.support.core_fixtures import Bench


def test_the_thresholds_in_force_are_written_for_every_symbol() -> None:
    state = Bench().start().core.state
    rows = parameter_rows(state)
    assert [row.symbol for row in rows if isinstance(row, CoinParametersRow)] == list(state.symbols)
    row = rows[0]
    assert isinstance(row, CoinParametersRow)
    assert row.density_abs_usd == Decimal(repr(state.settings.detectors.density.abs_usd))
    assert row.breakout_eaten_percent == state.settings.signals.breakout.min_eaten * 100
    assert row.is_enabled
