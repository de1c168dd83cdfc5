"""Orders over the trade socket: entries wait for it, exits do not, and the way that was taken is told."""

from __future__ import annotations

from cockpit.domain.commands import ClosePosition
from cockpit.domain.enums import OrderPath, StreamName
from cockpit.domain.events import Outcome, StreamLost, StreamUp
from cockpit.engine.effects import OrderAnswered
from cockpit.engine.journaling import rows_of
from cockpit.engine.projection import Projection, ShellFigures
from cockpit.engine.story import Story
from cockpit.execution.flatten import FlattenState
from cockpit.ports.journal import SystemEventRow
from cockpit.views.model import HeaderView, HealthView
from tests.support.core_fixtures import AAA, Bench
from tests.support.core_scenes import bounce, long


def over_socket() -> Bench:
    return Bench(order_path=OrderPath.SOCKET)


def lose(bench: Bench) -> None:
    bench.feed(StreamLost(StreamName.TRADE, "reset", bench.now_ns))


def test_with_orders_by_rest_the_trade_socket_is_no_stream_of_this_engine() -> None:
    bench = Bench().start()
    assert bench.core.state.streams == {StreamName.PUBLIC: True, StreamName.PRIVATE: True}
    assert bench.core.state.locks == {}


def test_no_entry_before_the_trade_socket_is_up() -> None:
    bench = over_socket()
    assert bench.core.state.locks["trade stream"] == "trade stream is not up yet"
    assert bench.start().core.state.locks == {}


def test_no_entry_while_the_trade_socket_is_lost_and_one_when_it_is_back() -> None:
    bench = bounce(over_socket().start())
    lose(bench)
    assert "trade stream lost" in bench.approve()
    assert bench.sent == []
    bench.feed(StreamUp(StreamName.TRADE, bench.now_ns))
    assert bench.approve() == ""
    assert len(bench.sent) == 1


def test_losing_the_trade_socket_tells_nothing_about_the_account_so_it_is_not_read_anew() -> None:
    bench = over_socket().start()
    lose(bench)
    bench.feed(StreamUp(StreamName.TRADE, bench.now_ns))
    assert "account" not in bench.core.state.locks


def test_a_position_is_closed_while_the_trade_socket_is_lost() -> None:
    bench = long(over_socket().start())
    lose(bench)
    assert bench.order(ClosePosition(AAA, 100)) == ""
    assert bench.sent[-1].reduce_only


def test_a_lost_trade_socket_is_no_reason_to_flatten() -> None:
    bench = long(over_socket().start())
    lose(bench)
    bench.wait(120)
    assert bench.core.flatten.flatten.state is FlattenState.OFF
    assert AAA in bench.core.state.positions.open


def answered(bench: Bench, path: OrderPath, outcome: Outcome = Outcome.YES) -> tuple[OrderAnswered, str, str]:
    """What is said of the answer to the last order: the output, its row in the journal, its line in the story."""
    step = bench.answer(bench.sent[-1], outcome, path=path)
    [output] = [one for one in step.outputs if isinstance(one, OrderAnswered)]
    rows = [row.text for row in rows_of(step) if isinstance(row, SystemEventRow) and row.type == "order_answered"]
    story = Story()
    story.add(step)
    told = [line.text for line in story.lines if " over the trade socket" in line.text or "by REST" in line.text]
    return output, rows[0], told[0] if told else ""


def test_the_way_of_an_order_is_journaled_and_told() -> None:
    bench = bounce(over_socket().start())
    bench.approve()
    output, row, line = answered(bench, OrderPath.SOCKET)
    assert not output.is_detour
    assert f"{output.client_id}: yes by socket after 0 ms" in row
    assert line == f"order {output.client_id}: yes over the trade socket after 0 ms"


def test_an_unknown_outcome_names_the_way_too() -> None:
    bench = bounce(over_socket().start())
    bench.approve()
    _, row, line = answered(bench, OrderPath.SOCKET, Outcome.UNKNOWN)
    assert "unknown by socket" in row
    assert "unknown over the trade socket" in line


def test_a_close_that_took_rest_because_the_socket_was_down_says_so() -> None:
    bench = long(over_socket().start())
    lose(bench)
    bench.order(ClosePosition(AAA, 100))
    output, row, line = answered(bench, OrderPath.REST)
    assert output.is_detour
    assert "yes by rest" in row
    assert "by REST" in line
    assert "the trade socket was not ready" in line


def test_with_orders_by_rest_the_journal_names_the_way_and_the_story_stays_short() -> None:
    bench = bounce(Bench().start())
    bench.approve()
    output, row, line = answered(bench, OrderPath.REST)
    assert not output.is_detour
    assert "yes by rest" in row
    assert line == ""


def test_the_screen_is_told_how_many_streams_there_are_and_which_way_orders_go() -> None:
    for bench, wanted in ((Bench(), 2), (over_socket(), 3)):
        views = Projection(bench.start().core, ShellFigures(environment_word="SIM", source="x")).views(
            bench.now_ns, frozenset()
        )
        header = next(view for view in views if isinstance(view, HeaderView))
        health = next(view for view in views if isinstance(view, HealthView))
        assert (header.streams_up, header.streams_wanted) == (wanted, wanted)
        assert health.is_over_socket == (wanted == 3)
