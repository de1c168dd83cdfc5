"""Others on the account: other hands, another engine, another position mode. Seen, told, never fought."""

from __future__ import annotations

from decimal import Decimal

from cockpit.domain.commands import FlattenAll
from cockpit.domain.enums import OrderRole, OrderStatus, OrderType, Severity, Side
from cockpit.domain.ids import client_order_id
from cockpit.domain.orders import OrderReport
from cockpit.engine.effects import Noted
from cockpit.engine.projection.trading import positions_view
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
