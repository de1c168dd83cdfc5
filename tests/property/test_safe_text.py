import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from cockpit.ui.safe import MAX_COMBINING, safe

ANY = st.text(alphabet=st.characters(), max_size=60) | st.binary(max_size=40).map(lambda raw: raw.decode("latin-1"))


@given(ANY)
@settings(max_examples=300, deadline=None)
def test_safe_text_holds_nothing_that_moves_a_terminal(text: str) -> None:
    clean = safe(text)
    for character in clean:
        assert unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
        assert not "\ufe00" <= character <= "\ufe0f"


@given(ANY)
@settings(max_examples=300, deadline=None)
def test_safe_twice_is_safe_once(text: str) -> None:
    assert safe(safe(text)) == safe(text)


@given(st.text(alphabet="e\u0301\u0323\u0308", max_size=40))
@settings(max_examples=100, deadline=None)
def test_no_letter_carries_more_than_two_marks(text: str) -> None:
    run = 0
    for character in safe(text):
        run = run + 1 if unicodedata.combining(character) else 0
        assert run <= MAX_COMBINING


@given(st.text(max_size=2_000), st.integers(1, 300))
@settings(max_examples=50, deadline=None)
def test_safe_text_is_never_longer_than_asked(text: str, limit: int) -> None:
    assert len(safe(text, limit)) <= limit
