import pytest

from cockpit.ui.layout import plan
from cockpit.views import texts

SIZES = [
    (80, 24),
    (100, 30),
    (120, 40),
    (160, 45),
    (200, 60),
    (230, 70),
    (120, 24),
    (300, 24),
    (60, 16),
    (79, 23),
    (40, 8),
]


@pytest.mark.parametrize("page", texts.PAGES)
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("symbols", [1, 2, 4, 40])
def test_no_two_panes_share_a_cell_and_none_leaves_the_screen(size, page, symbols) -> None:
    columns, rows = size
    taken: set[tuple[int, int]] = set()
    for slot in plan(columns, rows, page=page, symbols=symbols).slots:
        assert slot.width > 0
        assert slot.height > 0
        cells = {(x, y) for x in range(slot.x, slot.x + slot.width) for y in range(slot.y, slot.y + slot.height)}
        assert not cells & taken
        assert all(0 <= x < columns and 0 <= y < rows for x, y in cells)
        taken |= cells


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_every_cell_belongs_to_a_pane(size) -> None:
    slots = plan(*size, symbols=4).slots
    assert sum(slot.width * slot.height for slot in slots) == size[0] * size[1]


@pytest.mark.parametrize(
    ("size", "symbols", "name", "style", "ladders"),
    [
        ((80, 24), 4, "scalp", "scalp", 1),
        ((119, 60), 4, "scalp", "scalp", 1),
        ((120, 40), 4, "dom", "dom", 1),
        ((200, 60), 4, "four", "scalp", 4),
        ((200, 60), 1, "dom", "dom", 1),
        ((60, 16), 4, "small", "scalp", 0),
        ((40, 8), 4, "tiny", "scalp", 0),
        ((39, 8), 4, "placard", "scalp", 0),
    ],
)
def test_the_size_decides_what_is_shown(size, symbols, name, style, ladders) -> None:
    chosen = plan(*size, symbols=symbols)
    assert (chosen.name, chosen.ladder_style, chosen.ladders) == (name, style, ladders)


def test_signals_and_position_are_on_the_first_page_of_every_size_from_60_columns() -> None:
    for size in ((60, 16), (80, 24), (120, 40), (200, 60)):
        assert plan(*size, symbols=4).slot("signals") is not None
        assert plan(*size, symbols=4).slot("positions") is not None


@pytest.mark.parametrize("size", [(80, 24), (120, 30), (120, 40), (200, 50), (200, 60)], ids=str)
def test_every_pane_of_a_screen_with_pages_can_be_reached(size) -> None:
    pages = plan(*size, symbols=4).pages
    reached = {slot.pane for page in pages for slot in plan(*size, page=page, symbols=4).slots}
    assert reached >= {"signals", "positions", "walls", "wall_map", "orders", "tasks", "links", "tape", "flow", "log"}


def test_a_page_that_a_size_does_not_have_is_its_first() -> None:
    assert plan(120, 40, page="TAPE").slots == plan(120, 40).slots


@pytest.mark.parametrize("size", [(60, 16), (79, 24), (60, 15), (120, 12), (40, 9)], ids=str)
def test_below_80x24_a_row_says_why_there_is_no_ladder(size) -> None:
    chosen = plan(*size)
    assert chosen.slot("ladder") is None
    assert chosen.slot("too_small") is not None
    assert chosen.slot("positions") is not None


def test_one_layout_keeps_a_single_ladder() -> None:
    assert plan(200, 60, symbols=4, layout="one").ladders == 1


@pytest.mark.parametrize("size", [(0, 0), (1, 1), (5, 1)])
def test_no_terminal_is_refused(size) -> None:
    assert plan(*size).name == "placard"
