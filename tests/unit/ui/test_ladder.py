import msgspec
import pytest

from cockpit.ui.axis import Recentre, centred
from cockpit.ui.format import BLOCKS, fate
from cockpit.ui.store import UiState
from cockpit.ui.widgets.ladder import eaten, follow_axis, lay, own_text, wall_tag
from cockpit.views.model import BookView, OwnMark, WallMark
from tests.support.operator_bench import Bench


def book(**changes: object) -> BookView:
    values: dict[str, object] = {
        "symbol": "BTCUSDT", "tick_size": "0.10", "price_decimals": 1, "qty_decimals": 3,
        "bids": [(1_000, 1.0), (999, 2.0), (990, 5.0)], "asks": [(1_001, 1.5), (1_003, 2.5), (1_020, 4.0)],
        "spread": "0.1", "spread_bps": "0.1", "mid": "100.05", "full_bar": 5.0,
    }  # fmt: skip
    return BookView(**{**values, **changes})


def test_every_row_has_one_side_and_sums_are_kept() -> None:
    for group in (1, 2, 5, 10):
        ladder = lay(book(), centred(1_000, 1_001, 31, group), BLOCKS)
        rows = [row for row in ladder.rows if row is not None]
        assert all(not (row.bid and row.ask) for row in rows)
    rows = [row for row in lay(book(), centred(1_000, 1_001, 61, 1), BLOCKS).rows if row is not None]
    assert sum(row.bid for row in rows) == 8.0
    assert sum(row.ask for row in rows) == 8.0


def test_the_touch_is_named_by_letters() -> None:
    rows = [row for row in lay(book(), centred(1_000, 1_001, 11, 1), BLOCKS).rows if row is not None]
    assert [row.touch for row in rows if row.touch] == ["A", "B"]


@pytest.mark.parametrize("group", [1, 2, 5, 10])
@pytest.mark.parametrize("moved", [-60, -8, 0, 3, 9, 60])
def test_no_ask_stands_below_the_line_and_no_bid_above_it(group: int, moved: int) -> None:
    held = centred(1_000, 1_001, 21, group)
    shifted = [[(ticks + moved * group, size) for ticks, size in side] for side in (book().bids, book().asks)]
    rows = lay(book(bids=shifted[0], asks=shifted[1]), held, BLOCKS).rows
    line = rows.index(None)
    assert not any(row.bid for row in rows[:line])
    assert not any(row.ask for row in rows[line + 1 :])


@pytest.mark.parametrize(
    ("percent", "code", "width", "text"),
    [(81, "C", 5, "81%C"), (100, "R", 5, "100%R"), (100, "R", 4, "100R"), (0, "", 4, "0%"), (88, "P", 4, "88%P")],
)
def test_the_letter_of_a_wall_is_never_cut(percent: int, code: str, width: int, text: str) -> None:
    assert fate(percent, code, width) == text


def test_cumulative_size_grows_away_from_the_touch() -> None:
    rows = {row.number: row for row in lay(book(), centred(1_000, 1_001, 61, 1), BLOCKS).rows if row is not None}
    assert (rows[1_000].cumulative, rows[999].cumulative, rows[990].cumulative) == (1.0, 3.0, 8.0)
    assert (rows[1_001].cumulative, rows[1_003].cumulative) == (1.5, 4.0)


def test_trades_stand_on_the_row_of_the_side_they_took() -> None:
    ladder = lay(book(traded=[(1_001, 7.0, 0.0), (1_000, 0.0, 3.0)]), centred(1_000, 1_001, 11, 1), BLOCKS)
    rows = {row.number: row for row in ladder.rows if row is not None}
    assert rows[1_001].bought == 7.0
    assert rows[1_000].sold == 3.0


@pytest.mark.parametrize(("level", "tag"), [(1, "w"), (2, "W")])
def test_walls_are_tagged_by_letter_and_show_what_became_of_them(level: int, tag: str) -> None:
    wall = WallMark(1_003, is_bid=False, level=level, fate_percent=81, code="C", age_s=9, size="2.5",
                    usd="1.2M")  # fmt: skip
    rows = {row.number: row for row in lay(book(walls=[wall]), centred(1_000, 1_001, 11, 1), BLOCKS).rows if row}
    assert wall_tag(rows[1_003]) == tag
    assert eaten(rows[1_003]) == "81%C"


def test_what_lies_off_screen_is_named_at_the_edge() -> None:
    far = WallMark(1_400, is_bid=False, level=1, fate_percent=0, code="", age_s=9, size="99", usd="9M")
    stop = OwnMark(700, "stop", "SL", is_buy=False)
    ladder = lay(book(walls=[far], own=[stop]), centred(1_000, 1_001, 21, 1), BLOCKS)
    assert "A 140.0 99 9M" in ladder.above
    assert "SL 70.0" in ladder.below


def test_a_price_at_the_edge_is_told_to_the_tick_whatever_the_grouping() -> None:
    stop = OwnMark(705, "stop", "SL", is_buy=False)
    ladder = lay(book(own=[stop]), centred(1_000, 1_001, 11, 10), BLOCKS)
    assert "SL 70.5" in ladder.below


@pytest.mark.parametrize(("state", "text"), [("sent", "·5"), ("acked", ">5"), ("cancelling", "x5")])
def test_own_orders_have_three_looks(state: str, text: str) -> None:
    assert own_text((OwnMark(1, "order", "5", state),), BLOCKS)[0] == text


def test_the_axis_is_made_once_and_then_kept() -> None:
    state = follow_axis(UiState(), book(), 21, Recentre(), is_held=False, now=0.0)
    assert follow_axis(state, book(), 21, Recentre(), is_held=False, now=1.0) is state
    higher = book(bids=[(1_001, 1.0)], asks=[(1_002, 1.0)])
    assert follow_axis(state, higher, 21, Recentre(), is_held=False, now=1.0) is state


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_the_ladder_stays_put_while_something_is_armed(size) -> None:
    bench = Bench(size=size)
    bench.press("x")
    before = bench.session.state.axes["BTCUSDT"]
    far = bench.scene.book("BTCUSDT")
    bids, asks = ([(ticks + 4_000, amount) for ticks, amount in side] for side in (far.bids, far.asks))
    bench.show(msgspec.structs.replace(far, bids=bids, asks=asks))
    bench.wait(1.0)
    assert bench.session.state.axes["BTCUSDT"] == before
    bench.press("escape")
    bench.wait(0.5)
    assert bench.session.state.axes["BTCUSDT"].centre == before.centre + 4_000 // before.group


def test_full_bars_are_held_for_a_minute() -> None:
    bench = Bench()
    before = bench.session.state.bars["BTCUSDT"]
    big = bench.scene.book("BTCUSDT")
    bench.show(msgspec.structs.replace(big, bids=[(ticks, amount * 50) for ticks, amount in big.bids]))
    bench.wait(2.0)
    assert bench.session.state.bars["BTCUSDT"] is before
