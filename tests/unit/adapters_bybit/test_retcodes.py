"""The table of answers, row by row, and what no row means."""

from __future__ import annotations

import pytest

from cockpit.adapters.bybit.retcodes import OVERLOADED, SERVICE_DOWN, TABLE, CodeClass, class_of, class_of_status, judge
from cockpit.domain.errors import AuthRejected, OutcomeUnknown, ServiceDown, VenueError, VenueRejected, VenueThrottled

# reliability.md section B, as written there.
ROWS = {
    CodeClass.OK: [0],
    CodeClass.DEFINITE_NO: [
        *[10001, 110003, 110004, 110006, 110007, 110012, 110009, 110017, 110020, 110023, 110042, 110034, 110061],
        *[110063, 110074, 110090, 110092, 110093, 110094, 110118, 30228],
    ],
    CodeClass.ALREADY: [110025, 110026, 110043, 34040, 110072],
    CodeClass.GONE: [110001, 110008, 110010],
    CodeClass.AMBIGUOUS: [10000, 10016, 10014, 110079, 10019, 20003, 20006],
    CodeClass.TIME: [10002],
    CodeClass.RATE: [10006, 10018, 10429, 429, 10404],
    CodeClass.AUTH: [10003, 10004, 10005, 10007, 10009, 10010, 33004, 10024, 10027],
}

CHANGE = {
    CodeClass.OK: OutcomeUnknown,
    CodeClass.DEFINITE_NO: VenueRejected,
    CodeClass.ALREADY: VenueRejected,
    CodeClass.GONE: VenueRejected,
    CodeClass.AMBIGUOUS: OutcomeUnknown,
    CodeClass.TIME: VenueRejected,
    CodeClass.RATE: VenueThrottled,
    CodeClass.BAN: OutcomeUnknown,
    CodeClass.AUTH: AuthRejected,
    CodeClass.UNKNOWN: OutcomeUnknown,
}


@pytest.mark.parametrize(("kind", "code"), [(kind, code) for kind, codes in ROWS.items() for code in codes])
def test_row_of_the_reliability_page(kind: CodeClass, code: int) -> None:
    assert class_of(code) is kind


@pytest.mark.parametrize("code", sorted(TABLE))
def test_every_row_has_one_outcome_for_a_change(code: int) -> None:
    error = judge(class_of(code), code, "words", is_read=False)
    expected = OutcomeUnknown if code in OVERLOADED else CHANGE[class_of(code)]
    assert type(error) is (ServiceDown if code in SERVICE_DOWN else expected)
    assert "words" in str(error)


@pytest.mark.parametrize("code", [10016, 10019, 502, 503, 504])
@pytest.mark.parametrize("is_read", [True, False])
def test_an_exchange_that_does_not_serve_says_so_and_the_outcome_stays_unknown(code: int, is_read: bool) -> None:
    kind = class_of(code) if code > 600 else class_of_status(code)
    error = judge(kind, code, "", is_read=is_read)
    assert isinstance(error, ServiceDown)
    assert isinstance(error, OutcomeUnknown)


@pytest.mark.parametrize("code", [-7, 1, 9999, 10011, 110002, 130035, 170131, 175007, 999999])
def test_a_code_without_a_row_is_neither_yes_nor_no(code: int) -> None:
    assert class_of(code) is CodeClass.UNKNOWN
    assert isinstance(judge(class_of(code), code, "", is_read=False), OutcomeUnknown)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, CodeClass.DEFINITE_NO),
        (401, CodeClass.AUTH),
        (403, CodeClass.BAN),
        (404, CodeClass.DEFINITE_NO),
        (408, CodeClass.AMBIGUOUS),
        (429, CodeClass.RATE),
        (500, CodeClass.AMBIGUOUS),
        (503, CodeClass.AMBIGUOUS),
        (302, CodeClass.AMBIGUOUS),
        (204, CodeClass.AMBIGUOUS),
    ],
)
def test_http_status_without_an_answer_of_bybit(status: int, kind: CodeClass) -> None:
    assert class_of_status(status) is kind


