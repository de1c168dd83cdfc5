"""Others on the account: other hands, another engine, another position mode. Seen, told, never fought."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from cockpit.domain.commands import FlattenAll, ProtectPosition, ResumeEntries
from cockpit.domain.enums import Environment, OrderRole, OrderStatus, OrderType, Severity, Side
from cockpit.domain.events import OrderLookedUp, Outcome
from cockpit.domain.ids import ClientOrderId, client_order_id
from cockpit.domain.orders import OrderReport
from cockpit.domain.time import NS_PER_MS
from cockpit.engine.effects import Noted
from cockpit.engine.projection.trading import positions_view
from cockpit.execution.config import ExecutionConfig, ForeignNaked
from tests.support.core_fixtures import AAA, BBB, NOON_NS, Bench, recovery
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


def filled(name: str) -> OrderReport:
    """The exchange's word on somebody's order."""
    return OrderReport(
        symbol=BBB,
        order_id="other",
        client_id=name,
        side=Side.BUY,
        status=OrderStatus.FILLED,
        order_type=OrderType.LIMIT,
        qty=Decimal(1),
        filled_qty=Decimal(1),
        created_ms=NOON_NS // NS_PER_MS - 60_000,
    )


@pytest.mark.parametrize(("epoch", "folder"), [(2, ""), (1, "k7r"), (2, "k7r"), (3, "k7r"), (3, "k7q"), (2, "k7q")])
def test_an_order_of_another_engine_on_the_account_locks_entries_and_is_none_of_ours(epoch: int, folder: str) -> None:
    bench = bounce(Bench(recover=recovery(epoch=2, folder="k7q")).start())
    name = client_order_id(Environment.SIM, epoch, "zz1", OrderRole.ENTRY, 1, folder)
    bench.push(filled(name))
    assert "another engine trades this account" in bench.approve()
    assert bench.notes().count("instance") == 1
    assert bench.flags["instance_lock"] == f"another engine trades this account: order {name}"
    order = bench.core.state.orders.get(name)
    assert order is not None
    assert not order.is_own
    assert not order.is_entry


def test_an_execution_of_another_engine_locks_entries() -> None:
    bench = bounce(Bench(recover=recovery(epoch=2, folder="k7q")).start())
    bench.push(bench.execution(BBB, Side.BUY, "100", "1", client_id="cs2k7r-zz1-e1"))
    assert "another engine trades this account" in bench.approve()


@pytest.mark.parametrize("name", ["cs1k7q-zz1-e1", "cs1-zz1-c1", "cs1k7q-zz1-f1"])
def test_an_order_of_an_earlier_start_of_this_folder_locks_nothing(name: str) -> None:
    bench = bounce(Bench(recover=recovery(epoch=2, folder="k7q")).start())
    bench.push(filled(name))
    assert bench.core.state.locks == {}


def test_an_order_of_the_flatten_command_pauses_entries_until_resumed() -> None:
    bench = bounce(Bench(recover=recovery(epoch=2, folder="k7q")).start())
    bench.push(filled("cs0-X19b-f1"))
    assert "paused by cockpit flatten" in bench.approve()
    assert bench.flags["paused"] == "1"
    assert bench.notes().count("flatten_command") == 1
    assert bench.order(ResumeEntries()) == ""
    assert "paused" not in bench.core.state.locks


@pytest.mark.parametrize(("name", "lock"), [("cs2k7r-zz1-e1", "instance"), ("cs0-X19b-f1", "paused")])
def test_an_execution_that_only_a_read_shows_is_heeded_once(name: str, lock: str) -> None:
    bench = Bench(symbols=(AAA, BBB), recover=recovery(epoch=2, folder="k7q")).start()
    bench.account.fills.append(bench.execution(BBB, Side.BUY, "100", "1", client_id=name))
    bench.read()
    assert lock in bench.core.state.locks
    assert bench.order(ResumeEntries()) == ""
    bench.read()
    assert lock not in bench.core.state.locks


def test_a_link_id_that_another_engine_has_used_before_is_not_taken_for_our_order() -> None:
    bench = bounce(Bench(recover=recovery(epoch=2, folder="k7q")).start())
    assert bench.approve() == ""
    (entry,) = bench.sent
    bench.answer(entry, Outcome.NO, code=110072, reason="duplicate link id")
    bench.feed(looked_up(bench, entry.client_id, filled(entry.client_id)))
    assert bench.core.state.orders.get(entry.client_id) is None
    assert "another engine trades this account" in bench.core.state.locks["instance"]
    bench.push(bench.execution(entry.symbol, Side.BUY, "100", "1", client_id=entry.client_id))
    assert bench.core.state.positions.open[entry.symbol].is_foreign


def test_f007_a_link_id_that_is_taken_by_our_own_order_is_that_order() -> None:
    bench = bounce(Bench(recover=recovery(epoch=2, folder="k7q")).start())
    assert bench.approve() == ""
    (entry,) = bench.sent
    bench.answer(entry, Outcome.NO, code=110072, reason="duplicate link id")
    report = replace(filled(entry.client_id), symbol=entry.symbol, created_ms=bench.now_ns // NS_PER_MS)
    bench.feed(looked_up(bench, entry.client_id, report))
    order = bench.core.state.orders.get(entry.client_id)
    assert order is not None
    assert order.status is OrderStatus.FILLED
    assert "instance" not in bench.core.state.locks


def looked_up(bench: Bench, client_id: str, report: OrderReport) -> OrderLookedUp:
    """The answer to the question for an order."""
    return OrderLookedUp(client_id=ClientOrderId(client_id), report=report, sent_ns=bench.now_ns, ts_recv=bench.now_ns)


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
    assert positions_view(bench.core, bench.now_ns, []).rows[0].stop_state == "sent"
    bench.push(bench.position(AAA, "25", "100.02"))
    assert positions_view(bench.core, bench.now_ns, []).rows[0].stop_state == "missing"
    bench.push(bench.position(AAA, "25", "100.02", "99.67"))
    assert positions_view(bench.core, bench.now_ns, []).rows[0].stop_state == "ack"


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


def test_a_foreign_position_that_began_with_an_old_word_is_closed_on_the_side_the_exchange_tells() -> None:
    bench = Bench().start()
    bench.push(bench.position(AAA, "3", "100", "95"))
    bench.push(bench.execution(AAA, Side.SELL, "101", "1", closed_qty=Decimal(0)))
    bench.push(bench.position(AAA, "-1", "101", "105"))
    bench.order(FlattenAll())
    assert [order.side for order in bench.sent] == [Side.BUY]
