"""The exception tree, split by what the caller may do next.

::

    CockpitError
    ├─ ConfigError              the operator must fix something; exit code 2
    ├─ SafetyRefusal            a safety rule says no; exit code 3
    ├─ VenueError
    │  ├─ VenueRejected         a definite no: nothing happened at the exchange
    │  ├─ VenueThrottled        a definite no with a time after which to ask again
    │  ├─ VenueUnavailable      nothing was sent; asking again is allowed
    │  └─ OutcomeUnknown        something may have happened; query by link id, never resend
    │     └─ ServiceDown        ... and the exchange says that it does not serve now (restart, maintenance)
    ├─ ProtocolError
    │  ├─ LocalProtocolError    our own bug
    │  └─ RemoteProtocolError   a bad frame; drop it and resynchronise the topic
    ├─ JournalError             entries stop; protection and flatten go on
    └─ InvariantViolation       crash; the start-up path is the recovery

A refusal by a risk rule or a gate is a value or an event, never an exception.
"""

from __future__ import annotations


class CockpitError(Exception):
    """Base of every error this project raises on purpose."""


class ConfigError(CockpitError):
    """A file, key, flag or input that the operator must fix. The message names what and where."""


class SafetyRefusal(CockpitError):
    """A safety rule refuses what was asked. The message names the rule and the way out."""


class VenueError(CockpitError):
    """The exchange or the way to it."""


class VenueRejected(VenueError):
    """A definite no: the request changed nothing at the exchange.

    Attributes:
        code: Bybit's retCode.
        reason: the exchange's own words.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{reason} (retCode {code})")
        self.code = code
        self.reason = reason


class VenueThrottled(VenueRejected):
    """A definite no because of a rate limit.

    Attributes:
        reset_ms: exchange time in ms after which to ask again, None if it did not say.
    """

    def __init__(self, code: int, reason: str, reset_ms: int | None) -> None:
        super().__init__(code, reason)
        self.reset_ms = reset_ms


class AuthRejected(VenueRejected):
    """The key is wrong, expired, lacks a right or is used from a wrong address: stop trading, tell the operator."""


class VenueUnavailable(VenueError):
    """The request provably never left this machine (no connection, no name); asking again is allowed."""


class OutcomeUnknown(VenueError):
    """The request may have been carried out. Query by link id; never send it again blindly.

    Attributes:
        code: retCode (or HTTP status) of the answer that leaves it open, 0 if there was none.
    """

    def __init__(self, reason: str, code: int = 0) -> None:
        super().__init__(reason)
        self.code = code


class ServiceDown(OutcomeUnknown):
    """The exchange (or its gateway) answered that it does not serve at the moment: restart or maintenance."""


class ProtocolError(CockpitError):
    """A message breaks the protocol."""


class LocalProtocolError(ProtocolError):
    """We broke it: a bug that must fail a test."""


class RemoteProtocolError(ProtocolError):
    """The other side broke it: drop the message and resynchronise.

    Attributes:
        reason: what is wrong with the message.
        symbol: symbol whose topic is concerned, "" if the message does not tell.
    """

    def __init__(self, reason: str, symbol: str = "") -> None:
        super().__init__(f"{symbol}: {reason}" if symbol else reason)
        self.reason = reason
        self.symbol = symbol


class JournalError(CockpitError):
    """The journal cannot be written. Entries stop; protection and flatten go on without it."""


class InvariantViolation(CockpitError):
    """The engine contradicts itself. It ends at once; starting again is the recovery."""
