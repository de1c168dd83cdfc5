"""What may leave after HTTP 403."""

from __future__ import annotations

from cockpit.adapters.bybit.silence import Silence
from cockpit.domain.time import NS_PER_S

BAN_NS = 600 * NS_PER_S


def at(seconds: float) -> int:
    return round(seconds * NS_PER_S)


def test_without_a_ban_everything_may_leave_as_often_as_it_likes() -> None:
    silence = Silence(BAN_NS)
    assert silence.left_ns(at(5)) == 0
    assert all(silence.may_probe("close", at(5)) for _ in range(3))


def test_a_ban_lasts_from_the_last_time_that_it_was_told() -> None:
    silence = Silence(BAN_NS)
    silence.begin(at(10))
    silence.begin(at(70))
    assert silence.left_ns(at(71)) == at(599)
    assert silence.left_ns(at(670)) == 0


def test_f017_under_a_ban_a_flatten_sends_one_call_of_a_kind_in_15_s() -> None:
    silence = Silence(BAN_NS)
    silence.begin(at(10))
    asked = [second for second in range(10, 60) if silence.may_probe("close", at(second))]
    assert asked == [10, 25, 40, 55]
    assert silence.may_probe("read", at(56))
