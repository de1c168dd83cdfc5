"""The connection-loss watchdog, and what an engine does without an operator."""

from __future__ import annotations

from typing import Any

import pytest

from cockpit.domain.commands import ArmFlatten
from cockpit.domain.enums import OrderRole, StreamName
from cockpit.domain.events import MarketEnded, OperatorsAttached, StreamLost, StreamUp, TimerFired
from cockpit.domain.time import NS_PER_S
from cockpit.engine.config import EngineConfig
from cockpit.execution.config import ExecutionConfig
from cockpit.execution.flatten import FlattenState
from tests.support.core_fixtures import Bench
from tests.support.core_scenes import long, short

BOTH = pytest.mark.parametrize("scene", [long, short])
STREAMS = pytest.mark.parametrize("stream", [StreamName.PUBLIC, StreamName.PRIVATE])


def lose(bench: Bench, stream: StreamName = StreamName.PRIVATE) -> None:
    bench.feed(StreamLost(stream, "reset", bench.now_ns))


def restore(bench: Bench, stream: StreamName = StreamName.PRIVATE) -> None:
    bench.feed(StreamUp(stream, bench.now_ns))


def operators(bench: Bench, count: int) -> None:
    bench.feed(OperatorsAttached(count, bench.now_ns))


def state(bench: Bench) -> FlattenState:
    return bench.core.flatten.flatten.state


def closes(bench: Bench) -> list[Any]:
    return [order for order in bench.sent if order.role is OrderRole.FLATTEN]


@BOTH
@STREAMS
def test_a_stream_lost_for_longer_than_the_limit_with_a_position_open_flattens(scene, stream: StreamName) -> None:
    bench = scene(Bench().start())
    lose(bench, stream)
    bench.wait(29, market=False)
    assert closes(bench) == []
    bench.wait(3, market=False)
    assert closes(bench) != []
    assert bench.notes().count("watchdog") == 1


def test_a_stream_that_comes_back_in_time_begins_the_count_anew() -> None:
    bench = long(Bench().start())
    for _ in range(3):
        lose(bench)
        bench.wait(20, market=False)
        restore(bench)
        bench.wait(2, market=False)
    assert state(bench) is FlattenState.OFF


def test_a_lost_stream_without_a_position_changes_nothing() -> None:
    bench = Bench().start()
    lose(bench)
    bench.wait(60, market=False)
    assert state(bench) is FlattenState.OFF


def test_a_limit_of_zero_leaves_positions_to_their_stops() -> None:
    bench = long(Bench(execution=ExecutionConfig(connection_loss_flatten_s=0)).start())
    lose(bench)
    bench.wait(60, market=False)
    assert closes(bench) == []


def test_time_in_which_the_machine_slept_does_not_count() -> None:
    bench = long(Bench().start())
    lose(bench)
    bench.wait(2, market=False)
    bench.now_ns += 600 * NS_PER_S
    bench.feed(TimerFired("tick", bench.now_ns))
    assert state(bench) is FlattenState.OFF
    bench.wait(20, market=False)
    assert state(bench) is FlattenState.OFF


def test_the_end_of_a_recording_is_no_lost_connection() -> None:
    bench = long(Bench(execution=ExecutionConfig(connection_loss_flatten_s=5)).start())
    bench.feed(MarketEnded(bench.now_ns))
    lose(bench, StreamName.PUBLIC)
    bench.wait(30, market=False)
    assert closes(bench) == []


def test_an_armed_flatten_does_not_keep_the_watchdog_from_its_own() -> None:
    bench = long(Bench().start())
    assert bench.order(ArmFlatten()) == ""
    lose(bench)
    bench.wait(32, market=False)
    assert state(bench) is FlattenState.RUNNING


def absence(policy: str) -> EngineConfig:
    return EngineConfig(operator_absence=policy, operator_absence_min=0.5)


def test_absence_of_operators_is_kept_by_default() -> None:
    bench = long(Bench().start())
    bench.wait(60, market=False)
    assert "operator absence" not in bench.core.state.locks
    assert state(bench) is FlattenState.OFF


def test_entries_stop_without_an_operator_and_go_on_when_one_attaches() -> None:
    bench = Bench(engine=absence("stop_entries")).start()
    operators(bench, 1)
    bench.wait(60)
    assert "operator absence" not in bench.core.state.locks
    operators(bench, 0)
    bench.wait(29)
    assert "operator absence" not in bench.core.state.locks
    bench.wait(3)
    assert bench.core.state.locks["operator absence"] == "no operator for more than 0.5 min"
    operators(bench, 1)
    assert "operator absence" not in bench.core.state.locks


@BOTH
def test_positions_are_flattened_once_without_an_operator(scene) -> None:
    bench = scene(Bench(engine=absence("flatten")).start())
    operators(bench, 1)
    operators(bench, 0)
    while not closes(bench):
        bench.wait(0.25)
    bench.closed(closes(bench)[0], "100.00")
    bench.wait(10)
    assert state(bench) is FlattenState.FLAT
    count = len(closes(bench))
    bench.wait(60)
    assert len(closes(bench)) == count
