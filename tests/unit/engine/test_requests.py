"""What leaves for the exchange, and what must be on disk before."""

from __future__ import annotations

from typing import Any

import pytest

from cockpit.adapters.system.clock import LiveClock
from cockpit.domain.errors import JournalError
from cockpit.domain.events import Outcome, StopAnswer
from cockpit.domain.instrument import Ticks
from cockpit.domain.orders import StopRequest
from cockpit.engine.commit_times import CommitTimes
from cockpit.engine.requests import VenueRequests

STOP = StopRequest(symbol="BTCUSDT", stop_loss=Ticks(9_967))


class Venue:
    """Takes every stop."""

    def __init__(self) -> None:
        self.taken: list[StopRequest] = []

    async def set_stop(self, request: StopRequest) -> None:
        self.taken.append(request)


async def full(_timeout_s: float) -> None:
    raise JournalError("disk full")


@pytest.mark.parametrize(("is_move", "taken"), [(True, []), (False, [STOP])])
async def test_a_stop_that_stands_is_not_moved_without_the_journal_and_a_missing_one_is_set(
    is_move: bool, taken: list[StopRequest]
) -> None:
    venue, told, clock = Venue(), [], LiveClock()
    made: Any = VenueRequests(venue, None, clock, told.append, CommitTimes(clock), full)  # type: ignore[arg-type]
    await made.set_stop(STOP, is_move=is_move)
    [answer] = told
    assert isinstance(answer, StopAnswer)
    assert venue.taken == taken
    assert (answer.outcome is Outcome.NO, answer.is_retryable) == (is_move, is_move)
