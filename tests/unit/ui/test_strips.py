"""Only what the terminal does not have is sent."""

from rich.color import ColorSystem

from cockpit.ui import theme
from cockpit.ui.widgets.strips import changed_cells, strip_of

LOOKS = theme.load("mono")
WIDTH = 10


class _Console:
    _color_system = ColorSystem.TRUECOLOR


def row(*words: str):
    return tuple((word, "text") for word in words)


def test_the_changed_cells_are_the_pieces_between_equal_ends() -> None:
    old, new = row("ab", "12", "cd", "9999"), row("ab", "13", "cd", "9999")
    assert changed_cells(old, new, WIDTH) == (2, 4)
    assert changed_cells(row("ab", "12", "cd", "9999"), row("ab", "12", "cd", "8888"), WIDTH) == (6, 10)
    assert changed_cells(row("1234567890"), row("0234567890"), WIDTH) == (0, 10)


def test_pieces_of_other_widths_never_lose_a_cell() -> None:
    old, new = row("aa", "b", "aa", "ccccc"), row("aa", "aa", "b", "ccccc")
    first, last = changed_cells(old, new, WIDTH)
    assert first <= 2
    assert last >= 5


def test_a_part_of_a_row_begins_with_a_step_over_what_is_there() -> None:
    old, new = row("ab", "12", "cd", "9999"), row("ab", "13", "cd", "9999")
    before = strip_of(old, WIDTH, LOOKS)
    assert before.render(_Console()) == "ab12cd9999"
    after = strip_of(new, WIDTH, LOOKS)
    assert after.follow(before, (2, 4)) == (2, 4)
    assert after.crop(0, 4).render(_Console()) == "\x1b[2C13"


def test_a_change_that_was_not_sent_is_sent_with_the_next_one() -> None:
    first = strip_of(row("a", "b", "c"), 3, LOOKS)
    first.render(_Console())
    second = strip_of(row("a", "X", "c"), 3, LOOKS)
    second.follow(first, (1, 2))
    third = strip_of(row("a", "X", "Y"), 3, LOOKS)
    assert third.follow(second, (2, 3)) == (1, 3)


def test_a_row_that_was_sent_is_sent_whole_when_it_is_asked_for_again() -> None:
    before = strip_of(row("ab", "12", "cd", "9999"), WIDTH, LOOKS)
    before.render(_Console())
    after = strip_of(row("ab", "13", "cd", "9999"), WIDTH, LOOKS)
    after.follow(before, (2, 4))
    after.crop(0, 4).render(_Console())
    assert after.crop(0, 4).render(_Console()) == "ab13"


def test_after_something_stood_over_it_a_row_is_sent_whole() -> None:
    before = strip_of(row("ab", "12", "cd", "9999"), WIDTH, LOOKS)
    before.render(_Console())
    after = strip_of(row("ab", "13", "cd", "9999"), WIDTH, LOOKS)
    after.follow(before, (2, 4))
    after.forget_sent()
    assert after.crop(0, 4).render(_Console()) == "ab13"


def test_a_strip_refers_to_nothing_that_refers_to_it() -> None:
    import gc

    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(50):
            strip = strip_of(row("ab", "12"), WIDTH, LOOKS)
            strip.divide([WIDTH])
            strip.render(_Console())
            strip.crop(0, WIDTH)
        del strip
        assert len(gc.get_objects()) - before < 50
    finally:
        gc.enable()