# Every code of the exchange's error page for derivatives, by what may be done after it: B the state is as wanted, or
# look it up; R later; T mend the clock; Q unknown, look it up; N never unchanged; K see to the key.
ERROR_PAGE = {
    "Q": [429, 10000, 10016, 10429, 40004],
    "N": [
        *[10001, 10014, 10017, 10029, 10404, 20006, 100028, 110003, 110004, 110045, 110005, 110006, 110007, 110009],
        *[110011, 110046, 110012, 110014, 110044, 110051, 110052, 110053, 110013, 110017, 110018, 110019, 110020],
        *[110021, 110022, 110023, 110042, 110024, 110028, 110029, 110034, 110036, 110038, 110039, 110040, 110047],
        *[110048, 110049, 110050, 110054, 110055, 110056, 110057, 110058, 110059, 110060, 110061, 110064, 110074],
        *[110085, 110086, 110087, 110088, 110089, 110090, 110092, 110093, 110094, 110095, 110096, 110097, 110098],
        *[110099, 110100, 110103, 110108, 110109, 110118, 110119, 110120, 110121, 30208, 30209, 30228, 3400045],
    ],
    "T": [-1, 10002],
    "R": [10006, 10018, 10019, 10403, 20003, 110063, 110066, 110079],
    "B": [20001, 34036, 34040, 110001, 110008, 110010, 110025, 110026, 110027, 110043, 110072],
    "K": [
        *[-2015, 10003, 10004, 10005, 10007, 10008, 10009, 10010, 10024, 10027, 10028, 33004],
        *[110123, 110124, 110125, 110132],
    ],
}
MEANT = {
    "Q": {OutcomeUnknown, ServiceDown},
    "N": {VenueRejected},
    "T": {VenueRejected},
    "R": {VenueThrottled, VenueRejected, OutcomeUnknown, ServiceDown},
    "B": {VenueRejected},
    "K": {AuthRejected},
}
SAFER = {10014: OutcomeUnknown, 20001: OutcomeUnknown, 20006: OutcomeUnknown, 10404: VenueThrottled}
"""Where the tables disagree, or a repeated frame could have been taken the first time."""


@pytest.mark.parametrize(("letter", "code"), [(letter, code) for letter, codes in ERROR_PAGE.items() for code in codes])
def test_every_code_of_the_error_page_is_judged_as_the_page_says(letter: str, code: int) -> None:
    judged = type(judge(class_of(code), code, "", is_read=False))
    assert judged in ({SAFER[code]} if code in SAFER else MEANT[letter])


def test_every_row_of_the_table_is_of_the_error_page_and_none_is_missing() -> None:
    page = {code for codes in ERROR_PAGE.values() for code in codes}
    assert set(TABLE) - page == {0}
    assert page - set(TABLE) == {20001}  # a repeated authentication, which the stream never sends


@pytest.mark.parametrize("code", sorted(OVERLOADED))
def test_f019_an_overloaded_service_may_have_taken_the_order(code: int) -> None:
    assert type(judge(class_of(code), code, "", is_read=False)) is OutcomeUnknown
    assert type(judge(class_of(code), code, "", is_read=True)) is VenueThrottled


@pytest.mark.parametrize("kind", list(CodeClass))
@pytest.mark.parametrize("is_read", [True, False])
def test_every_class_ends_in_a_venue_error(kind: CodeClass, is_read: bool) -> None:
    assert isinstance(judge(kind, 1, "", is_read=is_read), VenueError)


def test_a_banned_read_says_when_to_come_back() -> None:
    error = judge(CodeClass.BAN, 403, "", is_read=True, reset_ms=17)
    assert isinstance(error, VenueThrottled)
    assert error.reset_ms == 17


def test_only_an_explicit_no_is_a_rejection() -> None:
    rejected = {kind for kind in CodeClass if isinstance(judge(kind, 1, "", is_read=False), VenueRejected)}
    assert rejected == {
        CodeClass.DEFINITE_NO,
        CodeClass.ALREADY,
        CodeClass.GONE,
        CodeClass.TIME,
        CodeClass.RATE,
        CodeClass.AUTH,
    }
