"""A refused key, a banned address, maintenance, outcomes that stay unknown, and a private stream that loses data."""

from __future__ import annotations

import pytest

from cockpit.domain.commands import ResumeEntries
from cockpit.domain.enums import OrderStatus, Side, StreamName
from cockpit.domain.events import KeyRefused, Outcome, ReportsFailed, StreamLost, StreamUp, VenueHealth
from cockpit.domain.time import NS_PER_S
from cockpit.engine.effects import Noted, ReconnectStream, RequestReports
from cockpit.engine.locks import TradingState, trading_state
from tests.support.core_fixtures import AAA, BBB, Bench, recovery
from tests.support.core_scenes import bounce


def noted(bench: Bench, event: str) -> list[str]:
    return [output.text for output in bench.told(Noted) if output.event == event]


def banned(bench: Bench, seconds: float | None) -> VenueHealth:
    until = None if seconds is None else bench.now_ns + round(seconds * NS_PER_S)
    return VenueHealth(room_percent=100.0, room_route="x", silent_until_ns=until, ts_recv=bench.now_ns)


def in_position(bench: Bench) -> None:
    bounce(bench)
    assert bench.approve() == ""
    bench.filled(bench.sent[0])


# ---------------------------------------------------------------------------------------------------------- the state


@pytest.mark.parametrize(
    ("locks", "is_known", "state"),
    [
        (set(), True, TradingState.READY),
        ({"account", "private stream"}, False, TradingState.BOOT),
        ({"account"}, False, TradingState.RECONCILING),
        ({"account"}, True, TradingState.RECONCILING),
        ({"private stream"}, True, TradingState.LOCKED),
        ({"account", "day loss"}, True, TradingState.LOCKED),
        ({"paused"}, True, TradingState.LOCKED),
        ({"maintenance", "public stream"}, True, TradingState.MAINTENANCE),
        ({"ban", "maintenance"}, True, TradingState.HALTED),
        ({"key", "paused"}, True, TradingState.HALTED),
        ({"flatten", "key"}, True, TradingState.FLATTENING),
    ],
)
def test_reasons_add_up_to_one_state(locks: set[str], is_known: bool, state: TradingState) -> None:
    assert trading_state(locks, is_account_known=is_known) is state


def test_an_engine_goes_from_boot_over_reconciling_to_ready() -> None:
    bench = Bench()
    bench.is_reading = False
    bench.boot()
    assert bench.core.state.trading is TradingState.BOOT
    for name in StreamName:
        bench.feed(StreamUp(name, bench.now_ns))
    assert bench.core.state.trading is TradingState.RECONCILING
    bench.read()
    bench.is_reading = True
    bench.wait(1.5, market=False)
    assert bench.core.state.trading is TradingState.READY


# ----------------------------------------------------------------------------------------------------- key, F21 to F24


def test_f021_a_refused_key_halts_with_an_instruction_that_names_the_stop() -> None:
    bench = Bench().start()
    in_position(bench)
    bench.feed(KeyRefused(33004, "Your api key has expired.", bench.now_ns))
    assert bench.core.state.trading is TradingState.HALTED
    [alarm] = noted(bench, "halted")
    assert "33004" in alarm
    assert f"{AAA} has its stop" in alarm
    assert "the exchange's own app" in alarm
    bench.feed(KeyRefused(33004, "Your api key has expired.", bench.now_ns))
    assert len(noted(bench, "halted")) == 1
    bench.wait(61)
    assert len(noted(bench, "halted")) == 2


def test_a_halted_engine_probes_the_account_slowly() -> None:
    bench = Bench().start()
    bench.is_reading = False
    bench.feed(KeyRefused(10003, "invalid", bench.now_ns))
    asked = len(bench.asked(RequestReports))
    for _ in range(45):
        bench.wait(1)
        bench.feed(ReportsFailed("refused", bench.now_ns))
    assert len(bench.asked(RequestReports)) - asked <= 3


def test_a_halt_for_the_key_ends_by_the_operator_and_only_after_the_exchange_took_the_key_again() -> None:
    bench = Bench().start()
    bench.feed(KeyRefused(10010, "Unmatched IP", bench.now_ns))
    assert "has not taken it since" in bench.order(ResumeEntries())
    assert "key" in bench.core.state.locks
    bench.wait(1)
    bench.read()
    assert "key" in bench.core.state.locks
    assert bench.order(ResumeEntries()) == ""
    assert bench.core.state.trading is TradingState.READY


# ------------------------------------------------------------------------------------------------------------ ban, F17


def test_f017_a_ban_halts_is_told_once_and_ends_with_a_read_of_the_account() -> None:
    bench = Bench().start()
    for left in (600.0, 599.0, 598.0):
        bench.feed(banned(bench, left))
        bench.now_ns += NS_PER_S
    assert bench.core.state.trading is TradingState.HALTED
    assert len(noted(bench, "halted")) == 1
    assert "403" in bench.core.state.locks["ban"]
    bench.is_reading = False
    bench.feed(banned(bench, None))
    assert set(bench.core.state.locks) == {"account"}
    bench.read()
    assert bench.core.state.trading is TradingState.READY


# ---------------------------------------------------------------------------------------------------- maintenance, F86


