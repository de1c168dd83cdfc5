import pytest

from cockpit.ui.lines import cut, fit, padded, spread, width_of
from cockpit.ui.safe import REPLACEMENT, safe


@pytest.mark.parametrize(
    "hostile",
    ["\x1b]52;c;aGk=\x07", "\x1b[2J", "\x9b31m", "\x00", "a\u202eb", "a\u2066b", "a\u200bb", "\ud800", "\x7f", "\r\n"],
)
def test_nothing_dangerous_reaches_the_terminal(hostile: str) -> None:
    text = safe(hostile)
    assert text.isprintable()
    assert REPLACEMENT in text


def test_ordinary_text_is_untouched() -> None:
    for text in ("BTCUSDT 67 428.5", "стенка 12 млн", "▁▂▃ │ ●", "[/] [link=x]"):
        assert safe(text) == text


def test_marks_on_one_letter_are_limited() -> None:
    assert len(safe("e" + "\u0323" * 40)) <= 3


def test_fit_is_exact_also_for_wide_characters() -> None:
    assert fit("abc", 5) == "abc  "
    assert fit("abc", 5, ">") == "  abc"
    assert fit("abcdef", 4) == "abc~"
    assert width_of(((fit("漢字漢字", 5), "text"),)) == 5


def test_a_cut_text_says_that_something_is_missing() -> None:
    assert cut("refused: insufficient balance", 12) == "refused: in~"


def test_spread_keeps_the_right_side_whole() -> None:
    line = spread((("a very long left side", "x"),), (("31s", "y"),), 10)
    assert width_of(line) == 10
    assert line[-1] == ("31s", "y")


def test_padded_rows_have_one_width() -> None:
    assert width_of(padded((("abc", "x"),), 7)) == 7
    assert width_of(padded((("abc", "x"), ("defgh", "y")), 5)) == 5
