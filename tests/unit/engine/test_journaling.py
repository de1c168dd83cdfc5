"""Rows that the engine writes of itself."""

from __future__ import annotations

from decimal import Decimal

from cockpit.detectors.wall import WallEvent
from cockpit.domain.commands import PauseEntries
from cockpit.domain.enums import Approval
from cockpit.engine.effects import ApprovalRefused, Step
from cockpit.engine.journaling import parameter_rows, rows_of
from cockpit.ports.journal import CoinParametersRow, SystemEventRow
from tests.support.core_fixtures import AAA, Bench, recovery
from tests.support.core_scenes import bounce


def test_the_thresholds_in_force_are_written_for_every_symbol() -> None:
    state = Bench().start().core.state
    rows = parameter_rows(state)
    assert [row.symbol for row in rows if isinstance(row, CoinParametersRow)] == list(state.symbols)
    row = rows[0]
    assert isinstance(row, CoinParametersRow)
    assert row.density_abs_usd == Decimal(repr(state.settings.detectors.density.abs_usd))
    assert row.breakout_eaten_percent == state.settings.signals.breakout.min_eaten * 100
    assert row.is_enabled


def test_a_refused_approval_is_written_with_what_was_refused_and_why() -> None:
    bench = bounce(Bench().start())
    bench.order(PauseEntries())
    signal_id = bench.signals[0].signal.signal_id
    answer = bench.approve()
    (refused,) = bench.told(ApprovalRefused)
    (row,) = rows_of(Step(1, bench.now_ns, [refused], []))
    assert isinstance(row, SystemEventRow)
    assert (row.type, row.symbol, row.ts_ns) == ("approval_refused", AAA, bench.now_ns)
    assert row.text == f"approval of {signal_id} by anna refused: {answer}"
    assert row.details == {"signal_id": signal_id, "operator": "anna", "rules": ["state"]}


def test_an_automatic_approval_tells_its_refusal_anew_only_if_other_rules_refuse() -> None:
    bench = Bench(approval=Approval.AUTO).start()
    bench.order(PauseEntries())
    bounce(bench)
    bench.wait(5)
    assert [refused.rules for refused in bench.told(ApprovalRefused)] == [("state",)]
    bench.markets[AAA].pin_mark(102.0)
    bench.wait(3)
    later = ("state", "mid to mark", "price to mark")
    assert [refused.rules for refused in bench.told(ApprovalRefused)] == [("state",), later]


def test_walls_of_two_starts_never_share_an_id() -> None:
    first, second = (bounce(Bench(recover=recovery(epoch=epoch)).start()) for epoch in (1, 2))
    ids = [{event.wall.wall_id for event in bench.told(WallEvent)} for bench in (first, second)]
    assert all(ids)
    assert not ids[0] & ids[1]
