"""One table: what an answer of the exchange means for the request that it answers.

Classes and members follow reliability.md section B and bybit-v5.md section 13. A code without a row is UNKNOWN: it is
read neither as a success nor as a no. What each class becomes for a changing call and for a read is decided in
``judge``; nothing else in the adapter looks at codes, except the callers that want a benign answer (``is_benign``).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto

from cockpit.domain.errors import AuthRejected, OutcomeUnknown, ServiceDown, VenueError, VenueRejected, VenueThrottled


class CodeClass(Enum):
    """Meaning of an answer, independent of the call."""

    OK = auto()
    DEFINITE_NO = auto()  # nothing happened
    ALREADY = auto()  # the state is as wanted, or the link id was used before
    GONE = auto()  # the order is finished
    AMBIGUOUS = auto()  # it may have happened
    TIME = auto()  # refused for its time stamp; nothing happened
    RATE = auto()  # too many requests; nothing happened, unless the exchange says that it is overloaded
    BAN = auto()  # this address may not call for some time
    AUTH = auto()  # the key or the account may not do this
    UNKNOWN = auto()  # no row in the table


_OK = (0,)
_DEFINITE_NO = (
    10001,  # parameter error: the text says which
    10017,  # no such route
    10029,  # symbol not allowed
    30208,  # price above the largest buy price
    30209,  # price below the smallest sell price
    30228,  # no new positions during delisting
    100028,  # not for unified accounts
    110003,  # price out of range
    110004,  # wallet balance insufficient
    110005,  # position status
    110006,  # margin does not cover the position
    110007,  # available balance insufficient
    110009,  # too many stop orders
    110011,  # would liquidate at once
    110012,
    110013,  # leverage above the risk tier
    110014,
    110017,  # reduce-only without a position, or quantity truncated to zero
    110018,
    110019,
    110020,  # too many active orders
    110021,  # open interest limit
    110022,
    110023,  # only reductions allowed
    110024,  # mode switch refused: position
    110028,  # mode switch refused: orders
    110029,
    110034,  # no position of that side
    110036,
    110038,
    110039,
    110040,
    110042,
    110044,
    110045,
    110046,
    110047,
    110048,
    110049,
    110050,
    110051,
    110052,
    110053,
    110054,
    110055,
    110056,
    110057,
    110058,
    110059,
    110060,
    110061,  # too many partial stops, or reduce-only blocked by other orders
    110063,  # settlement in progress
    110064,
    110066,  # trading not allowed now
    110074,  # contract not live
    110085,
    110086,
    110087,
    110088,
    110089,
    110090,  # position limit of the leverage
    110092,  # trigger price on the wrong side
    110093,
    110094,  # order value below the minimum
    110095,
    110096,
    110097,
    110098,
    110099,
    110100,
    110103,  # only PostOnly at this stage
    110108,  # slippage tolerance out of range
    110109,
    110118,  # no market price obtainable
    110119,
    110120,
    110121,
    3400045,  # margin mode not set
)
_ALREADY = (
    34036,  # leverage not modified (older code)
    34040,  # stop not modified
    110025,  # position mode not modified
    110026,  # margin mode not modified
    110027,  # margin not modified
    110043,  # leverage not modified
    110072,  # link id used before: the order is there
)
_GONE = (110001, 110008, 110010)
_AMBIGUOUS = (
    10000,  # server timeout
    10014,  # duplicate request
    10016,  # internal error or restart
    10019,  # this node restarts
    20003,
    20006,
    40004,  # changed while being replaced
    110079,  # order being processed
)
_TIME = (-1, 10002)
_RATE = (429, 10006, 10018, 10403, 10404, 10429)
_AUTH = (
    -2015,
    10003,
    10004,
    10005,
    10007,
    10008,
    10009,
    10010,
    10024,
    10027,
    10028,
    33004,
    110123,
    110124,
    110125,
    110132,
)

TABLE: Mapping[int, CodeClass] = {
    code: kind
    for kind, codes in (
        (CodeClass.OK, _OK),
        (CodeClass.DEFINITE_NO, _DEFINITE_NO),
        (CodeClass.ALREADY, _ALREADY),
        (CodeClass.GONE, _GONE),
        (CodeClass.AMBIGUOUS, _AMBIGUOUS),
        (CodeClass.TIME, _TIME),
        (CodeClass.RATE, _RATE),
        (CodeClass.AUTH, _AUTH),
    )
    for code in codes
}

NOTHING_TO_CLOSE = frozenset({110017, 110034})
"""Refusals of a closing order that mean: there is no position any more."""

SERVICE_DOWN = frozenset({10016, 10019, 502, 503, 504})
"""Answers (retCodes and HTTP statuses) of an exchange that restarts or is under maintenance."""

OVERLOADED = frozenset({429, 10429})
"""Answers of an overloaded trading service. reliability.md B calls them a no, bybit-v5.md 13.1 an outcome that is to be
looked up: of the two only unknown cannot lose an order that was taken after all."""

_HTTP: Mapping[int, CodeClass] = {
    400: CodeClass.DEFINITE_NO,
    401: CodeClass.AUTH,
    403: CodeClass.BAN,
    404: CodeClass.DEFINITE_NO,
    405: CodeClass.DEFINITE_NO,
    408: CodeClass.AMBIGUOUS,
    429: CodeClass.RATE,
}
"""Answers of the gateway (bybit-v5.md 2.1); every other status may hide a request that was carried out."""


def class_of(code: int) -> CodeClass:
    """Class of a retCode."""
    return TABLE.get(code, CodeClass.UNKNOWN)


def class_of_status(status: int) -> CodeClass:
    """Class of an HTTP status other than 200."""
    return _HTTP.get(status, CodeClass.AMBIGUOUS)


def judge(kind: CodeClass, code: int, reason: str, *, is_read: bool, reset_ms: int | None = None) -> VenueError:
    """The error that a call raises for an answer that is not OK.

    Args:
        kind: class of the answer.
        code: retCode, or the HTTP status if the answer had no body of its own.
        reason: the exchange's words.
        is_read: True for a call that changes nothing; what it did not tell is simply not told.
        reset_ms: when the rate limit ends, exchange time, None if unknown.
    """
    match kind:
        case CodeClass.AUTH:
            return AuthRejected(code, reason)
        case CodeClass.RATE if is_read or code not in OVERLOADED:
            return VenueThrottled(code, reason, reset_ms)
        case CodeClass.DEFINITE_NO | CodeClass.ALREADY | CodeClass.GONE | CodeClass.TIME:
            return VenueRejected(code, reason)
        case CodeClass.BAN if is_read:
            return VenueThrottled(code, reason, reset_ms)
        case _ if code in SERVICE_DOWN:
            return ServiceDown(f"{reason} (code {code})", code)
        case _:
            # AMBIGUOUS, UNKNOWN, a banned change, one that met an overload, and OK without a result.
            return OutcomeUnknown(f"{reason} (code {code})", code)
