"""The isolation rule under keys at any times: what acts came alone, and what executes was two presses."""

from hypothesis import given, settings
from hypothesis import strategies as st

from cockpit.ui.isolation import Isolation, Verdict

QUIET = 0.08
MONEY = frozenset("adxg")
KEYS = st.sampled_from(["a", "d", "x", "g", "j", "X", "X", "[", "escape", "7"])
STORY = st.lists(st.tuples(KEYS, st.integers(0, 700)), max_size=25)


def play(story: list[tuple[str, int]]) -> tuple[list[tuple[str, float]], list[tuple[Verdict, str, float]]]:
    """(keys with times, verdicts with the time at which they came), polled every 10 ms."""
    rule = Isolation(MONEY, "X", QUIET)
    keys, verdicts, now_ms = [], [], 0
    for key, gap_ms in [*story, ("", 5_000)]:
        for tick in range(now_ms, now_ms + gap_ms, 10):
            verdicts += [(outcome.verdict, outcome.key, tick / 1000) for outcome in rule.poll(tick / 1000)]
        now_ms += gap_ms
        if key:
            keys.append((key, now_ms / 1000))
            verdicts += [(o.verdict, o.key, now_ms / 1000) for o in rule.feed(key, now_ms / 1000)]
    return keys, verdicts


@given(STORY)
@settings(max_examples=300, deadline=None)
def test_a_released_key_had_no_neighbour_within_the_quiet_time(story) -> None:
    keys, verdicts = play(story)
    for verdict, key, when in verdicts:
        if verdict is not Verdict.RELEASED:
            continue
        pressed = max(time for name, time in keys if name == key and time <= when - QUIET + 0.011)
        neighbours = [time for name, time in keys if abs(time - pressed) < QUIET - 1e-9]
        assert len(neighbours) == 1


@given(STORY)
@settings(max_examples=300, deadline=None)
def test_every_money_key_is_either_released_or_refused(story) -> None:
    keys, verdicts = play(story)
    pressed = sum(name in MONEY for name, _ in keys)
    released = sum(verdict is Verdict.RELEASED for verdict, _, _ in verdicts)
    refused = sum(verdict in {Verdict.REFUSED_LOCKED, Verdict.REFUSED_TOGETHER} for verdict, _, _ in verdicts)
    assert released <= pressed
    assert released == pressed or refused > 0


@given(STORY)
@settings(max_examples=300, deadline=None)
def test_flatten_executes_only_after_it_was_armed_within_three_seconds(story) -> None:
    keys, verdicts = play(story)
    armed_at = None
    for verdict, _, when in verdicts:
        if verdict in {Verdict.ARM_FLATTEN, Verdict.REARM_FLATTEN}:
            armed_at = when
        elif verdict is Verdict.DISARM_FLATTEN:
            armed_at = None
        elif verdict is Verdict.FIRE_FLATTEN:
            presses = [time for name, time in keys if name == "X" and time <= when]
            assert armed_at is not None
            assert len(presses) >= 2
            assert when - armed_at <= 3.3
            armed_at = None


@given(st.integers(20, 140), st.integers(3, 60))
@settings(max_examples=100, deadline=None)
def test_f109_a_held_flatten_key_never_executes(repeat_ms: int, repeats: int) -> None:
    _, verdicts = play([("X", 0), ("X", 500), *[("X", repeat_ms)] * repeats])
    assert all(verdict is not Verdict.FIRE_FLATTEN for verdict, _, _ in verdicts)
    assert any(verdict is Verdict.ARM_FLATTEN for verdict, _, _ in verdicts)
