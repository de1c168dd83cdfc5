"""Others on the account: other hands, another engine, another position mode. Seen, told, never fought."""

from __future__ import annotations

from decimal import Decimal

from cockpit.domain.commands import FlattenAll, ProtectPosition
from cockpit.domain.enums import OrderRole, OrderStatus, OrderType, Severity, Side
from cockpit.domain.events import Outcome
from cockpit.domain.ids import client_order_id
from cockpit.domain.orders import OrderReport
from cockpit.engine.effects import Noted
from cockpit.engine.projection.trading import positions_view
from cockpit.execution.config import ExecutionConfig, ForeignNaked
from tests.support.core_fixtures import AAA, BBB, Bench
from tests.support.core_scenes import bounce, long


def alarms(bench: Bench) -> list[tuple[str, Severity]]:
    return [(note.symbol, note.severity) for note in bench.told(Noted) if note.event == "foreign_position"]


def test_a_foreign_position_is_told_once_and_loudly_if_it_has_no_stop() -> None:
    bench = Bench(symbols=(AAA, BBB)).start()
    bench.position(AAA, "3", "100")
    bench.position(BBB, "-2", "100", "105")
    bench.wait(35)
    assert alarms(bench) == [(AAA, Severity.CRITICAL), (BBB, Severity.WARNING)]
    bench.position(AAA, "0")
    bench.wait(25)
    bench.position(AAA, "1", "100")
    bench.wait(12)
    assert alarms(bench)[2:] == [(AAA, Severity.CRITICAL)]


def test_a_position_of_ours_is_not_told_as_foreign() -> None:
    bench = long(Bench().start())
    bench.wait(35)
    assert alarms(bench) == []


def test_an_order_of_a_later_engine_on_the_account_locks_entries() -> None:
    bench = bounce(Bench().start())
    settings = bench.core.state.settings
    name = client_order_id(settings.environment, settings.epoch + 1, "zz1", OrderRole.ENTRY, 1)
    bench.push(
        OrderReport(
            symbol=BBB,
            order_id="other",
            client_id=name,
            side=Side.BUY,
            status=OrderStatus.FILLED,
            order_type=OrderType.LIMIT,
            qty=Decimal(1),
            filled_qty=Decimal(1),
        )
    )
    assert "another engine trades this account" in bench.approve()
    assert bench.notes().count("instance") == 1


def test_a_hedge_mode_account_locks_entries_and_is_closed_side_by_side() -> None:
    bench = bounce(Bench().start())
    bench.push(bench.position(BBB, "-2", "100", position_idx=2))
    assert "hedge mode" in bench.approve()
    bench.order(FlattenAll())
    (close,) = bench.sent
    assert (close.symbol, close.side, close.position_idx) == (BBB, Side.BUY, 2)


def test_the_screen_never_shows_a_stop_that_the_exchange_does_not() -> None:
    bench = bounce(Bench().start())
    assert bench.approve() == ""
    entry = bench.sent[0]
    bench.answer(entry)
    bench.push(bench.order_report(entry, OrderStatus.FILLED, "25"), bench.fill(entry, "100.02", "25"))
    assert positions_view(bench.core, bench.now_ns).rows[0].stop_state == "sent"
    bench.push(bench.position(AAA, "25", "100.02"))
    assert positions_view(bench.core, bench.now_ns).rows[0].stop_state == "missing"
    bench.push(bench.position(AAA, "25", "100.02", "99.67"))
    assert positions_view(bench.core, bench.now_ns).rows[0].stop_state == "ack"


def test_f060_an_operator_gives_a_foreign_position_without_a_stop_one_at_the_configured_distance() -> None:
    bench = Bench(symbols=(AAA, BBB), execution=ExecutionConfig(foreign_stop_pct=2)).start()
    bench.position(AAA, "3", "100")
    bench.position(BBB, "-2", "100", mark_price=Decimal(90))
    bench.wait(12)
    assert bench.stops == []
    assert bench.order(ProtectPosition(AAA)) == ""
    assert bench.order(ProtectPosition(BBB)) == ""
    assert [(stop.symbol, stop.stop_loss, stop.tick_size) for stop in bench.stops] == [
        (AAA, 9800, Decimal("0.01")),
        (BBB, 9180, Decimal("0.01")),
    ]
    assert "on its way" in bench.order(ProtectPosition(AAA))
    bench.answer_stop(Outcome.NO, reason="price")
    assert bench.notes().count("foreign_stop") == 3
    bench.position(AAA, "3", "100", "98")
    bench.wait(12)
    assert "has a stop already" in bench.order(ProtectPosition(AAA))
    assert bench.sent == []


def test_f060_a_position_of_ours_is_none_to_protect() -> None:
    bench = long(Bench().start())
    assert "no foreign position" in bench.order(ProtectPosition(AAA))


def test_f060_by_the_policy_a_foreign_position_gets_its_stop_by_itself_and_not_for_ever() -> None:
    bench = Bench(execution=ExecutionConfig(foreign_naked=ForeignNaked.PROTECT)).start()
    bench.position(AAA, "3", "100")
    bench.wait(60)
    assert [stop.stop_loss for stop in bench.stops] == [9900] * 3
    bench.position(AAA, "3", "100", "99")
    bench.wait(12)
    bench.position(AAA, "3", "100")
    bench.wait(12)
    assert len(bench.stops) > 3


def test_f060_a_foreign_position_whose_executions_were_seen_can_be_protected_too() -> None:
    bench = Bench().start()
    bench.push(bench.execution(AAA, Side.SELL, "100", "3"), bench.position(AAA, "-3", "100"))
    assert bench.order(ProtectPosition(AAA)) == ""
    assert bench.stops[-1].stop_loss == 10100


def test_f060_a_foreign_position_keeps_entries_out_of_its_symbol() -> None:
    bench = bounce(Bench().start())
    bench.push(bench.position(AAA, "3", "100", "95"))
    assert "one position" in bench.approve()