def test_f086_an_exchange_that_says_it_is_down_is_maintenance_until_it_was_read_completely() -> None:
    bench = Bench().start()
    bench.is_reading = False
    for _ in range(3):
        assert bench.core.state.trading is not TradingState.MAINTENANCE
        bench.feed(ReportsFailed("restart (code 10016)", bench.now_ns, is_service_down=True))
    assert bench.core.state.trading is TradingState.MAINTENANCE
    asked = len(bench.asked(RequestReports))
    for _ in range(60):
        bench.wait(1)
        bench.feed(ReportsFailed("restart (code 10016)", bench.now_ns, is_service_down=True))
    assert len(bench.asked(RequestReports)) - asked <= 4
    assert len(noted(bench, "maintenance")) == 1
    bench.read()
    assert bench.core.state.trading is TradingState.READY
    assert len(noted(bench, "maintenance_over")) == 1


def test_with_a_stream_gone_two_such_answers_are_enough_and_other_failures_are_none() -> None:
    bench = Bench().start()
    bench.is_reading = False
    bench.feed(StreamLost(StreamName.PUBLIC, "closed", bench.now_ns))
    for _ in range(5):
        bench.feed(ReportsFailed("no answer in 5 s", bench.now_ns))
    assert "maintenance" not in bench.core.state.locks
    for _ in range(2):
        bench.feed(ReportsFailed("restart", bench.now_ns, is_service_down=True))
    assert "maintenance" in bench.core.state.locks


# ------------------------------------------------------------------------------------------------- unknown outcomes, P5


def test_p05_an_outcome_unknown_for_15_s_alarms_once_and_again_when_it_is_known() -> None:
    bench = bounce(Bench().start())
    assert bench.approve() == ""
    entry = bench.sent[0]
    bench.answer(entry, Outcome.UNKNOWN, reason="no answer in 3 s")
    bench.wait(14)
    assert noted(bench, "unknown_overdue") == []
    bench.wait(3)
    assert len(noted(bench, "unknown_overdue")) == 1
    assert "unknown" in bench.core.state.locks
    bench.wait(30)
    assert len(noted(bench, "unknown_overdue")) == 1
    bench.push(bench.order_report(entry, OrderStatus.CANCELLED))
    bench.wait(1)
    [told] = noted(bench, "unknown_resolved")
    assert "Cancelled" in told
    assert "unknown" not in bench.core.state.locks


# ------------------------------------------------------------------------------------------------ lost pushes, F30, F31


def test_f030_an_execution_that_only_a_read_shows_is_booked_once_told_and_the_stream_connected_anew() -> None:
    bench = Bench().start()
    bench.wait(5)
    fill = bench.execution(BBB, Side.BUY, "100", "1")
    bench.wait(2)
    bench.read()
    assert bench.core.state.positions.knows(fill.exec_id)
    assert noted(bench, "stream_lost_data") == []
    bench.wait(3)
    assert len(noted(bench, "stream_lost_data")) == 1
    assert bench.asked(ReconnectStream) == [ReconnectStream(StreamName.PRIVATE, "it lost an execution")]
    bench.wait(30)
    assert len(bench.asked(ReconnectStream)) == 1


def test_an_execution_that_the_stream_tells_within_3_s_of_the_read_is_no_loss() -> None:
    bench = Bench().start()
    bench.wait(5)
    fill = bench.execution(BBB, Side.BUY, "100", "1")
    bench.read()
    bench.wait(2)
    bench.push(fill)
    bench.wait(10)
    assert noted(bench, "stream_lost_data") == []


def test_executions_of_a_gap_are_no_loss_of_the_stream_that_came_after_it() -> None:
    bench = Bench().start()
    bench.wait(5)
    bench.feed(StreamLost(StreamName.PRIVATE, "closed", bench.now_ns))
    bench.execution(BBB, Side.BUY, "100", "1")
    bench.wait(2)
    bench.feed(StreamUp(StreamName.PRIVATE, bench.now_ns))
    bench.wait(10)
    assert noted(bench, "stream_lost_data") == []
    assert bench.asked(ReconnectStream) == []


# -------------------------------------------------------------------------------------------- evidence that goes silent


def test_gates_close_when_their_evidence_goes_silent() -> None:
    bench = bounce(Bench().start())
    bench.wait(6, reporting=False)
    assert {"request room", "disk", "loop lag", "process lock"} <= closed(bench)
    bench.report()
    assert not {"request room", "disk", "loop lag", "process lock"} & closed(bench)
    bench.wait(11, answering=False)
    assert closed(bench) == {"private stream"}
    assert "private stream 11 s (needs <= 10 s)" in bench.approve()


def closed(bench: Bench) -> set[str]:
    return {check.name for check in bench.core.signals.gates.of_account() if not check.passed}


@pytest.mark.parametrize("flag", ["instance_lock", "stop_guard_lock"])
def test_locks_of_the_operator_hold_over_a_restart_until_resumed(flag: str) -> None:
    bench = Bench(recover=recovery(settings={flag: "because"})).start()
    assert "because" in bench.core.state.locks.values()
    assert bench.core.state.trading is TradingState.LOCKED
    assert bench.order(ResumeEntries()) == ""
    assert bench.core.state.trading is TradingState.READY
    assert any(effect.name == flag and effect.value == "" for effect in bench.effects if hasattr(effect, "value"))
