"""Which ends of an engine in the background are met by starting it anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import pytest

from cockpit.cli import restart
from cockpit.cli.run import _engine
from cockpit.domain.errors import (
    AuthRejected,
    CockpitError,
    ConfigError,
    OutcomeUnknown,
    SafetyRefusal,
    ServiceDown,
    VenueUnavailable,
)
from cockpit.engine.supervisor import EssentialTaskEnded


class _StartedAnew(Exception):
    """In place of the new process image."""


def failing(error: CockpitError) -> Callable[[], Any]:
    def plan() -> NoReturn:
        raise error

    return plan


@pytest.fixture(autouse=True)
def _no_exec(monkeypatch: pytest.MonkeyPatch) -> None:
    def started(*_arguments: Any) -> NoReturn:
        raise _StartedAnew

    monkeypatch.setattr(restart.os, "execv", started)
    monkeypatch.setattr(restart.time, "sleep", lambda _seconds: None)


@pytest.mark.parametrize(
    "error",
    [
        EssentialTaskEnded("task streams: gone"),
        VenueUnavailable("no route"),
        OutcomeUnknown("502 from the gateway"),
        ServiceDown("maintenance"),
    ],
)
def test_f086_what_may_pass_by_itself_is_met_by_starting_anew(error: CockpitError) -> None:
    with pytest.raises(_StartedAnew):
        _engine(failing(error), 5)
    with pytest.raises(type(error)):
        _engine(failing(error), 0)


@pytest.mark.parametrize(
    "error", [AuthRejected(10003, "API key is invalid"), ConfigError("no key"), SafetyRefusal("not fit")]
)
def test_what_only_the_operator_can_mend_ends_the_engine(error: CockpitError) -> None:
    with pytest.raises(type(error)):
        _engine(failing(error), 5)


def test_restarts_come_ever_slower() -> None:
    assert [restart.pause_s(left) for left in (5, 4, 3, 2, 1)] == [1, 2, 4, 8, 16]
